#!/usr/bin/env bats
# One whole upgrade, watched from all sides: containers, databases, backup, HA, secrets, events. It is
# run once, in setup_file; the tests look at what it left.
bats_require_minimum_version 1.7.0
load common

# docker_init.sh writes into this table before anything else. A lock on its end holds the script there,
# so that what the databases were at the time of the backup can be seen. (LOCK TABLES would hold the
# backup, too: MySQL's FLUSH TABLES waits for it.) Without a counter, which a waiting insert would move.
HELD='`cm_331`.lab_init_runs'
HELD_DDL="create table $HELD (
  id int, host_ip varchar(64) not null,
  version int not null, config_sum char(64) not null, started double not null,
  ended double null, exit_code int null, overlap int not null, ha_enable varchar(16) null)"

is_held() {
    [ "$(echo "select count(*) from information_schema.processlist where info regexp '^(create|insert).*lab_init_runs'" | sql)" -gt 0 ]
}

newest_sequence() {
    echo 'select * from heatbeat_sequence order by id desc limit 1' | sql cm_hb_331
}

teardown_file() {
    site reset
}

setup_file() {
    local out=$BATS_FILE_TMPDIR
    site reset
    echo "$HELD_DDL" | sql
    engine inspect oms_331 >"$out/old.before"
    lab lab_ha_config >"$out/ha.before"
    lab lab_events "$out/events"
    site watch "$out/watch" &
    { echo "begin; select * from $HELD for update; select 'held';"; until [ -e "$out/release" ]; do sleep 0.1; done; } |
        sql --unbuffered >"$out/held" 3>&- &
    until_true 10 grep -q held "$out/held"
    (
        rc=0
        omslaunch upgrade oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" --host "$HOST" \
            --state-dir "$out/state" --output json --log-level debug >"$out/out" 2>"$out/err" || rc=$?
        echo "$rc" >"$out/rc"
    ) 3>&- &
    until_true 60 is_held || cat "$out/err" >&2
    site digest all >"$out/at_backup"
    newest_sequence >"$out/newest"
    touch "$out/release"
    until_true 60 [ -e "$out/rc" ]
    touch "$out/watch.stop"
    wait
    lab lab_events_stop
    lab lab_ha_config >"$out/ha.after"
}

setup() {
    R=$BATS_FILE_TMPDIR
    STATE=$R/state
    at
    RUN=$(jq -r .run "$R/out")
    BACKUP=$STATE/backups/$RUN
}

@test "upgrade with --load: exit code 0" {
    same 0 "$(cat "$R/rc")" "$(cat "$R/err")"
}

@test "--output json: one document on stdout" {
    output=$(cat "$R/out")
    one_document
    same "[\"$RUN\",\"oms_331\",\"upgraded\",0]" "$(jq -c '[.run, .deployment, .result, .exit]' <<<"$output")"
}

@test "stderr: each step in its order, text alone" {
    same '1 2 3 4 5 6 7 8 9 10 11 12 13' "$(sed -n 's|^ *\([0-9]*\)/13  .* …$|\1|p' "$R/err" | xargs)"
    same 13 "$(grep -c '^       ok, ' "$R/err")"
    same '' "$(grep '^[[:space:]]*[{}]' "$R/err")"
    has "$(cat "$R/err")" "'oms_331' is upgraded to 4.0.0-CE; OMS was down for "
    has "$(cat "$R/err")" "Kept: the old container as 'oms_331.old-$RUN', the backup in $BACKUP"
}

@test "exactly one container runs: oms_331, from the new image" {
    same oms_331 "$(engine ps --format '{{.Names}}')"
    same "$(engine image inspect -f '{{.Id}}' "$REPO:$NEW")" "$(engine inspect -f '{{.Image}}' oms_331)"
    same "$REPO:$NEW" "$(engine inspect -f '{{.Config.Image}}' oms_331)"
    same 'oms_331 oms_331.old-'"$RUN" "$(engine ps -a --format '{{.Names}}' | sort | xargs)"
}

@test "the new one is healthy and ONLINE" {
    same true "$(lab lab_oms_health n1 | jq .data.healthy)"
    same ONLINE "$(echo "select host_status from host where ip = '127.0.0.11'" | sql cm_331)"
}

binds() {
    jq -c '[.[0].Mounts[] | [.Type, .Source, .Destination, .Mode, .RW, .Propagation]] | sort'
}

@test "the same binds: config.yaml, the three disks, the site's own" {
    same "$(binds <"$R/old.before")" "$(engine inspect oms_331 | binds)"
    same 5 "$(engine inspect oms_331 | binds | jq length)"
}

# All that a container is made of, less what an upgrade is to change and what its image brings.
settings() {
    jq -S '.[0] | {Config: (.Config | del(.Image, .Cmd, .ExposedPorts, .Hostname) |
          .Labels |= with_entries(select(.key | test("^(maintainer|com.oceanbase|io.omslaunch)") | not)) |
          .Env |= (map(select(test("^(PATH|LANG|OMS_RELEASE|OMS_LEGACY_OPTS|OMS_JVM_OPTS|IS_UPGRADE)=") | not)) | sort)),
        HostConfig: (.HostConfig | .Binds |= sort)} | walk(if . == [] or . == {} then null else . end)'
}

@test "everything the site had set is there, and IS_UPGRADE=true" {
    same "$(settings <"$R/old.before")" "$(engine inspect oms_331 | settings)"
    same '["IS_UPGRADE=true"]' "$(engine inspect oms_331 | jq -c '[.[0].Config.Env[] | select(startswith("IS_UPGRADE="))]')"
}

@test "the old one is stopped and whole, and does not wake up" {
    engine inspect "oms_331.old-$RUN" >"$R/old.after"
    same '["exited",0,"no"]' "$(jq -c '.[0] | [.State.Status, .State.ExitCode, .HostConfig.RestartPolicy.Name]' "$R/old.after")"
    same "$(jq -S '.[0] | del(.State, .Name, .HostConfig.RestartPolicy, .NetworkSettings, .GraphDriver) | .Mounts |= sort_by(.Destination)' "$R/old.before")" \
        "$(jq -S '.[0] | del(.State, .Name, .HostConfig.RestartPolicy, .NetworkSettings, .GraphDriver) | .Mounts |= sort_by(.Destination)' "$R/old.after")"
}

@test "docker_init.sh ran once, alone, with HA off, and ended well" {
    same '127.0.0.11 400 0 0 false' "$(lab lab_init_runs | awk '{ print $1, $2, $5, $6, $7 }')"
}

@test "at no time both ran" {
    # start and die of containers, in their order: the old one's end comes before the new one's start.
    same "die oms_331,start oms_331" "$(jq -r 'select(.Type == "container" and (.Action == "start" or .Action == "die")) |
        .Action + " " + .Actor.Attributes.name' "$R/events" | xargs | sed 's/ \(die\|start\)/,\1/g')"
    same 1 "$(jq -r 'select(.Type == "container" and .Action == "create") | .Action' "$R/events" | wc -l)"
    same '' "$(jq -r 'select(.Action == "destroy" or .Action == "delete" or .Action == "kill" and .Actor.Attributes.signal == "9")' "$R/events")"
}

@test "ha.config is as before but for refetchStoreIntervalMin" {
    same "$(sed 's/"refetchStoreIntervalMin":30/"refetchStoreIntervalMin":31/' "$R/ha.before")" "$(cat "$R/ha.after")"
    [ "$(cat "$R/ha.before")" != "$(cat "$R/ha.after")" ]
}

@test "the state folder: folders 0700, files 0600, nothing else" {
    same '' "$(find "$STATE" -type d -not -perm 700)"
    same '' "$(find "$STATE" -type f -not -perm 600)"
    same '' "$(find "$STATE" -not -type d -not -type f)"
    same '' "$(find "$STATE" -name '.*' -o -name '*~' -o -name '*.tmp' -o -name '*.part')"
    for file in plan.json journal.jsonl old-0.json; do [ -s "$STATE/runs/$RUN/$file" ]; done
}

@test "the journal: intent and outcome of each step, then the end" {
    jq -es . "$STATE/runs/$RUN/journal.jsonl" >"$R/journal"
    same 13 "$(jq '[.[] | select(.type == "intent")] | length' "$R/journal")"
    same '[true]' "$(jq -c '[.[] | select(.type == "outcome") | .ok] | unique' "$R/journal")"
    same '["begin","end","upgraded"]' "$(jq -c '[.[0].type, .[-1].type, .[-1].result]' "$R/journal")"
    same "$(jq -r .digest "$STATE/runs/$RUN/plan.json")" "$(jq -r '.[0].plan' "$R/journal")"
    same "$(jq -c '[range(1; length + 1)]' "$R/journal")" "$(jq -c '[.[].seq]' "$R/journal")"
}

@test "runs and status tell it, as text and as data" {
    run -0 --separate-stderr omslaunch runs "${AT[@]}"
    same "RUN                   DATE (UTC)        CONTAINER  WHAT     RESULT
$RUN  $(date -u -d "@$(date -u -d "${RUN:0:8} ${RUN:9:2}:${RUN:11:2}:${RUN:13:2}" +%s)" '+%F %H:%M')  oms_331    upgrade  upgraded  3.3.1-CE → 4.0.0-CE" "$output"
    run -0 --separate-stderr omslaunch runs -o json -q "${AT[@]}"
    one_document
    same "[\"$RUN\",\"oms_331\",\"$HOST\",\"upgraded\"]" "$(jq -c '.runs[0] | [.run, .deployment, .endpoint, .result]' <<<"$output")"
    run -0 --separate-stderr omslaunch status "${AT[@]}"
    has "$output" "run $RUN on 'oms_331': upgraded, 3.3.1-CE → 4.0.0-CE"$'\n'"next: nothing; omslaunch rollback $RUN would go back"
    same 'STEP OUTCOME SECONDS' "$(head -n 1 <<<"$output" | xargs)"
    same 'load_image create_new trim_heartbeats prepare_backup ha_off stop_old backup_metadb swap_names start_new init_metadata wait_healthy keep_running ha_on' \
        "$(sed -nE 's/^([a-z_]+) +ok +[0-9]+\.[0-9]  .*/\1/p' <<<"$output" | xargs)"
    same "$output" "$(omslaunch status oms_331 "${AT[@]}")"
    for option in '' "$RUN"; do
        # shellcheck disable=SC2086
        run -0 --separate-stderr omslaunch status $option -o json -q "${AT[@]}"
        one_document
        same '' "$stderr"
        same "$RUN" "$(jq -r .run <<<"$output")"
    done
    run -1 --separate-stderr omslaunch status 20000101-000000-0000 "${AT[@]}"
    same "omslaunch: error: there is no run 20000101-000000-0000 in '$STATE'
HINT: 'omslaunch runs' lists them" "$stderr"
}

@test "secrets: no process had the password in its arguments or environment" {
    same '' "$(sort -u "$R/watch.found")"
    # The watch did look while programs of ours ran.
    [ "$(wc -l <"$R/watch.seen")" -ge 10 ]
}

@test "secrets: the watch finds what is there" {
    site watch "$R/control" &
    until_true 5 [ -e "$R/control.seen" ]
    SECRET=$(cat "$CLI_DIR/token") sleep 1 3>&- &
    pid=$!
    bash -c 'sleep 1; :' "$(printf 'ab%s' "$(cat "$CLI_DIR/token")" | base64)" 3>&- &
    pid2=$!
    until_true 5 grep -q "/proc/$pid/environ" "$R/control.found"
    until_true 5 grep -q "/proc/$pid2/cmdline" "$R/control.found"
    touch "$R/control.stop"
    wait
}

@test "secrets: not in stdout, stderr, plan, journal, logs, backup, docker inspect, the engine's log" {
    engine inspect oms_331 "oms_331.old-$RUN" >"$R/inspect"
    engine logs oms_331 >"$R/container.log" 2>&1
    for file in "$BACKUP"/*.sql.zst; do zstd -dqc "$file"; done >"$R/dumps.sql"
    same '' "$(site grep "$R/out" "$R/err" "$STATE" "$R/inspect" "$R/container.log" "$R/dumps.sql" "$R/events" "$CLI_DIR/lab/e1/log")"
    # And the search finds it where it must be.
    same "$NODE/config.yaml" "$(site grep "$NODE/config.yaml")"
}

@test "the same command again: nothing to do, nothing touched" {
    remember
    lab lab_events "$R/events.again"
    lab lab_general_log clear
    lab lab_general_log on
    digest=$(site digest)
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    same "nothing to do: 'oms_331' runs $REPO:$NEW already" "$stderr"
    same '' "$output"
    lab lab_general_log off
    lab lab_events_stop
    unchanged
    same "$digest" "$(site digest)"
    same '' "$(changing_events "$R/events.again")"
    same '' "$(changing_statements)"
    same "$RUN" "$(ls "$STATE/runs")"
    same "$RUN" "$(ls "$STATE/backups")"
}

@test "on to 4.1.0, --quiet: not a word" {
    lab lab_image_tar feature_4.1.0-ce ok "$R/next.tar"
    run -0 --separate-stderr omslaunch upgrade oms_331 --quiet --tag feature_4.1.0-ce --load "$R/next.tar" "${AT[@]}"
    same '' "$output$stderr"
    same "$REPO:feature_4.1.0-ce" "$(engine ps --format '{{.Image}}')"
    same 3 "$(engine ps -aq | wc -l)"
    same '["upgraded","upgraded"]' "$(omslaunch runs -o json "${AT[@]}" | jq -c '.runs | map(.result)')"
}

# The last test: it takes the databases away.
@test "each dump restores with stock tools into an empty database equal to the original" {
    engine stop -t 5 oms_331 >/dev/null
    same 'cm_331.sql.zst cm_hb_331.sql.zst manifest.json rm_331.sql.zst' "$(cd "$BACKUP" && echo *)"
    for db in rm_331 cm_331 cm_hb_331; do
        echo "drop database $db; create database $db" | sql
        zstd -dc "$BACKUP/$db.sql.zst" | lab lab_client mariadb "$db"
    done
    # Triggers are left out, as in the runbook (--triggers=false), and all but the newest sequence.
    same "$(grep -vE ' trigger | heatbeat_sequence ' "$R/at_backup")" "$(site digest all | grep -v ' heatbeat_sequence ')"
    same 1 "$(echo 'select count(*) from heatbeat_sequence' | sql cm_hb_331)"
    same "$(cat "$R/newest")" "$(newest_sequence)"
}
