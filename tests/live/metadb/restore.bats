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
create view only_new_broken as select v from only_new;
alter table only_new change v w varchar(20);
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
    # shellcheck disable=SC2001
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

# says KIND TEXT: what a restore of $C, a copy of the backup that something was done to, must end
# with; the copy is made anew afterwards.
says() {
    metadb restore '{"folder": "'"$C"'", "workers": 1}'
    same "$1: $2" "$(field '"\(.kind): \(.text)"')"
    rm -rf "$C" && cp -a "$BACKUP" "$C"
    faults=$((faults + 1))
}

# The digest that the manifest of $C ought to have now.
sign() {
    jq -cS 'del(.digest)' "$C/manifest.json" | tr -d '\n' | sha256sum | cut -d' ' -f1
}

# edit FILTER: the manifest of $C, with a digest that fits.
edit() {
    jq -c "$1" "$BACKUP/manifest.json" >"$C/manifest.json"
    jq -c --arg d "$(sign)" '.digest = $d' "$C/manifest.json" >"$BATS_TEST_TMPDIR/signed"
    mv "$BATS_TEST_TMPDIR/signed" "$C/manifest.json"
}

@test "a damaged backup is refused by name and place, with the real databases untouched" {
    backed_up_and_changed
    ok dump '{"folder": "'"$BACKUP.other"'"}'
    C=$BATS_TEST_TMPDIR/copy faults=0
    damaged=$'\nHINT: this backup is damaged: use another one'
    untrusted=$'\nHINT: this backup cannot be trusted: take another one'
    cp -a "$BACKUP" "$C"
    same "$(jq -r .digest "$C/manifest.json")" "$(sign)"
    for file in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        file=$file.sql.zst size=$(stat -c %s "$BACKUP/$file")
        for at in 0 20 $((size / 2)) $((size - 1)); do
            byte=$(od -An -tu1 -j "$at" -N 1 "$C/$file" | tr -d ' ')
            # shellcheck disable=SC2059 # the byte is the format
            printf "$(printf '\\x%02x' $((byte ^ 4)))" | dd of="$C/$file" bs=1 seek="$at" conv=notrunc status=none
            end=$(jq --arg f "$file" --argjson at "$at" '.databases[] | select(.file == $f) | .frames[] |
                select(.offset <= $at and $at < .offset + .length) | .offset + .length' "$BACKUP/manifest.json")
            says state "'$file' is not as it was written, up to and at byte $end$damaged"
        done
        truncate -s -1 "$C/$file"
        says state "'$C/$file' has $((size - 1)) bytes, the manifest says $size$damaged"
        echo >>"$C/$file"
        says state "'$C/$file' has $((size + 1)) bytes, the manifest says $size$damaged"
        rm "$C/$file"
        says state "'$C/$file' cannot be opened: No such file or directory
HINT: this backup is not whole: use another one"
        rm "$C/$file" && ln -s "$BACKUP/$file" "$C/$file"
        says state "'$C/$file' cannot be opened: Too many levels of symbolic links
HINT: this backup is not whole: use another one"
    done
    cp "$BACKUP/$LAB_CM_DB.sql.zst" "$C/$LAB_RM_DB.sql.zst" && cp "$BACKUP/$LAB_RM_DB.sql.zst" "$C/$LAB_CM_DB.sql.zst"
    says state "'$C/$LAB_RM_DB.sql.zst' has $(stat -c %s "$BACKUP/$LAB_CM_DB.sql.zst") bytes, the manifest says $(stat -c %s "$BACKUP/$LAB_RM_DB.sql.zst")$damaged"
    # Of another backup, with lengths that happen to fit; only the first frame is the same.
    cp "$BACKUP.other/manifest.json" "$C/"
    for file in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        truncate -s "$(stat -c %s "$BACKUP.other/$file.sql.zst")" "$C/$file.sql.zst"
    done
    says state "'$LAB_RM_DB.sql.zst' is not as it was written, up to and at byte $(jq '.databases[0].frames[1] | .offset + .length' "$BACKUP.other/manifest.json")$damaged"
    sed -i 's/"rows":200/"rows":201/' "$C/manifest.json"
    says state "'$C/manifest.json' was changed after it was written$untrusted"
    truncate -s -2 "$C/manifest.json"
    says state "'$C/manifest.json' is no whole JSON document$untrusted"
    jq -c '.schema = 2' "$BACKUP/manifest.json" >"$C/manifest.json"
    says state "'$C/manifest.json' is of a format that this version does not know$untrusted"
    rm "$C/manifest.json"
    says not_found "'$C' has no manifest.json: the backup was never finished
HINT: take the backup again"
    edit 'del(.databases[0].frames[3])'
    says state "'$LAB_RM_DB.sql.zst' is not made of the frames that the manifest names$damaged"
    # By somebody who knows how: a frame is out of the file, and the manifest fits it.
    frame='.databases[0].frames | map(.kind == "data" and .table == "oms_project") | index(true)'
    n=$(jq "$frame" "$BACKUP/manifest.json")
    offset=$(jq ".databases[0].frames[$n].offset" "$BACKUP/manifest.json") length=$(jq ".databases[0].frames[$n].length" "$BACKUP/manifest.json")
    { head -c "$offset" "$BACKUP/$LAB_RM_DB.sql.zst" && tail -c "+$((offset + length + 1))" "$BACKUP/$LAB_RM_DB.sql.zst"; } >"$C/$LAB_RM_DB.sql.zst"
    edit ".databases[0] |= (.bytes -= $length | del(.frames[$n]) | .frames |= map(if .offset > $offset then .offset -= $length else . end))"
    says state "what was restored from '$C' is not what was backed up (1 findings): ${LAB_RM_DB}__new_$RUN.oms_project: 0 rows, the backup has 200
HINT: nothing was put in place. If the server is of another version than the one backed up, restore by hand: zstd -dc FILE | mysql DATABASE"
    echo "$faults faults, each refused by name" >&3
    same "$changed" "$(digests "${ALL[@]}")"
    same '' "$(databases_like '%\_\_old%')"
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

@test "a user who may not make databases is told what is missing" {
    backed_up_and_changed
    lab_sql -e "create or replace user 'poor'@'%' identified by 'p'"
    for db in "${ALL[@]}"; do lab_sql -e "grant all on \`${db//_/\\_}\`.* to 'poor'@'%'"; done
    USER_NAME=poor USER_PASSWORD=p refused permission "GRANT ALL ON \`${LAB_RM_DB//_/\\_}" restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "what may not be given its definer is kept as text and named; the rows are in place" {
    backed_up_and_changed
    lab_sql -e "create or replace user 'other'@'%' identified by 'p'"
    for db in "${ALL[@]}"; do lab_sql -e "grant all on \`${db//_/\\_}\`.* to 'other'@'%'; grant all on \`${db//_/\\_}\\_\\_%\`.* to 'other'@'%'"; done
    USER_NAME=other USER_PASSWORD=p ok restore '{"folder": "'"$BACKUP"'"}'
    same "$(grep ' table ' <<<"$original")" "$(digests "${ALL[@]}" | grep ' table ')"
    same "the view '$LAB_RM_DB.a_view_on_view' was not made
the view '$LAB_RM_DB.v_running_project' was not made
the trigger '$LAB_RM_DB.oms_config_audit' was not made" "$(field '.result.warnings[1:][]' | cut -d: -f1)"
    # An administrator runs the file.
    lab_sql <"$BACKUP/not-made-$RUN.sql"
    same "$original" "$(digests "${ALL[@]}")"
}

@test "wrong password, server away" {
    backed_up_and_changed
    USER_PASSWORD=wrong metadb restore '{"folder": "'"$BACKUP"'"}'
    same "permission: the MetaDB at '127.0.0.1:$LAB_DB_PORT' refused user '$LAB_DB_USER' and the password: Access denied for user '$LAB_DB_USER'@'HOST' (using password: YES) (error 1045)
HINT: compare oms_meta_user and oms_meta_password in config.yaml with what the database expects, and whether the user may come from this host" "$(field '"\(.kind): \(.text)"' | sed "s/'@'[^']*'/'@'HOST'/")"
    DB_PORT=1 refused unreachable "the MetaDB at '127.0.0.1:1' cannot be reached: " restore '{"folder": "'"$BACKUP"'"}'
    same "$changed" "$(digests "${ALL[@]}")"
}

@test "two at once: the second is told so" {
    backed_up_and_changed
    lab_sql -e "select get_lock(concat('omslaunch.', left(sha2('$LAB_RM_DB', 256), 40)), 0); select sleep(30)" >/dev/null 3>&- &
    sleep 0.5
    metadb restore '{"folder": "'"$BACKUP"'"}'
    same "75 locked: another restore into '$LAB_RM_DB' is under way
HINT: wait for it, or end it" "$code $(field '"\(.kind): \(.text)"')"
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

# A server of its own, on a disk of SIZE; its databases hold one row each.
tiny_server() {
    TINY=$METADB_DIR/tiny
    mkdir -p "$TINY/db/data"
    chmod 700 "$TINY/db"
    mount -t tmpfs -o "size=$1,mode=700" omsl "$TINY/db/data"
    (
        unset LAB_DB_PORT
        lab_defaults "$TINY"
        LAB_MARIADB_ARGS='--innodb-log-file-size=4M --innodb-buffer-pool-size=32M --loose-aria-log-file-size=8M --loose-innodb-temp-data-file-path=ibtmp1:4M:autoextend --performance-schema=0' \
            lab_db_start 3>&-
    )
    tiny_sql -e "delete from mysql.user where User = '' or (User = 'root' and Host <> 'localhost'); flush privileges; create or replace user chief@'%' identified by 'c'; grant all on *.* to chief@'%'; create database b_rm; create database b_cm; create database b_hb; create table b_rm.mark (id int); insert into b_rm.mark values (7); create table b_cm.x (id int); create table b_hb.x (id int)"
    TINY_PORT=$(tiny_sql -e 'select @@port')
}

tiny_sql() {
    (LAB_DB_SOCK=$METADB_DIR/tiny/db/sock lab_sql "$@")
}

tiny_down() {
    lab_end_pid "$(cat "$METADB_DIR/tiny/db/pid")" 30
    umount "$METADB_DIR/tiny/db/data"
    rm -rf "$METADB_DIR/tiny"
}

# 40 MB of rows with two indexes.
big_backup() {
    lab_sql <<'SQL'
drop database if exists b_rm; drop database if exists b_cm; drop database if exists b_hb;
create database b_rm; create database b_cm; create database b_hb;
use b_rm;
create table big (id int primary key, a char(64), b varchar(300), key (a), key (b(40)));
insert into big select seq, sha2(seq, 256), repeat(md5(seq), 8) from seq_1_to_110000;
create table b_cm.x (id int); create table b_hb.x (id int);
create or replace user chief@'%' identified by 'c'; grant all on *.* to chief@'%';
SQL
    export DATABASES='b_rm b_cm b_hb' USER_NAME=chief USER_PASSWORD=c
    ok dump '{"folder": "'"$BACKUP"'"}'
    lab_sql -e 'drop database b_rm; drop database b_cm; drop database b_hb'
}

@test "the server's disk is full: said so, real databases untouched; with room it goes on" {
    big_backup
    tiny_server 400m
    export DB_PORT=$TINY_PORT
    fallocate -l $(($(df --output=avail -B1 "$TINY/db/data" | tail -n 1) - 30000000)) "$TINY/db/data/ballast"
    metadb restore '{"folder": "'"$BACKUP"'"}'
    same 1 "$code"
    [[ "$(field .text)" = *'is full'*'HINT: make room on the disk of the database server'* ]]
    same 7 "$(tiny_sql -e 'select * from b_rm.mark')"
    same '' "$(tiny_sql -e "select schema_name from information_schema.schemata where schema_name like '%\_\_old%'")"
    rm "$TINY/db/data/ballast"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same 110000 "$(tiny_sql -e 'select count(*) from b_rm.big')"
    same 7 "$(tiny_sql -e "select * from \`b_rm__old_$RUN\`.mark")"
    ok verify '{"folder": "'"$BACKUP"'", "against": "live"}'
    tiny_down
}

@test "the server is killed in the middle: said so; when it is up again the restore goes on" {
    big_backup
    tiny_server 400m
    export DB_PORT=$TINY_PORT
    request '{"folder": "'"$BACKUP"'"}' >"$BATS_TEST_TMPDIR/request"
    "$METADB_PROGRAM" restore <"$BATS_TEST_TMPDIR/request" >"$BATS_TEST_TMPDIR/out" 3>&- &
    pid=$!
    lab_wait 30 'the middle of the restore' grep -q '"restoring"' "$BATS_TEST_TMPDIR/out"
    kill -KILL "$(cat "$TINY/db/pid")"
    code=0
    wait "$pid" || code=$?
    same 1 "$code"
    answer=$(tail -n 1 "$BATS_TEST_TMPDIR/out" | with_hint)
    same unreachable "$(field .kind)"
    [[ "$(field .text)" = *'HINT: see whether the database server is still up'* ]]
    (lab_use "$TINY" && LAB_MARIADB_ARGS='--innodb-log-file-size=4M' lab_db_start 3>&-)
    same 7 "$(tiny_sql -e 'select * from b_rm.mark')"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same 110000 "$(tiny_sql -e 'select count(*) from b_rm.big')"
    ok verify '{"folder": "'"$BACKUP"'", "against": "live"}'
    tiny_down
}

# Small, and with everything that is special: a table without transactions, a sequence and a default
# from it, foreign keys over databases, views, a trigger, a broken view.
small_databases() {
    lab_sql <<SQL
drop database if exists k_rm; drop database if exists k_cm; drop database if exists k_hb;
create database k_rm character set gbk; create database k_cm; create database k_hb;
create or replace user chief@'%' identified by 'c'; grant all on *.* to chief@'%';
create table k_cm.parent (id int primary key); insert into k_cm.parent values (1), (2);
use k_rm;
create table plain (id int primary key, v varchar(20) character set utf8mb4, key (v)); insert into plain values (1, '汉字'), (2, 'b');
create table child (id int primary key, p int, constraint far foreign key (p) references k_cm.parent (id)); insert into child values (1, 1);
create table old_engine (id int, t text, fulltext (t)) engine=MyISAM; insert into old_engine values (1, 'x'), (1, 'x');
$(has_sequences && echo 'create sequence numbers; select nextval(numbers) into @n;
create table numbered (id bigint primary key default nextval(numbers)); insert into numbered values ();')
create view seen as select v from plain; create view a_seen as select * from seen;
create table k_hb.beat (id int primary key); insert into k_hb.beat values (1);
SQL
    lab_sql -e "create definer='$LAB_DB_USER'@'%' trigger noted before insert on plain for each row set new.id = new.id + 1" k_rm
    if [ "${1:-}" = broken ]; then
        lab_sql k_rm -e 'create table gone (id int); create view broken as select plain.v, gone.id from gone join plain; drop table gone'
    fi
}

small_digest() {
    if lab_sql -e 'select 1 from k_rm.numbered' >/dev/null 2>&1; then
        lab_sql -e 'checksum table k_rm.numbered; select * from k_rm.numbers; show create table k_rm.numbered'
    fi
    lab_sql <<'SQL' 2>&1
checksum table k_cm.parent, k_rm.plain, k_rm.child, k_rm.old_engine, k_hb.beat;
select table_schema, table_name, table_type from information_schema.tables where table_schema in ('k_rm', 'k_cm', 'k_hb') order by 1, 2;
show create table k_rm.child; show create table k_rm.plain; show create table k_rm.old_engine;
use k_rm; show create view seen; show create view a_seen;
select trigger_schema, trigger_name, event_object_table, action_statement, definer from information_schema.triggers where trigger_schema in ('k_rm', 'k_cm', 'k_hb');
select * from information_schema.schemata where schema_name in ('k_rm', 'k_cm', 'k_hb') order by schema_name;
select * from information_schema.innodb_sys_foreign where substring_index(for_name, '/', 1) in ('k_rm', 'k_cm', 'k_hb');
SQL
}

# What a migration left that dropped most and made other things.
half_migrated() {
    drop_like 'k\_%\_\_%'
    lab_sql <<'SQL'
set foreign_key_checks = 0;
drop database k_rm; create database k_rm; drop table if exists k_cm.parent;
create table k_rm.mark (id int); create table k_rm.plain (other int);
create view k_rm.mark_view as select * from k_rm.mark;
create trigger k_rm.marked before insert on k_rm.mark for each row set new.id = 1;
SQL
}

# kill_everywhere STEP: SIGKILL before and after every STEP-th statement, then the same again to its
# end.
kill_everywhere() {
    local step=$1 total at when got tried=0 DATABASES='k_rm k_cm k_hb' USER_NAME=chief USER_PASSWORD=c
    local request='{"folder": "'"$BACKUP"'", "workers": 2, "prepare_from": 0}'
    original=$(small_digest)
    ok dump '{"folder": "'"$BACKUP"'"}'
    half_migrated
    KILL_COUNT=$BATS_TEST_TMPDIR/count LD_PRELOAD=$METADB_DIR/kill_at.so ok restore "$request"
    total=$(cat "$BATS_TEST_TMPDIR/count")
    [ "$total" -gt 100 ]
    for ((at = 1; at <= total; at += step)); do
        for when in before after; do
            half_migrated
            KILL_AT=$at KILL_WHEN=$when LD_PRELOAD=$METADB_DIR/kill_at.so metadb restore "$request"
            # Statements of several threads: their number differs a little.
            if [ "$code" != 137 ] && { [ "$code" != 0 ] || [ "$at" -lt $((total - 10)) ]; }; then
                echo "exit $code instead of a kill $when statement $at of $total: $answer" >&2
                return 1
            fi
            # Never a mix under the real names.
            if [ "$(lab_sql -e "select count(*) from information_schema.tables where table_schema = 'k_rm' and table_name in ('mark', 'child')")" = 2 ]; then
                echo "a mix after a kill $when statement $at of $total" >&2
                return 1
            fi
            if ! ok restore "$request" || ! got=$(small_digest) || ! same "$original" "$got" ||
                ! same '' "$(databases_like 'k\_%\_\_new%')" ||
                ! same 1 "$(lab_sql -e "select count(*) from information_schema.tables where table_name = 'mark' and table_schema like 'k\_rm\_\_old%'")"; then
                echo "after a kill $when statement $at of $total" >&2
                return 1
            fi
            tried=$((tried + 1))
        done
    done
    echo "# killed at $tried points of $total statements" >&3
}

@test "killed around every statement, then called again: equal, and the old is kept" {
    small_databases
    kill_everywhere "${KILL_STEP:-20}"
}

@test "the same with a broken view, for which the real database is emptied first" {
    small_databases broken
    kill_everywhere "${KILL_STEP:-40}"
}
