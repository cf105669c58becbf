# shellcheck shell=bash
# Shared by the stand-in's main process and its docker_init.sh.

OMS_CONF=/home/admin/conf/config.yaml
OMS_LOGS=/home/admin/logs
OMS_STATE=/run/oms
# version=400 release=4.0.0 variant=ok seconds=
. /etc/oms/release

oms_fatal() {
    printf '%s FATAL: %s\n' "$(date '+%F %T')" "$*"
    exit 3
}

# The value of one key of the flat config.yaml: plain, 'single' or "double" quoted; a comment may
# follow.
oms_conf() {
    local line value q="'" single="^'(([^']|'')*)'" double='^"(([^"\\]|\\.)*)"'
    line=$(grep -m1 -E "^$1[[:space:]]*:" "$OMS_CONF") || return 1
    value=${line#*:}
    value=${value#"${value%%[![:space:]]*}"}
    if [[ $value =~ $single ]]; then
        printf '%s' "${BASH_REMATCH[1]//$q$q/$q}"
    elif [[ $value =~ $double ]]; then
        value=${BASH_REMATCH[1]//\\\"/\"}
        printf '%s' "${value//\\\\/\\}"
    else
        value=${value%% #*}
        printf '%s' "${value%"${value##*[![:space:]]}"}"
    fi
}

# Reads what is needed from config.yaml; the MetaDB's password goes to a file only.
oms_load_conf() {
    local key value
    for key in oms_meta_host oms_meta_port oms_meta_user oms_meta_password drc_rm_db drc_cm_db \
        drc_cm_heartbeat_db; do
        value=$(oms_conf "$key") || oms_fatal "config.yaml lacks '$key'"
        [ -n "$value" ] || oms_fatal "config.yaml has an empty '$key'"
    done
    OMS_RM=$(oms_conf drc_rm_db)
    OMS_CM=$(oms_conf drc_cm_db)
    OMS_HB=$(oms_conf drc_cm_heartbeat_db)
    OMS_PORT=$(oms_conf nginx_server_port) || OMS_PORT=8089
    OMS_CONF_SUM=$(sha256sum "$OMS_CONF")
    OMS_CONF_SUM=${OMS_CONF_SUM%% *}
    value=$(oms_conf oms_meta_password)
    mkdir -p "$OMS_STATE"
    (
        umask 077
        printf '[client]\nhost="%s"\nport=%s\nuser="%s"\npassword="%s"\nconnect-timeout=5\n' \
            "$(oms_conf oms_meta_host)" "$(oms_conf oms_meta_port)" "$(oms_conf oms_meta_user)" \
            "${value//\\/\\\\}" >"$OMS_STATE/my.cnf.$$"
        mv "$OMS_STATE/my.cnf.$$" "$OMS_STATE/my.cnf"
    )
}

# Statements on stdin.
oms_sql() {
    mariadb --defaults-file="$OMS_STATE/my.cnf" --batch --skip-column-names \
        --default-character-set=utf8mb4 "$@"
}

# "rm cm hb" schema versions; a table that is not there is an error.
oms_schema_versions() {
    oms_sql <<SQL
select (select max(version) from \`$OMS_RM\`.oms_schema_version),
       (select max(version) from \`$OMS_CM\`.oms_schema_version),
       (select max(version) from \`$OMS_HB\`.oms_schema_version);
SQL
}
