# shellcheck shell=bash
# The lab's MetaDB: one server with a unix socket for the lab itself (root) and a loopback port
# for OMS and the product (LAB_DB_USER). Its time zone and character set are nobody's defaults. It is
# MariaDB, or the mysqld that LAB_MYSQLD names.

# lab_sql [CLIENT ARG...]: statements on stdin, as root over the socket; tab-separated, no headings.
lab_sql() {
    local argument has_words=
    local -a words=() client=(mariadb --no-defaults --socket="$LAB_DB_SOCK" --user=root
        --default-character-set=utf8mb4 --batch --skip-column-names)
    if [ -z "$LAB_MYSQLD" ]; then
        "${client[@]}" "$@"
        return
    fi
    for argument; do
        case $argument in -e) has_words=1 ;; *' '*) argument=$(lab_sql_plain <<<"$argument") ;; esac
        words+=("$argument")
    done
    if [ -n "$has_words" ]; then
        "${client[@]}" "${words[@]}"
    else
        lab_sql_plain | "${client[@]}" "${words[@]}"
    fi
}

# What the tests say in MariaDB's short way, as MySQL takes it: rows from 1 to 9 (out of a table that
# lab_db_schema makes), and what is made anew.
lab_sql_plain() {
    local name="('([^']+)'|([a-z_]+))(@'%')?"
    sed -uE -e 's/\bseq_([0-9]+)_to_([0-9]+)\b/(select n as seq from lab_numbers.n where n between \1 and \2) &/g' \
        -e 's/create or replace table ([^ ]+)/drop table if exists \1; create table \1/g' \
        -e "s/create or replace user $name/set @s = (select if(count(*) = 0, 'do 0', 'drop user ''\\2\\3''@''%''') from mysql.user where user = '\\2\\3'); prepare s from @s; execute s; create user '\\2\\3'@'%'/g"
}

# lab_db_can STATEMENT: whether the server takes it.
lab_db_can() {
    lab_sql -e "$1" >/dev/null 2>&1
}

# lab_client COMMAND [ARG...]: mariadb, mysqldump, … as LAB_DB_USER over TCP, as a customer would:
# the password in a file, never on the command line.
lab_client() {
    local command=$1
    shift
    "$command" --defaults-file="$LAB_DIR/db/client.cnf" "$@"
}

lab_db_lives() {
    echo 'select 1;' | lab_sql >/dev/null 2>&1
}

lab_db_pid() {
    cat "$LAB_DIR/db/pid" 2>/dev/null
}

# A value for an option file: quoted, backslashes doubled.
lab_cnf_quote() {
    printf '"%s"' "${1//\\/\\\\}"
}

# lab_db_start: makes the data folder when there is none, starts the server, waits. Again after
# lab_db_stop or lab_db_kill. LAB_MARIADB_ARGS (words) are added to the server's arguments.
lab_db_start() {
    local dir=$LAB_DIR/db
    lab_db_lives && return 0
    # A server that starts removes temporary tables from its folder for them, also those of others.
    mkdir -p "$dir/tmp" && chmod 700 "$dir" || return 1
    if [ ! -d "$dir/data/mysql" ] && ! lab_db_install "$dir" >"$dir/log" 2>&1; then
        grep -a ERROR "$dir/log" >&2
        return 1
    fi
    # shellcheck disable=SC2046,SC2086
    lab_daemon "$dir/log" "${LAB_MYSQLD:-mariadbd}" --no-defaults --user=root \
        $(lab_mysqld_base) --datadir="$dir/data" \
        --tmpdir="$dir/tmp" --socket="$LAB_DB_SOCK" --pid-file="$dir/pid" --port="$LAB_DB_PORT" \
        --bind-address=127.0.0.1 --skip-name-resolve --default-time-zone=-03:30 \
        --character-set-server=latin1 --collation-server=latin1_german2_ci \
        --max-allowed-packet=64M --innodb-flush-log-at-trx-commit=2 \
        --innodb-buffer-pool-size=256M --general-log-file="$dir/general.log" \
        --loose-performance-schema=0 --loose-default-authentication-plugin=mysql_native_password \
        ${LAB_MYSQLD:+--innodb-log-file-size=256M} ${LAB_MARIADB_ARGS:-}
    if ! lab_wait "${LAB_DB_TIMEOUT:-30}" "${LAB_MYSQLD:-MariaDB}" lab_db_settled "$LAB_PID" ||
        ! lab_db_lives; then
        tail -n 5 "$dir/log" >&2
        lab_fail "${LAB_MYSQLD:-MariaDB} does not start"
    fi
}

# lab_db_install DIR: a new data folder, with a root who needs no password.
lab_db_install() {
    local base file
    if [ -z "$LAB_MYSQLD" ]; then
        TMPDIR=$1/tmp mariadb-install-db --no-defaults --datadir="$1/data" --user=root \
            --skip-test-db --auth-root-authentication-method=normal
        return
    fi
    base=$(lab_mysqld_base)
    local -a server=("$LAB_MYSQLD" --no-defaults --user=root "$base" --datadir="$1/data" --tmpdir="$1/tmp")
    mkdir -p "$1/data" || return 1
    if "${server[@]}" --verbose --help 2>/dev/null | grep -q '^ *--initialize-insecure'; then
        "${server[@]}" --initialize-insecure
    else
        # Before 5.7.
        {
            printf 'create database mysql;\nuse mysql;\n'
            for file in mysql_system_tables.sql mysql_system_tables_data.sql; do
                find "${base#*=}/share" -maxdepth 2 -name "$file" -exec cat {} +
            done
        } | "${server[@]}" --bootstrap
    fi
}

# The option that tells a mysqld where its messages are: unpacked anywhere, it does not know.
lab_mysqld_base() {
    local base
    [ -n "$LAB_MYSQLD" ] || return 0
    base=${LAB_MYSQLD%/*}
    [ -d "$base/share" ] || base=${base%/*}
    printf -- '--basedir=%s\n' "$base"
}

lab_db_settled() {
    lab_db_lives || lab_pid_gone "$1"
}

lab_db_stop() {
    lab_end_pid "$(lab_db_pid)" 30
}

# As a crash.
lab_db_kill() {
    local pid
    pid=$(lab_db_pid)
    kill -KILL "$pid" 2>/dev/null
    while lab_pid_lives "$pid"; do sleep 0.05; done
}

# A string literal for SQL.
lab_sql_quote() {
    local s=${1//\\/\\\\} q="'"
    printf "'%s'" "${s//$q/$q$q}"
}

# lab_db_user NAME PASSWORD: an account with what the product's documents ask for: everything in
# the three databases and in those that a restore makes beside them (rm_331__new_RUN, …), and RELOAD
# for a consistent snapshot. No PROCESS, no SUPER.
lab_db_user() {
    local user db
    user=$(lab_sql_quote "$1")@$(lab_sql_quote '%')
    {
        printf 'create or replace user %s identified by %s;\n' "$user" "$(lab_sql_quote "$2")"
        printf 'grant reload on *.* to %s;\n' "$user"
        for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"; do
            # In a grant, _ is a wildcard.
            printf 'grant all on `%s`.* to %s;\n' "${db//_/\\_}" "$user"
            printf 'grant all on `%s\_\_%%`.* to %s;\n' "${db//_/\\_}" "$user"
        done
    } | lab_sql
}

# lab_db_schema: accounts and the three databases, once; as the OMS user where views and triggers
# are made, so that their DEFINER is the awkward name.
lab_db_schema() {
    local node ip
    [ -e "$LAB_DIR/db/schema" ] && return 0
    (
        umask 077
        printf '[client]\nhost=127.0.0.1\nport=%s\nuser=%s\npassword=%s\n' "$LAB_DB_PORT" \
            "$(lab_cnf_quote "$LAB_DB_USER")" "$(lab_cnf_quote "$LAB_DB_PASSWORD")" \
            >"$LAB_DIR/db/client.cnf"
    )
    # The installation's accounts without a name or for this host's name shadow user@'%'.
    lab_sql <<SQL || return 1
delete from mysql.user where User = '' or (User = 'root' and Host <> 'localhost');
flush privileges;
create database \`$LAB_RM_DB\` character set utf8mb4 collate utf8mb4_bin;
create database \`$LAB_CM_DB\` character set utf8mb3 collate utf8mb3_general_ci;
create database \`$LAB_HB_DB\` character set gbk collate gbk_chinese_ci;
SQL
    lab_db_user "$LAB_DB_USER" "$LAB_DB_PASSWORD" || return 1
    [ -z "$LAB_MYSQLD" ] || lab_db_numbers || return 1
    lab_db_load "$LAB_RM_DB" rm.sql && lab_db_load "$LAB_CM_DB" cm.sql &&
        lab_db_load "$LAB_HB_DB" cm_hb.sql || return 1
    for node in $LAB_NODES; do
        ip=$(lab_node_ip "$node") || return 1
        printf "insert into host (resource_group_id, ip, host_status) values (1, '%s', 'OFFLINE');\n" \
            "$ip"
    done | lab_client mariadb "$LAB_CM_DB" || return 1
    : >"$LAB_DIR/db/schema"
}

# The numbers from 0 to 2^19 - 1, for lab_sql_plain.
lab_db_numbers() {
    local n
    {
        printf 'create database if not exists lab_numbers; use lab_numbers;\n'
        printf 'drop table if exists n; create table n (n int primary key); insert into n values (0);\n'
        for ((n = 1; n < 524288; n *= 2)); do printf 'insert into n select n + %d from n;\n' "$n"; done
        printf 'grant select on lab_numbers.* to %s@%s;\n' "$(lab_sql_quote "$LAB_DB_USER")" "'%'"
    } | lab_sql
}

# lab_db_load DB FILE: a file of schema/, its sizes filled in, without what the server cannot do.
lab_db_load() {
    local -a lacks=()
    lab_db_can 'select json_valid(1)' || lacks+=(-e 's/ check (json_valid([a-z]*))//')
    lab_db_can 'select generation_expression from information_schema.columns limit 1' ||
        lacks+=(-e '/ generated always as /d')
    sed -e "s/@PROJECTS@/$LAB_PROJECTS/g" -e "s/@SEQ_ROWS@/$LAB_SEQ_ROWS/g" \
        -e "s/@VERSION@/$LAB_SCHEMA_VERSION/g" -e "s/@HTTP_PORT@/$LAB_HTTP_PORT/g" \
        "${lacks[@]}" "$LAB_SRC/schema/$2" |
        if [ -z "$LAB_MYSQLD" ]; then cat; else lab_sql_plain; fi |
        lab_client mariadb --default-character-set=utf8mb4 "$1"
}

# lab_general_log on|off|dump|clear: every statement that any client sends.
lab_general_log() {
    case ${1:-} in
    on) echo "set global log_output = 'FILE'; set global general_log = 1;" | lab_sql ;;
    off) echo 'set global general_log = 0;' | lab_sql ;;
    dump) cat "$LAB_DIR/db/general.log" ;;
    clear) : >"$LAB_DIR/db/general.log" ;;
    *) lab_fail 'lab_general_log on|off|dump|clear' ;;
    esac
}
