# shellcheck shell=bash
# Docker engines of the lab: one folder each, LAB_DIR/NAME, with socket, data, exec root and log.

# lab_sock [NAME]: the engine's unix socket.
lab_sock() {
    printf '%s\n' "$LAB_DIR/${1:-e1}/docker.sock"
}

# lab_docker NAME ARG...: the docker CLI on that engine, away from the user's own configuration.
lab_docker() {
    local engine=$1
    shift
    DOCKER_CONFIG=$LAB_DIR/$engine/cli DOCKER_HOST='' DOCKER_CONTEXT='' DOCKER_API_VERSION='' \
        DOCKER_TLS_VERIFY='' docker -H "unix://$(lab_sock "$engine")" "$@"
}

# lab_api NAME METHOD PATH [CURL ARG...]
lab_api() {
    local engine=$1 method=$2 path=$3
    shift 3
    curl -sS --fail --max-time 60 --unix-socket "$(lab_sock "$engine")" -X "$method" "$@" \
        "http://engine$path"
}

lab_engine_lives() {
    [ "$(curl -s --max-time 2 --unix-socket "$(lab_sock "$1")" http://engine/_ping)" = OK ]
}

lab_engine_pid() {
    cat "$LAB_DIR/$1/docker.pid" 2>/dev/null
}

# CAP_SYS_RESOURCE is bit 24. Where the machine lacks it, runc cannot give it to a privileged
# container and fails for create and for exec.
lab_lacks_sys_resource() {
    local caps
    caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    [ $(((16#$caps >> 24) & 1)) = 0 ]
}

# A thin OCI runtime in front of runc, which takes that capability out of what containerd asks for.
lab_write_runtime_wrap() {
    cat >"$1" <<'WRAP'
#!/bin/sh
file=
previous=
for arg; do
    case $previous in
    --bundle | -b) file=$arg/config.json ;;
    --process | -p) file=$arg ;;
    esac
    case $arg in
    --bundle=*) file=${arg#--bundle=}/config.json ;;
    --process=*) file=${arg#--process=} ;;
    esac
    previous=$arg
done
if [ -n "$file" ] && [ -f "$file" ]; then
    sed -i -e 's/"CAP_SYS_RESOURCE",//g' -e 's/,"CAP_SYS_RESOURCE"//g' "$file"
fi
exec runc "$@"
WRAP
    chmod 755 "$1"
}

# lab_engine_start NAME [DOCKERD ARG...]: starts (or starts again, after a stop or kill) the engine
# and waits until it answers. No bridge and no iptables: OMS lives in the host's network.
lab_engine_start() {
    local name=${1:?engine name} dir file
    local -a args
    shift
    dir=$LAB_DIR/$name
    lab_engine_lives "$name" && return 0
    mkdir -p "$dir/cli" || return 1
    # A file of its own: /etc/docker/daemon.json may carry hosts or a data root.
    printf '{}\n' >"$dir/daemon.json"
    args=(--config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/x"
        -H "unix://$dir/docker.sock" -p "$dir/docker.pid" --bridge=none --iptables=false
        --ip6tables=false --exec-opt native.cgroupdriver=cgroupfs
        --cgroup-parent "/$LAB_ID-$name" --shutdown-timeout 10)
    if lab_lacks_sys_resource; then
        lab_write_runtime_wrap "$dir/runtime-wrap"
        args+=(--add-runtime "wrap=$dir/runtime-wrap" --default-runtime wrap)
    fi
    # After a kill dockerd would take a zombie of either for alive, and wait for it.
    for file in "$dir/docker.pid" "$dir/x/containerd/containerd.pid"; do
        if [ -e "$file" ] && ! lab_pid_lives "$(cat "$file")"; then rm -f "$file"; fi
    done
    # A containerd that is asked what it does writes it to TMPDIR.
    TMPDIR=$dir lab_daemon "$dir/log" dockerd "${args[@]}" "$@"
    lab_wait "${LAB_ENGINE_TIMEOUT:-30}" "engine $name" lab_engine_settled "$name" "$LAB_PID" &&
        lab_engine_lives "$name" && return 0
    tail -n 5 "$dir/log" >&2
    lab_fail "engine $name does not start"
}

# Up, or dead: both end the wait at once.
lab_engine_settled() {
    lab_engine_lives "$1" || lab_pid_gone "$2"
}

# lab_engine_stop NAME: ends dockerd as systemd would; its containers stop with it.
lab_engine_stop() {
    lab_end_pid "$(lab_engine_pid "$1")" 30
}

# lab_engine_kill NAME: as a crash; containers live on until the engine is started again.
lab_engine_kill() {
    local pid
    pid=$(lab_engine_pid "$1")
    kill -KILL "$pid" 2>/dev/null
    while lab_pid_lives "$pid"; do sleep 0.05; done
}

# lab_engine_remove NAME: containers, dockerd, its containerd, shims, mounts, control groups.
lab_engine_remove() {
    local name=$1 dir id group
    local -a ids=() shims=()
    dir=$LAB_DIR/$name
    if lab_engine_lives "$name"; then
        mapfile -t ids < <(lab_api "$name" GET '/containers/json?all=1' | jq -r '.[].Id')
        for id in "${ids[@]}"; do
            lab_api "$name" DELETE "/containers/$id?force=1" -o /dev/null 2>/dev/null || true
        done
    fi
    # Shims keep their sockets in /run/containerd/s, outside the lab; a clean end removes them.
    mapfile -t shims < <(cat "$dir"/x/containerd/daemon/io.containerd.runtime.v2.task/*/*/address \
        2>/dev/null | sed -n 's|^unix://\(/run/containerd/s/\)|\1|p')
    lab_engine_stop "$name"
    lab_end_strays "$dir/"
    [ "${#shims[@]}" -eq 0 ] || rm -f "${shims[@]}"
    lab_unmount "$dir/"
    for group in /sys/fs/cgroup/"$LAB_ID-$name" /sys/fs/cgroup/*/"$LAB_ID-$name"; do
        if [ -d "$group" ]; then
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
        fi
    done
    rm -rf --one-file-system "$dir"
}

# lab_end_strays [PREFIX]: what a crash left: daemons and shims whose command line names the lab's
# folder, and processes in the control groups of its containers. Nothing else can match: folder
# and group names are the lab's own.
lab_end_strays() {
    local prefix=${1:-$LAB_DIR/} proc pid exe pids=''
    for proc in /proc/[0-9]*; do
        pid=${proc#/proc/}
        exe=$(readlink "$proc/exe" 2>/dev/null) || continue
        case ${exe##*/} in
        dockerd | containerd | containerd-shim* | runc | mariadbd)
            if tr '\0' '\n' <"$proc/cmdline" 2>/dev/null | grep -qF -- "$prefix"; then
                pids="$pids $pid"
            fi
            ;;
        esac
        if grep -q -- "/$LAB_ID-" "$proc/cgroup" 2>/dev/null; then pids="$pids $pid"; fi
    done
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null
    for pid in $pids; do
        lab_wait 5 "end of process $pid" lab_pid_gone "$pid"
    done
}

lab_pid_gone() {
    ! lab_pid_lives "$1"
}

# lab_unmount PREFIX: what dockerd left mounted below it, the newest first.
lab_unmount() {
    local target
    # Octal escapes of mountinfo do not matter: the lab's paths have no spaces.
    awk -v p="$1" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo | tac |
        while read -r target; do
            umount "$target" 2>/dev/null || umount -l "$target" 2>/dev/null || true
        done
}
