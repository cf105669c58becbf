#!/usr/bin/env bash
# Proves the lab itself: its images refuse what they should refuse, the runbook by hand works on
# them, each variant fails as it says, and `down` leaves nothing. Prints TAP, and at the end
# "N passed, N failed".
set -uo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lab.sh"

tests=0
failures=0
out=$(mktemp)
OLD=feature_3.3.1-ce
NEW=feature_4.0.0-ce

# check WHAT COMMAND...: in this shell, since lab_up sets variables.
check() {
    local what=$1
    shift
    tests=$((tests + 1))
    if "$@" >"$out" 2>&1; then
        printf 'ok %d - %s\n' "$tests" "$what"
    else
        failures=$((failures + 1))
        printf 'not ok %d - %s\n' "$tests" "$what"
        tail -n 20 "$out" | sed 's/^/# /'
    fi
}

same() {
    [ "$1" = "$2" ] || { printf "expected '%s'\n     got '%s'\n" "$1" "$2"; return 1; }
}

d() {
    lab_docker e1 "$@"
}

logs_say() {
    d logs "$1" | tr -d '\r' | grep -F -- "$2" >/dev/null || { d logs "$1"; return 1; }
}

# refuses MESSAGE [DOCKER_RUN_ARG...]: a container of the new image, made rightly but for the
# arguments, stops with that FATAL line. `--without WORD` takes an argument out.
refuses() {
    local message=$1 node=$LAB_DIR/nodes/n1 arg drop='' rc
    local -a args=() all=(-dit --net=host
        -v "$node/config.yaml:/home/admin/conf/config.yaml" -v "$node/logs:/home/admin/logs"
        -v "$node/store:/home/ds/store" -v "$node/run:/home/ds/run" -e OMS_HOST_IP=127.0.0.11
        -e IS_UPGRADE=true --privileged --pids-limit=-1 --ulimit=nproc=65535:65535)
    shift
    if [ "${1:-}" = --without ]; then
        drop=$2
        shift 2
    fi
    for arg in "${all[@]}"; do
        case $arg in
        *"${drop:-no such word}"*)
            # -v X and -e X go as a pair.
            case ${args[*]: -1} in -v | -e) unset 'args[-1]' ;; esac
            ;;
        *) args+=("$arg") ;;
        esac
    done
    d rm -f try >/dev/null 2>&1
    d run --pull never --name try "${args[@]}" "$@" >/dev/null || return 1
    rc=$(timeout 10 docker -H "unix://$(lab_sock)" wait try) || { echo 'still runs'; d logs try; return 1; }
    logs_say try "FATAL: $message" && same 3 "$rc"
}

refuses_args() {
    refuses "$@" "$LAB_REPO:$NEW"
}

restore_all() {
    local db
    for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        lab_client mariadb "$db" -e "set foreign_key_checks = 0; drop database $(lab_sql_name "$db"); create database $(lab_sql_name "$db") character set $(cat "$LAB_DIR/dump/$db.charset")" &&
            lab_client mariadb "$db" <"$LAB_DIR/dump/$db.sql" || return 1
    done
}

# The runbook's backup, as its step 2 has it.
dump_all() {
    local db
    mkdir -p "$LAB_DIR/dump"
    for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        lab_client mysqldump --triggers=false "$db" >"$LAB_DIR/dump/$db.sql" || return 1
        [ -s "$LAB_DIR/dump/$db.sql" ] || return 1
        printf "select concat(default_character_set_name, ' collate ', default_collation_name) from information_schema.schemata where schema_name = '%s';" "$db" |
            lab_sql >"$LAB_DIR/dump/$db.charset"
    done
}

digest_all() {
    local db
    for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do lab_db_digest "$db"; done
}

# try_upgrade VARIANT: from a stopped old node to the new container with docker_init.sh done.
# Sets init_rc.
try_upgrade() {
    d rm -f oms_400 >/dev/null 2>&1
    LAB_REPO=lab/$1 lab_oms_run n1 oms_400 "$NEW" -e IS_UPGRADE=true "${@:2}" || return 1
    lab_oms_init n1 oms_400 >"$LAB_DIR/init.out" 2>"$LAB_DIR/init.err"
    init_rc=$?
}

roll_back() {
    d rm -f oms_400 >/dev/null 2>&1
    restore_all
}

state() {
    d inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' "$1"
}

never_healthy_for() {
    local end=$((SECONDS + $1))
    while [ "$SECONDS" -lt "$end" ]; do
        if lab_oms_healthy n1; then echo 'healthy'; return 1; fi
        sleep 0.2
    done
}

part_up() {
    check 'up' lab_up
    [ "$failures" = 0 ] || exit 1
    check 'up again takes the lab as it is' lab_up "$LAB_DIR"
    check 'env names the engine' grep -q "DOCKER_HOST=unix://$LAB_DIR/e1/docker.sock" <(lab_env)
    check 'the same image twice is the same bytes' same_image
    lab_events "$LAB_DIR/events"
}

same_image() {
    lab_image_tar "$OLD" ok "$LAB_DIR/1.tar" && lab_image_tar "$OLD" ok "$LAB_DIR/2.tar" &&
        cmp "$LAB_DIR/1.tar" "$LAB_DIR/2.tar" && rm "$LAB_DIR/1.tar" "$LAB_DIR/2.tar"
}

part_old() {
    check 'the old OMS becomes healthy' lab_oms_start n1 oms_331 "$OLD"
    check 'its log ends as it should' same 'OMS service start successfully' \
        "$(d logs oms_331 | tr -d '\r' | sed -n '$s/.*INFO: //p')"
    check 'its processes run' same '5' "$(d exec oms_331 supervisorctl status | grep -c ' RUNNING ')"
    check 'its heartbeat is fresh' same '1' "$(echo "select count(*) from heart_beat where task_name = 'supervisor' and host_ip = '127.0.0.11' and gmt_modified > now() - interval 3 second" | lab_sql "$LAB_HB_DB")"
    check 'it is ONLINE' same ONLINE "$(echo "select host_status from host where ip = '127.0.0.11'" | lab_sql "$LAB_CM_DB")"
    check 'it stops on TERM' same 0 "$(d stop -t 20 oms_331 >/dev/null; d inspect -f '{{.State.ExitCode}}' oms_331)"
}

part_refusals() {
    local node=$LAB_DIR/nodes/n1
    lab_image_load "$NEW" ok 2>/dev/null
    check 'refuses without IS_UPGRADE' refuses_args "IS_UPGRADE is not set" --without IS_UPGRADE
    check 'refuses IS_UPGRADE=True' refuses_args "IS_UPGRADE is 'True', not 'true'" -e IS_UPGRADE=True
    check 'refuses without OMS_HOST_IP' refuses_args "OMS_HOST_IP is not set" --without OMS_HOST_IP
    check "refuses another node's address" refuses_args "/home/admin/logs is the disk of '127.0.0.11 /home/admin/logs', not of '127.0.0.12" -e OMS_HOST_IP=127.0.0.12
    check 'refuses without config.yaml' refuses_args "no bind on /home/admin/conf/config.yaml" --without config.yaml
    check 'refuses without logs' refuses_args "no bind on /home/admin/logs" --without /logs
    check 'refuses without store' refuses_args "no bind on /home/ds/store" --without /store
    check 'refuses without run' refuses_args "no bind on /home/ds/run" --without /run
    check 'refuses a folder as config.yaml' refuses_args "/home/admin/conf/config.yaml is no file" --without config.yaml -v "$LAB_DIR/empty:/home/admin/conf/config.yaml"
    check 'refuses an empty disk' refuses_args "/home/ds/store was never used by OMS" --without /store -v "$LAB_DIR/empty:/home/ds/store"
    check 'refuses exchanged disks' refuses_args "/home/ds/store is the disk of '127.0.0.11 /home/ds/run'" --without /home/ds -v "$node/run:/home/ds/store" -v "$node/store:/home/ds/run"
    check 'refuses another nproc' refuses_args "nproc is 4096:65535, not 65535:65535" --without nproc --ulimit nproc=4096:65535
    check 'refuses without privilege' refuses_args "the container is not privileged" --without privileged
    check 'refuses capabilities alone' refuses_args "the container is not privileged" --without privileged --cap-add SYS_ADMIN --cap-add SYS_MODULE --cap-add SYS_RAWIO
    # Where the kernel's controllers belong to the other cgroup version, the engine sets no limit.
    if [ "$(lab_api e1 GET /info | jq .PidsLimit)" = true ]; then
        check 'refuses a pids limit' refuses_args "the container has a pids limit: 500" --without pids-limit --pids-limit 500
    fi
    check 'refuses without a tty' refuses_args "stdin or tty is not open" --without -dit -di
    check "refuses the old image's environment" refuses_args "OMS_RELEASE is '3.3.1'" -e OMS_RELEASE=3.3.1
    check "refuses the old image's other environment" refuses_args "OMS_LEGACY_OPTS is set" -e OMS_LEGACY_OPTS=-Xmx1g
    check "refuses the old image's command" refuses "the command is 'serve --release=3.3.1'" "$LAB_REPO:$NEW" serve --release=3.3.1
    check 'no refusal touched the MetaDB' same "$before" "$(digest_all)"
    d rm -f try >/dev/null 2>&1
}

part_runbook() {
    local dump_before
    check 'three dumps' dump_all
    check 'the new OMS starts and waits' lab_oms_run n1 oms_400 "$NEW" -e IS_UPGRADE=true --restart unless-stopped
    check 'it answers, not healthy' lab_wait 5 health eval 'lab_oms_health n1 | grep -q "\"healthy\":false"'
    check 'it is up' same 'running 0 0' "$(state oms_400)"
    check 'docker_init.sh succeeds' lab_oms_init n1 oms_400
    check 'healthy' lab_oms_wait n1 10
    check 'docker_init.sh ran once, with HA on' same '127.0.0.11 400 0 0 true' \
        "$(lab_init_runs | awk '{ print $1, $2, $5, $6, $7 }')"
    check 'the run is in the database too' same '127.0.0.11 400 0 0' \
        "$(echo 'select host_ip, version, exit_code, overlap from lab_init_runs' | lab_sql "$LAB_CM_DB" | tr '\t' ' ')"
    check 'docker_init.log is on the host' grep -q '\[3/3\] migrating' "$LAB_DIR/nodes/n1/logs/docker_init.log"
    check 'it survives a restart' restart_healthy oms_400
    d rm -f oms_400 >/dev/null
    d start oms_331 >/dev/null
    check 'the old image refuses the newer schema' lab_wait 5 refusal logs_say oms_331 \
        "FATAL: the MetaDB's schema is 400, newer than this release's 331"
    d stop oms_331 >/dev/null
    check 'restore' restore_all
    check 'restored, the digests are as before but for the triggers' same \
        "$(grep -v '^trigger' <<<"$before")" "$(digest_all)"
    d start oms_331 >/dev/null
    check 'the old OMS is healthy again' lab_oms_wait n1 10
    d stop oms_331 >/dev/null
    dump_all
}

restart_healthy() {
    d restart "$1" >/dev/null && sleep 0.5 && lab_oms_wait n1 10
}

part_variants() {
    local v
    for v in init-fails-halfway init-fails-once main-dies main-dies-later=2 never-healthy \
        slow-start=3 slow-init=3 supervisor-fatal; do
        LAB_REPO=lab/${v%%=*} lab_image_load "$NEW" "$v" 2>/dev/null
    done
    d start oms_331 >/dev/null
    lab_oms_wait n1 10
    d stop oms_331 >/dev/null

    try_upgrade init-fails-halfway
    check 'init-fails-halfway: exit code 1' same 1 "$init_rc"
    check 'init-fails-halfway: an error on stderr' grep -q '^ERROR 1060' "$LAB_DIR/init.err"
    check 'init-fails-halfway: only rm is migrated' same '400 331 331' "$(versions)"
    check 'init-fails-halfway: not healthy' never_healthy_for 2
    lab_oms_init n1 oms_400 >/dev/null 2>&1
    check 'init-fails-halfway: fails again' same 1 $?
    roll_back

    try_upgrade init-fails-once
    check 'init-fails-once: exit code 1' same 1 "$init_rc"
    check 'init-fails-once: succeeds the second time' lab_oms_init n1 oms_400
    check 'init-fails-once: healthy' lab_oms_wait n1 10
    roll_back

    try_upgrade main-dies --restart unless-stopped
    check 'main-dies: docker_init.sh succeeds' same 0 "$init_rc"
    check 'main-dies: never healthy' never_healthy_for 4
    check 'main-dies: restarted by the engine' [ "$(d inspect -f '{{.RestartCount}}' oms_400)" -gt 0 ]
    roll_back

    try_upgrade main-dies-later
    check 'main-dies-later: healthy first' lab_oms_wait n1 10
    check 'main-dies-later: then dead' lab_wait 10 death eval '[ "$(state oms_400)" = "exited 3 0" ]'
    roll_back
    # It was healthy, so the disks are marked as the new release's.
    old_again

    try_upgrade never-healthy
    check 'never-healthy: docker_init.sh succeeds' same 0 "$init_rc"
    check 'never-healthy: not healthy' never_healthy_for 3
    check 'never-healthy: but running' same 'running 0 0' "$(state oms_400)"
    roll_back

    LAB_REPO=lab/slow-start lab_oms_run n1 oms_400 "$NEW" -e IS_UPGRADE=true
    check 'slow-start: no answer at first' same '' "$(lab_oms_health n1)"
    check 'slow-start: then an answer' lab_wait 8 health eval 'lab_oms_health n1 | grep -q healthy'
    roll_back

    local t=$SECONDS
    try_upgrade slow-init
    check 'slow-init: takes its time' [ $((SECONDS - t)) -ge 3 ]
    check 'slow-init: healthy' lab_oms_wait n1 10
    roll_back
    old_again

    try_upgrade supervisor-fatal
    # Until its processes run, all of them are STARTING.
    check 'supervisor-fatal: one process is FATAL' lab_wait 10 status eval \
        'grep "^oms_console *FATAL" <(d exec oms_400 supervisorctl status)'
    roll_back
    old_again
}

versions() {
    local db
    for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        echo 'select max(version) from oms_schema_version' | lab_sql "$db"
    done | xargs
}

old_again() {
    d start oms_331 >/dev/null && lab_oms_wait n1 10 && d stop oms_331 >/dev/null
}

# init_overlap: two docker_init.sh at once are seen as two.
part_overlap() {
    local first
    LAB_REPO=lab/slow-init lab_oms_run n1 oms_400 "$NEW" -e IS_UPGRADE=true
    lab_oms_init n1 oms_400 >/dev/null 2>&1 &
    first=$!
    sleep 1
    lab_oms_init n1 oms_400 >/dev/null 2>&1
    wait "$first"
    check 'two docker_init.sh at once are recorded as such' same '0 1' "$(lab_init_runs | tail -n 2 | cut -f6 | xargs)"
    roll_back
    old_again
}

part_tls_and_nodes() {
    lab_node_tls n1
    d rm oms_331 >/dev/null
    check 'with a certificate it serves HTTPS' lab_oms_start n1 oms_331 "$OLD"
    check 'and no HTTP' same '' "$(curl -s --max-time 2 "http://127.0.0.11:$LAB_HTTP_PORT/oms/health")"
    check 'a second engine' lab_engine_start e2
    check 'node n2 on it is healthy beside n1' lab_oms_start n2 oms_331 "$OLD"
    check 'n1 still is' lab_oms_healthy n1
    check 'each engine sees its own container' same '1 1' "$(lab_docker e1 ps -q | wc -l) $(lab_docker e2 ps -q | wc -l)"
}

part_faults() {
    check 'events were written' grep -q '"Action":"start"' "$LAB_DIR/events"
    lab_general_log on
    sleep 1.5
    lab_general_log off
    check 'the general log shows heartbeats' grep -qi 'insert into .*heatbeat_sequence' <(lab_general_log dump)
    lab_db_kill
    check 'unhealthy without its MetaDB' lab_wait 15 '503' eval '! lab_oms_healthy n1'
    check 'MariaDB starts again after a kill' lab_db_start
    check 'healthy again' lab_oms_wait n1 15
    lab_engine_stop e1
    check 'the engine starts again after a stop' lab_engine_start e1
    check 'and its OMS with it' lab_oms_wait n1 20
    # After a crash, dockerd 20.10 stops what lived on and takes that for the user's wish: with
    # `unless-stopped` the container stays down.
    lab_engine_kill e1
    check 'the engine starts again after a kill' lab_engine_start e1
    d start oms_331 >/dev/null
    check 'and its OMS can be started' lab_oms_wait n1 20
}

# What is left of the lab, anywhere. Zombies do not count: PID 1 may be lazy.
left_of() {
    local dir=$1 id=$2 proc
    for proc in /proc/[0-9]*; do
        if [ "${proc#/proc/}" = "$$" ] || ! lab_pid_lives "${proc#/proc/}"; then continue; fi
        if tr '\0' ' ' <"$proc/cmdline" 2>/dev/null | grep -qF "$dir/" ||
            grep -qF "$id" "$proc/cgroup" 2>/dev/null; then
            printf 'process %s: %s\n' "${proc#/proc/}" "$(tr '\0' ' ' <"$proc/cmdline")"
        fi
    done
    grep -F "$dir" /proc/self/mountinfo
    ls -d "$dir" 2>/dev/null
    find /sys/fs/cgroup -maxdepth 2 -name "$id*" 2>/dev/null
    grep -F "$dir/" /proc/net/unix
}

shim_sockets() {
    find /run/containerd/s -type s 2>/dev/null | wc -l
}

other_folders() {
    ls -d /etc/docker/key.json /opt/containerd /run/docker /run/containerd 2>/dev/null
}

part_down() {
    local dir=$LAB_DIR id=$LAB_ID
    # The worst case: everything that could end the rest in good order is gone.
    lab_engine_kill e1
    lab_db_kill
    check 'down, with one engine killed and MariaDB killed' lab_down "$dir"
    check 'nothing is left' same '' "$(left_of "$dir" "$id")"
    check 'down again is nothing to do' lab_down "$dir"
    if [ "$alone" = 1 ] && ! other_labs; then
        check 'no shim sockets are left' same "$sockets" "$(shim_sockets)"
        check 'no other folders are left' same "$folders" "$(other_folders)"
    fi
}

# With another lab on this machine, what is outside the folders cannot be told apart.
other_labs() {
    find "$LAB_PORTS" -type l ! -xtype l ! -lname "${LAB_DIR:-none}" 2>/dev/null | grep -q .
}
alone=1
if other_labs; then alone=0; fi
sockets=$(shim_sockets)
folders=$(other_folders)
trap 'lab_down >/dev/null 2>&1; rm -f "$out"' EXIT
trap 'exit 130' INT TERM

LAB_QUIET=1
part_up
part_old
before=$(digest_all)
part_refusals
part_runbook
part_variants
part_overlap
part_tls_and_nodes
part_faults
part_down
printf '1..%d\n' "$tests"
printf '%d passed, %d failed\n' $((tests - failures)) "$failures"
[ "$failures" = 0 ]
