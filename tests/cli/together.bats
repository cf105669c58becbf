#!/usr/bin/env bats
# While an upgrade is under way: who else comes waits or is told who works; a first signal, a second
# one, and the end of the docker CLI.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
    site reset
    WAITING=(upgrade oms_331 --tag "$NEW" --image lab/never-healthy --load "$CLI_DIR/never-healthy.tar" "${AT[@]}")
}

teardown() {
    if [ -n "${pid:-}" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
    if [ -n "${listener:-}" ]; then kill "$listener" 2>/dev/null || true; fi
}

teardown_file() {
    site reset
}

has_record() {
    grep -qs "$1" "$STATE"/runs/*/journal.jsonl
}

# begin PROGRAM ARGUMENT…: in the background, until it waits for OMS to become healthy. Sets pid and run.
begin() {
    "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    until_true 60 has_record '"type":"intent".*"step":"wait_healthy"'
    run=$(basename "$STATE"/runs/*)
}

# Sets status and stderr.
end() {
    status=0
    wait "$pid" || status=$?
    pid=
    stderr=$(cat "$BATS_TEST_TMPDIR/err")
}

@test "who holds the lock is named; --lock-wait waits for the end" {
    begin "$PROGRAM" "${WAITING[@]}" --health-timeout 10m
    local holder
    holder=$(cat "$STATE"/locks/*.lock)
    has "$holder" "run $run, process $pid on $(hostname) since 20"
    run -0 --separate-stderr omslaunch status "${AT[@]}"
    has "$output" $'\n'"run $run on 'oms_331': unfinished, 3.3.1-CE → 4.0.0-CE"$'\n'"in work: $holder"$'\n'"next: wait: it is being worked on"
    run -0 --separate-stderr omslaunch status -o json "${AT[@]}"
    same "$holder" "$(jq -r .holder <<<"$output")"
    for command in "${WAITING[*]}" "resume ${AT[*]}" "rollback ${AT[*]}" "rollback --lock-wait 1s ${AT[*]}" \
        "prune ${AT[*]}" "prune --containers --lock-wait 1s ${AT[*]}"; do
        # shellcheck disable=SC2086
        says 75 "another run works on 'oms_331': $holder" \
            "wait for it to end (--lock-wait 10m does), or see 'omslaunch status'" $command
    done
    # It only looks.
    run -0 --separate-stderr omslaunch prune --containers --dry-run "${AT[@]}"
    same '' "$output"
    same "nothing to do: nothing may be deleted
  of each deployment the newest backups stay, as many as --keep says (3), and the newest verified one
  run $run is not over, and needs what it kept ('omslaunch status $run')
  a container stays as long as the backup of its run: together they are the way back" "$stderr"
    kill -TERM "$pid"
    run -0 --separate-stderr omslaunch rollback --lock-wait 5m "${AT[@]}"
    same "nothing to do: run $run on 'oms_331' has ended: rolled-back" "$stderr"
    end
    same 10 "$status" "$stderr"
    run -0 --separate-stderr omslaunch status "${AT[@]}"
    has "$output" $'\n'"run $run on 'oms_331': rolled-back, 3.3.1-CE → 4.0.0-CE"$'\n'"next: nothing"
    has_not "$output" 'in work'
    run -0 --separate-stderr omslaunch prune --containers "${AT[@]}"
    same '' "$output"
    same 'nothing to do: nothing may be deleted
  of each deployment the newest backups stay, as many as --keep says (3), and the newest verified one
  a container stays as long as the backup of its run: together they are the way back' "$stderr"
}

@test "a second SIGINT stops the way back at once: exit code 13; resume ends it" {
    begin "$PROGRAM" "${WAITING[@]}" --health-timeout 10m
    kill -INT "$pid"
    until_true 60 has_record '"type":"intent".*"step":"back_stop_new"'
    kill -INT "$pid"
    end
    same 13 "$status" "$stderr"
    has "$stderr" $'\n'"omslaunch: error: asked to stop "
    has "$stderr" $'\n'"Next: 'omslaunch resume $run' goes on, 'omslaunch rollback $run' goes back."
    same 'end held' "$(jq -r '.type + " " + (.result // "")' "$STATE/runs/$run/journal.jsonl" | tail -n 1)"
    run -10 --separate-stderr omslaunch resume "${AT[@]}"
    has "$stderr" $'\n'"'oms_331' is back on the old version, and healthy."
    same true "$(lab lab_oms_health n1 | jq .data.healthy)"
}

@test "as a plugin: the end of the docker CLI counts as SIGTERM" {
    ln -s "$PROGRAM" "$BATS_TEST_TMPDIR/docker-omslaunch"
    mkfifo "$BATS_TEST_TMPDIR/open"
    socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/cli" "PIPE:$BATS_TEST_TMPDIR/open" 3>&- &
    listener=$!
    until_true 10 test -S "$BATS_TEST_TMPDIR/cli"
    begin env "DOCKER_CLI_PLUGIN_SOCKET=$BATS_TEST_TMPDIR/cli" "$BATS_TEST_TMPDIR/docker-omslaunch" \
        omslaunch "${WAITING[@]}" --health-timeout 10m
    kill "$listener"
    end
    same 10 "$status" "$stderr"
    has "$stderr" $'\n'"omslaunch: error: asked to stop while waiting for OMS"
    has "$stderr" $'\n'"'oms_331': failed and rolled back"$'\n'
    same true "$(lab lab_oms_health n1 | jq .data.healthy)"
}
