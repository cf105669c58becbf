#!/usr/bin/env bats
# Each of the server's settings at its worst: backup, rehearsal and restore give what is there, or end
# before anything is touched.
bats_require_minimum_version 1.5.0

setup_file() {
    . "$METADB_SRC/common.bash"
    lab_sql <<'SQL'
create or replace user setter identified by 'other'; grant all on `set\_%`.* to setter;
create database set_rm charset utf8mb4; create database set_cm charset latin1; create database set_hb;
use set_rm;
set time_zone = '+08:00';
create table parent (id bigint primary key auto_increment, v varchar(40), k varchar(40), key (k));
insert into parent (v, k) select md5(seq), if(seq % 2, null, 'x') from seq_1_to_300;
create table child (id int primary key, p bigint, `select` double as (p / 7) stored,
    constraint c foreign key (p) references parent (id)) comment '汉字';
insert into child (id, p) select seq, seq from seq_1_to_100;
create table times (id int primary key, a timestamp not null default '2000-01-01 00:00:00',
    b timestamp null default null, c timestamp not null default current_timestamp on update current_timestamp);
insert into times values (1, '2001-02-03 04:05:06', null, '2010-10-31 01:30:00'), (2, default, null, '2020-01-01');
create table late (id int primary key, n timestamp not null);
insert into late values (1, '2011-01-01 00:00:00');
create definer = setter@'%' view looks as select id, v from parent where k is null;
create table set_cm.host (id int auto_increment primary key, n varchar(20)) auto_increment = 10;
insert into set_cm.host values (9, 'ä');
create table set_hb.heart_beat (id int primary key); create table set_hb.heatbeat_sequence (id int primary key auto_increment);
insert into set_hb.heatbeat_sequence select seq from seq_1_to_50;
SQL
}

teardown_file() {
    . "$METADB_SRC/common.bash"
    drop_like 'set\_%'
    lab_sql -e 'drop user setter'
}

setup() {
    . "$METADB_SRC/common.bash"
    [ -z "${LAB_MYSQLD:-}" ] || skip "not for this server"
    DATABASES="set_rm set_cm set_hb" USER_NAME=setter USER_PASSWORD=other
    FOLDER=$BATS_TEST_TMPDIR/backup
    undo=()
    original=$(digests set_rm set_cm set_hb)
}

teardown() {
    put_back
    drop_like 'set\_%\_\_%'
}

# worst VARIABLE VALUE: for all sessions that begin now.
worst() {
    undo=("set global $1 = $(lab_sql -e "set sql_select_limit = 18446744073709551615; select ifnull(quote(@@global.$1), 'null')")" "${undo[@]}")
    case ${undo[0]} in *"'"[0-9]*) [[ $1 == *zone || $1 == init_connect ]] || undo[0]=${undo[0]//\'/} ;; esac
    lab_sql -e "set global $1 = $2"
}

put_back() {
    local statement
    for statement in "${undo[@]}"; do lab_sql -e "$statement"; done
    undo=()
}

# Backed up, rehearsed, restored: the same rows and definitions, by the server's own means.
comes_back() {
    ok dump '{"folder": "'"$FOLDER"'"}'
    same 454 "$(field .result.rows)"
    ok rehearse '{"folder": "'"$FOLDER"'"}'
    ok restore '{"folder": "'"$FOLDER"'"}'
    ok verify '{"folder": "'"$FOLDER"'", "against": "live"}'
    put_back
    same "$original" "$(digests set_rm set_cm set_hb)"
    rm -rf "$FOLDER"
    drop_like 'set\_%\_\_%'
}

# together VARIABLE VALUE...
together() {
    while [ $# -gt 0 ]; do
        worst "$1" "$2"
        shift 2
    done
    comes_back
}

@test "limits on rows" {
    together sql_select_limit 20
    together sql_select_limit 0 max_join_size 1 sql_safe_updates 1 sql_auto_is_null 1
}

@test "limits on time and memory" {
    together max_statement_time 0.000001 max_session_mem_used 100000 tmp_disk_table_size 16384 \
        idle_transaction_timeout 1 wait_timeout 1 net_write_timeout 1 net_read_timeout 1 \
        lock_wait_timeout 0 innodb_lock_wait_timeout 0
}

@test "time zones, and what a session says by itself" {
    together time_zone "'+08:00'" sql_quote_show_create 0 explicit_defaults_for_timestamp 0 sql_mode \
        "'ansi_quotes,no_backslash_escapes,pad_char_to_full_length,pipes_as_concat,strict_all_tables'"
    together init_connect "'set names latin1, sql_select_limit = 3, time_zone = \"-11:00\"'"
}

@test "the age of a heartbeat is by the clock that OMS writes it by" {
    worst time_zone "'+08:00'"
    lab_sql <<'SQL'
create database set_beats; use set_beats;
create table host (ip varchar(20), host_status int);
create table heart_beat (host_ip varchar(20), task_name varchar(20), gmt_modified datetime);
insert into heart_beat values ('10.0.0.1', 'supervisor', now());
SQL
    DATABASES="set_beats set_beats set_beats" ok servers '{}'
    [ "$(field '.result.hosts[0].heartbeat_age_ms')" -lt 60000 ]
    [ "$(field '.result.hosts[0].heartbeat_age_ms')" -ge 0 ]
    lab_sql -e 'drop database set_beats'
}

@test "what becomes of what is written" {
    together autocommit 0 tx_read_only 1 innodb_compression_default 1 auto_increment_increment 10 \
        div_precision_increment 0 foreign_key_checks 0 sql_if_exists 1
    together completion_type 1 tx_isolation "'SERIALIZABLE'"
}

@test "what a user may not set for a session is named before anything is done" {
    worst enforce_storage_engine MyISAM
    refused refused "keeps session variable 'enforce_storage_engine' at 'MyISAM', but it has to be ''" \
        dump '{"folder": "'"$FOLDER"'"}'
    [ ! -e "$FOLDER" ]
}

@test "the stock client commits what a file says" {
    ok dump '{"folder": "'"$FOLDER"'"}'
    worst autocommit 0
    worst time_zone "'+08:00'"
    lab_sql -e 'create database set_rm__copy'
    zstd -dc "$FOLDER"/set_rm.sql.zst | lab_sql set_rm__copy
    put_back
    same 300 "$(lab_sql set_rm__copy -e 'select count(*) from parent')"
}

@test "rows that get lost on the way: the table and both figures are named" {
    LOSE_AFTER=200 LD_PRELOAD=$METADB_DIR/kill_at.so refused failed \
        "table 'set_rm.parent' has 300 rows, but 200 came into the backup" dump '{"folder": "'"$FOLDER"'"}'
    [ ! -e "$FOLDER" ]
}

@test "a server that keeps its limit: named, and nothing is made" {
    cc -O1 -D_GNU_SOURCE "$METADB_SRC/proxy.c" -o "$BATS_TEST_TMPDIR/proxy"
    DB_PORT=$(lab_free_port)
    timeout 60 "$BATS_TEST_TMPDIR/proxy" "$DB_PORT" "$LAB_DB_PORT" 0 "SET SESSION sql_select_limit" \
        </dev/null >/dev/null 2>&1 3>&- &
    lab_wait 5 "the proxy" bash -c "exec 9<>/dev/tcp/127.0.0.1/$DB_PORT"
    worst sql_select_limit 20
    refused refused "the MetaDB at '127.0.0.1:$DB_PORT' keeps session variable 'sql_select_limit' at '20', but it has to be '18446744073709551615'
HINT: set it so for all (SET GLOBAL), or let user 'setter' set it for a session" dump '{"folder": "'"$FOLDER"'"}'
    [ ! -e "$FOLDER" ]
    kill %1
}
