# Restore: what comes back is what was backed up, what was there is kept, and whatever happens on the
# way leaves the one or the other.

setup() {
    . "$METADB_SRC/common.bash"
    BACKUP=$BATS_TEST_TMPDIR/backup
}

# As a migration that failed half-way leaves it.
change_everything() {
    lab_sql <<SQL
use $LAB_RM_DB;
alter table oms_project add column added_in_400 int default 7, drop key idx_name;
update oms_project set progress = -1;
delete from oms_project_step limit 3;
drop table oms_empty;
create table only_new (id int primary key, v varchar(20));
insert into only_new values (1, 'new');
create view only_new_view as select * from only_new;
drop view a_view_on_view;
drop trigger oms_config_audit;
create trigger only_new_trigger before insert on oms_audit for each row set new.what = 'other';
use $LAB_CM_DB;
truncate table config_job;
use $LAB_HB_DB;
drop table heart_beat;
create table heart_beat (other int);
SQL
}


backed_up_and_changed() {
    ALL=("$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB")
    fresh_databases
    original=$(digests "${ALL[@]}")
    ok dump '{"folder": "'"$BACKUP"'"}'
    change_everything
    changed=$(digests "${ALL[@]}")
}

# The tables of the quarantine under the names of the real databases.
quarantined_tables() {
    local db
    for db in "${ALL[@]}"; do lab_db_digest "${db}__old_$RUN" | sed "s/^/$db /"; done |
        grep ' table ' | grep -v omslaunch_
}

@test "restored is what was backed up; what was there is kept" {
    backed_up_and_changed
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$original" "$(digests "${ALL[@]}")"
    same "$(grep ' table ' <<<"$changed")" "$(quarantined_tables)"
    same "${LAB_CM_DB}__old_$RUN
${LAB_HB_DB}__old_$RUN
${LAB_RM_DB}__old_$RUN" "$(databases_like '%\_\_%')"
    same "${LAB_RM_DB}__old_$RUN" "$(field '.result.databases[0].quarantine')"
    same 3 "$(field '.result.databases | length')"
    ok verify '{"folder": "'"$BACKUP"'", "against": "live"}'
}

@test "grants on a database survive" {
    backed_up_and_changed
    lab_sql -e "create or replace user reader@'%' identified by 'r'; grant select on $LAB_RM_DB.* to reader@'%'; grant select on $LAB_RM_DB.oms_audit to reader@'%'"
    before=$(lab_sql -e "show grants for reader@'%'")
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$before" "$(lab_sql -e "show grants for reader@'%'")"
}

@test "routines and events stay" {
    backed_up_and_changed
    lab_sql "$LAB_RM_DB" -e "create function f() returns int return 1; create event e on schedule every 1 day do set @x = 1"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "e
f" "$(lab_sql -e "select event_name from information_schema.events where event_schema = '$LAB_RM_DB' union all select routine_name from information_schema.routines where routine_schema = '$LAB_RM_DB'")"
}

@test "into other databases: the real ones are not touched" {
    backed_up_and_changed
    # Foreign keys and views keep to the copies.
    ok restore '{"folder": "'"$BACKUP"'", "into": {"'"$LAB_RM_DB"'": "'"$LAB_RM_DB"'__copy", "'"$LAB_CM_DB"'": "'"$LAB_CM_DB"'__copy", "'"$LAB_HB_DB"'": "'"$LAB_HB_DB"'__copy"}}'
    same "$changed" "$(digests "${ALL[@]}")"
    same "$(sed 's/^\([^ ]*\) /\1__copy /' <<<"$original" | grep -v ' view \| trigger ')" \
        "$(digests "${ALL[@]/%/__copy}" | grep -v ' view \| trigger ')"
    same null "$(field '.result.databases[0].quarantine')"
    same '200' "$(lab_sql "${LAB_RM_DB}__copy" -e "select count(*) from oms_project")"
    lab_sql -e "drop database ${LAB_RM_DB}__copy; drop database ${LAB_CM_DB}__copy; drop database ${LAB_HB_DB}__copy"
}

@test "databases that are gone are made again" {
    backed_up_and_changed
    lab_sql -e "drop database $LAB_RM_DB; drop database $LAB_HB_DB"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$original" "$(digests "${ALL[@]}")"
    same null "$(field '.result.databases[0].quarantine')"
}

@test "a database's character set comes back" {
    backed_up_and_changed
    lab_sql -e "alter database $LAB_CM_DB character set latin1"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$original" "$(digests "${ALL[@]}")"
}

@test "rehearsal: compared and dropped, nothing else touched" {
    backed_up_and_changed
    before=$(lab_sql -e 'show databases')
    ok rehearse '{"folder": "'"$BACKUP"'"}'
    same "$before" "$(lab_sql -e 'show databases')"
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "one bit flipped anywhere: refused, real databases untouched" {
    backed_up_and_changed
    for file in "$BACKUP"/*.zst; do
        size=$(stat -c %s "$file")
        for at in 20 $((size / 2)) $((size - 3)); do
            cp "$file" "$BATS_TEST_TMPDIR/sound"
            byte=$(od -An -tu1 -j "$at" -N 1 "$file" | tr -d ' ')
            # shellcheck disable=SC2059
            printf "$(printf '\\x%02x' $((byte ^ 4)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
            refused state 'is ' restore '{"folder": "'"$BACKUP"'"}'
            cp "$BATS_TEST_TMPDIR/sound" "$file"
        done
    done
    same "$changed" "$(digests "${ALL[@]}")"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$original" "$(digests "${ALL[@]}")"
}

@test "one bit flipped in a plain SQL file is damage, not a syntax error" {
    backed_up_and_changed
    rm -rf "$BACKUP"
    ok dump '{"folder": "'"$BACKUP"'", "compress": "none"}'
    file=$BACKUP/$LAB_RM_DB.sql
    at=$(grep -abo 'INSERT INTO `oms_project`' "$file" | head -n 1 | cut -d: -f1)
    printf 'X' | dd of="$file" bs=1 seek=$((at + 2)) conv=notrunc status=none
    refused state 'is not as it was written' restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "truncated, exchanged, missing, edited: refused, real databases untouched" {
    backed_up_and_changed
    cp -a "$BACKUP" "$BATS_TEST_TMPDIR/good"
    truncate -s -1 "$BACKUP/$LAB_RM_DB.sql.zst"
    refused state 'bytes, the manifest says' restore '{"folder": "'"$BACKUP"'"}'
    rm -rf "$BACKUP" && cp -a "$BATS_TEST_TMPDIR/good" "$BACKUP"
    rm "$BACKUP/$LAB_CM_DB.sql.zst"
    refused state 'cannot be opened' restore '{"folder": "'"$BACKUP"'"}'
    mv "$BACKUP/$LAB_RM_DB.sql.zst" "$BACKUP/x" && mv "$BACKUP/$LAB_HB_DB.sql.zst" "$BACKUP/$LAB_RM_DB.sql.zst" && mv "$BACKUP/x" "$BACKUP/$LAB_HB_DB.sql.zst"
    refused state '' restore '{"folder": "'"$BACKUP"'"}'
    rm -rf "$BACKUP" && cp -a "$BATS_TEST_TMPDIR/good" "$BACKUP"
    sed -i 's/"rows":200/"rows":201/' "$BACKUP/manifest.json"
    refused state 'was changed after it was written' restore '{"folder": "'"$BACKUP"'"}'
    rm "$BACKUP/manifest.json"
    refused not_found 'never finished' restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
    same '' "$(databases_like '%\_\_old%')"
}

@test "a user who may not make databases is told what is missing" {
    backed_up_and_changed
    lab_sql -e "create or replace user 'poor'@'%' identified by 'p'"
    for db in "${ALL[@]}"; do lab_sql -e "grant all on \`${db//_/\\_}\`.* to 'poor'@'%'"; done
    USER_NAME=poor USER_PASSWORD=p refused permission "GRANT ALL ON \`${LAB_RM_DB//_/\\_}" restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "a user who may not give triggers their definer is told before anything is moved" {
    backed_up_and_changed
    lab_sql -e "create or replace user 'other'@'%' identified by 'p'"
    for db in "${ALL[@]}"; do lab_sql -e "grant all on \`${db//_/\\_}\`.* to 'other'@'%'; grant all on \`${db//_/\\_}\\_\\_%\`.* to 'other'@'%'"; done
    USER_NAME=other USER_PASSWORD=p refused permission 'SET USER' restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
    same '' "$(databases_like '%\_\_old%')"
}

@test "wrong password, server away" {
    backed_up_and_changed
    USER_PASSWORD=wrong refused permission 'refused user' restore '{"folder": "'"$BACKUP"'"}'
    DB_PORT=1 refused unreachable 'cannot be reached' restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "two at once: the second is told so" {
    backed_up_and_changed
    lab_sql -e "select get_lock(concat('omslaunch.', left(sha2('$LAB_RM_DB', 256), 40)), 0); select sleep(30)" >/dev/null 3>&- &
    sleep 0.5
    refused locked 'another restore' restore '{"folder": "'"$BACKUP"'"}'
    same 75 "$code"
    same "$changed" "$(digests "${ALL[@]}")"
    lab_sql -e "select id from information_schema.processlist where info like '%sleep(30)%' and id <> connection_id()" | while read -r id; do lab_sql -e "kill $id"; done
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "$original" "$(digests "${ALL[@]}")"
}

@test "a database of that name that is not ours is left alone" {
    backed_up_and_changed
    lab_sql -e "create database \`${LAB_RM_DB}__new_$RUN\`; create table \`${LAB_RM_DB}__new_$RUN\`.precious (id int)"
    refused refused 'no restore has made' restore '{"folder": "'"$BACKUP"'"}'
    same precious "$(lab_sql "${LAB_RM_DB}__new_$RUN" -e 'show tables')"
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "killed before and after statements all along, then called again: equal" {
    backed_up_and_changed
    export KILL_COUNT=$BATS_TEST_TMPDIR/count
    LD_PRELOAD=$METADB_DIR/kill_at.so ok restore '{"folder": "'"$BACKUP"'"}'
    unset KILL_COUNT
    total=$(cat "$BATS_TEST_TMPDIR/count")
    [ "$total" -gt 100 ]
    tried=0
    for ((at = 1; at <= total; at += ${KILL_STEP:-7})); do
        for when in before after; do
            drop_like '%\_\_%'
            for db in "${ALL[@]}"; do lab_sql -e "drop database $db; create database $db"; done
            lab_sql -e "create table $LAB_RM_DB.mark (id int); create view $LAB_RM_DB.mark_view as select * from $LAB_RM_DB.mark"
            KILL_AT=$at KILL_WHEN=$when LD_PRELOAD=$METADB_DIR/kill_at.so metadb restore '{"folder": "'"$BACKUP"'", "workers": 2}'
            if [ "$code" != 137 ]; then
                # Statements of several threads: the count differs a little.
                [ "$code" = 0 ] && [ "$at" -gt $((total - 10)) ]
            fi
            if ! ok restore '{"folder": "'"$BACKUP"'"}'; then
                echo "killed $when statement $at of $total" >&2
                return 1
            fi
            got=$(digests "${ALL[@]}" | grep -v '^[^ ]* database ')
            same "$(grep -v '^[^ ]* database ' <<<"$original")" "$got" || { echo "killed $when statement $at of $total" >&2; return 1; }
            same '' "$(databases_like '%\_\_new%')"
            # What was there before is in one quarantine.
            same 1 "$(lab_sql -e "select count(*) from information_schema.tables where table_name = 'mark' and table_schema like '%\\_\\_old%'")" || { echo "killed $when statement $at of $total" >&2; return 1; }
            tried=$((tried + 1))
        done
    done
    echo "# killed at $tried points of $total statements" >&3
}
