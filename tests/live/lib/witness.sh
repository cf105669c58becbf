# shellcheck shell=bash
# What tests compare. Nothing here comes from the product: the docker CLI, the mariadb client, jq.

# lab_inspect_all [ENGINE]: `docker inspect` of every container, by name, keys sorted.
lab_inspect_all() {
    local -a ids
    mapfile -t ids < <(lab_docker "${1:-e1}" ps -aq --no-trunc)
    [ "${#ids[@]}" -gt 0 ] || { echo '[]'; return 0; }
    lab_docker "${1:-e1}" inspect "${ids[@]}" | jq -S 'sort_by(.Name) | map(del(.State.Health.Log?))'
}

# lab_images [ENGINE]: "ID NAME:TAG", sorted.
lab_images() {
    lab_docker "${1:-e1}" image ls -a --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | LC_ALL=C sort
}

# lab_ha_config: the text of ha.config, byte for byte.
lab_ha_config() {
    printf "select cfg_value from oms_normal_config where cfg_name = 'ha.config';" |
        lab_sql --raw "$LAB_RM_DB"
}

# lab_init_runs: each run of docker_init.sh on any node: host, version, start, end, exit code,
# overlap, ha.config's enable. From the nodes' log folders: no restore takes it back.
lab_init_runs() {
    { cat "$LAB_DIR"/nodes/*/logs/lab_init_runs.tsv 2>/dev/null || true; } | sort -k3,3
}

# lab_db_columns DB: for each base table "TABLE <tab> select list", made so that nothing is lost on
# the way: bytes in hex in the column's own character set, FLOAT as the DOUBLE it is exactly,
# ENUM and SET also by number (an invalid ENUM is 0), TIMESTAMP in UTC.
lab_db_columns() {
    lab_sql --raw <<SQL
set session group_concat_max_len = 1000000;
select table_name, group_concat(
   case
     when data_type in ('enum', 'set') then concat('concat_ws(0x3a, hex(', c, '), ', c, '+0)')
     when data_type = 'float' then concat('1e0 * ', c)
     when data_type in ('tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'double', 'year', 'date', 'time', 'datetime', 'timestamp') then c
     else concat('hex(', c, ')')
   end order by ordinal_position separator ', ')
 from (select table_name, ordinal_position, data_type, concat('\`', replace(column_name, '\`', '\`\`'), '\`') c
         from information_schema.columns where table_schema = $(lab_sql_quote "$1")) x
 join (select table_name t from information_schema.tables
        where table_schema = $(lab_sql_quote "$1") and table_type <> 'VIEW') y on t = table_name
 group by table_name order by table_name;
SQL
}

# lab_db_digest DB: one line for each object: kind, name, digests. `diff` of two outputs names what
# changed; tables that live on under a running OMS are left out with grep -v.
lab_db_digest() {
    local db=$1 table list name
    printf 'database %s\n' "$(echo "show create database $(lab_sql_name "$db");" | lab_sql --raw | cut -f2 |
        sed 's/^CREATE DATABASE `[^`]*`//' | sha256sum | cut -c1-16)"
    while IFS=$'\t' read -r table list; do
        name=$(lab_sql_name "$table")
        printf 'table %s schema=%s rows=%s\n' "$table" \
            "$(echo "show create table $name;" | lab_sql --raw "$db" | sha256sum | cut -c1-16)" \
            "$(printf "set time_zone='+00:00'; select %s from %s;\n" "$list" "$name" |
                lab_sql --raw --quick "$db" | LC_ALL=C sort | sha256sum | cut -c1-16)"
    done < <(lab_db_columns "$db")
    while IFS=$'\t' read -r kind table; do
        printf '%s %s %s\n' "$kind" "$table" "$(echo "show create $kind $(lab_sql_name "$table");" |
            lab_sql --raw "$db" | cut -f2-3 | sha256sum | cut -c1-16)"
    done < <(lab_sql --raw <<SQL
select 'view', table_name from information_schema.views where table_schema = $(lab_sql_quote "$db")
union all
select 'trigger', trigger_name from information_schema.triggers where trigger_schema = $(lab_sql_quote "$db")
union all
select lower(routine_type), routine_name from information_schema.routines where routine_schema = $(lab_sql_quote "$db")
union all
select 'event', event_name from information_schema.events where event_schema = $(lab_sql_quote "$db")
order by 1, 2;
SQL
    )
}

# An identifier for SQL.
lab_sql_name() {
    local q='`'
    printf '`%s`' "${1//$q/$q$q}"
}

# lab_events FILE [ENGINE]: writes the engine's events to FILE, one JSON a line, until
# lab_events_stop or lab_down.
lab_events() {
    local engine=${2:-e1} since
    since=$(date +%s.%N)
    lab_daemon /dev/null curl -sN --unix-socket "$(lab_sock "$engine")" -o "$1" \
        "http://engine/events?since=$since"
    printf '%s\n' "$LAB_PID" >>"$LAB_DIR/events.pids"
}

lab_events_stop() {
    local pid
    [ -e "$LAB_DIR/events.pids" ] || return 0
    while read -r pid; do
        # The number could be somebody else's by now.
        if grep -qF "$LAB_DIR/" "/proc/$pid/cmdline" 2>/dev/null; then lab_end_pid "$pid"; fi
    done <"$LAB_DIR/events.pids"
    rm -f "$LAB_DIR/events.pids"
}
