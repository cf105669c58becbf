#!/usr/bin/env bats
# A backup that is prepared, waits for the word to go, and is right whatever happened in between.
bats_require_minimum_version 1.5.0

setup_file() {
    . "$METADB_SRC/common.bash"
    lab_sql -e "create or replace user all_rights identified by 'secret-Word-1'; grant all on *.* to all_rights"
}

teardown_file() {
    . "$METADB_SRC/common.bash"
    drop_like 'pre%'
}

setup() {
    . "$METADB_SRC/common.bash"
    DATABASES="pre pre_cm pre_hb" USER_NAME=all_rights USER_PASSWORD=secret-Word-1
    FOLDER=$BATS_TEST_TMPDIR/backup
    drop_like 'pre%'
    lab_sql <<SQL
create database pre charset utf8mb4; create database pre_cm; create database pre_hb;
use pre; create table t (id bigint primary key auto_increment, v varchar(500), key (v));
insert into t (v) select concat(md5(seq), repeat(sha2(seq, 512), 2)) from seq_1_to_18000; analyze table t;
create table k (name varchar(64) primary key, v varchar(400));
insert into k select md5(seq), repeat(md5(seq), 10) from seq_1_to_12000; analyze table k;
create table small (id int primary key auto_increment, v int); insert into small (v) values (1),(2);
create view w as select id, v from small;
create table pre_cm.host (id int); create table pre_hb.heatbeat_sequence (id int primary key auto_increment);
insert into pre_hb.heatbeat_sequence select seq from seq_1_to_100;
SQL
}

# prepare PARAMETERS: returns when the program waits; its pid in $pid, its output in $out, its stdin is descriptor 7.
prepare() {
    out=$BATS_TEST_TMPDIR/out
    rm -f "$BATS_TEST_TMPDIR/in" && mkfifo "$BATS_TEST_TMPDIR/in"
    "$METADB_PROGRAM" dump <"$BATS_TEST_TMPDIR/in" >"$out" 3>&- &
    pid=$!
    exec 7>"$BATS_TEST_TMPDIR/in"
    request "$1" >&7
    echo >&7
    lab_wait 20 "that it is prepared" grep -q '"event":"prepared"' "$out"
}

# finish [WORD]: says it, closes, and waits; the last line in $answer, the exit code in $code.
finish() {
    [ -z "${1:-}" ] || echo "$1" >&7
    exec 7>&-
    code=0
    wait "$pid" || code=$?
    answer=$(tail -n 1 "$out")
}

sums() {
    jq -c '[.databases[] | .tables[] | [.name, .rows, .checksum, .create]] | sort' "$1/manifest.json"
}

@test "a prepared backup is the same as any other, of the moment when it was let go" {
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    [ "$(jq -c '.prepared | [.tables, .workers]' "$out")" = '[5,2]' ]
    lab_sql -e "insert into pre.t (v) values ('after'); delete from pre.small where id = 1; insert into pre.k values ('', 'first'), ('zzzz', 'last')"
    finish go
    [ "$code" = 0 ]
    ok dump '{"folder":"'"$FOLDER.2"'"}'
    same "$(sums "$FOLDER.2")" "$(sums "$FOLDER")"
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
}

@test "what is changed between the preparation and the word to go is in the backup" {
    count=0
    while IFS= read -r change; do
        [ -n "$change" ] || continue
        prepare '{"folder":"'"$FOLDER.$count"'","prepare":true}'
        lab_sql -e "use pre; $change"
        finish go
        [ "$code" = 0 ] || { echo "$change: $answer" >&2; return 1; }
        ok verify '{"folder":"'"$FOLDER.$count"'","against":"live"}'
        ok dump '{"folder":"'"$FOLDER.$count.plain"'"}'
        same "$(sums "$FOLDER.$count.plain")" "$(sums "$FOLDER.$count")" || { echo "$change" >&2; return 1; }
        for what in charset collation create triggers; do
            same "$(jq -c ".databases[].$what" "$FOLDER.$count.plain/manifest.json")" "$(jq -c ".databases[].$what" "$FOLDER.$count/manifest.json")"
        done
        count=$((count + 1))
    done <<'SQL'
insert into small (v) values (3); delete from small where v = 3
alter table t add column x int not null default 7
alter table t drop primary key, modify id bigint, modify v varchar(300) character set latin1, add primary key (v, id)
alter table k drop primary key
alter table small engine=MyISAM
create table fresh (id int primary key); insert into fresh values (1)
drop table fresh
drop table k; create view k as select 1 as one
rename table small to smaller
create or replace view w as select id from smaller
create trigger tr before insert on t for each row set new.v = 'x'
create table pre_cm.more (id int primary key auto_increment) auto_increment=77
alter database pre character set latin1
delete from t
truncate table t
SQL
    echo "$count changes, all in the backup" >&3
    [ "$count" = 15 ]
}

@test "connections that were closed while it waited are opened again" {
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    lab_sql -e "select concat('kill ', id, ';') from information_schema.processlist where user = 'all_rights'" | lab_sql --force
    finish go
    [ "$code" = 0 ]
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
}

@test "it holds no lock and no transaction while it waits" {
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    lab_sql -e 'set lock_wait_timeout = 1; alter table pre.t add column y int; drop table pre.k; flush tables with read lock; unlock tables'
    [ "$(lab_sql -e "select count(*) from information_schema.innodb_trx")" = 0 ]
    finish go
    [ "$code" = 0 ]
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
}

@test "given up: what it has made is taken away, and nothing else" {
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    [ "$(ls "$FOLDER")" = $'pre.sql.zst.part\npre_cm.sql.zst.part\npre_hb.sql.zst.part' ]
    finish
    [ "$code" = 1 ]
    [ "$(jq -r '.kind + ": " + .text' <<<"$answer")" = "interrupted: given up before it began: nobody said 'go'" ]
    [ ! -e "$FOLDER" ]
    mkdir -m 700 "$FOLDER"
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    finish stop
    [ "$code" = 64 ]
    [ -d "$FOLDER" ] && [ -z "$(ls -A "$FOLDER")" ]
    : >"$FOLDER/mine"
    prepare '{"folder":"'"$FOLDER"'","prepare":true}'
    kill -TERM "$pid"
    finish
    [ "$code" = 1 ]
    [ "$(jq -r .kind <<<"$answer")" = interrupted ]
    [ "$(ls -A "$FOLDER")" = mine ]
}

@test "what would fail, fails while it is prepared" {
    DATABASES="pre gone pre_hb" refused not_found "has no database 'gone'" dump '{"folder":"'"$FOLDER"'","prepare":true}'
    [ ! -e "$FOLDER" ]
    USER_PASSWORD=wrong refused permission "refused user 'all_rights'" dump '{"folder":"'"$FOLDER"'","prepare":true}'
    ok dump '{"folder":"'"$FOLDER"'"}'
    refused state "already holds a backup" dump '{"folder":"'"$FOLDER"'","prepare":true}'
}

@test "the newest row of the sequence is that of the moment, too" {
    prepare '{"folder":"'"$FOLDER"'","prepare":true,"sequence":"newest"}'
    lab_sql -e 'insert into pre_hb.heatbeat_sequence values (700)'
    finish go
    [ "$code" = 0 ]
    [ "$(zstd -qdc "$FOLDER/pre_hb.sql.zst" | grep -c '^(700)')" = 1 ]
    [ "$(jq -c '.databases[2].tables[0] | [.rows, .where]' "$FOLDER/manifest.json")" = \
        '[1,"`id` = (SELECT MAX(`id`) FROM `pre_hb`.`heatbeat_sequence`)"]' ]
}

@test "a trim beside a running OMS keeps the newest thousands, and swaps nothing" {
    lab_sql -e 'use pre_hb; truncate heatbeat_sequence; insert into pre_hb.heatbeat_sequence select seq from seq_1_to_350000'
    id() { lab_sql -e "select space from information_schema.innodb_sys_tables where name = 'pre_hb/heatbeat_sequence'"; }
    was=$(id)
    ok trim '{"live":true}'
    [ "$(field '.result[0] | .method, .deleted')" = $'batches\n339999' ]
    [ "$(lab_sql -e 'select min(id), max(id), count(*) from pre_hb.heatbeat_sequence')" = $'340000\t350000\t10001' ]
    same "$was" "$(id)"
    ok trim '{"live":true}'
    [ "$(field '.result[0] | .method, .deleted')" = $'nothing\n0' ]
    ok trim '{}'
    [ "$(lab_sql -e 'select min(id), max(id), count(*) from pre_hb.heatbeat_sequence')" = $'350000\t350000\t1' ]
}
