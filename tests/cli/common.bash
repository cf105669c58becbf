# shellcheck shell=bash disable=SC2016,SC2034,SC2119,SC2120,SC2154
# What the tests share. A test says what the command must answer, word for word; what must not have
# changed is compared by `unchanged`.

OLD=feature_3.3.1-ce
NEW=feature_4.0.0-ce
REPO=reg.docker.alibaba-inc.com/oboms/oms-all-in-one
SOCKET=$CLI_DIR/lab/e1/docker.sock
HOST=unix://$SOCKET
NODE=$CLI_DIR/lab/nodes/n1
PROGRAM=$CLI_DIR/bin/omslaunch
# Never this machine's own engine and state.
unset DOCKER_HOST XDG_STATE_HOME

site() {
    local what=$1
    shift
    LAB_QUIET=1 "$CLI_SRC/site.sh" "$what" "$CLI_DIR" "$@" 3>&-
}

lab() {
    site run "$@"
}

engine() {
    lab lab_docker e1 "$@"
}

sql() {
    lab lab_sql --raw "$@"
}

# Options that every test of a command needs.
at() {
    AT=(--host "$HOST" --state-dir "$STATE")
}

omslaunch() {
    # A child enters the sandbox before it becomes the program that it starts: until then valgrind runs it, and
    # would be confined itself. So hooks are started without valgrind, and omslaunch-metadb without the sandbox;
    # the suites without valgrind have both.
    if [ -z "${OMSLAUNCH_VALGRIND:-}" ] || [[ "${1:-} ${2:-}" =~ ^hooks\ (test|trace)$ ]]; then
        "$PROGRAM" "$@" 3>&-
        return
    fi
    local log rc=0
    log=$(mktemp "$CLI_DIR/valgrind.XXXXXX")
    OMSLAUNCH_METADB_SANDBOX=none valgrind --error-exitcode=99 --leak-check=full -q --trace-children=no \
        --log-file="$log" "$PROGRAM" "$@" 3>&- || rc=$?
    # 434 is pidfd_open, which valgrind does not know; the program manages without it.
    if grep -vE 'unhandled amd64-linux syscall: 434|^--|^$' "$log" >&2; then rc=99; fi
    return "$rc"
}

setup_common() {
    STATE=$BATS_TEST_TMPDIR/state
    at
}

# same EXPECTED GOT [WHAT]
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

has_not() {
    case $1 in *"$2"*) printf -- '--- expected not to hold\n%s\n--- got\n%s\n' "$2" "$1" >&2 && return 1 ;; esac
    return 0
}

# says CODE MESSAGE HINT ARGUMENT…: exactly this exit code, nothing on stdout, and on stderr exactly
# the message and the hint.
says() {
    local code=$1 text
    text="omslaunch: error: $2"$'\n'"HINT: $3"
    shift 3
    run -"$code" --separate-stderr omslaunch "$@"
    same "$text" "$stderr" 'stderr is not what it should be' && same '' "$output" 'stdout is not empty'
}

# refused CODE MESSAGE HINT ARGUMENT…: says(), and neither engine nor MetaDB was touched, and no run
# begun.
refused() {
    says "$@" && unchanged && no_run
}

# The state of the site before the tests of a file; `unchanged` compares with it.
remember() {
    site snapshot >"$BATS_FILE_TMPDIR/before"
}

unchanged() {
    local now=$BATS_TEST_TMPDIR/now
    site snapshot >"$now"
    diff "$BATS_FILE_TMPDIR/before" "$now" >&2
}

no_state() {
    [ ! -e "$STATE" ] || {
        printf 'the state folder was made: %s\n' "$(find "$STATE")" >&2
        return 1
    }
}

# no_run [FOLDER]: at most empty folders and the lock.
no_run() {
    local found
    found=$(find "${1:-$STATE}" \( -path '*/runs/*' -o -path '*/backups/*' \) 2>/dev/null)
    same '' "$found" 'a run was begun' &&
        same '' "$(find "$(dirname "${1:-$STATE}")" -name '*.lock' -not -path '*/locks/*' 2>/dev/null)" 'a lock is in a wrong place'
}

# until_true SECONDS COMMAND…: four times as long on a busy machine, as lab_wait.
until_true() {
    local end=$((SECONDS + $1 * 4))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || {
            printf 'never came true: %s\n' "$*" >&2
            return 1
        }
        sleep 0.05
    done
}

# one_document: $output is one JSON document.
one_document() {
    same 1 "$(jq -s length <<<"$output")" 'stdout is not one JSON document'
}

# changing_events FILE: actions of the engine but for files read out of a container, and inside of it by `cat`.
changing_events() {
    jq -r 'select(.Action | . != "archive-path" and . != "exec_die" and (test("^exec_(create|start): cat /") | not)) |
        .Type + " " + .Action' "$1"
}

# What a client changed by SQL, out of MariaDB's general log; aside from the heartbeats of the stand-in
# and from what is tried in scratch databases, by their names or after a USE, which are dropped at once.
changing_statements() {
    lab lab_general_log dump | awk -F '\t' '
        { id = "" }
        match($0, /[0-9]+ (Query|Connect|Quit|Prepare|Execute|Init DB)/) { id = substr($0, RSTART, RLENGTH); sub(/ .*/, "", id) }
        id != "" && /Query[[:space:]]+USE / { scratch[id] = /__try2?_/ }
        id == "" || !scratch[id]' | grep -aiE \
        '(Query|Execute|Prepare)[[:space:]]+(/\*.*\*/ *)?(insert|update|delete|replace|create|alter|drop|truncate|rename|grant|revoke|lock|flush|optimize|load|call|set +global)' |
        grep -avE 'set global general_log|`[a-z0-9_]+__try2?_[^`]+`|insert into `cm_hb_331`\.(heatbeat_sequence|heart_beat) |update `cm_331`\.host set host_status'
    return 0
}
