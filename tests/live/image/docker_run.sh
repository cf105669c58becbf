#!/bin/bash
# The stand-in's main process. What a release needs of its container it checks here, so that a
# container made wrongly does not run: the real one would run and break later.
. /root/oms_lib.sh

HEALTH=$OMS_STATE/health.http
SERVER=

say() {
    printf '%s INFO: %s\n' "$(date '+%F %T')" "$*"
}

# set_health HTTP_STATUS true|false: the whole response, replaced in one rename.
set_health() {
    local body="{\"success\":true,\"code\":null,\"data\":{\"healthy\":$2,\"release\":\"$release\"}}"
    printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
        "$1" "${#body}" "$body" >"$HEALTH.new"
    mv "$HEALTH.new" "$HEALTH"
}

stop() {
    say "stopping"
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null
    exit 0
}

# `sleep` and the client run beside the shell: a trap waits for a foreground child, and the MetaDB
# may hold the client for as long as a dump holds its locks.
pause() {
    sleep "$1" &
    wait $!
}

check_arguments() {
    [ "$*" = "serve --release=$release" ] ||
        oms_fatal "the command is '$*', this image's is 'serve --release=$release': an old image's command was kept"
    [ "${OMS_RELEASE:-}" = "$release" ] ||
        oms_fatal "OMS_RELEASE is '${OMS_RELEASE:-}', this image's is '$release': an old image's environment was kept"
    [ -z "${OMS_LEGACY_OPTS+set}" ] || [ "$version" -lt 400 ] ||
        oms_fatal "OMS_LEGACY_OPTS is set: an old image's environment was kept"
}

is_mounted() {
    awk -v p="$1" '$5 == p { found = 1 } END { exit !found }' /proc/self/mountinfo
}

check_mounts() {
    local path
    is_mounted "$OMS_CONF" || oms_fatal "no bind on $OMS_CONF"
    [ -f "$OMS_CONF" ] || oms_fatal "$OMS_CONF is no file"
    for path in "$OMS_LOGS" /home/ds/store /home/ds/run; do
        is_mounted "$path" || oms_fatal "no bind on $path"
    done
    [ -n "${OMS_HOST_IP:-}" ] || oms_fatal "OMS_HOST_IP is not set"
}

# One mark on each disk: "VERSION ADDRESS PATH". An upgrade onto disks that were never this node's,
# or onto the right disks in the wrong place, stops here.
check_disks() {
    local path mark
    upgrade_from=
    for path in "$OMS_LOGS" /home/ds/store /home/ds/run; do
        mark=$(cat "$path/.oms_node" 2>/dev/null)
        if [ -z "$mark" ]; then
            [ -z "$upgrade_from" ] || oms_fatal "$path was never used by OMS, the other disks were"
            continue
        fi
        [ "${mark#* }" = "$OMS_HOST_IP $path" ] ||
            oms_fatal "$path is the disk of '${mark#* }', not of '$OMS_HOST_IP $path'"
        upgrade_from=${mark%% *}
    done
    [ -n "$upgrade_from" ] || [ "${IS_UPGRADE:-}" != true ] ||
        oms_fatal "IS_UPGRADE=true, but OMS never used these disks on $OMS_HOST_IP"
}

mark_disks() {
    local path
    for path in "$OMS_LOGS" /home/ds/store /home/ds/run; do
        printf '%s %s %s\n' "$version" "$OMS_HOST_IP" "$path" >"$path/.oms_node"
    done
}

# Privileged means: no seccomp, writable /proc/sys, and capabilities that no default has.
# CAP_SYS_RESOURCE is not asked for: the lab takes it away where the machine lacks it.
check_privilege() {
    local caps
    caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    if ! (((16#$caps >> 21) & (16#$caps >> 16) & (16#$caps >> 17) & 1)) ||
        ! grep -q '^Seccomp:[[:space:]]*0$' /proc/self/status ||
        awk '$5 == "/proc/sys" && $6 ~ "^ro" { ro = 1 } END { exit !ro }' /proc/self/mountinfo; then
        oms_fatal "the container is not privileged"
    fi
}

check_limits() {
    local file
    [ "$(ulimit -S -u):$(ulimit -H -u)" = 65535:65535 ] ||
        oms_fatal "nproc is $(ulimit -S -u):$(ulimit -H -u), not 65535:65535"
    for file in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max \
        "/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' /proc/self/cgroup)/pids.max" \
        "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/pids.max"; do
        [ -r "$file" ] || continue
        [ "$(cat "$file")" = max ] || oms_fatal "the container has a pids limit: $(cat "$file")"
        break
    done
    # With a tty, stdin is the tty whether or not it was asked to stay open.
    if [ ! -t 0 ] || [ ! -t 1 ]; then oms_fatal "stdin or tty is not open (-dit)"; fi
}

check_upgrade() {
    if [ -n "${IS_UPGRADE+set}" ] && [ "$IS_UPGRADE" != true ]; then
        oms_fatal "IS_UPGRADE is '$IS_UPGRADE', not 'true'"
    fi
    if [ -n "$upgrade_from" ] && [ "$upgrade_from" -lt "$version" ]; then
        [ "${IS_UPGRADE:-}" = true ] || oms_fatal "IS_UPGRADE is not set, and the disks are of $upgrade_from"
    fi
}

# The MetaDB may come up after us. Sets schema to the highest version of the three databases.
check_schema() {
    local tries=0 found v
    until found=$(oms_schema_versions 2>"$OMS_STATE/sql.err"); do
        tries=$((tries + 1))
        [ "$tries" -lt 10 ] || oms_fatal "MetaDB: $(grep -m1 ERROR "$OMS_STATE/sql.err")"
        pause 1
    done
    schema=0
    schema_low=999999
    for v in $found; do
        [ "$v" != NULL ] || oms_fatal "MetaDB: a schema version is missing"
        [ "$v" -le "$schema" ] || schema=$v
        [ "$v" -ge "$schema_low" ] || schema_low=$v
    done
    [ "$schema" -le "$version" ] ||
        oms_fatal "the MetaDB's schema is $schema, newer than this release's $version"
}

start_server() {
    local crt=/etc/pki/nginx/oms_server.crt key=/etc/pki/nginx/oms_server.key
    local where="$OMS_PORT,bind=$OMS_HOST_IP,reuseaddr,fork"
    if [ -e "$crt" ] || [ -e "$key" ]; then
        if [ ! -s "$crt" ] || [ ! -s "$key" ]; then oms_fatal "$crt or $key is missing"; fi
        socat "OPENSSL-LISTEN:$where,cert=$crt,key=$key,verify=0" EXEC:/root/health.sh \
            2>"$OMS_STATE/nginx.err" &
    else
        socat "TCP-LISTEN:$where" EXEC:/root/health.sh 2>"$OMS_STATE/nginx.err" &
    fi
    SERVER=$!
    pause 0.2
    kill -0 "$SERVER" 2>/dev/null || oms_fatal "nginx: $(cat "$OMS_STATE/nginx.err")"
}

# Initialised: the schema is this release's in all three databases, and docker_init.sh succeeded
# with this very config.yaml: here, or on a node that shares it.
is_initialised() {
    local found
    check_schema_quiet || return 1
    [ "$schema_low" = "$version" ] || return 1
    [ -n "$upgrade_from" ] && [ "$upgrade_from" -lt "$version" ] || return 0
    found=$(oms_sql <<SQL
select count(*) from \`$OMS_CM\`.lab_init_runs
 where exit_code = 0 and version = $version and config_sum = '$OMS_CONF_SUM';
SQL
    ) || return 1
    [ "$found" -gt 0 ]
}

check_schema_quiet() {
    local v found
    found=$(oms_schema_versions 2>/dev/null) || return 1
    schema_low=999999
    for v in $found; do
        [ "$v" != NULL ] || return 1
        [ "$v" -ge "$schema_low" ] || schema_low=$v
    done
}

beat() {
    oms_sql 2>"$OMS_STATE/sql.err" <<SQL &
insert into \`$OMS_HB\`.heatbeat_sequence (gmt_created, gmt_modified) values (now(), now());
insert into \`$OMS_HB\`.heart_beat (task_type, task_name, host_ip, gmt_created, gmt_modified)
 values ('HOST', 'supervisor', '$OMS_HOST_IP', now(), now())
 on duplicate key update gmt_modified = now();
update \`$OMS_CM\`.host set host_status = '$1' where ip = '$OMS_HOST_IP' and host_status <> '$1';
SQL
    wait $!
}

main() {
    local uptime=0 misses=0
    trap stop TERM INT QUIT HUP
    rm -rf "$OMS_STATE"
    mkdir -p "$OMS_STATE"
    date +%s >"$OMS_STATE/started"
    say "OMS $release ($variant) starts on ${OMS_HOST_IP:-?}"
    check_arguments "$@"
    check_mounts
    check_disks
    if [ "$version" -ge 400 ]; then
        check_privilege
        check_limits
        check_upgrade
    fi
    oms_load_conf
    check_schema
    case $variant in slow-start) pause "${seconds:-8}" ;; esac
    set_health '503 Service Unavailable' false
    start_server
    : >"$OMS_STATE/running"
    if ! is_initialised; then
        if [ -z "$upgrade_from" ] || [ "${IS_UPGRADE:-}" != true ]; then
            oms_fatal "the MetaDB's schema is $schema_low, this release's is $version, and this is no upgrade"
        fi
        say "waiting for /root/docker_init.sh"
        until is_initialised; do pause 0.3; done
    fi
    case $variant in
    main-dies)
        pause "${seconds:-1}"
        oms_fatal "oms_console: java.lang.OutOfMemoryError: Java heap space"
        ;;
    never-healthy)
        set_health '200 OK' false
        say "oms_console does not answer"
        while :; do
            beat UNAVAILABLE
            pause 1
        done
        ;;
    esac
    mark_disks
    upgrade_from=$version
    until beat ONLINE; do pause 1; done
    set_health '200 OK' true
    say "OMS service start successfully"
    while :; do
        pause 1
        uptime=$((uptime + 1))
        if [ "$variant" = main-dies-later ] && [ "$uptime" -ge "${seconds:-5}" ]; then
            oms_fatal "oms_drc_cm: segmentation fault"
        fi
        if beat ONLINE; then
            [ "$misses" = 0 ] || set_health '200 OK' true
            misses=0
        else
            misses=$((misses + 1))
            [ "$misses" != 3 ] || set_health '503 Service Unavailable' false
        fi
    done
}

main "$@"
