#!/usr/bin/env bats
# Bad input: each case ends with its exit code, names the thing, says what to do, and leaves engine,
# MetaDB, config.yaml and state folder as they were.
bats_require_minimum_version 1.7.0
load common

CONFIG=$NODE/config.yaml
CONFIG_NAME="config.yaml of container 'oms_331' (/home/admin/conf/config.yaml)"
CONFIG_HINT="give it in config.yaml on the host; it is a flat list of 'key: value' lines, as in the file that OMS was installed with"
SOCKET_HINT="give the engine's own socket, usually unix:///var/run/docker.sock"

setup_file() {
    remember
    site digest >"$BATS_FILE_TMPDIR/digest"
    lab lab_events "$BATS_FILE_TMPDIR/events"
    lab lab_general_log clear
    lab lab_general_log on
    # It takes ten seconds, so it begins first and is looked at last.
    site daemon socat "UNIX-LISTEN:$CLI_DIR/silent.sock,fork" 'EXEC:sleep 60'
    until_true 5 [ -S "$CLI_DIR/silent.sock" ]
    (
        rc=0
        omslaunch upgrade oms_331 --tag "$NEW" --host "unix://$CLI_DIR/silent.sock" -q \
            --state-dir "$BATS_FILE_TMPDIR/silent.state" >"$BATS_FILE_TMPDIR/silent.out" 2>&1 || rc=$?
        echo "$rc" >"$BATS_FILE_TMPDIR/silent.rc"
    ) 3>&- &
}

setup() {
    setup_common
    PORT=$(sed -n 's/^oms_meta_port: "\(.*\)"/\1/p' "$CLI_DIR/config.yaml")
    DB="127.0.0.1:$PORT"
}

teardown() {
    if [ -e "$CONFIG.away" ]; then
        [ ! -d "$CONFIG" ] || rmdir "$CONFIG"
        mv "$CONFIG.away" "$CONFIG"
    fi
    # In place: a bind mount of one file follows the file, not its name.
    cmp -s "$CLI_DIR/config.yaml" "$CONFIG" || cat "$CLI_DIR/config.yaml" >"$CONFIG"
    ! mountpoint -q "$BATS_TEST_TMPDIR/small" || umount "$BATS_TEST_TMPDIR/small"
}

# refuses CODE MESSAGE HINT OPTION…: by every command that looks at the deployment.
refuses() {
    local code=$1 message=$2 hint=$3
    shift 3
    refused "$code" "$message" "$hint" upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}" "$@"
}

# config SED_SCRIPT
config() {
    sed "$1" "$CLI_DIR/config.yaml" >"$CONFIG"
}

# after_config: `unchanged` compares the file as well.
after_config() {
    cat "$CLI_DIR/config.yaml" >"$CONFIG"
    unchanged
}

# config_refused CODE MESSAGE HINT: for all three that read the whole deployment.
config_refused() {
    local command
    says "$@" upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    for command in plan check; do
        says "$@" "$command" oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    done
    no_run
    after_config
}

# ---- the container ----

@test "an unknown container: 1, and those that could be meant" {
    refused 1 "there is no container 'oms_332' on engine '$HOST'" "did you mean 'oms_331'? OMS containers here: oms_331 (running)" \
        upgrade oms_332 -q --tag "$NEW" "${AT[@]}"
    for command in plan check; do
        refused 1 "there is no container 'oms_332' on engine '$HOST'" "did you mean 'oms_331'? OMS containers here: oms_331 (running)" \
            "$command" oms_332 --tag "$NEW" "${AT[@]}"
    done
    refused 1 "there is no container 'oms_332' on engine '$HOST'" "did you mean 'oms_331'? OMS containers here: oms_331 (running)" \
        inspect oms_332 "${AT[@]}"
}

@test "part of a container's name is no container" {
    refused 1 "there is no container 'oms_33' on engine '$HOST'" "did you mean 'oms_331'? OMS containers here: oms_331 (running)" \
        upgrade oms_33 -q --tag "$NEW" "${AT[@]}"
}

@test "a container's ID is not its name: 64" {
    local id
    id=$(engine inspect -f '{{.Id}}' oms_331)
    refused 64 "'$id' is not the name of the container, but it is 'oms_331'" "say 'oms_331'" \
        upgrade "$id" -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
}

@test "a container name that no engine could have: 64" {
    for name in ../oms_331 'oms 331' 'oms_331?force=1' 'a%2fb' '' .; do
        says 64 "container '$name': '$name' is no container name: expected letters, digits, '_', '.' and '-', beginning with a letter or digit" \
            "'docker ps --all' lists the names" upgrade "$name" -q --tag "$NEW" "${AT[@]}"
    done
    unchanged
    no_run
}

@test "a container that is no OMS: 78" {
    engine create --name other "$REPO:$OLD" >/dev/null
    says 78 "container 'other' is not an OMS container: it has none of the OMS binds" \
        'looked for mounts at /home/admin/conf/config.yaml, /home/admin/logs, /home/ds/store and /home/ds/run; `docker inspect other` shows what it has' \
        upgrade other -q --tag "$NEW" "${AT[@]}"
    engine rm other >/dev/null
    unchanged
    no_run
}

@test "a stopped OMS: 65" {
    local ids
    ids=$(engine ps -aq --no-trunc)
    engine create --name oms_off -v "$CONFIG:/home/admin/conf/config.yaml" -v "$NODE/logs:/home/admin/logs" \
        -v "$NODE/store:/home/ds/store" -v "$NODE/run:/home/ds/run" --net host --privileged \
        --pids-limit -1 --ulimit nproc=65535:65535 -it "$REPO:$OLD" >/dev/null
    run -65 --separate-stderr omslaunch upgrade oms_off -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" $'\n'"  container.running: 'oms_off' is created"$'\n'
    engine rm oms_off >/dev/null
    same "$ids" "$(engine ps -aq --no-trunc)"
    unchanged
    no_run
}

# ---- the image ----

@test "a tag that is no OMS tag: 65" {
    for tag in latest feature_4 4.0.0.1-ce feature_x.y.z v4.0.0; do
        refused 65 "2 rules refuse this upgrade:
  image.tag: '$tag' is no tag of an OMS image, so that nothing is known about its version and the way to it
  image.present: image '$REPO:$tag' is not on the engine" \
            'use the tag under which the image was delivered, feature_X.Y.Z, feature_X.Y.Z-ce or feature_X.Y.Z_ce' \
            upgrade oms_331 -q --tag "$tag" "${AT[@]}"
    done
}

@test "an image that is not there, and no --load: 65" {
    refused 65 "1 rule refuses this upgrade:
  image.present: image '$REPO:$NEW' is not on the engine" \
        'give the delivered archive: --load FILE; `docker images` lists what is there' \
        upgrade oms_331 -q --tag "$NEW" "${AT[@]}"
}

@test "a version that no upgrade leads to: 65" {
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag feature_4.2.9-ce --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" $'\n'"  version.path: "
    has "$stderr" 'HINT: '
    unchanged
    no_run
}

@test "an older version: 65" {
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag feature_3.3.0-ce --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" $'\n'"  version.path: "
    unchanged
    no_run
}

# archive_refused MESSAGE HINT FILE: before there is a run; `check` says it, too.
archive_refused() {
    refused 65 "1 rule refuses this upgrade:
  image.present: $1" "$2" upgrade oms_331 -q --tag "$NEW" --load "$3" "${AT[@]}"
    run -65 --separate-stderr omslaunch check oms_331 -q --tag "$NEW" --load "$3" -o json "${AT[@]}"
    same "$1|$2" "$(jq -r '.findings[] | select(.rule == "image.present") | .text + "|" + .hint' <<<"$output")"
    no_run
}

@test "a truncated image archive: 65" {
    # The cut is in base.tar; behind it another member must begin.
    needed=$(tar -tvRf "$CLI_DIR/new.tar" | awk '/ oms.tar$/ { print ($2 + 1) * 512 }')
    archive_refused "the image archive '$CLI_DIR/cut.tar' is cut short: it has 5000000 bytes and needs at least $needed" \
        'copy or download the file again and compare its size and checksum with the original' "$CLI_DIR/cut.tar"
}

@test "an empty image archive: 65" {
    : >"$BATS_TEST_TMPDIR/empty.tar"
    archive_refused "the image archive '$BATS_TEST_TMPDIR/empty.tar' is empty" \
        'copy or download the file again and compare its size and checksum with the original' "$BATS_TEST_TMPDIR/empty.tar"
}

@test "an image archive that is none: 65" {
    head -c 100000 "$CLI_DIR/bin/omslaunch" >"$BATS_TEST_TMPDIR/program"
    archive_refused "'$BATS_TEST_TMPDIR/program' is no image archive: neither a tar nor a compressed file" \
        "give the path of a file made by 'docker save'" "$BATS_TEST_TMPDIR/program"
}

@test "a folder, a device in the place of an image archive: 65" {
    for path in "$BATS_TEST_TMPDIR" /dev/zero; do
        archive_refused "the image archive '$path' is no regular file" \
            "give the path of a file made by 'docker save'" "$path"
    done
}

@test "a tar archive without an image: 65" {
    tar -C "$CLI_DIR" -cf "$BATS_TEST_TMPDIR/other.tar" config.yaml
    archive_refused "'$BATS_TEST_TMPDIR/other.tar' is a tar archive, but holds no image (no manifest.json)" \
        "it must come from 'docker save', not from 'docker export'" "$BATS_TEST_TMPDIR/other.tar"
}

# What is compressed is not looked into: the engine says it.
@test "a compressed archive that is cut short: 1" {
    gzip -1c "$CLI_DIR/new.tar" | head -c 3000000 >"$BATS_TEST_TMPDIR/cut.tar.gz"
    run -1 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$BATS_TEST_TMPDIR/cut.tar.gz" "${AT[@]}"
    has "$stderr" "'$BATS_TEST_TMPDIR/cut.tar.gz'"
    has "$stderr" 'HINT: '
    has "$stderr" "'oms_331': failed; nothing was changed
  old container: 'oms_331', running
  new container: was not created
  backup of the MetaDB: none was needed yet
  journal and logs: $(echo "$STATE"/runs/*)"
    unchanged
    # The next upgrade may begin.
    run -1 omslaunch upgrade oms_331 -q --tag "$NEW" --load "$BATS_TEST_TMPDIR/cut.tar.gz" "${AT[@]}"
    run -0 omslaunch runs -o json "${AT[@]}"
    same '["unchanged","load_image","unchanged","load_image"]' "$(jq -c '[.runs[] | .result, .last_step]' <<<"$output")"
    unchanged
}

@test "the tag of the archive under another repository: the command is said" {
    mkdir "$BATS_TEST_TMPDIR/other"
    jq -n --arg ref "other/oms-ce:$NEW" '[{Config: "c.json", RepoTags: [$ref], Layers: []}]' \
        >"$BATS_TEST_TMPDIR/other/manifest.json"
    tar -C "$BATS_TEST_TMPDIR/other" -cf "$BATS_TEST_TMPDIR/other.tar" manifest.json
    archive_refused "the archive '$BATS_TEST_TMPDIR/other.tar' holds 'other/oms-ce:$NEW', not '$REPO:$NEW'" \
        "'other/oms-ce:$NEW' is in it: \`omslaunch upgrade oms_331 --tag $NEW --image other/oms-ce --load $BATS_TEST_TMPDIR/other.tar\`" \
        "$BATS_TEST_TMPDIR/other.tar"
}

@test "--image with a tag of its own: one of them counts, two contradict" {
    refused 65 "1 rule refuses this upgrade:
  image.present: image 'other/oms:$NEW' is not on the engine" \
        'give the delivered archive: --load FILE; `docker images` lists what is there' \
        upgrade oms_331 -q --image "other/oms:$NEW" "${AT[@]}"
    refused 64 "--image 'other/oms:feature_4.1.0-ce' has the tag 'feature_4.1.0-ce', and --tag is '$NEW'" \
        'give the tag once' upgrade oms_331 -q --tag "$NEW" --image other/oms:feature_4.1.0-ce "${AT[@]}"
    refused 64 "--image 'other/oms@sha256:aa' names a digest, expected REPOSITORY or REPOSITORY:TAG" \
        'OMS images are found by their tag, which tells their version' \
        upgrade oms_331 -q --tag "$NEW" --image other/oms@sha256:aa "${AT[@]}"
}

# ---- config.yaml ----

@test "config.yaml: gone from the host: 78" {
    mv "$CONFIG" "$CONFIG.away"
    run -78 omslaunch inspect oms_331 "${AT[@]}"
    run -78 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    text=$stderr
    ls "$CONFIG" >"$BATS_TEST_TMPDIR/ls" 2>&1 || true
    mv "$CONFIG.away" "$CONFIG"
    same "omslaunch: error: config.yaml of container 'oms_331' ('$CONFIG' on the host) is missing, expected a file
HINT: put the file back where the container binds it from" "$text"
    # The engine makes a folder of a missing bind source when it is asked for a file of the container.
    has "$(cat "$BATS_TEST_TMPDIR/ls")" 'No such file or directory'
    unchanged
    no_run
}

@test "config.yaml: a folder: 78" {
    mv "$CONFIG" "$CONFIG.away"
    mkdir "$CONFIG"
    says 78 "config.yaml of container 'oms_331' ('$CONFIG' on the host) is a folder, expected a file" \
        'put the file back where the container binds it from' \
        upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    rmdir "$CONFIG"
    mv "$CONFIG.away" "$CONFIG"
    unchanged
    no_run
}

@test "config.yaml: empty: 78" {
    : >"$CONFIG"
    config_refused 78 "$CONFIG_NAME is empty" 'put back the config.yaml that this OMS was installed with'
}

@test "config.yaml: far too large: 78" {
    head -c 3000000 /dev/zero | tr '\0' '#' >"$CONFIG"
    config_refused 78 "$CONFIG_NAME has 3000000 bytes, expected at most 1048576" \
        'is the right file bound to /home/admin/conf/config.yaml?'
}

@test "config.yaml: bytes that are no text: 78" {
    head -c 5000 "$CLI_DIR/bin/omslaunch" >"$CONFIG"
    run -78 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "omslaunch: error: $CONFIG_NAME"
    has "$stderr" 'HINT: '
    after_config
    no_run
}

@test "config.yaml: broken YAML: 78" {
    config 's/^oms_meta_host: .*/oms_meta_host: {127.0.0.1/'
    config_refused 78 "$CONFIG_NAME:7: did not find expected ',' or '}', while parsing a flow mapping" \
        'correct the YAML near that line; quote values with special characters'
}

@test "config.yaml: a tab: 78" {
    config 's/^oms_meta_host: /\t&/'
    config_refused 78 "$CONFIG_NAME:6: a tab is used as indentation" 'indent line 6 with spaces'
}

@test "config.yaml: a key twice with two values: 78" {
    config 's/^oms_meta_host: .*/oms_meta_host: 127.0.0.99\n&/'
    config_refused 78 "$CONFIG_NAME:7: key 'oms_meta_host' is given twice, with another value on line 6" \
        'OMS takes the last one; remove the other on the host'
}

@test "config.yaml: a key twice with one value, and twice one that nobody reads: said, and the last counts" {
    config 's/^oms_meta_host: .*/&\n&\nnobody_reads: a\nnobody_reads: b/'
    run -0 --separate-stderr omslaunch check oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$output" "key 'oms_meta_host' is given twice, on lines 6 and 7: the last counts"
    has "$output" "key 'nobody_reads' is given twice, on lines 8 and 9: the last counts"
    after_config
    no_state
}

@test "config.yaml: no mapping: 78" {
    printf -- '- a\n- b\n' >"$CONFIG"
    run -78 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "omslaunch: error: $CONFIG_NAME"
    has "$stderr" 'HINT: '
    after_config
    no_run
}

@test "config.yaml: each key that must be there: 78" {
    while IFS='|' read -r key expected; do
        config "/^$key:/d"
        says 78 "$CONFIG_NAME: key '$key' is absent, expected $expected" "$CONFIG_HINT" \
            upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    done <<'KEYS'
oms_meta_host|the address of the MetaDB
oms_meta_port|the port of the MetaDB
oms_meta_user|the user of the MetaDB
oms_meta_password|the password of the MetaDB's user
drc_rm_db|the name of a database
drc_cm_db|the name of a database
drc_cm_heartbeat_db|the name of a database
KEYS
    after_config
    no_run
}

@test "config.yaml: a port that is no number: 78" {
    for port in x1 0 65536 -1 33.6 ' '; do
        config "s/^oms_meta_port: .*/oms_meta_port: \"$port\"/"
        says 78 "$CONFIG_NAME: key 'oms_meta_port' is '$port', expected a number from 1 to 65535" "$CONFIG_HINT" \
            upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    done
    config 's/^nginx_server_port: .*/nginx_server_port: http/'
    config_refused 78 "$CONFIG_NAME: key 'nginx_server_port' is 'http', expected a number from 1 to 65535" "$CONFIG_HINT"
}

@test "config.yaml: no error shows the password" {
    config 's/^oms_meta_port: .*/oms_meta_port: [/'
    run -78 omslaunch upgrade oms_331 --log-level debug --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has_not "$output" "$(cat "$CLI_DIR/token")"
    config 's/^oms_meta_password: \(.*\)/oms_meta_password: [\1]/'
    run -78 omslaunch upgrade oms_331 --log-level debug --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has_not "$output" "$(cat "$CLI_DIR/token")"
    config "s/^oms_meta_password: '\(.*\)'/oms_meta_password: '\1/"
    run -78 omslaunch upgrade oms_331 --log-level debug --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has_not "$output" "$(cat "$CLI_DIR/token")"
    after_config
}

# ---- the MetaDB ----

@test "MetaDB: wrong password: 77" {
    config 's/^oms_meta_password: .*/oms_meta_password: "not it"/'
    says 77 "the MetaDB at '$DB' refused user 'oms@sys#cluster' and the password: Access denied for user 'oms@sys#cluster'@'127.0.0.1' (using password: YES) (error 1045)" \
        'compare oms_meta_user and oms_meta_password in config.yaml with what the database expects, and whether the user may come from this host' \
        upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    after_config
    no_run
}

@test "MetaDB: a port where nobody listens: 69" {
    config 's/^oms_meta_port: .*/oms_meta_port: 1/'
    says 69 "the MetaDB at '127.0.0.1:1' cannot be reached: Can't connect to server on '127.0.0.1' (115) (error 2002)" \
        'see that the database server is up, and that oms_meta_host and oms_meta_port in config.yaml lead to it from this host' \
        upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    after_config
    no_run
}

@test "MetaDB: a host that has no address: 69" {
    config 's/^oms_meta_host: .*/oms_meta_host: no.such.host.invalid/'
    run -69 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "omslaunch: error: the MetaDB at 'no.such.host.invalid:$PORT' cannot be reached: Unknown server host 'no.such.host.invalid'"
    has "$stderr" $'\n'"HINT: see that the database server is up, "
    after_config
    no_run
}

@test "MetaDB: something that is no database: 69" {
    local port
    port=$(lab lab_free_port)
    printf 'SSH-2.0-OpenSSH_9.2\r\n' >"$CLI_DIR/no_db.answer"
    site daemon socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" "EXEC:cat $CLI_DIR/no_db.answer"
    config "s/^oms_meta_port: .*/oms_meta_port: $port/"
    until_true 5 grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp
    run -69 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "omslaunch: error: the MetaDB at '127.0.0.1:$port'"
    has "$stderr" $'\n'"HINT: see "
    after_config
    no_run
}

@test "MetaDB: a database that does not exist: 65" {
    config 's/^drc_rm_db: .*/drc_rm_db: rm_999/'
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" $'\n'"  metadb.databases: database 'rm_999' (rm) does not exist"$'\n'
    has "$stderr" $'\n''HINT: compare drc_rm_db, drc_cm_db and drc_cm_heartbeat_db of config.yaml with `show databases`; their names must not change in an upgrade'
    config 's/^drc_cm_db: .*/drc_cm_db: cm_999/'
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" $'\n'"  metadb.databases: database 'cm_999' (cm) does not exist"$'\n'
    config 's/^drc_cm_heartbeat_db: .*/drc_cm_heartbeat_db: hb_999/'
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "metadb.databases: database 'hb_999' (heartbeat) does not exist"$'\n'
    after_config
    no_run
}

@test "MetaDB: one database under two roles: 65" {
    config 's/^drc_cm_db: .*/drc_cm_db: rm_331/'
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    has "$stderr" "  config.databases: 'drc_rm_db' and 'drc_cm_db' are both 'rm_331'"
    after_config
    no_run
}

# ---- the engine ----

@test "engine: no socket: 69" {
    refused 69 "cannot reach the Docker Engine at 'unix:///no/such.sock': no such file" \
        "is the engine running ('systemctl status docker')? --host names another endpoint" \
        upgrade oms_331 -q --tag "$NEW" --state-dir "$STATE" --host unix:///no/such.sock
}

@test "engine: the same by DOCKER_HOST" {
    export DOCKER_HOST=unix:///no/such.sock
    refused 69 "cannot reach the Docker Engine at 'unix:///no/such.sock': no such file" \
        "is the engine running ('systemctl status docker')? --host names another endpoint" \
        upgrade oms_331 -q --tag "$NEW" --state-dir "$STATE"
}

@test "engine: no permission on its socket: 77" {
    local folder=$CLI_DIR/nobody
    mkdir -m 700 "$folder"
    chown 65534 "$folder"
    run -77 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$PROGRAM" upgrade oms_331 -q --tag "$NEW" --host "$HOST" --state-dir "$folder"
    same "omslaunch: error: cannot reach the Docker Engine at '$HOST': permission denied
HINT: run as root, or as a member of the group that owns the socket (usually 'docker')" "$stderr"
    no_run "$folder"
    unchanged
}

@test "engine: no socket but a file: 69" {
    refused 69 "cannot reach the Docker Engine at 'unix:///etc/passwd': this is no socket" \
        "give the path of the engine's socket, usually unix:///var/run/docker.sock" \
        upgrade oms_331 -q --tag "$NEW" --state-dir "$STATE" --host unix:///etc/passwd
}

@test "engine: a socket that nobody listens on any more: 69" {
    perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($ARGV[0])) or die' \
        "$BATS_TEST_TMPDIR/dead.sock"
    refused 69 "cannot reach the Docker Engine at 'unix://$BATS_TEST_TMPDIR/dead.sock': nobody listens on this socket" \
        "the engine is not running; start it with 'systemctl start docker'" \
        upgrade oms_331 -q --tag "$NEW" --state-dir "$STATE" --host "unix://$BATS_TEST_TMPDIR/dead.sock"
}

# serve NAME: a server on CLI_DIR/NAME.sock that answers each connection with stdin's text.
serve() {
    local socket=$CLI_DIR/$1.sock
    cat >"$CLI_DIR/$1.answer"
    printf '#!/bin/sh\nread line\ncat %s\n' "$CLI_DIR/$1.answer" >"$CLI_DIR/$1.sh"
    chmod 700 "$CLI_DIR/$1.sh"
    site daemon socat "UNIX-LISTEN:$socket,fork" "EXEC:$CLI_DIR/$1.sh"
    until_true 5 [ -S "$socket" ]
}

# served NAME CODE MESSAGE HINT
served() {
    local socket=$CLI_DIR/$1.sock
    shift
    refused "$@" upgrade oms_331 -q --tag "$NEW" --state-dir "$STATE" --host "unix://$socket"
}

@test "engine: an HTTP server that answers HTML: 69" {
    printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><body><h1>It works!</h1></body></html>\n' | serve html
    served html 69 "what answers at 'unix://$CLI_DIR/html.sock' is no Docker Engine: /_ping gave status 200, text/html and no API version: It works!" "$SOCKET_HINT"
}

@test "engine: an HTTP server that knows no /_ping: 69" {
    printf 'HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<title>404</title><p>nothing here</p>' | serve 404
    served 404 69 "what answers at 'unix://$CLI_DIR/404.sock' is no Docker Engine: /_ping gave status 404, text/html and no API version: 404 nothing here" "$SOCKET_HINT"
}

@test "engine: a server that speaks another protocol: 69" {
    printf 'SSH-2.0-OpenSSH_9.2\r\n' | serve ssh
    served ssh 69 "what answers at 'unix://$CLI_DIR/ssh.sock' is no Docker Engine: it does not speak HTTP" "$SOCKET_HINT"
}

@test "engine: a server that hangs up: 69" {
    : | serve nothing
    served nothing 69 "the Docker Engine at 'unix://$CLI_DIR/nothing.sock' closed the connection without an answer" \
        "did the engine stop? Look at 'journalctl -u docker'"
}

@test "engine: far too old: 69" {
    printf 'HTTP/1.1 200 OK\r\nApi-Version: 1.18\r\nContent-Length: 2\r\n\r\nOK' | serve old
    served old 69 "the Docker Engine at 'unix://$CLI_DIR/old.sock' is too old: it speaks API versions up to 1.18; this program speaks 1.24 to 1.52" \
        'upgrade the engine to 1.12 or newer'
}

# ---- the state folder ----

@test "state folder: a file in the way: 73" {
    : >"$BATS_TEST_TMPDIR/file"
    for folder in "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/file/below"; do
        says 73 "cannot create folder '$BATS_TEST_TMPDIR/file': Not a directory" \
            'check the path: a part of it is no folder' \
            upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" --state-dir "$folder"
    done
    same '' "$(cat "$BATS_TEST_TMPDIR/file")"
    unchanged
}

@test "state folder: a read-only file system: 73" {
    mkdir "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o ro,size=1m none "$BATS_TEST_TMPDIR/small"
    run -73 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" \
        --state-dir "$BATS_TEST_TMPDIR/small/state" --accept 'space.state=a test'
    same "omslaunch: error: cannot create folder '$BATS_TEST_TMPDIR/small/state': Read-only file system
HINT: the file system is mounted read-only: choose another place" "$stderr"
    unchanged
}

# small SIZE: a file system of its own.
small() {
    mkdir -p "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o "size=$1" none "$BATS_TEST_TMPDIR/small"
}

@test "state folder: too small for the backup: 65" {
    small 1m
    run -65 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" \
        --state-dir "$BATS_TEST_TMPDIR/small"
    has "$stderr" $'\n'"  space.state: "
    has "$stderr" $'\n''HINT: '
    no_run "$BATS_TEST_TMPDIR/small"
    unchanged
}

@test "state folder: full: 73" {
    small 16k
    head -c 20000 /dev/zero >"$BATS_TEST_TMPDIR/small/full" 2>/dev/null || true
    run -73 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" \
        --state-dir "$BATS_TEST_TMPDIR/small"
    same "omslaunch: error: cannot write the lock '$(echo "$BATS_TEST_TMPDIR"/small/locks/oms_331-*.lock)': No space left on device
HINT: free some space there, or name another folder with --state-dir" "$stderr"
    no_run "$BATS_TEST_TMPDIR/small"
    unchanged
}

@test "state folder: full at any point of the beginning: 73, and no half run" {
    gzip -1c "$CLI_DIR/new.tar" | head -c 3000000 >"$BATS_TEST_TMPDIR/cut.tar.gz"
    for kib in 4 8 20 24 28 32 36 40 160 308 352; do
        small "${kib}k"
        run --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$BATS_TEST_TMPDIR/cut.tar.gz" --host "$HOST" \
            --state-dir "$BATS_TEST_TMPDIR/small" --accept 'space.state=a test'
        echo "$kib KiB: exit code $status: $stderr" >&2
        if [ "$status" = 73 ]; then
            has "$stderr" "No space left on device"
            has "$stderr" $'\n''HINT: '
            no_run "$BATS_TEST_TMPDIR/small"
        else
            same 1 "$status"
        fi
        umount "$BATS_TEST_TMPDIR/small"
    done
    same 1 "$status" 'it never fits'
    unchanged
}

@test "state folder: of somebody else: 73" {
    mkdir -m 777 "$BATS_TEST_TMPDIR/theirs"
    chown 65534 "$BATS_TEST_TMPDIR/theirs"
    run -73 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" \
        --state-dir "$BATS_TEST_TMPDIR/theirs"
    same "omslaunch: error: the state folder '$BATS_TEST_TMPDIR/theirs' belongs to user id 65534, not to 0 or root
HINT: somebody else could exchange what is in it: choose another folder with --state-dir" "$stderr"
    same '' "$(ls "$BATS_TEST_TMPDIR/theirs")"
    unchanged
}

@test "a version table that is not there, or is none: 78" {
    says 78 "the table of OMS versions: cannot open '/no/such.yaml': No such file or directory" \
        'check the path: some part of it does not exist' \
        upgrade oms_331 -q --tag "$NEW" "${AT[@]}" --version-table /no/such.yaml
    printf 'versions: [1\n' >"$BATS_TEST_TMPDIR/table.yaml"
    run -78 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" "${AT[@]}" --version-table "$BATS_TEST_TMPDIR/table.yaml"
    has "$stderr" "$BATS_TEST_TMPDIR/table.yaml"
    has "$stderr" $'\n''HINT: '
    unchanged
    no_run
}

@test "runs that do not exist: 1" {
    says 1 "there is no run in '$STATE'" "'omslaunch runs' lists them" status "${AT[@]}"
    says 1 "there is no run 20200101-000000-0000 in '$STATE'" "'omslaunch runs' lists them" \
        status 20200101-000000-0000 "${AT[@]}"
    no_state
    unchanged
}

# ---- the whole file ----

@test "engine: a server that never answers: 69, after 10 s" {
    until_true 15 [ -e "$BATS_FILE_TMPDIR/silent.rc" ]
    same "69 omslaunch: error: the Docker Engine at 'unix://$CLI_DIR/silent.sock' did not answer within 10.0 s
HINT: the engine may hang; look at its log with 'journalctl -u docker'" \
        "$(cat "$BATS_FILE_TMPDIR/silent.rc") $(cat "$BATS_FILE_TMPDIR/silent.out")"
    no_run "$BATS_FILE_TMPDIR/silent.state"
}

@test "after all of this: the databases are the same, no client sent a changing statement" {
    lab lab_general_log off
    has "$(lab lab_general_log dump | head -c 10000000 | grep -ac schema_name)" ''
    [ "$(lab lab_general_log dump | grep -ac 'information_schema.schemata')" -gt 10 ]
    same '' "$(changing_statements)"
    site digest | diff "$BATS_FILE_TMPDIR/digest" -
    lab lab_events_stop
    # Two containers were made by these tests, and removed.
    same 'container create container destroy container create container destroy' "$(changing_events "$BATS_FILE_TMPDIR/events" | xargs)"
}
