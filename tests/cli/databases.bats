#!/usr/bin/env bats
# prune --databases: what rollbacks and restores have moved aside in the MetaDB.
bats_require_minimum_version 1.7.0
load common

# One story: a rollback, a restore, a run that is held and then rolled back.
setup_file() {
    site reset
}

teardown_file() {
    site reset
}

setup() {
    STATE=$BATS_FILE_TMPDIR/state
    at
    FIRST=$(find "$STATE/runs" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | head -n 1)
    RESTORE=$(find "$STATE/restores" -type f -printf '%f\n' 2>/dev/null | sed 's/\.json$//')
    LAST=$(find "$STATE/runs" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | tail -n 1)
}

FAILING=(upgrade oms_331 --tag "$NEW" --image lab/init-fails --load "$CLI_DIR/init-fails.tar")

# aside RUN…: databases that these have moved aside.
aside() {
    local run db
    for run; do
        for db in rm_331 cm_331 cm_hb_331; do echo "${db}__old_$run"; done
    done | sort
}

# only RUN…: these are there, and no others.
only() {
    same "$(aside "$@")" "$(echo "show databases like '%\\_\\_old%'" | sql | sort)"
}

# told VERB RUN: what is said of each of its databases; sizes are the server's business.
told() {
    local db
    for db in rm_331 cm_331 cm_hb_331; do
        printf "%s database '%s__old_%s' of run %s: %s tables, SIZE\n" "$1" "$db" "$2" "$2" \
            "$(echo "select count(*) from information_schema.tables where table_schema = '${db}__old_$2'
                and table_type <> 'VIEW' and table_name <> 'omslaunch_definitions'" | sql)"
    done
}

without_sizes() {
    sed -E 's/, [0-9.]+ (B|[KMG]iB)$/, SIZE/' <<<"$stderr"
}

@test "a rollback says how to get rid of it; the newest stays all the same" {
    run -10 --separate-stderr omslaunch "${FAILING[@]}" "${AT[@]}"
    run=$(basename "$STATE"/runs/*)
    has "$stderr" "restored and compared; what was there is kept as rm_331__old_$run, cm_331__old_$run, cm_hb_331__old_$run ('omslaunch prune --databases-of $run' drops that)"
    only "$run"
    run -0 --separate-stderr omslaunch prune --databases "${AT[@]}"
    same '' "$output"
    same "nothing to do: nothing may be deleted
  of each deployment the newest backups stay, as many as --keep says (3), and the newest verified one
  what the newest rollback or restore has moved aside stays; --databases-of RUN drops it" "$stderr"
    only "$run"
}

@test "so does a restore; then the older go, once they were told" {
    engine stop -t 5 oms_331 >"$BATS_TEST_TMPDIR/stopped"
    run -0 --separate-stderr omslaunch restore "$FIRST" "${AT[@]}"
    run=$(basename "$STATE"/restores/*.json .json)
    same "'omslaunch prune --databases-of $run' drops what was there" "$(tail -n 1 <<<"$stderr")"
    only "$FIRST" "$run"
    # Not one of ours, whatever its name.
    echo "create database rm_331__old_20200101; create table rm_331__old_20200101.t (id int)" | sql
    before=$(echo 'show databases' | sql)
    told=$(told 'Would drop' "$FIRST")
    run -0 --separate-stderr omslaunch prune --databases --dry-run "${AT[@]}"
    same "$told" "$(without_sizes)"
    same "$before" "$(echo 'show databases' | sql)"
    live=$(site digest all)
    run -0 --separate-stderr omslaunch prune --databases "${AT[@]}"
    same "${told//Would drop/Dropping}" "$(without_sizes)"
    same '' "$output"
    same rm_331__old_20200101 "$(echo "show databases like '%\\_\\_old\\_20200101'" | sql)"
    echo 'drop database rm_331__old_20200101' | sql
    only "$run"
    same "$live" "$(site digest all)"
    run -0 --separate-stderr omslaunch prune --databases "${AT[@]}"
    same '' "$output"
    same "nothing to do: nothing may be deleted
  of each deployment the newest backups stay, as many as --keep says (3), and the newest verified one
  what the newest rollback or restore has moved aside stays; --databases-of RUN drops it" "$stderr"
}

@test "what is not as it was left is not dropped: 65, and all of it stays" {
    echo "create table \`cm_331__old_$RESTORE\`.mine (id int)" | sql
    for how in --dry-run --quiet; do
        run -65 --separate-stderr omslaunch prune --databases-of "$RESTORE" "$how" "${AT[@]}"
        same '' "$output"
        same "omslaunch: error: the database 'cm_331__old_$RESTORE' of run $RESTORE is not dropped: it holds the table 'mine', which no restore has put there
HINT: look what it is; by hand, DROP DATABASE drops it all the same" "$stderr"
        only "$RESTORE"
    done
}

@test "a run that does not exist, or is not over: nothing is deleted" {
    says 1 "there is no run 20200101-000000-0000 in '$STATE'" \
        'a database that was moved aside is named after its run: DB__old_RUN' \
        prune --databases-of 20200101-000000-0000 "${AT[@]}"
    engine start oms_331 >"$BATS_TEST_TMPDIR/started"
    lab lab_oms_wait n1
    run -13 --separate-stderr omslaunch "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(find "$STATE/runs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tail -n 1)
    says 65 "run $run on 'oms_331' is not ended: what it moved aside stays" \
        "end it first, with 'omslaunch resume $run' or 'omslaunch rollback $run'" \
        prune --databases --databases-of "$run" "${AT[@]}"
    only "$RESTORE"
    run -0 --separate-stderr omslaunch rollback "${AT[@]}"
    only "$RESTORE" "$run"
}

@test "not asked for by its run's name, it is left alone and the others go" {
    told=$(told Dropping "$RESTORE" | grep -v ' .cm_331__')
    run -0 --separate-stderr omslaunch prune --databases -o json "${AT[@]}"
    same "$(sort <<<"$told
Left alone: database 'cm_331__old_$RESTORE' of run $RESTORE: it holds the table 'mine', which no restore has put there")" "$(without_sizes | sort)"
    one_document
    same "[\"rm_331__old_$RESTORE\",\"$RESTORE\",\"oms_331\",\"$HOST\"]
[\"cm_hb_331__old_$RESTORE\",\"$RESTORE\",\"oms_331\",\"$HOST\"]" "$(jq -c '.pruned[] | [.database, .run, .deployment, .endpoint]' <<<"$output")"
    same "$( (aside "$LAST" && echo "cm_331__old_$RESTORE") | sort)" "$(echo "show databases like '%\\_\\_old%'" | sql | sort)"
    echo "drop table \`cm_331__old_$RESTORE\`.mine" | sql
}

@test "somebody else works on the MetaDB: 75" {
    local lock
    lock=omslaunch.$(printf rm_331 | sha256sum | cut -c1-16)
    echo "select get_lock('$lock', 0); select sleep(600)" | site run lab_sql &
    until_true 20 has_lock "$lock"
    run -75 --separate-stderr omslaunch prune --databases "${AT[@]}"
    has "$stderr" 'omslaunch: error: another run works on these databases: '
    has "$stderr" $'\n''HINT: wait for it to end (--lock-wait 10m does)'
    run -0 --separate-stderr omslaunch prune --databases --dry-run "${AT[@]}"
    same "Would drop database 'cm_331__old_$RESTORE'" "$(cut -d' ' -f1-4 <<<"$stderr")"
    echo "kill $(echo "select is_used_lock('$lock')" | sql)" | sql
    wait
    same "cm_331__old_$RESTORE" "$(echo "show databases like '%\\_\\_old\\_$RESTORE'" | sql)"
}

has_lock() {
    [ "$(echo "select is_used_lock('$1') is not null" | sql)" = 1 ]
}

@test "without the container nobody knows the MetaDB: left alone, or 1 when it was named" {
    engine rename oms_331 elsewhere
    run -0 --separate-stderr omslaunch prune --databases "${AT[@]}"
    echo "$stderr" >&2
    has "$stderr" "Left alone: what was moved aside in the MetaDB of 'oms_331': "
    run -1 --separate-stderr omslaunch prune --databases-of "$LAST" "${AT[@]}"
    has "$stderr" "omslaunch: error: what was moved aside in the MetaDB of 'oms_331': "
    engine rename elsewhere oms_331
}

# holds_table TABLE: a session that nobody else can drop it under; its number in $session.
holds_table() {
    echo "lock tables $1 write; select sleep(600)" | site run lab_sql >"$BATS_TEST_TMPDIR/held" 2>&1 &
    until_true 20 is_held
    session=$(echo "select id from information_schema.processlist where info like 'select sleep(600)%'" | sql)
}

is_held() {
    [ -n "$(echo "select id from information_schema.processlist where info like 'select sleep(600)%'" | sql)" ]
}

@test "the newest goes when its run is named; killed in the middle, the same again" {
    holds_table "\`cm_331__old_$LAST\`.host"
    "$PROGRAM" prune --databases-of "$LAST" "${AT[@]}" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    until_true 20 waits_for_table
    kill -KILL "$pid"
    wait "$pid" || true
    echo "kill $session" | sql
    same "$(told Dropping "$LAST" | cut -d: -f1)" "$(cut -d: -f1 "$BATS_TEST_TMPDIR/err")"
    same '' "$(echo "show databases like 'rm\\_331\\_\\_old\\_$LAST'" | sql)"
    run -0 --separate-stderr omslaunch prune --databases-of "$LAST" "${AT[@]}"
    same "Dropping database 'cm_331__old_$LAST' of run $LAST
Dropping database 'cm_hb_331__old_$LAST' of run $LAST" "$(cut -d: -f1 <<<"$stderr")"
    same '' "$(echo "show databases like '%\\_\\_old\\_$LAST'" | sql)"
    same true "$(lab lab_oms_health n1 | jq .data.healthy)"
}

waits_for_table() {
    echo "select info from information_schema.processlist where info like 'DROP TABLE%'" | sql | grep -q host
}

@test "of an older run the rest goes unasked" {
    only_left=cm_331__old_$RESTORE
    same "$only_left" "$(echo "show databases like '%\\_\\_old%'" | sql)"
    run -0 --separate-stderr omslaunch prune --databases --quiet "${AT[@]}"
    same '' "$output$stderr"
    only
}
