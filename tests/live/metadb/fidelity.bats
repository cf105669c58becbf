#!/usr/bin/env bats
# Restored is the original: for one object of each kind that a dump can get wrong (fidelity.sql), by
# the stock client and by nothing of ours but the file. What is the same is decided by compare.sh,
# which asks the server alone. mysqldump's result stands beside.
bats_require_minimum_version 1.5.0

MYSQL="mariadb --no-defaults --socket=@SOCK@ --user=root"

setup_file() {
    . "$METADB_SRC/common.bash"
    if [ -z "$LAB_MYSQLD" ]; then
        lab_sql <"$METADB_SRC/fidelity.sql" >/dev/null
    else
        load_what_can_be
    fi
    # shellcheck disable=SC2028 # the backslashes are the password's
    echo "create or replace user fid identified by 'f''i\"d \\\\ \$p'; grant all on *.* to fid" | lab_sql
    export FID=$BATS_FILE_TMPDIR/backup
    # So many workers that each of the big tables is too much for one.
    fid_request '{"folder":"'"$FID"'","workers":16}' >"$BATS_FILE_TMPDIR/request"
    "$METADB_PROGRAM" dump <"$BATS_FILE_TMPDIR/request" 3>&- | tail -n 1 >"$BATS_FILE_TMPDIR/answer"
}

# Every statement that the server takes; those that it does not know are named. Unknown are: syntax
# (1064), a variable (1193), a function (1305), a spatial index (1464), and tables that came of it (1146).
load_what_can_be() {
    local line text
    lab_sql --force <"$METADB_SRC/fidelity.sql" 2>&1 >/dev/null | grep -a '^ERROR' >"$BATS_FILE_TMPDIR/unknown" || true
    # shellcheck disable=SC2251
    ! grep -avE '^ERROR (1064|1146|1193|1305|1464) ' "$BATS_FILE_TMPDIR/unknown" >&2 || return 1
    sed -nE 's/^ERROR [0-9]+ .* at line ([0-9]+): (.*)/\1 \2/p' "$BATS_FILE_TMPDIR/unknown" | grep -av "doesn't exist$" |
        while read -r line text; do
            printf '# not for this server: fidelity.sql line %s: %.40s: …%.60s\n' "$line" \
                "$(sed -n "${line}p" "$METADB_SRC/fidelity.sql")" "${text#*near }"
        done >&3
}

teardown_file() {
    . "$METADB_SRC/common.bash"
    for name in "rm fid.1" cm_fid hb_fid back_rm back_cm back_hb dump_rm dump_cm; do
        lab_sql -e "set foreign_key_checks = 0; drop database if exists \`$name\`"
    done
}

setup() {
    . "$METADB_SRC/common.bash"
    MYSQL=${MYSQL/@SOCK@/$LAB_DB_SOCK}
}

fid_request() {
    jq -nc --argjson port "$LAB_DB_PORT" --argjson parameters "$1" '{schema: 1, run: "fid", metadb: {host: "127.0.0.1",
        port: $port, user: "fid", password: "f'"'"'i\"d \\ $p", databases: {rm: "rm fid.1", cm: "cm_fid",
        heartbeat: ["hb_fid"]}}, request: $parameters}'
}

# back FILE DATABASE: into an empty database, by the stock client with its own defaults.
back() {
    lab_sql -e "set foreign_key_checks = 0; drop database if exists $2; create database $2"
    case $1 in
    *.zst) zstd -qdc "$1" ;;
    *) cat "$1" ;;
    esac | mariadb --no-defaults --socket="$LAB_DB_SOCK" --user=root "$2"
}

@test "the backup is taken at one moment, in pieces, and every row is counted" {
    run -0 jq -r '.event, .result.snapshot, .result.workers' "$BATS_FILE_TMPDIR/answer"
    [ "$output" = $'result\nglobal lock\n16' ]
    # Each big table with a usable key is in several pieces; one without is in one.
    pieces() { jq "[.databases[1].frames[] | select(.table == \"$1\") | .piece] | unique | length" "$FID/manifest.json"; }
    for table in k_skewed k_negative k_unsigned k_string k_gbk k_composite k_binary k_decimal; do
        [ "$(pieces $table)" -gt 1 ]
    done
    for table in k_none k_prefix k_enum; do
        [ "$(pieces $table)" = 1 ]
    done
    for table in k_skewed k_negative k_unsigned k_string k_gbk k_composite k_binary k_enum k_prefix k_none k_decimal; do
        [ "$(jq ".databases[1].tables[] | select(.name == \"$table\") | .rows" "$FID/manifest.json")" = \
            "$(lab_sql -e "select count(*) from cm_fid.$table")" ]
    done
}

@test "rows come as text where the server prepares no statements, and are the same byte by byte" {
    cc -O1 -D_GNU_SOURCE "$METADB_SRC/proxy.c" -o "$BATS_TEST_TMPDIR/proxy"
    port=$(lab_free_port)
    timeout 300 "$BATS_TEST_TMPDIR/proxy" "$port" "$LAB_DB_PORT" 0 prepare: </dev/null >/dev/null 2>&1 3>&- &
    proxy_pid=$!
    lab_wait 5 "the proxy" bash -c "exec 9<>/dev/tcp/127.0.0.1/$port"
    fid_request '{"folder":"'"$BATS_TEST_TMPDIR/text"'"}' | jq -c ".metadb.port = $port" >"$BATS_TEST_TMPDIR/request"
    "$METADB_PROGRAM" dump <"$BATS_TEST_TMPDIR/request" 3>&- >"$BATS_TEST_TMPDIR/answer" || {
        cat "$BATS_TEST_TMPDIR/answer" >&2
        return 1
    }
    kill "$proxy_pid"
    lines() { zstd -qdc "$1" | sed "/^-- /d; /^INSERT INTO/d" | tr -d ';' | sed 's/,$//' | LC_ALL=C sort; }
    for file in "$FID"/*.zst; do
        lines "$file" >"$BATS_TEST_TMPDIR/statement.sql"
        lines "$BATS_TEST_TMPDIR/text/${file##*/}" >"$BATS_TEST_TMPDIR/text.sql"
        [ -s "$BATS_TEST_TMPDIR/text.sql" ]
        cmp "$BATS_TEST_TMPDIR/statement.sql" "$BATS_TEST_TMPDIR/text.sql"
    done
    sums() { jq -c '[.databases[] | .tables[] | [.name, .rows, .checksum]] | sort' "$1/manifest.json"; }
    same "$(sums "$FID")" "$(sums "$BATS_TEST_TMPDIR/text")"
}

@test "pieces are even, whatever the keys: none has more than three times the mean" {
    for table in k_skewed k_negative k_unsigned k_string k_gbk k_composite k_binary k_decimal; do
        jq -e --arg t $table '[.databases[1].frames[] | select(.table == $t)] | group_by(.piece) | map(map(.rows) | add)
            | (add / length) as $mean | max < 3 * $mean' "$FID/manifest.json" >/dev/null || {
            echo "$table" >&2
            return 1
        }
    done
}

@test "every object comes back as it was, through the stock client" {
    back "$FID/rm%20fid.1.sql.zst" back_rm
    back "$FID/cm_fid.sql.zst" back_cm
    back "$FID/hb_fid.sql.zst" back_hb
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" "rm fid.1" back_rm
    [ "$output" = "" ]
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" cm_fid back_cm
    [ "$output" = "" ]
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" hb_fid back_hb
    [ "$output" = "" ]
}

@test "mysqldump beside: ours is never worse, and better where it is known to fail" {
    mysqldump --no-defaults --socket="$LAB_DB_SOCK" --user=root --no-data cm_fid >/dev/null ||
        skip "not for this server: mysqldump of MariaDB does not work with it"
    # --force: it stops at a broken view otherwise.
    for pair in "rm fid.1:dump_rm" cm_fid:dump_cm; do
        lab_sql -e "set foreign_key_checks = 0; drop database if exists ${pair#*:}; create database ${pair#*:}"
        mysqldump --no-defaults --socket="$LAB_DB_SOCK" --user=root --triggers=false --force "${pair%:*}" 2>/dev/null |
            mariadb --no-defaults --socket="$LAB_DB_SOCK" --user=root --force "${pair#*:}" 2>/dev/null || true
    done
    theirs=$("$METADB_SRC/compare.sh" "$MYSQL" "rm fid.1" dump_rm; "$METADB_SRC/compare.sh" "$MYSQL" cm_fid dump_cm)
    echo "mysqldump: $theirs" >&3
    for known in "table t_float: checksum" "table t_float_key: checksum" "table t_enum: checksum" \
        "table t_charsets: checksum" "view v_broken: definition"; do
        grep -qxF "$known" <<<"$theirs"
    done
}

@test "without compression it is one plain SQL file, with the same rows" {
    ok_fid() { fid_request "$1" >"$BATS_TEST_TMPDIR/r" && "$METADB_PROGRAM" "$2" <"$BATS_TEST_TMPDIR/r" 3>&- | tail -n 1; }
    folder=$BATS_TEST_TMPDIR/plain
    [ "$(ok_fid '{"folder":"'"$folder"'","compress":"none"}' dump | jq -r .event)" = result ]
    head -c 20 "$folder/cm_fid.sql" | grep -q '^-- Database cm_fid'
    same "$(jq -c '.databases[].tables[] | [.name, .rows, .checksum]' "$FID/manifest.json")" \
        "$(jq -c '.databases[].tables[] | [.name, .rows, .checksum]' "$folder/manifest.json")"
}

@test "no statement is longer than the stock clients take" {
    for file in "$FID"/*.zst; do
        longest=$(zstd -qdc "$file" | LC_ALL=C awk '{ n = /;$/ ? n + length : 0; if (length > max) max = length } END { print max }')
        [ "$longest" -lt 16777216 ]
    done
}

@test "a rehearsal by our own restore says the same" {
    fid_request '{"folder":"'"$FID"'"}' >"$BATS_TEST_TMPDIR/r"
    run -0 bash -c '"$METADB_PROGRAM" rehearse <"$1" 3>&- | tail -n 1' _ "$BATS_TEST_TMPDIR/r"
    same '["result",[]]' "$(jq -c '[.event, .result.warnings]' <<<"$output")"
}

@test "our own restore, which sends rows in another way, gives the same" {
    fid_request '{"folder":"'"$FID"'","into":{"rm fid.1":"back_rm","cm_fid":"back_cm","hb_fid":"back_hb"},"prepare_from":0}' >"$BATS_TEST_TMPDIR/r"
    for name in back_rm back_cm back_hb; do
        lab_sql -e "set foreign_key_checks = 0; drop database if exists $name"
    done
    run -0 bash -c '"$METADB_PROGRAM" restore <"$1" 3>&- | tail -n 1' _ "$BATS_TEST_TMPDIR/r"
    same '["result",[]]' "$(jq -c '[.event, .result.warnings]' <<<"$output")"
    [ "$(lab_sql -e "show global status like 'Com_stmt_execute'" | cut -f2)" -gt 1000 ]
    # What names another database names the restored one.
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" "rm fid.1" back_rm
    [ "$output" = $'view v_far: definition\ntable t_fk_far: definition' ]
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" cm_fid back_cm
    [ "$output" = "table t_back: definition" ]
    run -0 "$METADB_SRC/compare.sh" "$MYSQL" hb_fid back_hb
    [ "$output" = "" ]
}

@test "verify against the live databases finds one changed byte" {
    fid_request '{"folder":"'"$FID"'","against":"live"}' >"$BATS_TEST_TMPDIR/r"
    verify() { "$METADB_PROGRAM" verify <"$BATS_TEST_TMPDIR/r" 3>&- | tail -n 1 | with_hint; }
    [ "$(verify | jq -r .event)" = result ]
    lab_sql -e "update cm_fid.k_string set pad = concat(pad, ' ') limit 1"
    [ "$(verify | jq -r .text)" = "the MetaDB is not as it was backed up (1 findings): cm_fid.k_string: rows differ from those of the backup
HINT: that is to be expected while OMS runs; the backup itself is whole" ]
    lab_sql -e "update cm_fid.k_string set pad = trim(trailing ' ' from pad)"
    [ "$(verify | jq -r .event)" = result ]
}
