#!/usr/bin/env bats
# backup, backups, verify, restore, prune and ha: the MetaDB of a container, without an upgrade.
bats_require_minimum_version 1.7.0
load common

setup_file() {
    site reset
    # Beside the real ones, for --into.
    echo 'grant all on `copy\_%`.* to `oms@sys#cluster`@`%`' | sql
    remember
}

teardown_file() {
    site reset
}

setup() {
    STATE=$BATS_FILE_TMPDIR/state
    at
    FIRST=$(find "$STATE/backups" -name '2*' -type d -printf '%f\n' 2>/dev/null | sort | head -n 1)
}

teardown() {
    rm -rf "$STATE/backups/20200101-000000-bad0"
    # A test that had to stop it: what the next ones compare with is another start of it.
    if [ "$(engine inspect -f '{{.State.Running}}' oms_331)" = false ]; then
        engine start oms_331 >/dev/null
        lab lab_oms_wait n1
        remember
    fi
}

field() {
    omslaunch backups -o json "${AT[@]}" | jq -c ".backups | $1"
}

@test "backups: none yet" {
    run -0 --separate-stderr omslaunch backups "${AT[@]}"
    same '' "$output"
    same "There are no backups in '$STATE'." "$stderr"
    run -0 --separate-stderr omslaunch backups -o json "${AT[@]}"
    same '[]' "$(jq -c .backups <<<"$output")"
    no_state
}

@test "backup: its ID on stdout, what it holds on stderr, nothing changed" {
    run -0 --separate-stderr omslaunch backup oms_331 "${AT[@]}"
    [[ $output =~ ^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$ ]]
    has "$stderr" "Backup $output of the MetaDB of 'oms_331' …"
    has "$stderr" " in $STATE/backups/$output"
    same 'cm_331.sql.zst cm_hb_331.sql.zst manifest.json rm_331.sql.zst' "$(cd "$STATE/backups/$output" && echo *)"
    same '["oms_331",true,["rm_331","cm_331","cm_hb_331"]]' "$(field '.[0] | [.deployment, .whole, .databases]')"
    unchanged
    same '' "$(site grep "$STATE")"
    same '' "$(find "$STATE" -type f -not -perm 600 -o -type d -not -perm 700)"
}

@test "backup --quiet: not a word; --output json: one document" {
    run -0 --separate-stderr omslaunch backup oms_331 -q "${AT[@]}"
    same '' "$output$stderr"
    run -0 --separate-stderr omslaunch backup oms_331 -q -o json --compress none "${AT[@]}"
    one_document
    same '' "$stderr"
    folder=$STATE/backups/$(jq -r .backup <<<"$output")
    same 'cm_331.sql cm_hb_331.sql manifest.json rm_331.sql' "$(cd "$folder" && echo *)"
    same 3 "$(field length)"
}

@test "backup of what does not exist: 1, and nothing is left" {
    run -1 --separate-stderr omslaunch backup oms_332 "${AT[@]}"
    has "$stderr" "oms_332"
    has "$stderr" $'\n''HINT: '
    same 3 "$(field length)"
}

@test "verify: each byte; the list remembers" {
    run -0 --separate-stderr omslaunch verify "$FIRST" "${AT[@]}"
    same '' "$output"
    has "$stderr" "Backup $FIRST is good (bytes): "
    run -0 --separate-stderr omslaunch verify "$FIRST" -q -o json "${AT[@]}"
    one_document
    same '' "$stderr"
    [ "$(field ".[] | select(.backup == \"$FIRST\") | .verified")" != null ]
}

@test "verify --rehearse: restored into scratch databases, which are gone afterwards" {
    before=$(echo 'show databases' | sql)
    run -0 --separate-stderr omslaunch verify "$FIRST" --rehearse "${AT[@]}"
    has "$stderr" "Backup $FIRST is good (rehearsal): "
    same "$before" "$(echo 'show databases' | sql)"
    unchanged
}

@test "verify of a backup with one bit flipped: 73, and the file is named" {
    cp -a "$STATE/backups/$FIRST" "$STATE/backups/20200101-000000-bad0"
    file=$STATE/backups/20200101-000000-bad0/rm_331.sql.zst
    perl -e 'open(F, "+<", $ARGV[0]); seek(F, 4000, 0); read(F, $c, 1); seek(F, 4000, 0); print F chr(ord($c) ^ 1)' "$file"
    run -73 --separate-stderr omslaunch verify 20200101-000000-bad0 "${AT[@]}"
    echo "$stderr" >&2
    has "$stderr" rm_331.sql.zst
    has "$stderr" $'\n''HINT: '
    engine stop -t 5 oms_331 >/dev/null
    digest=$(site digest all)
    run -73 --separate-stderr omslaunch restore 20200101-000000-bad0 "${AT[@]}"
    has "$stderr" rm_331.sql.zst
    same "$digest" "$(site digest all)"
}

@test "a backup that does not exist: 1" {
    for command in verify restore; do
        says 1 "there is no backup '20200101-000000-0000'" "'omslaunch backups' lists them" \
            "$command" 20200101-000000-0000 "${AT[@]}"
    done
}

@test "restore under a running OMS: 65" {
    says 65 "the container 'oms_331' runs: 'rm_331', 'cm_331', 'cm_hb_331' cannot be restored under it" \
        'stop it first (docker stop oms_331), or restore each database beside it with --into DB=OTHER' \
        restore "$FIRST" "${AT[@]}"
    unchanged
}

@test "restore: what is named must not be in use; what is not named is not touched" {
    local hint='stop it first (docker stop oms_331), or restore each database beside it with --into DB=OTHER'
    says 65 "the container 'oms_331' runs: 'rm_331' cannot be restored under it" "$hint" \
        restore "$FIRST" "${AT[@]}" --only rm_331
    says 65 "the container 'oms_331' runs: 'rm_331' cannot be restored under it" "$hint" \
        restore "$FIRST" "${AT[@]}" --into rm_331=copy_rm --into cm_331=rm_331
    says 65 "the container 'oms_331' runs: 'cm_hb_331' cannot be restored under it" "$hint" \
        restore "$FIRST" "${AT[@]}" --into rm_331=copy_rm --only cm_hb_331
    unchanged
}

@test "restore --into one database: beside a running OMS, and only that" {
    before=$(site digest)
    run -0 --separate-stderr omslaunch restore "$FIRST" "${AT[@]}" --into rm_331=copy_rm --dry-run
    same '' "$output"
    has "$stderr" "Would restore from backup $FIRST into the MetaDB of 'oms_331' at 127.0.0.1:"
    has "$stderr" "  rm_331 as copy_rm: what is in 'copy_rm' now is moved aside, to 'copy_rm__old_RUN'"
    has "$stderr" "  not named, and left alone: 'cm_331', 'cm_hb_331'"
    same '' "$(echo "show databases like 'copy%'" | sql | xargs)"
    run -0 --separate-stderr omslaunch restore "$FIRST" "${AT[@]}" --into rm_331=copy_rm -o json
    one_document
    same '["restore","done",0,["rm_331","copy_rm"]]' "$(jq -c '[.command, .result, .exit, [.databases[] | .name, .target]]' <<<"$output")"
    same copy_rm "$(echo "show databases like 'copy%'" | sql | xargs)"
    unchanged
    same "$before" "$(site digest)"
    echo 'drop database copy_rm' | sql
}

@test "restore --into a slip of the fingers: 64" {
    says 64 "--into 'rm_332=copy_rm': backup '$FIRST' has no database 'rm_332'" "it has 'rm_331', 'cm_331', 'cm_hb_331'" \
        restore "$FIRST" "${AT[@]}" --into rm_332=copy_rm
    for value in rm_331 rm_331= =copy; do
        says 64 "--into '$value' does not name two databases" 'write it as DB=OTHER' restore "$FIRST" "${AT[@]}" --into "$value"
    done
    unchanged
}

@test "restore --into other names, beside a running OMS" {
    before=$(site digest)
    run -0 --separate-stderr omslaunch restore "$FIRST" "${AT[@]}" \
        --into rm_331=copy_rm --into cm_331=copy_cm --into cm_hb_331=copy_hb
    unchanged
    same "$before" "$(site digest)"
    same 'copy_cm copy_hb copy_rm' "$(echo "show databases like 'copy%'" | sql | xargs)"
    same "$(grep '^cm_331 table' <<<"$before" | cut -d' ' -f2-)" "$(lab lab_db_digest copy_cm | grep '^table')"
    echo 'drop database copy_rm; drop database copy_cm; drop database copy_hb' | sql
}

@test "restore: the databases are as they were, what was there is kept" {
    engine stop -t 5 oms_331 >/dev/null
    before=$(site digest)
    echo "delete from oms_project; update oms_normal_config set cfg_value = 'broken'" | sql rm_331
    [ "$before" != "$(site digest)" ]
    run -0 --separate-stderr omslaunch restore "$FIRST" "${AT[@]}" -o json
    one_document
    same "$before" "$(site digest)"
    kept=$(jq -r '.databases[] | select(.name == "rm_331") | .quarantine' <<<"$output")
    same broken "$(echo "select distinct cfg_value from oms_normal_config" | sql "$kept")"
}

@test "ha: show, off, on, and the text stays as it is but for one word" {
    text=$(lab lab_ha_config)
    run -0 --separate-stderr omslaunch ha oms_331 show "${AT[@]}"
    same "$text" "$output"
    run -0 --separate-stderr omslaunch ha oms_331 off "${AT[@]}"
    same "HA of 'oms_331' is off" "$stderr"
    same "${text/\"enable\":true/\"enable\":false}" "$(lab lab_ha_config)"
    run -0 --separate-stderr omslaunch ha oms_331 show -o json -q "${AT[@]}"
    one_document
    same false "$(jq .config.enable <<<"$output")"
    run -0 --separate-stderr omslaunch ha oms_331 on -q "${AT[@]}"
    same '' "$output$stderr"
    same "$text" "$(lab lab_ha_config)"
    says 64 "'maybe' is nothing that HA can be" 'on, off or show' ha oms_331 maybe "${AT[@]}"
    same "$text" "$(lab lab_ha_config)"
}

@test "what cannot be written to stdout: 12 when it is done all the same, 1 of a dry run" {
    before=$(field length)
    run -12 bash -c '"$@" >/dev/full' - "$PROGRAM" backup oms_331 -q "${AT[@]}" -o json
    same "omslaunch: error: 'backup' is done, but what it has to say cannot be written to stdout: No space left on device
HINT: 'omslaunch status', 'runs' and 'backups' tell what was done; do not repeat it" "$output"
    same $((before + 1)) "$(field length)"
    same true "$(field '.[-1].whole')"
    run -1 bash -c '"$@" >/dev/full' - "$PROGRAM" prune --keep 1 --dry-run -q "${AT[@]}" -o json
    same 'omslaunch: error: cannot write to stdout: No space left on device
HINT: is the disk full that it leads to?' "$output"
}

@test "prune: --dry-run deletes nothing; the verified one and the newest stay" {
    all=$(field 'map(.backup)')
    newest=$(field '.[-1].backup')
    run -0 --separate-stderr omslaunch prune --keep 1 --dry-run "${AT[@]}"
    same "$all" "$(field 'map(.backup)')"
    run -0 --separate-stderr omslaunch prune --keep 1 "${AT[@]}"
    same "[\"$FIRST\",$newest]" "$(field 'map(.backup)')"
    run -0 --separate-stderr omslaunch prune --keep 1 -o json -q "${AT[@]}"
    same '["nothing-to-do",[]]' "$(jq -c '[.result, .pruned]' <<<"$output")"
}
