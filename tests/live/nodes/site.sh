#!/usr/bin/env bash
# Three nodes in two regions: n1 and n2 share one config.yaml (region 0), n3 has its own (region 1, with a
# heartbeat database of its own); each node has an engine. The tests call this as a program, so that none
# of it runs under bats' traps.
#
#   site.sh up DIR                DIR/lab is up and healthy; archives of images lie in DIR
#   site.sh reset DIR [own]       everything as after `up`; with `own`, each node has a config.yaml of its own
#   site.sh down DIR              nothing is left
#   site.sh digest DIR            every object of the four databases, but what a live OMS writes
#   site.sh run DIR FUNCTION…     any lab_* function
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../lab.sh"

# The data folder is copied at each reset: a redo log of 8 MB does.
export LAB_MARIADB_ARGS=--innodb-log-file-size=8M
export LAB_NODES='n1 n2 n3'
OLD_TAG=feature_3.3.1-ce
NEW_TAG=feature_4.0.0-ce
HB_2=cm_hb_2
PORTS=(cm_server_port ghana_server_port supervisor_server_port sshd_server_port)

# Region 1 and its heartbeat database, for an account that already has the others.
second_region() {
    local user
    user=$(lab_sql_quote "$LAB_DB_USER")@\'%\'
    {
        printf 'create database %s character set gbk collate gbk_chinese_ci;\n' "$HB_2"
        printf 'grant all on `%s`.* to %s;\n' "${HB_2//_/\\_}" "$user"
        printf 'grant all on `%s\_\_%%`.* to %s;\n' "${HB_2//_/\\_}" "$user"
        printf "insert into %s.cluster_info (region, region_cn, cm_url, code, is_default_cm)
                values ('cn-two', '二', 'http://127.0.0.13:8088', 1, 0);\n" "$LAB_RM_DB"
        printf "insert into %s.resource_group (id, name) values (2, '1');\n" "$LAB_CM_DB"
        printf "update %s.host set resource_group_id = 2 where ip = '127.0.0.13';\n" "$LAB_CM_DB"
    } | lab_sql
    lab_db_load "$HB_2" cm_hb.sql
}

# config NODE [own]: region 1 is n3's; a file of its own has other bytes, and says the same.
config() {
    if [ "$1" = n3 ]; then
        LAB_HB_DB=$HB_2 LAB_NODES=n3 lab_config_yaml |
            sed 's/cm_location: 0/cm_location: 1/; s/cm_is_default: true/cm_is_default: false/; s/cn-lab/cn-two/'
    else
        LAB_NODES='n1 n2' lab_config_yaml
    fi
    [ "${2:-}" != own ] || printf '# of %s\n' "$1"
}

start_old() {
    local node
    export LAB_CONFIG_EXTRA
    LAB_CONFIG_EXTRA=$(cat "$dir/ports")$'\n'
    for node in n1 n2 n3; do
        mkdir -p "$(lab_node_dir $node)"/{logs,store,run}
        (umask 077 && config $node "$@" >"$(lab_node_dir $node)/config.yaml")
        lab_docker "$(lab_node_engine $node)" image inspect "$LAB_REPO:$OLD_TAG" >/dev/null 2>&1 ||
            lab_docker "$(lab_node_engine $node)" load --quiet -i "$dir/old.tar" >/dev/null
    done
    for node in n1 n2 n3; do
        lab_oms_start $node oms_331 "$OLD_TAG"
    done
}

site_up() {
    local key
    lab_up "$dir/lab"
    second_region
    lab_db_stop
    cp -a "$LAB_DIR/db/data" "$dir/data"
    lab_db_start
    lab_engine_start e2
    lab_engine_start e3
    for key in "${PORTS[@]}"; do
        printf '%s: %s\n' "$key" "$(lab_free_port)"
    done >"$dir/ports"
    lab_image_tar "$OLD_TAG" ok "$dir/old.tar"
    lab_image_tar "$NEW_TAG" ok "$dir/new.tar"
    lab_image_tar "$NEW_TAG" init-fails-on=13 "$dir/init-fails.tar"
    lab_image_tar "$NEW_TAG" slow-init=6 "$dir/slow-init.tar"
    start_old
}

empty_engine() {
    local -a ids
    lab_engine_start "$1"
    mapfile -t ids < <(lab_docker "$1" ps -aq --no-trunc)
    [ "${#ids[@]}" -eq 0 ] || lab_docker "$1" rm -f "${ids[@]}" >/dev/null
    # By ID: an image whose tag another archive took has no name.
    mapfile -t ids < <(lab_docker "$1" image ls --no-trunc --format '{{.Tag}} {{.ID}}' |
        awk -v old="$OLD_TAG" '$1 != old { print $2 }' | sort -u)
    [ "${#ids[@]}" -eq 0 ] || lab_docker "$1" rmi -f "${ids[@]}" >/dev/null
}

site_reset() {
    local engine
    for engine in e1 e2 e3; do empty_engine $engine; done
    lab_db_stop
    rm -rf "$LAB_DIR/db/data" "$LAB_DIR/nodes"
    cp -a "$dir/data" "$LAB_DIR/db/data"
    lab_db_start
    start_old "$@"
}

# The stand-in writes into two tables of each heartbeat database once a second.
site_digest() {
    local db
    for db in "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB" "$HB_2"; do
        lab_db_digest "$db" | sed "s/^/$db /"
    done | grep -vE ' table (heart_beat|heatbeat_sequence) '
}

command=${1:?command}
dir=${2:?folder}
shift 2
case $command in
up) mkdir -p "$dir" ;;
down)
    [ -e "$dir/lab/lab.env" ] && lab_down "$dir/lab"
    exit
    ;;
*) lab_use "$dir/lab" ;;
esac
case $command in
up | reset | digest) "site_$command" "$@" ;;
run) "$@" ;;
*) exit 64 ;;
esac
