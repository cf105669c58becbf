# shellcheck shell=bash
# One world of the fault tests: a live lab with OMS 3.3.1, put back before each case, and what a
# case may do to it. Sourced by `run`, which sets FAULT_DIR (shared: images, programs) and W (the
# folder of this world), and by hand for a look at one case.

OLD_TAG=feature_3.3.1-ce
NEW_TAG=feature_4.0.0-ce
NAME=oms_331
# What a live OMS writes by itself; and ha.config, which is judged apart.
VOLATILE=(cm_hb_331.heart_beat cm_hb_331.heatbeat_sequence rm_331.oms_audit cm_331.lab_init_runs)
# The steps of an upgrade that nothing disturbs, in their order. Its journal: a beginning, an intent and an
# outcome of each, and an end.
UPGRADE_STEPS=(load_image create_new trim_heartbeats prepare_backup ha_off stop_old backup_metadb swap_names
    start_new init_metadata wait_healthy keep_running ha_on)
UPGRADE_RECORDS=$((2 * ${#UPGRADE_STEPS[@]} + 2))
VARIANTS='init-fails-halfway main-dies main-dies-later never-healthy slow-init=6'

. "$FAULT_SRC/../live/lab.sh"
export LAB_QUIET=1 LAB_SEQ_ROWS=50 LAB_PROJECTS=20
# As long as it takes on a busy machine: who waits for a state goes on when it is there.
export LAB_ENGINE_TIMEOUT=120 LAB_DB_TIMEOUT=120
PATIENCE=120

# intent STEP, outcome STEP: which record of that journal it is.
intent() {
    local i
    for i in "${!UPGRADE_STEPS[@]}"; do
        if [ "${UPGRADE_STEPS[i]}" = "$1" ]; then echo $((2 * i + 2)); fi
    done
}

outcome() {
    echo $(($(intent "$1") + 1))
}

# ---- making it --------------------------------------------------------------------------------

# images: one archive of each, for all worlds.
world_images() {
    local variant
    mkdir -p "$FAULT_DIR/images"
    lab_image_tar "$OLD_TAG" ok "$FAULT_DIR/images/old.tar"
    lab_image_tar "$NEW_TAG" ok "$FAULT_DIR/images/ok.tar"
    for variant in $VARIANTS; do
        LAB_REPO=lab/${variant%%=*} lab_image_tar "$NEW_TAG" "$variant" \
            "$FAULT_DIR/images/${variant%%=*}.tar"
    done
    : >"$FAULT_DIR/images/done"
}

# world_adopt: what is needed to work in a world that is up.
world_adopt() {
    lab_use "$W/lab"
    SOCKET=$(lab_sock)
    HOST=unix://$SOCKET
    STATE=$W/state
}

world_up() {
    local image
    lab_up "$W/lab"
    world_adopt
    if [ "$FAULT_WORLD" = 1 ]; then world_images; fi
    lab_wait 300 'the images' test -e "$FAULT_DIR/images/done"
    for image in "$FAULT_DIR"/images/*.tar; do
        lab_docker e1 load --quiet -i "$image" >/dev/null
    done
    mkdir -p "$W/bin"
    cp "$OMSLAUNCH_BUILD/omslaunch" "$OMSLAUNCH_BUILD/omslaunch-metadb" \
        "$OMSLAUNCH_BUILD"/{version_paths,rule_defaults}.yaml "$W/bin/"
    lab_oms_start n1 "$NAME" "$OLD_TAG"
    dump_databases >"$W/pristine.sql"
    world_reset
    snapshot old >"$W/golden.old"
    # An upgrade that nothing disturbs says how the new world looks.
    upgrade
    [ "$RC" = 0 ] || return 1
    snapshot new >"$W/golden.new"
    # The cases are points of this journal.
    diff <(printf '%s\n' "${UPGRADE_STEPS[@]}") <(jq -r 'select(.type == "outcome").step' "$(journal)")
    [ "$(wc -l <"$(journal)")" = "$UPGRADE_RECORDS" ]
}

dump_databases() {
    mysqldump --no-defaults --socket="$LAB_DB_SOCK" --user=root --skip-dump-date --single-transaction \
        --hex-blob --triggers --skip-extended-insert --order-by-primary "$@" \
        --databases "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"
}

site_databases() {
    lab_sql <<<'show databases' | grep -vE '^(information_schema|performance_schema|mysql|sys)$'
}

remove_containers() {
    local -a ids
    mapfile -t ids < <(lab_docker e1 ps -aq --no-trunc)
    [ "${#ids[@]}" -eq 0 ] || lab_docker e1 rm -f "${ids[@]}" >/dev/null
}

# Nothing of a case goes on.
world_tidy() {
    proxy_stop
    metadb_whole
    if [ -e "$W/hooks.folder" ]; then
        rm -rf --one-file-system "$(cat "$W/hooks.folder")"
        rm -f "$W/hooks.folder"
    fi
}

# metadb_fault COMMAND FAULT VARIABLE=VALUE…: that call of omslaunch-metadb meets a fault. Its environment is
# made by omslaunch, so a script stands in its place and sets it. The sandbox starts no other program than
# the one that it was made for: without it, for once.
metadb_fault() {
    local command=$1
    shift
    cat >"$W/bin/metadb.script" <<SET
#!/bin/sh
if [ "\$1" = $command ]; then
    export ASAN_OPTIONS='$ASAN_OPTIONS' LD_PRELOAD='$OMSLAUNCH_BUILD/tests/fault/killer.so' OMSL_FAULT_COUNT='$W/count' $*
fi
exec '$OMSLAUNCH_BUILD/omslaunch-metadb' "\$@"
SET
    chmod 755 "$W/bin/metadb.script"
    mv "$W/bin/metadb.script" "$W/bin/omslaunch-metadb"
    export OMSLAUNCH_METADB_SANDBOX=none
}

metadb_whole() {
    cp "$OMSLAUNCH_BUILD/omslaunch-metadb" "$W/bin/metadb.new"
    mv "$W/bin/metadb.new" "$W/bin/omslaunch-metadb"
    unset OMSLAUNCH_METADB_SANDBOX
}

# Everything as it was at first.
world_reset() {
    local node
    node=$(lab_node_dir n1)
    world_tidy
    lab_engine_start e1
    lab_db_start
    remove_containers
    { site_databases | sed 's/.*/drop database `&`;/' && cat "$W/pristine.sql"; } | lab_sql
    rm -rf "$STATE" "$W/state2" "$node"/{logs,store,run}
    mkdir -p "$node"/{logs,store,run}
    CASE_BEGAN=$(date +%s.%N)
    lab_oms_start n1 "$NAME" "$OLD_TAG"
    OLD_ID=$(lab_docker e1 inspect -f '{{.Id}}' "$NAME")
}

# ---- the product ------------------------------------------------------------------------------

# Sets RC; its words go to $W/said, and to the case's log. OM_ENV: faults, as variables.
OM_ENV=()
om() {
    RC=0
    printf '$ omslaunch %s %s\n' "$*" "${OM_ENV[*]}"
    if [ "${#OM_ENV[@]}" -gt 0 ]; then
        env LD_PRELOAD="$OMSLAUNCH_BUILD/tests/fault/killer.so" "${OM_ENV[@]}" \
            timeout -k 5 600 "$W/bin/omslaunch" "$@" --state-dir "$STATE" >"$W/said" 2>&1 </dev/null || RC=$?
    else
        timeout -k 5 600 "$W/bin/omslaunch" "$@" --state-dir "$STATE" >"$W/said" 2>&1 </dev/null || RC=$?
    fi
    cat "$W/said"
    printf -- '-> %d\n' "$RC"
}

# `timeout` execs the program in a child: the fault must hit omslaunch and not it. Only a journal
# is looked at, so `timeout` itself stays whole.
UPGRADE=(upgrade "$NAME" --tag "$NEW_TAG" --stop-timeout 10s --health-timeout 60s)
upgrade() {
    om "${UPGRADE[@]}" --host "$HOST" "$@"
}

# slow_begin ARGUMENT…: omslaunch in the background, stopped while its docker_init.sh runs, so that it is
# there for as long as a case needs it. Sets SLOW; its words go to $W/slow, which must not be there
# from before.
slow_begin() {
    printf '$ omslaunch %s &\n' "$*"
    rm -f "$W/slow"
    "$W/bin/omslaunch" "$@" --state-dir "$STATE" >"$W/slow" 2>&1 </dev/null &
    SLOW=$!
    lab_wait "$PATIENCE" 'a running docker_init.sh' grep -q '1/3' "$W/slow"
    kill -STOP "$SLOW"
}

# It goes on, to its end. Sets RC.
slow_end() {
    RC=0
    kill -CONT "$SLOW" 2>/dev/null || true
    wait "$SLOW" || RC=$?
    sed 's/^/slow: /' "$W/slow"
}

slow_kill() {
    kill -KILL "$SLOW"
    slow_end
}

# accept_losses: says what the refusal of a rollback wants to hear.
accept_losses() {
    om rollback --yes-lose-changes-since "$(sed -n 's/.*--yes-lose-changes-since \([0-9TZ:-]*\).*/\1/p' "$W/said")"
}

journal() {
    local files
    files=("$STATE"/runs/*/journal.jsonl)
    printf '%s\n' "${files[-1]}"
}

run_id() {
    local run
    run=$(dirname "$(journal)")
    printf '%s\n' "${run##*/}"
}

# ---- the engine through a proxy ---------------------------------------------------------------

proxy_start() {
    proxy_stop
    rm -f "$W/proxy.sock" "$W/proxy.log"{,.go,.done}
    "$OMSLAUNCH_BUILD/tests/fault/proxy" "$W/proxy.sock" "$SOCKET" "$W/proxy.log" "$@" &
    echo "$!" >"$W/proxy.pid"
    lab_wait "$PATIENCE" 'the proxy' test -S "$W/proxy.sock"
}

proxy_stop() {
    if [ -e "$W/proxy.pid" ]; then
        kill "$(cat "$W/proxy.pid")" 2>/dev/null || true
        rm -f "$W/proxy.pid"
    fi
}

# ---- judging ----------------------------------------------------------------------------------

# without_run: run IDs are RUN, whatever they were.
without_run() {
    sed -E 's/20[0-9]{6}-[0-9]{6}-[0-9a-f]{4}/RUN/g'
}

# Everything that `docker inspect` tells but for what no two containers share. A container that failed
# is kept, stopped, and never starts by itself: more is not asked of it.
show_containers() {
    lab_inspect_all | jq -S '
      map(del(.Id, .Image, .Created, .ResolvConfPath, .HostnamePath, .HostsPath, .LogPath, .GraphDriver,
              .NetworkSettings, .ExecIDs, .RestartCount, .AppArmorProfile, .ProcessLabel, .MountLabel)
          | .State |= {Status, Running, Paused, Restarting, OOMKilled, Dead}
          | .Mounts |= sort_by(.Destination)
          | .Config.Env |= sort
          | .Config.Image |= sub("^.*:"; "")
          | .HostConfig.Binds |= ((. // []) | sort)
          # An engine that was started again reads its own null as [].
          | .HostConfig |= map_values(if . == null then [] else . end))
      | map(select(((.Name | test("\\.failed-[0-9a-f-]*$")) and (.State.Running | not) and
          .HostConfig.RestartPolicy.Name == "no") | not))' | without_run
}

# show_databases old|new: rows and definitions. Times of the upgrade itself are TIME.
show_databases() {
    local table
    local -a ignored=()
    for table in "${VOLATILE[@]}"; do ignored+=(--ignore-table-data="$table"); done
    dump_databases "${ignored[@]}" |
        sed -E -e "/^INSERT INTO \`oms_normal_config\` .*,'ha\.config',/d" \
            -e '/`lab_init_runs`/,/^\) /s/AUTO_INCREMENT=[0-9]+ //' \
            -e '/`oms_audit`/,/^\) /s/AUTO_INCREMENT=[0-9]+ //' \
            -e '/`heatbeat_sequence`/,/^\) /s/AUTO_INCREMENT=[0-9]+ //' \
            -e '/`heart_beat`/,/^\) /s/AUTO_INCREMENT=[0-9]+ //' |
        if [ "$1" = new ]; then
            sed -E -e "/^INSERT INTO \`oms_schema_version\`/s/'20[^']*'/TIME/" \
                -e "/^INSERT INTO \`host\`/s/'20[^']*'/TIME/"
        else cat; fi
}

# show_ha: the text of ha.config but for the one number that covers an outage.
show_ha() {
    lab_ha_config | sed -E 's/"refetchStoreIntervalMin":[0-9]+/"refetchStoreIntervalMin":N/'
}

# snapshot old|new: what must be the same at each end of that kind.
snapshot() {
    echo '== containers'
    show_containers
    echo '== databases'
    show_databases "$1"
    echo '== ha.config'
    show_ha
}

fail() {
    printf 'FAILED: %s\n' "$*"
    return 1
}

# Never both: from the engine's own list of events. Two at once also fight for one port.
check_never_both() {
    local two
    two=$(lab_api e1 GET "/events?since=$CASE_BEGAN&until=$(date +%s.%N)" | jq -nr '
      reduce (inputs | select(.Type == "container")) as $e ({on: {}, both: ""};
        if $e.Action == "start" then .on[$e.Actor.ID] = $e.Actor.Attributes.name
        elif $e.Action == "die" then del(.on[$e.Actor.ID]) else . end
        | if (.on | length) > 1 then .both = (.on | tostring) else . end) | .both')
    [ -z "$two" ] || fail "two ran at once: $two"
    if lab_docker e1 ps -aq | xargs -rn1 docker -H "$HOST" logs 2>&1 | grep 'FATAL: nginx'; then
        fail 'two fought for one port'
    fi
}

# No staging database, no temporary container or file; a backup is whole, or has no manifest.
check_leftovers() {
    local found
    found=$(site_databases | grep -vxE "$LAB_RM_DB|$LAB_CM_DB|$LAB_HB_DB|($LAB_RM_DB|$LAB_CM_DB|$LAB_HB_DB)__old_.*" || true)
    [ -z "$found" ] || fail "databases are left: $found"
    found=$(lab_docker e1 ps -a --format '{{.Names}}' | grep -F "$NAME.new-" || true)
    [ -z "$found" ] || fail "containers are left: $found"
    found=$(find "$STATE" -type f | sed "s|^$STATE/||" | without_run | grep -vxE \
        'runs/RUN/(plan\.json|journal\.jsonl|old-0\.json|logs/(init|new)-0\.log|logs/hook/[a-z-]*\.log)|locks/[^/]*\.lock|backups/RUN/(manifest\.json|[a-z_0-9]*\.sql(\.zst)?(\.part)?)' || true)
    [ -z "$found" ] || fail "files are left: $found"
    found=$(find "$STATE/backups" -name manifest.json -printf '%h\n' 2>/dev/null | xargs -rI{} find {} -name '*.part')
    [ -z "$found" ] || fail "files are left in a whole backup: $found"
}

check_health() {
    local release
    release=$(lab_oms_health n1 | jq -r '"\(.data.healthy) \(.data.release)"')
    [ "$release" = "true $1" ] || fail "the console says '$release'"
}

# check_refetch MINUTES: an interval that covers an outage.
check_refetch() {
    local now
    now=$(lab_ha_config | jq .refetchStoreIntervalMin)
    [ "$now" -ge "$1" ] || fail "refetchStoreIntervalMin is $now"
}

# compare GOLDEN NOW: the first differences.
compare() {
    diff -U2 "$1" "$2" >"$2.diff" && return 0
    head -n 40 "$2.diff"
    fail "the world is not as it should be"
}

# The old one serves as if nothing had been.
expect_old() {
    local id
    lab_oms_wait n1 "$PATIENCE" || fail 'OMS is not healthy'
    snapshot old >"$W/now.old"
    compare "$W/golden.old" "$W/now.old"
    id=$(lab_docker e1 inspect -f '{{.Id}}' "$NAME")
    [ "$id" = "$OLD_ID" ] || fail "'$NAME' is another container"
    check_health 3.3.1
    check_leftovers
    check_never_both
}

expect_new() {
    local runs
    lab_oms_wait n1 "$PATIENCE" || fail 'OMS is not healthy'
    snapshot new >"$W/now.new"
    compare "$W/golden.new" "$W/now.new"
    check_health 4.0.0
    check_refetch 31
    runs=$(lab_init_runs | awk '$5 == 0 { well++ } $6 != 0 { over++ } END { printf "%d of %d, %d at once", well, NR, over }')
    [ "$runs" = '1 of 1, 0 at once' ] || fail "docker_init.sh: $runs"
    check_leftovers
    check_never_both
}

# The container that failed, and what it wrote.
check_failed_kept() {
    local run
    run=$(run_id)
    [ "$(lab_docker e1 inspect -f '{{.State.Running}}' "$NAME.failed-$run")" = false ] ||
        fail "'$NAME.failed-$run' runs"
    [ -s "$STATE/runs/$run/logs/new-0.log" ] || fail 'its log was not kept'
}

# Never both, where the engine itself dies and forgets its events: looks every 50 ms which of the
# lab's control groups have processes.
watch_both_begin() {
    local top=/sys/fs/cgroup
    [ ! -d "$top/pids" ] || top=$top/pids
    rm -f "$W/both" "$W/watch.stop"
    (
        set +e
        trap - ERR
        while [ ! -e "$W/watch.stop" ]; do
            two=()
            for procs in "$top/$LAB_ID-e1"/*/cgroup.procs; do
                if read -r _ 2>/dev/null <"$procs"; then two+=("$procs"); fi
            done 2>/dev/null
            [ "${#two[@]}" -lt 2 ] || printf '%s\n' "${two[*]}" >>"$W/both"
            sleep 0.05
        done
    ) &
}

watch_both_end() {
    : >"$W/watch.stop"
    [ ! -e "$W/both" ] || fail "two ran at once: $(head -n 1 "$W/both")"
}

run_result() {
    jq -nrR '[inputs | fromjson? // empty] | last | if .type == "end" then .result else "none" end' "$(journal)"
}

# settle: whatever was left by the last command, whose exit code must fit; taken up until it ends.
settle() {
    local tries result expected
    for tries in 1 2 3 4; do
        result=$(run_result)
        case $result in
        upgraded) expected='0' ;;
        rolled-back) expected='10 0' ;;
        unchanged) expected='1 69 73 143 0' ;;
        upgraded-with-fault) expected='12' ;;
        held) expected='13' ;;
        rollback-failed) expected='11' ;;
        none) expected='12 13 73 137 143' ;; # its end could not be written
        esac
        # shellcheck disable=SC2086
        is_rc $expected
        case $result in
        upgraded)
            expect_new_end
            return
            ;;
        rolled-back | unchanged)
            expect_old_end
            return
            ;;
        esac
        if grep -q -- '--answer' "$W/said" || [ "$tries" = 4 ]; then om rollback; else om resume; fi
    done
    fail "it does not come to an end: $result"
}

# How a case ended; the last one counts.
ended() {
    printf '%s\n' "$1" >"$W/end"
}

expect_new_end() {
    expect_new
    ended new
}

expect_old_end() {
    expect_old
    ended old
}

# said TEXT…: the last command said each.
said() {
    local text
    for text; do
        grep -qF -- "$text" "$W/said" || fail "it did not say '$text'"
    done
}

is_rc() {
    case " $* " in *" $RC "*) return 0 ;; esac
    fail "the exit code is $RC, not $*"
}
