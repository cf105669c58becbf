# shellcheck shell=bash disable=SC2034
# What the tests share.

OLD=feature_3.3.1-ce
NEW=feature_4.0.0-ce
PROGRAM=$NODES_BUILD/omslaunch
# Never this machine's own engine and state.
unset DOCKER_HOST XDG_STATE_HOME

site() {
    local what=$1
    shift
    LAB_QUIET=1 "$NODES_SRC/site.sh" "$what" "$NODES_DIR" "$@" 3>&-
}

lab() {
    site run "$@"
}

socket() {
    printf 'unix://%s/lab/e%s/docker.sock' "$NODES_DIR" "$1"
}

# The deployment file, as a person writes it.
setup_common() {
    local k
    STATE=$BATS_TEST_TMPDIR/state
    FILE=$BATS_TEST_TMPDIR/prod.yaml
    printf 'defaults: {container: oms_331}\nnodes:\n' >"$FILE"
    for k in 1 2 3; do
        printf '  - {ip: 127.0.0.%d, engine: "%s"}\n' $((10 + k)) "$(socket $k)"
    done >>"$FILE"
    AT=(--host "$(socket 1)" --state-dir "$STATE")
    UP=(upgrade --deployment "$FILE" --tag "$NEW" --yes "${AT[@]}")
}

omslaunch() {
    "$PROGRAM" "$@" 3>&-
}

same() {
    [ "$1" = "$2" ] && return 0
    printf '%s\n' "${3:-not the same}" >&2
    diff -U 100 --label expected --label got <(printf '%s\n' "$1") <(printf '%s\n' "$2") >&2
    return 1
}

has() {
    case $1 in *"$2"*) return 0 ;; esac
    printf -- '--- expected to hold\n%s\n--- got\n%s\n' "$2" "$1" >&2
    return 1
}

# Addresses on which docker_init.sh ran, in their order, and whether two ever overlapped.
init_runs() {
    lab lab_init_runs | awk '{ printf "%s%s", n++ ? " " : "", $1; bad += $6 } END { print n ? "" : "none", "overlaps=" bad + 0 }'
}

# engine NUMBER ARGUMENT…
engine() {
    lab lab_docker "e$1" "${@:2}"
}

# "IMAGE-TAG STATE" of oms_331 on each node.
running() {
    local k
    for k in 1 2 3; do
        engine $k inspect --format '{{.Config.Image}} {{.State.Status}}' oms_331 2>&1 | sed 's/^.*://'
    done
}

# The MetaDB's server list.
servers() {
    lab lab_sql cm_331 -e 'select ip, host_status from host order by ip' | tr '\t' ' '
}

all_three() {
    printf '%s\n%s\n%s\n' "$1" "$1" "$1"
}

online() {
    printf '127.0.0.%d ONLINE\n' 11 12 13
}

until_true() {
    local end=$((SECONDS + $1 * 4))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || {
            printf 'never came true: %s\n' "$*" >&2
            return 1
        }
        sleep 0.1
    done
}
