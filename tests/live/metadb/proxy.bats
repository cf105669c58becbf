#!/usr/bin/env bats
# A server that lacks what OceanBase and its proxy lack, and a network that breaks: proxy.c stands
# between.
bats_require_minimum_version 1.5.0

setup_file() {
    . "$METADB_SRC/common.bash"
    cc -O1 -D_GNU_SOURCE "$METADB_SRC/proxy.c" -o "$BATS_FILE_TMPDIR/proxy"
    lab_sql <<SQL
create database ob charset utf8mb4; create database ob_cm; create database ob_hb;
use ob; create table t (id bigint primary key auto_increment, v varchar(500), key (v));
insert into t (v) select concat(md5(seq), repeat('x', 300)) from seq_1_to_100000; analyze table t;
create view w as select id from t; create table ob_cm.host (id int); insert into ob_cm.host values (1);
create table ob_hb.heart_beat (id int primary key); create table ob_hb.heatbeat_sequence (id int primary key auto_increment);
insert into ob_hb.heatbeat_sequence select seq from seq_1_to_50;
create or replace user ob identified by 'ob'; grant all on *.* to ob;
SQL
}

teardown_file() {
    . "$METADB_SRC/common.bash"
    lab_sql -e 'drop database ob; drop database ob_cm; drop database ob_hb'
}

setup() {
    . "$METADB_SRC/common.bash"
    DATABASES="ob ob_cm ob_hb" USER_NAME=ob USER_PASSWORD=ob
    FOLDER=$BATS_TEST_TMPDIR/backup
    proxy_pid=
}

teardown() {
    [ -z "$proxy_pid" ] || kill "$proxy_pid" 2>/dev/null || true
}

# behind CUT_AFTER STATEMENT...: from now on requests go through the proxy.
behind() {
    DB_PORT=$(lab_free_port)
    # It ends by itself should the test be killed.
    timeout 300 "$BATS_FILE_TMPDIR/proxy" "$DB_PORT" "$LAB_DB_PORT" "$@" </dev/null \
        >"$BATS_TEST_TMPDIR/stolen" 2>&1 3>&- &
    proxy_pid=$!
    lab_wait 5 "the proxy" bash -c "exec 9<>/dev/tcp/127.0.0.1/$DB_PORT"
}

sums() {
    jq -c '[.databases[] | .tables[] | [.name, .rows, .checksum]] | sort' "$1/manifest.json"
}

LACKS=("FLUSH" "LOCK TABLES" "UNLOCK" "SHOW MASTER" "SHOW TABLE STATUS" "EXPLAIN" "SHOW TRIGGERS"
    "START TRANSACTION WITH" "SET character_set_results = NULL" "SELECT @@system_versioning" "SELECT GET_LOCK"
    "SET SESSION lock_wait_timeout" "SET SESSION innodb_lock_wait_timeout" "SET SESSION net_write_timeout"
    "SET SESSION max_" "SET SESSION wait_timeout" "prepare:")

@test "nothing that OceanBase lacks is needed for a backup" {
    ok dump '{"folder":"'"$FOLDER.direct"'"}'
    behind 0 "${LACKS[@]}"
    ok dump '{"folder":"'"$FOLDER"'"}'
    [ "$(field '.result.snapshot, .result.workers')" = $'one connection\n1' ]
    same "$(sums "$FOLDER.direct")" "$(sums "$FOLDER")"
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
}

@test "OceanBase is never asked for rows as they are stored" {
    ok dump '{"folder":"'"$FOLDER.direct"'"}'
    behind 0 oceanbase
    asked() { lab_sql -e "show global status like 'Com_stmt_prepare'"; }
    before=$(asked)
    ok dump '{"folder":"'"$FOLDER"'"}'
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
    same "$before" "$(asked)"
    same oceanbase "$(jq -r .server.flavor "$FOLDER/manifest.json")"
    same "$(sums "$FOLDER.direct")" "$(sums "$FOLDER")"
}

@test "nor for the other commands" {
    behind 0 "${LACKS[@]}"
    DATABASES="$LAB_RM_DB $LAB_CM_DB $LAB_HB_DB"
    for command in facts servers ha-get; do
        ok $command '{}'
    done
    DATABASES="ob ob_cm ob_hb"
    ok trim '{}'
    [ "$(field '.result[0].method')" = batches ]
    [ "$(lab_sql -e 'select count(*), max(id) from ob_hb.heatbeat_sequence')" = $'1\t50' ]
}

@test "nor for a rehearsal" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    behind 0 "${LACKS[@]}"
    ok rehearse '{"folder":"'"$FOLDER"'"}'
    [ "$(databases_like 'ob%')" = $'ob\nob\\_cm\nob\\_hb' ] || [ "$(databases_like 'ob%')" = $'ob\nob_cm\nob_hb' ]
}

@test "a server that refuses prepared statements, at once or when rows are in: none is lost or twice there" {
    before=$(digests ob ob_cm ob_hb)
    ok dump '{"folder":"'"$FOLDER"'"}'
    for how in "prepare:INSERT" "execute:INSERT"; do
        behind 0 "$how"
        ok restore '{"folder":"'"$FOLDER"'"}'
        same "the server did not take the rows of 'ob.t' as values of prepared statements; they came by INSERT, which is slower" \
            "$(field '.result.warnings[]')"
        kill "$proxy_pid"
        same "$before" "$(digests ob ob_cm ob_hb)"
        drop_like 'ob%\_\_%'
    done
}

@test "a server that wants a file of its client's gets none" {
    behind 0 "steal:SET SESSION sql_mode"
    refused unreachable 'Load data local infile forbidden' facts '{}'
    # The end of nothing.
    same 4 "$(stat -c %s "$BATS_TEST_TMPDIR/stolen")"
}

@test "a server that cannot rename across databases: said so before anything is loaded" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    before=$(digests ob ob_cm ob_hb)
    behind 0 "RENAME"
    metadb restore '{"folder":"'"$FOLDER"'"}'
    same "moving a table from one database to another, tried in 'ob__try_$RUN': the MetaDB at '127.0.0.1:$DB_PORT' says: Not supported feature or function (error 1235)
HINT: nothing was changed. A restore puts tables in place so; on this server restore by hand: drop and create each database, then zstd -dc FILE | mysql DATABASE" "$(field .text)"
    same "$before" "$(digests ob ob_cm ob_hb)"
    same '' "$(databases_like 'ob%\_\_%')"
    # And it is known before an outage.
    metadb probe '{}'
    same "what a restore would need was tried in scratch databases: moving a table from one database to another, tried in 'ob__try_$RUN': the MetaDB at '127.0.0.1:$DB_PORT' says: Not supported feature or function (error 1235)" "$(field .text | head -n 1)"
    same '' "$(databases_like 'ob%\_\_%')"
}

@test "scratch databases of a killed run go, a stranger's stays" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    before=$(digests ob ob_cm ob_hb)
    lab_sql -e "create database \`ob__try_$RUN\`; create table \`ob__try_$RUN\`.omslaunch_restore (id int); create table \`ob__try_$RUN\`.omslaunch_try (id int); create database \`ob__try2_$RUN\`; create table \`ob__try2_$RUN\`.precious (id int)"
    refused refused "there is a database 'ob__try2_$RUN' that no restore has made" restore '{"folder":"'"$FOLDER"'"}'
    same precious "$(lab_sql -e "show tables from \`ob__try2_$RUN\`")"
    lab_sql -e "drop table \`ob__try2_$RUN\`.precious"
    ok restore '{"folder":"'"$FOLDER"'"}'
    same '' "$(databases_like '%\_\_try%')"
    same "$before" "$(digests ob ob_cm ob_hb)"
    drop_like 'ob%\_\_%'
}

@test "the network is cut, at any point of a backup" {
    count=0
    for after in 50 200 2000 20000 100000 1000000 5000000 12000000; do
        behind $after
        metadb dump '{"folder":"'"$FOLDER.$after"'"}'
        kill "$proxy_pid"
        if [ "$code" = 0 ]; then
            ok verify '{"folder":"'"$FOLDER.$after"'"}'
        else
            [ "$(field .kind)" = unreachable ]
            [ ! -e "$FOLDER.$after/manifest.json" ]
            count=$((count + 1))
        fi
    done
    echo "$count of 8 cut, none looks whole" >&3
    [ "$count" -ge 6 ]
}

@test "the network is cut in the middle of a restore: the real databases are untouched, and it goes on later" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    lab_sql -e 'delete from ob.t where id % 3 = 0'
    before=$(digests ob ob_cm ob_hb)
    # So many bytes come from the server only when rows are read back: everything is loaded then.
    behind 300000
    refused unreachable "broke the connection off" restore '{"folder":"'"$FOLDER"'"}'
    same "$before" "$(digests ob ob_cm ob_hb)"
    kill "$proxy_pid"
    unset DB_PORT
    ok restore '{"folder":"'"$FOLDER"'"}'
    [ "$(lab_sql -e 'select count(*) from ob.t')" = 100000 ]
    drop_like 'ob%\_\_%'
}
