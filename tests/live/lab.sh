#!/usr/bin/env bash
# The live lab: a throw-away Docker engine (or several), a MariaDB and stand-in OMS images, in one
# short temporary folder. Source it for the functions, or call it:
#
#   lab.sh up [DIR]                     start engine e1 and MariaDB, print DIR
#   lab.sh down DIR                     end everything, remove DIR
#   lab.sh env DIR                      print the variables for `eval`
#   lab.sh image DIR TAG VARIANT OUT [PAD_MB]
#   lab.sh run DIR FUNCTION [ARG...]    any lab_* function, e.g. `run DIR lab_oms_start n1 oms_331 TAG`
#
# Every function answers 0 or non-zero with one line on stderr, works under `set -eu`, and can be
# called again. What stands where: lib/engine.sh (dockerd), lib/metadb.sh (MariaDB and schema),
# lib/image.sh (image tars), lib/oms.sh (OMS nodes), lib/witness.sh (what tests compare).

LAB_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

lab_say() {
    [ -n "${LAB_QUIET:-}" ] || printf 'lab: %s\n' "$*" >&2
}

lab_fail() {
    printf 'lab: %s\n' "$*" >&2
    return 1
}

# lab_wait SECONDS WHAT COMMAND...: polls five times a second until COMMAND answers 0. SECONDS is what
# it should take at most; a busy machine gets four times as much.
lab_wait() {
    local seconds=$(($1 * 4)) what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            lab_fail "$what: not there after $seconds s"
            return 1
        fi
        sleep 0.2
    done
}

# lab_free_port: a loopback TCP port that nothing listens on, and that no other lab on this machine has been
# given: its server may start much later. Below the ephemeral range, so that no outgoing connection
# takes it before. A claim is a link to the lab that has it; one that leads nowhere is void.
LAB_PORTS=/run/omsl-ports

lab_free_port() {
    local tries=0
    # Who goes last takes the folder away, perhaps from under us: then again.
    while [ "$tries" -lt 10 ]; do
        mkdir -p "$LAB_PORTS"
        (flock 9 && lab_claim_port) 9<"$LAB_PORTS" && return 0
        tries=$((tries + 1))
    done 2>/dev/null
    lab_fail 'no free port between 20000 and 32000'
}

lab_claim_port() {
    local port tries=0
    while [ "$tries" -lt 200 ]; do
        tries=$((tries + 1))
        # Not RANDOM: shells that were forked at once may draw the same numbers.
        port=$((20000 + SRANDOM % 12000))
        if [ ! -e "$LAB_PORTS/$port" ] && ! lab_port_listens "$port" &&
            ln -sfn "${LAB_DIR:-/proc/$$}" "$LAB_PORTS/$port"; then
            printf '%s\n' "$port"
            return 0
        fi
    done
    return 1
}

lab_port_listens() {
    awk -v p="$(printf ':%04X' "$1")" \
        'substr($2, length($2) - 4) == p { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

lab_release_ports() {
    [ ! -d "$LAB_PORTS" ] || find "$LAB_PORTS" \( -lname "$LAB_DIR" -o -xtype l \) -delete
    rmdir "$LAB_PORTS" 2>/dev/null || true
}

# lab_daemon LOG COMMAND...: starts COMMAND in a session of its own, away from the terminal and
# from the caller's descriptors (an inherited pipe would keep `$(lab.sh up)` waiting for ever).
# Sets LAB_PID.
lab_daemon() {
    local log=$1
    shift
    (
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
        done
        exec setsid "$@"
    ) </dev/null >>"$log" 2>&1 &
    LAB_PID=$!
    # No "Killed" from the shell when a test kills it.
    disown "$LAB_PID"
}

# lab_end_pid PID [SECONDS]: TERM, wait, KILL. A zombie counts as dead (PID 1 may be lazy), but not while
# it has threads that run.
lab_end_pid() {
    local pid=$1 tries=$((${2:-10} * 10)) n=0
    lab_pid_lives "$pid" || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    while lab_pid_lives "$pid"; do
        if [ "$n" -ge "$tries" ]; then
            kill -KILL "$pid" 2>/dev/null
            tries=$((tries + 50))
            [ "$n" -lt $((tries + 100)) ] || return 1
        fi
        sleep 0.1
        n=$((n + 1))
    done
}

lab_pid_lives() {
    local state
    [ -n "${1:-}" ] && [ -r "/proc/$1/stat" ] || return 1
    state=$(sed -n 's/^[0-9]* (.*) \(.\) .*/\1/p' "/proc/$1/stat" 2>/dev/null)
    case $state in
    '' | X) return 1 ;;
    Z) compgen -G "/proc/$1/task/[0-9]*" | grep -qv "/$1\$" ;;
    esac
}

lab_need() {
    local cmd missing=
    for cmd in "$@"; do
        command -v "$cmd" >/dev/null 2>&1 || missing="$missing $cmd"
    done
    [ -z "$missing" ] || lab_fail "missing:$missing (tests/live/deps.sh check installs them)"
}

for lab_part in engine metadb image oms witness; do
    . "$LAB_SRC/lib/$lab_part.sh"
done
unset lab_part

# lab_up [DIR]: an empty or absent DIR; default a new one under /tmp. Sets LAB_DIR and every LAB_*
# variable. A lab that is up is taken as it is.
lab_up() {
    local dir=${1:-} db_started
    lab_need dockerd containerd runc docker mariadbd mariadb mariadb-install-db busybox socat \
        curl jq tar sha256sum || return 1
    [ "$(id -u)" = 0 ] || { lab_fail 'a Docker engine needs root'; return 1; }
    if [ -z "$dir" ]; then
        dir=$(mktemp -d /tmp/omsl.XXXXXX) || return 1
    else
        mkdir -p "$dir" || return 1
        dir=$(cd "$dir" && pwd -P)
    fi
    # The longest socket below it (containerd's) has some 45 characters; the kernel allows 107.
    if [ "${#dir}" -gt 55 ]; then
        lab_fail "'$dir' is too long for unix sockets below it (55 characters at most)"
        return 1
    fi
    if [ -e "$dir/lab.env" ]; then
        lab_use "$dir" || return 1
    elif [ -n "$(ls -A "$dir")" ]; then
        lab_fail "'$dir' is neither empty nor a lab"
        return 1
    else
        lab_defaults "$dir" && lab_note_absent || return 1
    fi
    # MariaDB's installation and dockerd's start take about a second each: side by side.
    lab_db_start &
    db_started=$!
    if ! lab_engine_start e1 || ! wait "$db_started"; then
        wait "$db_started"
        lab_fail "could not start, see $dir/*/log"
        return 1
    fi
    lab_db_schema || return 1
    lab_say "up in $LAB_DIR (engine unix://$(lab_sock), MetaDB 127.0.0.1:$LAB_DB_PORT)"
}

# lab_defaults DIR: the lab's variables; what the caller has set already stays. Kept in lab.env,
# which `lab_use` reads. The user's name and password are as awkward as customers make them.
lab_defaults() {
    local var
    LAB_DIR=$1
    LAB_ID=omsl-$(printf '%s' "$LAB_DIR" | sha256sum | cut -c1-10)
    LAB_DB_SOCK=$LAB_DIR/db/sock
    : "${LAB_DB_PORT:=$(lab_free_port)}"
    : "${LAB_DB_USER:=oms@sys#cluster}"
    [ -n "${LAB_DB_PASSWORD:-}" ] || LAB_DB_PASSWORD='p@ss "w'\''\ord$HOME 100%'
    : "${LAB_RM_DB:=rm_331}" "${LAB_CM_DB:=cm_331}" "${LAB_HB_DB:=cm_hb_331}"
    : "${LAB_HTTP_PORT:=$(lab_free_port)}"
    : "${LAB_REPO:=reg.docker.alibaba-inc.com/oboms/oms-all-in-one}"
    : "${LAB_NODES:=n1}"
    : "${LAB_MYSQLD:=}"
    : "${LAB_SEQ_ROWS:=20000}" "${LAB_PROJECTS:=200}" "${LAB_SCHEMA_VERSION:=331}"
    for var in LAB_DIR LAB_ID LAB_DB_SOCK LAB_DB_PORT LAB_DB_USER LAB_DB_PASSWORD LAB_RM_DB \
        LAB_CM_DB LAB_HB_DB LAB_HTTP_PORT LAB_REPO LAB_NODES LAB_MYSQLD LAB_SEQ_ROWS LAB_PROJECTS \
        LAB_SCHEMA_VERSION; do
        printf '%s=%q\n' "$var" "${!var}"
    done >"$LAB_DIR/lab.env"
    chmod 600 "$LAB_DIR/lab.env"
}

# dockerd and containerd make these wherever their own data lies. Those that were not there before
# the first engine go when the lab goes; a folder only when it is empty.
lab_note_absent() {
    local path
    for path in /etc/docker/key.json /opt/containerd /run/docker /run/containerd; do
        [ -e "$path" ] || printf '%s\n' "$path"
    done >"$LAB_DIR/absent"
}

lab_remove_absent() {
    local path
    while read -r path; do
        if [ -d "$path" ]; then
            find "$path" -depth -type d -empty -delete
        else
            rm -f "$path"
        fi
    done <"$LAB_DIR/absent"
}

# lab_use DIR: makes an existing lab the current one.
lab_use() {
    local dir
    dir=$(cd "${1:?}" 2>/dev/null && pwd -P) || { lab_fail "'$1': no such folder"; return 1; }
    [ -r "$dir/lab.env" ] || { lab_fail "'$dir' is no lab"; return 1; }
    . "$dir/lab.env"
}

# The password is set, not exported: tests look for it in the environment of every process.
lab_env() {
    sed -e '/^LAB_DB_PASSWORD=/!s/^/export /' "$LAB_DIR/lab.env"
    printf 'export DOCKER_HOST=%q\n' "unix://$(lab_sock)"
}

# lab_down [DIR]: ends every process of the lab, whoever started it, and removes the folder. Good
# for a trap: answers 0 when there is nothing to do, and never stops half-way.
lab_down() {
    local dir=${1:-${LAB_DIR:-}} failed=0 d
    [ -n "$dir" ] && [ -d "$dir" ] || return 0
    lab_use "$dir" || return 1
    lab_events_stop
    for d in "$LAB_DIR"/*/daemon.json; do
        [ -e "$d" ] || continue
        d=${d%/daemon.json}
        lab_engine_remove "${d##*/}" || failed=1
    done
    lab_db_stop || failed=1
    lab_end_strays
    lab_unmount "$LAB_DIR/"
    lab_remove_absent
    lab_release_ports
    if [ "$failed" = 0 ] && rm -rf --one-file-system "$LAB_DIR"; then
        lab_say "down: $LAB_DIR"
        LAB_DIR=
        return 0
    fi
    lab_fail "could not remove all of '$dir'"
}

lab_main() {
    local cmd=${1:-}
    [ "$#" -eq 0 ] || shift
    case $cmd in
    up)
        LAB_QUIET=${LAB_QUIET:-1}
        lab_up "$@" || { lab_down; return 1; }
        printf '%s\n' "$LAB_DIR"
        ;;
    down) lab_down "${1:?DIR}" ;;
    env) lab_use "${1:?DIR}" && lab_env ;;
    image) lab_use "${1:?DIR}" && shift && lab_image_tar "$@" ;;
    run)
        lab_use "${1:?DIR}" && shift || return 1
        case ${1:-} in lab_*) "$@" ;; *) lab_fail "'${1:-}' is no lab function" ;; esac
        ;;
    *)
        sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        return 64
        ;;
    esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    lab_main "$@"
fi
