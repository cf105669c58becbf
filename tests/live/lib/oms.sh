# shellcheck shell=bash
# OMS nodes: n1, n2, …; node nK has the address 127.0.0.(10+K), the folder LAB_DIR/nodes/nK with
# config.yaml and the three disks, and the engine eK when there is one, else e1.

lab_node_ip() {
    case $1 in
    n[1-9] | n[1-9][0-9]) printf '127.0.0.%d\n' $((10 + ${1#n})) ;;
    *) lab_fail "'$1' is no node (n1, n2, …)" ;;
    esac
}

lab_node_engine() {
    local engine=e${1#n}
    if [ -e "$LAB_DIR/$engine/daemon.json" ]; then echo "$engine"; else echo e1; fi
}

lab_node_dir() {
    printf '%s\n' "$LAB_DIR/nodes/$1"
}

# A YAML scalar in single quotes.
lab_yaml_quote() {
    local q="'"
    printf "'%s'" "${1//$q/$q$q}"
}

# lab_config_yaml: the file that the nodes of a region share, on stdout. Quoted numbers, comments
# and an order of its own, as people write them. LAB_CONFIG_EXTRA is appended.
lab_config_yaml() {
    local node
    printf '# OMS, region cn-lab\n\n'
    printf 'drc_rm_db: %s\n' "$LAB_RM_DB"
    printf 'drc_cm_db: "%s"\n' "$LAB_CM_DB"
    printf "drc_cm_heartbeat_db: '%s'   # one for each region\n" "$LAB_HB_DB"
    printf 'oms_meta_host: 127.0.0.1\noms_meta_port: "%s"\n' "$LAB_DB_PORT"
    printf 'oms_meta_user: %s\n' "$(lab_yaml_quote "$LAB_DB_USER")"
    printf 'oms_meta_password: %s\n' "$(lab_yaml_quote "$LAB_DB_PASSWORD")"
    printf 'cm_url: http://%s:8088\n' "$(lab_node_ip "${LAB_NODES%% *}")"
    printf 'cm_location: 0\ncm_region: cn-lab\ncm_region_cn: 实验\ncm_is_default: true\ncm_nodes:\n'
    for node in $LAB_NODES; do
        printf ' - %s\n' "$(lab_node_ip "$node")"
    done
    printf 'nginx_server_port: %s\n' "$LAB_HTTP_PORT"
    printf 'tsdb_enabled: false\ntsdb_service: INFLUXDB\ntsdb_url: ""\ntsdb_username: ""\ntsdb_password: ""\n'
    printf '%s' "${LAB_CONFIG_EXTRA:-}"
}

# lab_node_prepare NODE: the folders and config.yaml, once.
lab_node_prepare() {
    local dir
    dir=$(lab_node_dir "$1")
    mkdir -p "$dir"/{logs,store,run} || return 1
    [ -e "$dir/config.yaml" ] || (umask 077 && lab_config_yaml >"$dir/config.yaml")
}

# lab_node_tls NODE: a self-signed pair; containers made later bind it and serve HTTPS only.
lab_node_tls() {
    local dir
    lab_node_prepare "$1" || return 1
    dir=$(lab_node_dir "$1")
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$(lab_node_ip "$1")" \
        -addext "subjectAltName=IP:$(lab_node_ip "$1")" -keyout "$dir/oms_server.key" \
        -out "$dir/oms_server.crt" 2>/dev/null
}

# lab_oms_run NODE NAME TAG [DOCKER_RUN_ARG...]: `docker run` as the runbook writes it.
lab_oms_run() {
    local node=$1 name=$2 tag=$3 dir
    local -a tls=()
    shift 3
    dir=$(lab_node_dir "$node")
    if [ -e "$dir/oms_server.crt" ]; then
        tls=(-v "$dir/oms_server.crt:/etc/pki/nginx/oms_server.crt"
            -v "$dir/oms_server.key:/etc/pki/nginx/oms_server.key")
    fi
    lab_docker "$(lab_node_engine "$node")" run --pull never -dit --net host \
        -v "$dir/config.yaml:/home/admin/conf/config.yaml" \
        -v "$dir/logs:/home/admin/logs" \
        -v "$dir/store:/home/ds/store" \
        -v "$dir/run:/home/ds/run" \
        "${tls[@]}" \
        -e OMS_HOST_IP="$(lab_node_ip "$node")" \
        --privileged=true --pids-limit -1 --ulimit nproc=65535:65535 \
        --name "$name" "$@" "$LAB_REPO:$tag" >/dev/null
}

# lab_oms_start NODE NAME TAG [DOCKER_RUN_ARG...]: an OMS as a site runs it, with settings of its
# own; loads the stand-in image when the engine has none of that name; waits until it is healthy.
lab_oms_start() {
    local node=$1 name=$2 tag=$3 engine
    shift 3
    engine=$(lab_node_engine "$node")
    lab_node_prepare "$node" || return 1
    lab_docker "$engine" image inspect "$LAB_REPO:$tag" >/dev/null 2>&1 ||
        lab_image_load "$tag" ok "$engine" || return 1
    lab_oms_run "$node" "$name" "$tag" --restart unless-stopped \
        -e 'SITE_NOTE=a=b "c" $d' -e TZ=Asia/Shanghai \
        --label 'com.example.owner=dba team' --log-opt max-size=20m \
        -v /etc/localtime:/etc/localtime:ro "$@" || return 1
    lab_oms_wait "$node" || {
        lab_docker "$engine" logs --tail 5 "$name" >&2
        return 1
    }
}

# lab_oms_health NODE: the body of /oms/health.
lab_oms_health() {
    local scheme=http
    [ ! -e "$(lab_node_dir "$1")/oms_server.crt" ] || scheme=https
    curl -sk --max-time 3 "$scheme://$(lab_node_ip "$1"):$LAB_HTTP_PORT/oms/health"
}

lab_oms_healthy() {
    [ "$(lab_oms_health "$1" | jq .data.healthy 2>/dev/null)" = true ]
}

# lab_oms_wait NODE [SECONDS]
lab_oms_wait() {
    lab_wait "${2:-60}" "healthy OMS on $1" lab_oms_healthy "$1"
}

# lab_oms_init NODE NAME: docker_init.sh, as the runbook has it.
lab_oms_init() {
    lab_docker "$(lab_node_engine "$1")" exec "$2" bash /root/docker_init.sh
}
