#!/usr/bin/env bash
# A whole OMS for rules.bats, correct in everything: rules_site.sh up|down|reset|run DIR [FUNCTION…]
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../lab.sh"
export LAB_QUIET=1

OLD_TAG=feature_3.3.1-ce

start_old() {
    lab_node_prepare n1
    lab_docker e1 image inspect "$LAB_REPO:$OLD_TAG" >/dev/null 2>&1 || lab_image_load "$OLD_TAG" ok e1
    lab_oms_run n1 oms_331 "$OLD_TAG" "$@"
    lab_oms_wait n1
}

site_up() {
    LAB_PROJECTS=4 lab_up "$dir/lab"
    printf '%s\n' "update $LAB_RM_DB.oms_project set project_status = 'RUNNING';" \
        "update $LAB_RM_DB.oms_sync_project set project_status = 'RUNNING';" | lab_sql
    lab_db_stop
    cp -a "$LAB_DIR/db/data" "$dir/data"
    lab_db_start
    lab_image_tar feature_4.0.0-ce ok "$dir/new.tar"
    start_old
    lab_wait 20 'ONLINE in the server list' online
}

# After a test that failed half-way: everything as it was.
site_reset() {
    local -a ids
    mapfile -t ids < <(lab_docker e1 ps -aq --no-trunc)
    [ "${#ids[@]}" -eq 0 ] || lab_docker e1 rm -fv "${ids[@]}" >/dev/null
    lab_db_stop
    rm -rf "$LAB_DIR/db/data" "$(lab_node_dir n1)"
    cp -a "$dir/data" "$LAB_DIR/db/data"
    lab_db_start
    start_old
    lab_wait 20 'ONLINE in the server list' online
}

online() {
    [ "$(printf "select host_status from %s.host;" "$LAB_CM_DB" | lab_sql -N)" = ONLINE ]
}

command=${1:?command}
dir=${2:?folder}
shift 2
case $command in
up) site_up ;;
down)
    [ ! -e "$dir/lab/lab.env" ] || lab_down "$dir/lab"
    ;;
reset)
    lab_use "$dir/lab"
    site_reset
    ;;
run)
    lab_use "$dir/lab"
    "$@"
    ;;
*) exit 64 ;;
esac
