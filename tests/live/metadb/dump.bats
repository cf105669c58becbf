#!/usr/bin/env bats
# Taking and verifying backups when things go wrong: a backup that looks whole is whole.
bats_require_minimum_version 1.5.0

setup_file() {
    . "$METADB_SRC/common.bash"
    # Big enough that there is a middle to be hit at level 19.
    lab_sql <<SQL
create database big charset utf8mb4; create database big_cm; create database big_hb;
use big; create table t (id bigint primary key auto_increment, v varchar(500), key (v));
insert into t (v) select concat(md5(seq), repeat(sha2(seq, 512), 2)) from seq_1_to_200000; analyze table t;
create table small (id int primary key); insert into small values (1),(2);
create table big_cm.host (id int); create table big_hb.heatbeat_sequence (id int primary key auto_increment);
insert into big_hb.heatbeat_sequence select seq from seq_1_to_100;
create table big_cm.my (id int primary key) engine=MyISAM; insert into big_cm.my values (1),(2);
create or replace user all_rights identified by 'secret-Word-1'; grant all on *.* to all_rights;
create or replace user no_reload identified by 'secret-Word-1'; grant select, lock tables, show view, trigger on \`big%\`.* to no_reload;
create or replace user no_lock identified by 'secret-Word-1'; grant select, show view on \`big%\`.* to no_lock;
create or replace user no_table identified by 'secret-Word-1'; grant select on big.small to no_table; grant select on big_cm.* to no_table; grant select on big_hb.* to no_table;
SQL
}

teardown_file() {
    . "$METADB_SRC/common.bash"
    lab_db_lives || lab_db_start
    lab_sql -e 'drop database if exists big; drop database if exists big_cm; drop database if exists big_hb'
}

setup() {
    . "$METADB_SRC/common.bash"
    # Not exported: a test looks for the password in the environment.
    DATABASES="big big_cm big_hb" USER_NAME=all_rights USER_PASSWORD=secret-Word-1
    FOLDER=$BATS_TEST_TMPDIR/backup
}

# begin COMMAND PARAMETERS: in the background; its pid in $pid, its output in $out.
begin() {
    out=$BATS_TEST_TMPDIR/out
    request "$2" >"$BATS_TEST_TMPDIR/request"
    "$METADB_PROGRAM" "$1" <"$BATS_TEST_TMPDIR/request" >"$out" 3>&- &
    pid=$!
}

# `! grep` would not end a test.
lacks() {
    if grep -rqa "$@"; then
        printf 'found: %s\n' "$*" >&2
        return 1
    fi
}

# The backup is under way: some of a table's rows are on disk.
under_way() {
    lab_wait 20 "the middle of the backup" test -s "$FOLDER/big.sql.zst.part"
    sleep 0.3
}

no_backup_here() {
    [ ! -e "$FOLDER/manifest.json" ] && ! ls "$FOLDER"/*.zst >/dev/null 2>&1
}

sums() {
    jq -c '[.databases[] | .tables[] | [.name, .rows, .checksum]] | sort' "$1/manifest.json"
}

@test "every rung of the ladder gives the same backup, and the manifest says which it was" {
    ok dump '{"folder":"'"$FOLDER.1"'"}'
    [ "$(field .result.snapshot)" = "global lock" ]
    USER_NAME=no_reload ok dump '{"folder":"'"$FOLDER.2"'"}'
    [ "$(field .result.snapshot)" = "table locks" ]
    USER_NAME=no_lock ok dump '{"folder":"'"$FOLDER.3"'","workers":4}'
    [ "$(field '.result.snapshot, .result.workers')" = $'one connection\n1' ]
    [ "$(jq -r .snapshot.method "$FOLDER.3/manifest.json")" = "one connection" ]
    same "$(sums "$FOLDER.1")" "$(sums "$FOLDER.2")"
    same "$(sums "$FOLDER.1")" "$(sums "$FOLDER.3")"
}

@test "the newest row of the sequence is enough when asked for" {
    ok dump '{"folder":"'"$FOLDER"'","sequence":"newest"}'
    [ "$(jq -c '.databases[2].tables[] | select(.name == "heatbeat_sequence") | [.rows, .where]' "$FOLDER/manifest.json")" = \
        '[1,"`id` = (SELECT MAX(`id`) FROM `big_hb`.`heatbeat_sequence`)"]' ]
    [ "$(zstd -qdc "$FOLDER/big_hb.sql.zst" | grep -c '^(100)')" = 1 ]
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
}

@test "every way to verify answers alike, and counts as the backup does" {
    lab_sql -e 'create or replace view big.seen as select id from big.small'
    ok dump '{"folder":"'"$FOLDER"'"}'
    counts=$(field '[.result.tables, .result.rows, .result.bytes] | @text')
    for how in 'verify {"folder":"'"$FOLDER"'"}' 'verify {"folder":"'"$FOLDER"'","against":"live"}' 'rehearse {"folder":"'"$FOLDER"'"}'; do
        ok "${how%% *}" "${how#* }"
        same "true $counts $(jq -r .digest "$FOLDER/manifest.json") $FOLDER" \
            "$(field '.result | "\(.whole) \([.tables, .rows, .bytes] | @text) \(.digest) \(.folder)"')"
        printf '%s\n' "$(field .result.against)"
    done >"$BATS_TEST_TMPDIR/against"
    same $'null\nlive\nrehearsal' "$(cat "$BATS_TEST_TMPDIR/against")"
    lab_sql -e 'drop view big.seen'
}

@test "one snapshot: what is written meanwhile is in no table of the backup" {
    before=$(lab_sql -e 'select count(*), max(id) from big.t')
    lab_sql -e 'create or replace table big.pair_a (id int primary key auto_increment); create or replace table big.pair_b like big.pair_a'
    (for _ in $(seq 200); do echo 'start transaction; insert into big.pair_a values (); insert into big.pair_b values (); commit;'; done | lab_sql) &
    writer=$!
    for i in 1 2 3; do
        ok dump '{"folder":"'"$FOLDER.$i"'"}'
        a=$(jq '.databases[0].tables[] | select(.name == "pair_a") | .rows' "$FOLDER.$i/manifest.json")
        b=$(jq '.databases[0].tables[] | select(.name == "pair_b") | .rows' "$FOLDER.$i/manifest.json")
        [ "$a" = "$b" ]
    done
    wait "$writer"
    lab_sql -e 'drop table big.pair_a, big.pair_b'
}

@test "a folder holds one backup for ever" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    was=$(sha256sum "$FOLDER"/*)
    refused state "'$FOLDER' already holds a backup" dump '{"folder":"'"$FOLDER"'"}'
    same "$was" "$(sha256sum "$FOLDER"/*)"
    [ "$(stat -c %a "$FOLDER" "$FOLDER"/* | sort -u | tr '\n' ' ')" = "600 700 " ]
}

@test "the server is killed in the middle" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    lab_db_kill
    code=0
    wait "$pid" || code=$?
    [ "$code" = 1 ]
    [ "$(tail -n 1 "$out" | jq -r .kind)" = unreachable ]
    no_backup_here
    lab_db_start
    # The same folder serves for the next try.
    ok dump '{"folder":"'"$FOLDER"'"}'
    ok verify '{"folder":"'"$FOLDER"'"}'
}

@test "stopped by a signal: said so, and nothing that looks whole is left" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" = 1 ]
    [ "$(tail -n 1 "$out" | jq -r .kind)" = interrupted ]
    no_backup_here
}

@test "killed without mercy: no manifest, and the next try takes the folder" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    kill -KILL "$pid"
    wait "$pid" || true
    no_backup_here
    refused not_found "'$FOLDER' has no manifest.json: the backup was never finished" verify '{"folder":"'"$FOLDER"'"}'
    ok dump '{"folder":"'"$FOLDER"'"}'
    ok verify '{"folder":"'"$FOLDER"'"}'
    [ -z "$(ls "$FOLDER"/*.part 2>/dev/null)" ]
}

@test "its connections are killed by an administrator" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    lab_sql -e "select concat('kill ', id, ';') from information_schema.processlist where user = 'all_rights'" | lab_sql --force
    code=0
    wait "$pid" || code=$?
    [ "$code" = 1 ]
    [ "$(tail -n 1 "$out" | jq -r .event)" = error ]
    no_backup_here
}

@test "nobody can alter or drop a table once it is being read" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    run lab_sql -e 'set lock_wait_timeout = 1; alter table big.t add column x int'
    [[ "$output" == *"Lock wait timeout"* ]]
    run lab_sql -e 'set lock_wait_timeout = 1; drop table big.t'
    [[ "$output" == *"Lock wait timeout"* ]]
    kill -KILL "$pid"
    wait "$pid" || true
}

@test "somebody reads a table without end: MariaDB does not mind, of MySQL it is said who is in the way" {
    lab_sql -e 'select sleep(900) from big.small limit 1' >/dev/null 2>&1 3>&- &
    sleep 0.5
    metadb dump '{"folder":"'"$FOLDER"'"}'
    lab_sql -e "select concat('kill ', id, ';') from information_schema.processlist where id <> connection_id() and info like 'select sleep(900)%'" | lab_sql --force
    if [ -z "$LAB_MYSQLD" ]; then
        [ "$code" = 0 ]
    else
        same "timeout: backing up 'big.small': the MetaDB at '127.0.0.1:$LAB_DB_PORT' says: Lock wait timeout exceeded; try restarting transaction (error 1205)
HINT: see who reads or locks that table for long (show full processlist): MySQL lets nobody in until that ends; then start again" \
            "$(field '"\(.kind): \(.text)"')"
        no_backup_here
    fi
}

# stopped_before STATEMENT PARAMETERS: a backup that stands still before it.
stopped_before() {
    STOP_BEFORE=$1 LD_PRELOAD=$METADB_DIR/kill_at.so begin dump "$2"
    lab_wait 20 "the statement" grep -q '^State:.*stopped' "/proc/$pid/status"
}

@test "a table that is altered or dropped before it was read: said so by name, and no backup" {
    count=0 held=0
    # Without the MyISAM table, for which the lock is kept.
    DATABASES="big big_hb big_hb"
    while IFS= read -r change; do
        lab_sql -e 'create or replace table big.late (id int primary key, v int); insert into big.late values (1, 1), (2, 2)'
        # shellcheck disable=SC2016 # names in backquotes
        stopped_before 'SELECT `id`,`v` FROM `big`.`late`' '{"folder":"'"$FOLDER"'"}'
        denied=$(lab_sql -e "set lock_wait_timeout = 1; use big; $change" 2>&1) || [[ "$denied" == *"Lock wait timeout"* ]]
        kill -CONT "$pid"
        code=0
        wait "$pid" || code=$?
        if [ -n "$denied" ]; then
            [ "$code" = 0 ]
            ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
            rm -r "$FOLDER"
            held=$((held + 1))
            continue
        fi
        [ "$code" = 1 ] || { echo "$change: exit $code" >&2; return 1; }
        same "failed: table 'big.late' was altered or dropped while the backup was taken"$'\n'"HINT: see who alters tables of the MetaDB now (show full processlist), then start again" \
            "$(tail -n 1 "$out" | with_hint | jq -r '.kind + ": " + .text')"
        no_backup_here
        count=$((count + 1))
    done <<'SQL'
alter table late add column x int
alter table late drop column v
alter table late modify v bigint
alter table late engine=InnoDB, algorithm=copy
alter table late comment 'other'
truncate table late
drop table late
rename table late to late2
SQL
    echo "$count changes found, $held held off" >&3
    # MySQL, which would not tell of TRUNCATE, is asked to hold them all off.
    same "$([ -z "$LAB_MYSQLD" ] && echo 8 0 || echo 0 8)" "$count $held"
    lab_sql -e 'drop table if exists big.late, big.late2'
    # What comes new is in no backup that has begun without it; nor are new rows.
    # shellcheck disable=SC2016
    stopped_before 'SELECT `id` FROM `big`.`small`' '{"folder":"'"$FOLDER"'"}'
    lab_sql -e 'create table big.fresh (id int primary key); insert into big.small values (3)'
    kill -CONT "$pid"
    wait "$pid"
    [ "$(jq -c '[.databases[0].tables[] | [.name, .rows]]' "$FOLDER/manifest.json")" = '[["small",2],["t",200000]]' ]
    lab_sql -e 'drop table big.fresh; delete from big.small where id = 3'
}

@test "a disk that is full, at any write" {
    mkdir "$BATS_TEST_TMPDIR/disk"
    for kb in 16 40 400 2000 9000 30000 60000; do
        mount -t tmpfs -o size=${kb}k tmpfs "$BATS_TEST_TMPDIR/disk"
        FOLDER=$BATS_TEST_TMPDIR/disk/backup
        metadb dump '{"folder":"'"$FOLDER"'","compress":"'"$([ $kb = 30000 ] && echo none || echo zstd)"'"}'
        rc=0
        if [ "$code" = 0 ]; then
            ok verify '{"folder":"'"$FOLDER"'"}' || rc=1
        else
            { [ "$(field .kind)" = state ] && [[ "$(field .text)" == *"No space left on device"* ]] && no_backup_here; } || rc=1
        fi
        umount "$BATS_TEST_TMPDIR/disk"
        echo "$kb KiB: exit $code" >&3
        [ "$rc" = 0 ]
    done
}

nobody_reads_huge() {
    [ "$(lab_sql -e "select count(*) from information_schema.processlist where id <> connection_id() and info like 'SELECT%\`huge\`%'")" = 0 ]
}

@test "a disk that is full in the middle of a row, with others waiting for the file" {
    lab_sql <<SQL
create database huge; use huge;
create table a (id int primary key, b longblob); create table b like a;
insert into a select seq, repeat(unhex(sha2(seq, 512)), 131072) from seq_1_to_4;
insert into b select seq, concat(random_bytes(1024), repeat(unhex(sha2(seq + 9, 512)), 131072)) from seq_1_to_4;
SQL
    DATABASES="huge big_hb big_hb"
    mkdir "$BATS_TEST_TMPDIR/disk"
    for kb in 1000 5000 14000 40000; do
        mount -t tmpfs -o size=${kb}k tmpfs "$BATS_TEST_TMPDIR/disk"
        metadb dump '{"folder":"'"$BATS_TEST_TMPDIR/disk/backup"'","workers":4,"compress":"none"}'
        FOLDER=$BATS_TEST_TMPDIR/disk/backup
        rc=0
        { [ "$(field .kind)" = state ] && [[ "$(field .text)" == *"No space left on device"* ]] && no_backup_here; } || rc=1
        # The server is not left alone with rows that nobody reads any more, nor with their locks.
        lab_wait 2 "the end of the backup's statements" nobody_reads_huge || rc=1
        umount "$BATS_TEST_TMPDIR/disk"
        [ "$rc" = 0 ]
    done
    FOLDER=$BATS_TEST_TMPDIR/whole
    ok dump '{"folder":"'"$FOLDER"'","workers":4}'
    ok verify '{"folder":"'"$FOLDER"'","against":"live"}'
    lab_sql -e 'drop database huge'
}

@test "targets that are not ours to write to" {
    mkdir -m 700 "$BATS_TEST_TMPDIR/real" && ln -s real "$BATS_TEST_TMPDIR/link"
    refused state "link" dump '{"folder":"'"$BATS_TEST_TMPDIR"'/link"}'
    mkdir -m 777 "$BATS_TEST_TMPDIR/open"
    refused state "others may write to it" dump '{"folder":"'"$BATS_TEST_TMPDIR"'/open"}'
    mkdir -m 700 "$BATS_TEST_TMPDIR/other" && chown 12345 "$BATS_TEST_TMPDIR/other"
    refused state "other" dump '{"folder":"'"$BATS_TEST_TMPDIR"'/other"}'
    : >"$BATS_TEST_TMPDIR/file"
    refused state "file" dump '{"folder":"'"$BATS_TEST_TMPDIR"'/file"}'
    refused usage "no absolute path" dump '{"folder":"backups/1"}'
    mkdir "$BATS_TEST_TMPDIR/ro" && mount -t tmpfs -o ro tmpfs "$BATS_TEST_TMPDIR/ro"
    metadb dump '{"folder":"'"$BATS_TEST_TMPDIR"'/ro/backup"}'
    umount "$BATS_TEST_TMPDIR/ro"
    [ "$(field .kind)" = state ]
    # A link planted under the name of a file to be written is replaced, not followed.
    mkdir -m 700 "$FOLDER" && : >"$BATS_TEST_TMPDIR/victim" && ln -s ../victim "$FOLDER/big.sql.zst.part"
    ok dump '{"folder":"'"$FOLDER"'"}'
    [ ! -s "$BATS_TEST_TMPDIR/victim" ]
}

@test "wrong password, missing database, missing privilege, bad parameters" {
    USER_PASSWORD=wrong refused permission "refused user 'all_rights'" dump '{"folder":"'"$FOLDER"'"}'
    DATABASES="big gone big_hb" refused not_found "has no database 'gone'" dump '{"folder":"'"$FOLDER"'"}'
    USER_NAME=no_table metadb dump '{"folder":"'"$FOLDER"'"}'
    # A table that a user may not see must not be left out in silence; what he may not see at all is
    # not known to be there.
    [ "$code" = 0 ] && [ "$(jq '.databases[0].tables | length' "$FOLDER/manifest.json")" = 1 ]
    refused usage "compression 'lz4' is none of none, zstd, zstd:1 to zstd:19" dump '{"folder":"'"$FOLDER"'x","compress":"lz4"}'
    refused usage "zstd:20" dump '{"folder":"'"$FOLDER"'x","compress":"zstd:20"}'
    refused usage 'wants a "folder"' dump '{}'
}

@test "whatever is done to a finished backup is found" {
    ok dump '{"folder":"'"$FOLDER"'"}'
    USER_NAME=no_reload ok dump '{"folder":"'"$FOLDER.other"'"}'
    count=0
    try() { # WHAT: after COMMAND in a copy, verify must refuse
        refused "$2" "$3" verify '{"folder":"'"$BATS_TEST_TMPDIR/copy"'"}' || { echo "not found: $1" >&2; return 1; }
        count=$((count + 1))
        rm -rf "$BATS_TEST_TMPDIR/copy"
    }
    copy() { cp -a "$FOLDER" "$BATS_TEST_TMPDIR/copy"; }
    C=$BATS_TEST_TMPDIR/copy
    for file in big.sql.zst big_cm.sql.zst big_hb.sql.zst; do
        size=$(stat -c %s "$FOLDER/$file")
        for at in 0 1 $((size / 3)) $((size / 2)) $((size - 1)); do
            copy
            byte=$(od -An -tu1 -j "$at" -N 1 "$C/$file" | tr -d ' ')
            # shellcheck disable=SC2059 # the byte is the format
            printf "\\x$(printf %02x $((byte ^ 1 << (at % 8))))" | dd of="$C/$file" bs=1 seek="$at" conv=notrunc status=none
            try "bit at $at of $file" state "is not as it was written"
        done
        copy && truncate -s -1 "$C/$file" && try "$file truncated" state "the manifest says"
        copy && echo >>"$C/$file" && try "$file longer" state "the manifest says"
        copy && rm "$C/$file" && try "$file gone" state "cannot be opened"
        copy && mv "$C/$file" "$C/x" && ln -s x "$C/$file" && try "$file a link" state "cannot be opened"
    done
    copy && mv "$C/big.sql.zst" "$C/x" && mv "$C/big_cm.sql.zst" "$C/big.sql.zst" && mv "$C/x" "$C/big_cm.sql.zst" && try exchanged state "the manifest says"
    copy && cp "$FOLDER.other/manifest.json" "$C/" && try "manifest of another" state "is damaged"
    copy && sed -i 's/"rows":2/"rows":3/' "$C/manifest.json" && try "manifest edited" state "was changed after it was written"
    copy && truncate -s -2 "$C/manifest.json" && try "manifest cut" state "is no whole JSON document"
    copy && rm "$C/manifest.json" && try "manifest gone" not_found "was never finished"
    copy && jq -c 'del(.digest) | .schema = 2' "$FOLDER/manifest.json" >"$C/manifest.json" && try "later format" state "does not know"
    # A frame cut out of file and manifest: the digest of the manifest stands in the way.
    copy && jq -c 'del(.databases[0].frames[3])' "$FOLDER/manifest.json" >"$C/manifest.json" && try "frame removed" state "was changed"
    echo "$count alterations, all found" >&3
    ok verify '{"folder":"'"$FOLDER"'"}'
}

@test "the password is in no file, no answer and no process's arguments or environment" {
    begin dump '{"folder":"'"$FOLDER"'","compress":"zstd:19"}'
    under_way
    lacks secret-Word-1 "/proc/$pid/cmdline"
    # Protected: not even readable by other processes of the same user; root sees that it is not there.
    lacks secret-Word-1 "/proc/$pid/environ"
    kill -TERM "$pid"
    wait "$pid" || true
    ok dump '{"folder":"'"$FOLDER"'"}'
    lacks secret-Word-1 "$FOLDER" "$out" <(echo "${lines[0]}")
    USER_PASSWORD=secret-Word-2 metadb dump '{"folder":"'"$FOLDER"'x"}'
    lacks secret-Word - <<<"${lines[0]}"
}

@test "reading commands change nothing: the general log has SELECT, SHOW and SET alone" {
    DATABASES="$LAB_RM_DB $LAB_CM_DB $LAB_HB_DB"
    lab_general_log clear
    lab_general_log on
    for command in facts servers ha-get; do
        ok $command '{}'
    done
    lab_general_log off
    # The program's own statements: those of user all_rights' connections.
    ids=$(lab_general_log dump | sed -n 's/^.*\t *\([0-9]*\) Connect\tall_rights@.*/\1/p' | paste -sd'|')
    [ -n "$ids" ]
    strange=$(lab_general_log dump | grep -E "(^|[[:space:]])($ids) Query" | sed 's/^.*Query\t//' | grep -vE '^(SELECT|SHOW|SET SESSION |SET NAMES|SET @@SESSION\.)' || true)
    [ -z "$strange" ]
}
