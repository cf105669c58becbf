#!/bin/bash
# The stand-in's /root/docker_init.sh: migrates the schema of all three databases, may be run again
# after a failure, and writes down each run twice: in cm.lab_init_runs, which a restore takes
# back, and in a file under the logs bind, which nothing takes back.
. /root/oms_lib.sh

now() {
    printf '%s\n' "${EPOCHREALTIME:0:14}"
}

log() {
    printf '%s %s\n' "$(date '+%F %T')" "$*" | tee -a "$OMS_LOGS/docker_init.log"
}

warn() {
    printf '%s WARN %s\n' "$(date '+%F %T')" "$*" | tee -a "$OMS_LOGS/docker_init.log" >&2
}

# The lock lives in the session of a client beside us: it ends with us, however we end.
# Sets overlap to 1 when somebody else holds it.
take_lock() {
    coproc LOCK { exec mariadb --defaults-file="$OMS_STATE/my.cnf" --batch --skip-column-names \
        --unbuffered 2>>"$OMS_LOGS/docker_init.log"; }
    printf "select get_lock('lab_init.%s', 0);\n" "$OMS_CM" >&"${LOCK[1]}"
    read -r overlap <&"${LOCK[0]}" || overlap=0
    overlap=$((1 - overlap))
}

# ha.config's enable; not by the server's own JSON functions, which MySQL before 5.7 lacks.
ha_enable() {
    local text pattern='"enable"[[:space:]]*:[[:space:]]*([a-z]+)'
    text=$(oms_sql --raw <<<"select cfg_value from \`$OMS_RM\`.oms_normal_config where cfg_name = 'ha.config';")
    [[ $text =~ $pattern ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

record_begin() {
    ha=$(ha_enable)
    oms_sql <<SQL || return 1
create table if not exists \`$OMS_CM\`.lab_init_runs (
  id int not null auto_increment primary key, host_ip varchar(64) not null,
  version int not null, config_sum char(64) not null, started double not null,
  ended double null, exit_code int null, overlap int not null, ha_enable varchar(16) null);
insert into \`$OMS_CM\`.lab_init_runs (host_ip, version, config_sum, started, overlap, ha_enable)
 values ('$OMS_HOST_IP', $version, '$OMS_CONF_SUM', $started, $overlap, '$ha');
SQL
}

# host version started ended exit overlap ha.enable
record_end() {
    local rc=$?
    trap - EXIT
    oms_sql <<SQL 2>/dev/null
update \`$OMS_CM\`.lab_init_runs set ended = $(now), exit_code = $rc
 where host_ip = '$OMS_HOST_IP' and started = $started;
SQL
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$OMS_HOST_IP" "$version" "$started" "$(now)" "$rc" \
        "$overlap" "${ha:-?}" >>"$OMS_LOGS/lab_init_runs.tsv"
    exit $rc
}

# add_column DB TABLE DEFINITION: unless an earlier run has.
add_column() {
    [ "$(oms_sql <<<"select count(*) from information_schema.columns where table_schema = '$1' and table_name = '$2' and column_name = 'added_in_$version';")" != 0 ] ||
        oms_sql "$1" <<<"alter table $2 add column added_in_$version $3;"
}

migrate_rm() {
    add_column "$OMS_RM" oms_project "int not null default $version" &&
        add_column "$OMS_RM" oms_sync_project "int not null default $version" &&
        oms_sql "$OMS_RM" <<SQL
create table if not exists oms_feature_$version (id int not null auto_increment primary key, name varchar(32));
insert into oms_feature_$version (name) values ('unified link');
update oms_project set progress = progress * 2 where project_status = 'RUNNING';
insert ignore into oms_schema_version (version) values ($version);
SQL
}

migrate_cm() {
    add_column "$OMS_CM" host "varchar(20) not null default 'x'" && oms_sql "$OMS_CM" <<SQL
alter table config_job modify \`value\` mediumtext;
delete from config_job where \`key\` = 'param.1';
insert ignore into oms_schema_version (version) values ($version);
SQL
}

migrate_hb() {
    add_column "$OMS_HB" heart_beat 'int null' && oms_sql "$OMS_HB" <<SQL
insert ignore into oms_schema_version (version) values ($version);
SQL
}

main() {
    [ -n "${OMS_HOST_IP:-}" ] || oms_fatal 'OMS_HOST_IP is not set'
    oms_load_conf
    started=$(now)
    trap record_end EXIT
    trap 'exit 143' TERM INT HUP
    overlap=0
    take_lock
    log "docker_init.sh of OMS $release begins on $OMS_HOST_IP"
    record_begin || exit 1
    [ "$overlap" = 0 ] || warn 'another docker_init.sh is running on this MetaDB'
    log "[1/3] migrating $OMS_RM"
    migrate_rm || exit 1
    warn "$OMS_RM.oms_sync_project: default value used for added_in_$version"
    if [ "$variant" = init-fails-halfway ] ||
        { [ "$variant" = init-fails-on ] && [ "${OMS_HOST_IP##*.}" = "$seconds" ]; } ||
        { [ "$variant" = init-fails-once ] && [ ! -e /root/.init_failed ]; }; then
        : >/root/.init_failed
        printf "ERROR 1060 (42S21): Duplicate column name 'added_in_%s'\n" "$version" |
            tee -a "$OMS_LOGS/docker_init.log" >&2
        exit 1
    fi
    [ "$variant" != slow-init ] || sleep "${seconds:-8}"
    log "[2/3] migrating $OMS_CM"
    migrate_cm || exit 1
    log "[3/3] migrating $OMS_HB"
    migrate_hb || exit 1
    log 'OMS service start successfully'
}

main "$@"
