#!/usr/bin/env bats
# What a crash gives away: no core file, and nobody else may look into the process.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
    cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
    cmp -s "$CLI_DIR/config.yaml" "$NODE/config.yaml" || cat "$CLI_DIR/config.yaml" >"$NODE/config.yaml"
}

# dies_with SIGNAL PID: kills, and says "core" if the kernel wrote one. The process must be a child.
segv_of_child() {
    perl -e '
        my $pid = fork();
        if ($pid == 0) { open(STDIN, "<", "/dev/null"); exec(@ARGV) or exit(127); }
        select(undef, undef, undef, 1.0);
        kill("SEGV", $pid);
        waitpid($pid, 0);
        printf("signal %d, core %d\n", $? & 127, ($? & 128) ? 1 : 0);' "$@"
}

@test "a crash of a program writes a core file here" {
    ulimit -c unlimited
    same 'signal 11, core 1' "$(segv_of_child sleep 10)"
    rm -f core core.*
}

# A MetaDB that takes the connection and says nothing: the MetaDB program, with the password, waits.
silent_metadb() {
    local port
    port=$(lab lab_free_port)
    site daemon socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" 'EXEC:sleep 20'
    until_true 5 grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp
    sed "s/^oms_meta_port: .*/oms_meta_port: $port/" "$CLI_DIR/config.yaml" >"$NODE/config.yaml"
}

@test "a crash of omslaunch writes none" {
    silent_metadb
    ulimit -c unlimited
    same 'signal 11, core 0' "$(segv_of_child "$PROGRAM" plan oms_331 --tag "$NEW" "${AT[@]}")"
    same '' "$(find . -name 'core*')"
}

@test "a crash of the MetaDB program writes none, and is an error with a hint" {
    silent_metadb
    ulimit -c unlimited
    "$PROGRAM" plan oms_331 --tag "$NEW" "${AT[@]}" >out 2>err 3>&- &
    pid=$!
    until_true 5 pgrep -P "$pid" -f omslaunch-metadb
    sleep 0.5
    kill -SEGV "$(pgrep -P "$pid" -f omslaunch-metadb)"
    status=0
    wait "$pid" || status=$?
    [ "$status" != 0 ]
    has "$(cat err)" 'omslaunch-metadb facts'
    has "$(cat err)" 'HINT: '
    same '' "$(find . -name 'core*')"
}

@test "a process that runs as somebody else cannot be looked into by its own user" {
    mkdir -m 700 "$CLI_DIR/nobody.state"
    chown 65534 "$CLI_DIR/nobody.state"
    site daemon socat "UNIX-LISTEN:$CLI_DIR/mute.sock,fork,mode=666" 'EXEC:sleep 20'
    until_true 5 [ -S "$CLI_DIR/mute.sock" ]
    setpriv --reuid 65534 --regid 65534 --clear-groups "$PROGRAM" inspect oms_331 \
        --host "unix://$CLI_DIR/mute.sock" --state-dir "$CLI_DIR/nobody.state" >out 2>err 3>&- &
    pid=$!
    until_true 5 grep -qs omslaunch "/proc/$pid/comm"
    sleep 0.3
    # The kernel gives the files of a process that must not be dumped to root.
    owner=$(stat -c %u "/proc/$pid/environ")
    kill "$pid"
    wait "$pid" || true
    same 0 "$owner"
}
