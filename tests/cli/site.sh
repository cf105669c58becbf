#!/usr/bin/env bash
# The site that the tests upgrade: one engine, one MetaDB and one OMS 3.3.1 as `oms_331`, all in the
# live lab. The tests call this as a program, so that none of it runs under bats' traps.
#
#   site.sh up DIR             DIR/lab is up and healthy; archives of images lie in DIR
#   site.sh reset DIR [tls]    everything as after `up`; with `tls`, OMS serves HTTPS (2 s)
#   site.sh down DIR           nothing is left
#   site.sh snapshot DIR       what a refused command must leave as it was (0.2 s)
#   site.sh digest DIR [all]   every object of the three databases, but what a live OMS writes (1 s)
#   site.sh watch DIR OUT      looks for the MetaDB's password in every process, until OUT.stop
#   site.sh grep DIR FILE…     files and folders that hold the password
#   site.sh daemon DIR PROGRAM… a server that ends with the site
#   site.sh run DIR FUNCTION…  any lab_* function
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../live/lab.sh"

# The data folder is copied at each reset: a redo log of 8 MB does.
export LAB_MARIADB_ARGS=--innodb-log-file-size=8M
OLD_TAG=feature_3.3.1-ce
NEW_TAG=feature_4.0.0-ce

# Nobody else on this machine holds the ports of this OMS.
choose_ports() {
    local key
    for key in cm_server_port ghana_server_port supervisor_server_port sshd_server_port; do
        printf '%s: %s\n' "$key" "$(lab_free_port)"
    done >"$dir/ports"
}

start_old() {
    export LAB_CONFIG_EXTRA
    LAB_CONFIG_EXTRA=$(cat "$dir/ports")$'\n'
    lab_oms_start n1 oms_331 "$OLD_TAG"
    cp -p "$(lab_node_dir n1)/config.yaml" "$dir/config.yaml"
}

# The data folder is kept as a copy: a dump by mysqldump would not give the same bytes again.
site_up() {
    local token
    token=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    # Awkward to quote everywhere, and with a part that every way of quoting leaves as it is.
    LAB_DB_PASSWORD="p@ss \"w'\\ord\$HOME 100% k${token}z"
    (umask 077 && printf 'k%sz' "$token" >"$dir/token")
    lab_up "$dir/lab"
    lab_db_stop
    cp -a "$LAB_DIR/db/data" "$dir/data"
    lab_db_start
    choose_ports
    start_old
    lab_image_tar "$NEW_TAG" ok "$dir/new.tar"
    head -c 5000000 "$dir/new.tar" >"$dir/cut.tar"
    LAB_REPO=lab/init-fails lab_image_tar "$NEW_TAG" init-fails-halfway "$dir/init-fails.tar"
    LAB_REPO=lab/never-healthy lab_image_tar "$NEW_TAG" never-healthy "$dir/never-healthy.tar"
}

remove_containers() {
    local -a ids
    mapfile -t ids < <(lab_docker e1 ps -aq --no-trunc)
    [ "${#ids[@]}" -eq 0 ] || lab_docker e1 rm -f "${ids[@]}" >/dev/null
}

remove_images() {
    local -a refs
    mapfile -t refs < <(lab_docker e1 image ls --format '{{.Repository}}:{{.Tag}}' | grep -v ":$OLD_TAG\$")
    [ "${#refs[@]}" -eq 0 ] || lab_docker e1 rmi "${refs[@]}" >/dev/null
}

site_reset() {
    remove_containers
    remove_images
    lab_db_stop
    rm -rf "$LAB_DIR/db/data" "$(lab_node_dir n1)"
    cp -a "$dir/data" "$LAB_DIR/db/data"
    lab_db_start
    if [ "${1:-}" = tls ]; then lab_node_tls n1; fi
    start_old
}

# site_daemon PROGRAM…: a server that a test needs; it ends with the site.
site_daemon() {
    lab_daemon /dev/null "$@"
    printf '%s\n' "$LAB_PID" >>"$dir/daemons"
}

# Each is a process group: a server forks for each connection. The number could be somebody else's
# by now, but then its command line does not name a server of ours.
end_daemons() {
    local pid
    [ -e "$dir/daemons" ] || return 0
    while read -r pid; do
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^socat '; then
            kill -TERM -- "-$pid" 2>/dev/null || true
        fi
    done <"$dir/daemons"
    rm -f "$dir/daemons"
}

database_names() {
    printf '%s\n' "$LAB_RM_DB" "$LAB_CM_DB" "$LAB_HB_DB"
}

# The stand-in writes into two tables of the heartbeat database once a second.
site_digest() {
    local db live=' table (heart_beat|heatbeat_sequence) '
    [ "${1:-}" != all ] || live='^$'
    for db in $(database_names); do
        lab_db_digest "$db" | sed "s/^/$db /"
    done | grep -vE "$live"
}

# The secret part of the password as it is, as hex, and as base64 wherever in a text it may stand.
secret_forms() {
    local token
    token=$(cat "$dir/token")
    printf '%s\n' "$token"
    printf '%s' "$token" | od -An -v -tx1 | tr -d ' \n' | sed 's/.*/&\n\U&\n/'
    printf '%s' "$token" | base64 -w0 | cut -c1-24
    printf 'x%s' "$token" | base64 -w0 | cut -c3-25
    printf 'xx%s' "$token" | base64 -w0 | cut -c4-26
}

# site_watch OUT: until OUT.stop is there, looks for the secret in every process's arguments and
# environment; OUT.found names where, OUT.seen each look at a program of ours.
site_watch() {
    : >"$1.found"
    : >"$1.seen"
    secret_forms >"$dir/secret_forms"
    while [ ! -e "$1.stop" ]; do
        grep -lasF -f "$dir/secret_forms" /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>"$1.found"
        grep -hasoF "$dir/bin/omslaunch-metadb" /proc/[0-9]*/cmdline >>"$1.seen"
    done || true
}

# site_grep FILE…: files, and files in folders, that hold the secret.
site_grep() {
    secret_forms >"$dir/secret_forms"
    grep -rlaF -f "$dir/secret_forms" "$@" || true
}

site_snapshot() {
    local names
    names=$(database_names)
    # The engine lists the mounts of a container that does not run in any order.
    lab_inspect_all | jq 'map(.Mounts |= sort_by(.Destination))'
    lab_images
    lab_ha_config
    # shellcheck disable=SC2086
    mysqldump --no-defaults --socket="$LAB_DB_SOCK" --user=root --skip-dump-date --single-transaction \
        --skip-lock-tables --hex-blob --ignore-table="$LAB_HB_DB.heart_beat" \
        --ignore-table="$LAB_HB_DB.heatbeat_sequence" --databases $names | sha256sum
    md5sum <"$(lab_node_dir n1)/config.yaml"
}

command=${1:?command}
dir=${2:?folder}
shift 2
case $command in
up) mkdir -p "$dir" ;;
down)
    end_daemons
    [ -e "$dir/lab/lab.env" ] && lab_down "$dir/lab"
    exit
    ;;
*) lab_use "$dir/lab" ;;
esac
case $command in
up | reset | snapshot | digest | watch | grep | daemon) "site_$command" "$@" ;;
run) "$@" ;;
*) exit 64 ;;
esac
