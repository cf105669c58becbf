# shellcheck shell=bash
# What the tests of omslaunch-metadb share.
. "$METADB_SRC/../lab.sh"
lab_use "$METADB_DIR/lab"
RUN=20261122-104512-3f2a

# request COMMAND-PARAMETERS: the document on stdin. USER_NAME, USER_PASSWORD, RUN, DATABASES
# (words: rm cm hb) differ from the lab's in some tests.
request() {
    local -a db
    read -ra db <<<"${DATABASES:-$LAB_RM_DB $LAB_CM_DB $LAB_HB_DB}"
    jq -nc --arg user "${USER_NAME:-$LAB_DB_USER}" --arg password "${USER_PASSWORD:-$LAB_DB_PASSWORD}" \
        --argjson port "${DB_PORT:-$LAB_DB_PORT}" --arg run "$RUN" --arg rm "${db[0]}" \
        --arg cm "${db[1]}" --arg hb "${db[2]}" --argjson parameters "$1" \
        '{schema: 1, run: $run, metadb: {host: "127.0.0.1", port: $port, user: $user,
          password: $password, databases: {rm: $rm, cm: $cm, heartbeat: [$hb]}}, request: $parameters}'
}

# metadb COMMAND PARAMETERS: the answer in $answer (last line), all of it in $lines, exit code in $code.
metadb() {
    code=0
    request "$2" >"$BATS_TEST_TMPDIR/request"
    lines=$("$METADB_PROGRAM" "$1" <"$BATS_TEST_TMPDIR/request" 3>&-) || code=$?
    # As a person sees it: with its hint.
    answer=$(tail -n 1 <<<"$lines" | with_hint)
}

# field PATH: of the answer.
# The text of an event on stdin as people are shown it, its hint below.
with_hint() {
    jq -c 'if .hint then .text += "\nHINT: " + .hint else . end'
}

field() {
    jq -r "$1" <<<"$answer"
}

# ok COMMAND PARAMETERS: must succeed.
ok() {
    metadb "$@"
    if [ "$code" != 0 ] || [ "$(field .event)" != result ]; then
        printf 'exit %s: %s\n' "$code" "$answer" >&2
        return 1
    fi
}

# refused KIND TEXT COMMAND PARAMETERS: must fail so; TEXT is a part of the message.
refused() {
    local kind=$1 text=$2
    shift 2
    metadb "$@"
    if [ "$code" = 0 ] || [ "$(field .kind)" != "$kind" ] || [[ "$(field .text)" != *"$text"* ]]; then
        printf 'expected %s: …%s…\nexit %s: %s\n' "$kind" "$text" "$code" "$answer" >&2
        return 1
    fi
}

# same EXPECTED GOT
same() {
    [ "$1" = "$2" ] && return 0
    diff <(printf '%s\n' "$1") <(printf '%s\n' "$2") >&2
    return 1
}

# Databases beside those of the lab and the server's.
databases_like() {
    lab_sql -e "select schema_name from information_schema.schemata where schema_name like '$1' order by 1"
}

drop_like() {
    local name
    databases_like "$1" | while IFS= read -r name; do
        lab_sql -e "set foreign_key_checks = 0; drop database $(lab_sql_name "$name")"
    done
}

# digests DB...: everything of these databases.
digests() {
    local db
    for db; do lab_db_digest "$db" | sed "s/^/$db /"; done
}

# The three databases as they are after the lab has made them.
fresh_databases() {
    local name
    drop_like '%\_\_%'
    for name in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
        lab_sql -e "drop database if exists $(lab_sql_name "$name")"
    done
    rm -f "$LAB_DIR/db/schema"
    lab_db_schema
}

has_sequences() {
    lab_db_can 'create sequence mysql.lab_try; drop sequence mysql.lab_try'
}
