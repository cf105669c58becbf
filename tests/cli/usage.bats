#!/usr/bin/env bats
# The command line itself: what it refuses, help, man page, completions. No engine is needed.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
}

wrong_usage() {
    says 64 "$@" && no_state
}

UPGRADE=(upgrade oms_331 --tag "$NEW")
COMMANDS='upgrade resume rollback abandon plan check spec inspect discover hooks backup backups verify restore prune ha status runs'
# What each command takes. This is API: an option may come, but none may go.
EVERY='host context tls tlsverify tlscacert tlscert tlskey insecure-tcp state-dir output quiet log-level log-format
    help version'
NODES='deployment node'
UPGRADE_LIKE="tag from image load name host-ip https-crt https-key set-env accept stop-timeout health-timeout
    refetch-reserve perceive-checkpoint version-table config $NODES $EVERY"

options_of() {
    case $1 in
    upgrade) echo "plan plan-digest on-failure parallel dry-run yes lock-wait $UPGRADE_LIKE" ;;
    resume) echo "set-env config health-timeout on-failure answer parallel yes lock-wait $EVERY" ;;
    rollback) echo "config health-timeout yes-lose-changes-since parallel yes lock-wait $EVERY" ;;
    abandon) echo "reason yes lock-wait $EVERY" ;;
    spec) echo "format tag from image name host-ip https-crt https-key set-env $NODES $EVERY" ;;
    inspect) echo "$NODES $EVERY" ;;
    discover) echo "endpoint $EVERY" ;;
    hooks) echo "config profile $EVERY" ;;
    backup) echo "compress workers triggers routines events lock-wait $NODES $EVERY" ;;
    verify) echo "container workers against rehearse $EVERY" ;;
    restore) echo "container workers into only dry-run yes lock-wait $EVERY" ;;
    prune) echo "dry-run yes keep containers databases databases-of lock-wait $EVERY" ;;
    ha) echo "dry-run yes lock-wait $NODES $EVERY" ;;
    plan) echo "out $UPGRADE_LIKE" ;;
    check) echo "$UPGRADE_LIKE" ;;
    *) echo "$EVERY" ;;
    esac
}

@test "no command" {
    wrong_usage 'no command was given' "'omslaunch --help' lists the commands"
}

@test "an unknown command" {
    wrong_usage "unknown command 'frob'" "'omslaunch --help' lists the commands" frob oms_331
}

@test "a command and an option with a slip of the fingers: what was meant" {
    wrong_usage "unknown command 'upgrad'" "did you mean 'upgrade'?" upgrad oms_331
    wrong_usage "unknown command 'stauts'" "did you mean 'status'?" stauts
    wrong_usage "unknown option '--tga=x'" 'did you mean --tag?' upgrade oms_331 --tga=x
    wrong_usage "unknown option '--dryrun'" 'did you mean --dry-run?' "${UPGRADE[@]}" --dryrun
}

@test "an unknown option" {
    wrong_usage "unknown option '--frobnicate'" "'omslaunch --help' lists all options" "${UPGRADE[@]}" --frobnicate
}

@test "an unknown option with a value" {
    wrong_usage "unknown option '--frobnicate=1'" "'omslaunch --help' lists all options" "${UPGRADE[@]}" --frobnicate=1
}

@test "an unknown letter" {
    wrong_usage "unknown option '-x'" "'omslaunch --help' lists all options" "${UPGRADE[@]}" -x
}

# document COMMAND DEPLOYMENT ERROR HINT ARGUMENT…: the refusal as one JSON document, and in words.
document() {
    local expected
    expected=$(jq -nc --arg command "$1" --arg deployment "$2" --arg text "$3" --arg hint "$4" \
        '{$command, $deployment, run: null, result: "failed", exit: 64, error: {kind: "usage", $text, $hint}} |
            map_values(if . == "" then null else . end)')
    run -64 --separate-stderr omslaunch "${@:5}"
    same "$expected" "$(jq -c . <<<"$output")" && one_document &&
        same "omslaunch: error: $3"$'\n'"HINT: $4" "$stderr" && no_state
}

@test "--output json, wherever it stands: a wrong line is refused by a document" {
    local unknown="unknown option '--frobnicate'" all="'omslaunch --help' lists all options"
    document upgrade oms_331 "$unknown" "$all" "${UPGRADE[@]}" --frobnicate -o json
    document upgrade oms_331 "$unknown" "$all" -o json "${UPGRADE[@]}" --frobnicate
    document '' '' "$unknown" "$all" --frobnicate "${UPGRADE[@]}" --output=json
    document upgrade oms_331 "--output 'xml' is not known" 'it takes text|json|junit' "${UPGRADE[@]}" -o json -o xml
    document prune '' "--keep 'x' is no number from 0 to 100000" 'write a whole number, in digits alone' prune --keep x -o json
    document prune '' '--databases-of has no value' 'it takes a RUN' prune -o json --databases-of
    document '' '' 'no command was given' "'omslaunch --help' lists the commands" -o json
    document upgrad '' "unknown command 'upgrad'" "did you mean 'upgrade'?" upgrad oms_331 -o json
    document runs '' "'runs' does not take --tag" "'omslaunch runs --help' lists what it takes" runs --tag x -o json
    wrong_usage "$unknown" "$all" "${UPGRADE[@]}" --frobnicate -- -o json
}

@test "an option of another command" {
    wrong_usage "'runs' does not take --tag" "'omslaunch runs --help' lists what it takes" runs --tag "$NEW"
}

@test "--dry-run belongs to upgrade alone" {
    wrong_usage "'plan' does not take --dry-run" "'omslaunch plan --help' lists what it takes" plan oms_331 --tag "$NEW" --dry-run
}

@test "an option without its value" {
    wrong_usage '--tag has no value' 'it takes a TAG' upgrade oms_331 --tag
}

@test "an option with an empty value" {
    wrong_usage '--tag is empty' 'it takes a TAG' upgrade oms_331 --tag ''
    wrong_usage '--load is empty' 'it takes a FILE' upgrade oms_331 --load=
}

@test "a value for an option that takes none" {
    wrong_usage "--yes takes no value, but '--yes=no' gives one" 'leave it out' "${UPGRADE[@]}" --yes=no
}

@test "a choice that is none" {
    wrong_usage "--output 'xml' is not known" 'it takes text|json|junit' "${UPGRADE[@]}" --output xml
    wrong_usage "--log-level 'loud' is not known" 'it takes error|warn|info|debug' "${UPGRADE[@]}" --log-level loud
    wrong_usage "--log-format 'js' is not known" 'it takes text|json' "${UPGRADE[@]}" --log-format js
}

@test "a choice of resume that is none" {
    wrong_usage "--on-failure 'ask' is not known" 'it takes rollback|hold' resume --on-failure ask
}

@test "a duration that is none" {
    wrong_usage "--stop-timeout 'soon' is no duration such as 90, 90s, 15m, 2h or 500ms" \
        'write a number and a unit: 90s, 15m, 2h' "${UPGRADE[@]}" --stop-timeout soon
    wrong_usage "--health-timeout '5d' is no duration such as 90, 90s, 15m, 2h or 500ms" \
        'write a number and a unit: 90s, 15m, 2h' "${UPGRADE[@]}" --health-timeout 5d
    wrong_usage "--lock-wait '-1s' is no duration such as 90, 90s, 15m, 2h or 500ms" \
        'write a number and a unit: 90s, 15m, 2h' "${UPGRADE[@]}" --lock-wait -1s
}

@test "a number that is none" {
    wrong_usage "--refetch-reserve '-1' is no number from 0 to 100000" \
        'write a whole number, in digits alone' "${UPGRADE[@]}" --refetch-reserve -1
}

@test "no name" {
    wrong_usage "'omslaunch upgrade' needs NAME" 'omslaunch upgrade NAME [OPTIONS]' upgrade --tag "$NEW"
}

@test "a second name" {
    wrong_usage "'omslaunch upgrade' does not know what to do with 'oms_332'" \
        'omslaunch upgrade NAME [OPTIONS]' "${UPGRADE[@]}" oms_332
}

@test "an argument for a command that takes none" {
    wrong_usage "'omslaunch runs' does not know what to do with 'x'" 'omslaunch runs [OPTIONS]' runs x
}

@test "no --tag" {
    wrong_usage 'no --tag was given: the version to upgrade to' 'for example --tag feature_4.0.0-ce' \
        upgrade oms_331 "${AT[@]}"
}

@test "--https-crt without --https-key, and the reverse" {
    wrong_usage '--https-crt and --https-key go together' 'give both, or neither' \
        "${UPGRADE[@]}" "${AT[@]}" --https-crt /x.crt
    wrong_usage '--https-crt and --https-key go together' 'give both, or neither' \
        "${UPGRADE[@]}" "${AT[@]}" --https-key /x.key
}

@test "--load of a file that is not there" {
    wrong_usage "--load '/no/such.tar' cannot be read: No such file or directory" \
        'name an existing file' "${UPGRADE[@]}" "${AT[@]}" --load /no/such.tar
}

@test "--accept of a rule that does not exist: those of its kind" {
    run -64 --separate-stderr omslaunch "${UPGRADE[@]}" "${AT[@]}" --accept image.tga=because
    [[ $stderr == "omslaunch: error: --accept: there is no rule 'image.tga'"$'\n''HINT: did you mean '*image.tag*'?' ]]
    has_not "$stderr" version.path
    run -64 --separate-stderr omslaunch "${UPGRADE[@]}" "${AT[@]}" --accept nonsense=because
    [[ $stderr == "omslaunch: error: --accept: there is no rule 'nonsense'"$'\n''HINT: the rules are '*image.tag*version.path* ]]
    no_state
}

@test "--accept without a reason" {
    for value in image.tag= image.tag 'image.tag= '; do
        wrong_usage "--accept '$value' gives no reason, expected RULE=REASON" \
            "the reason is kept in the plan, the journal and the report; say why this is right: --accept 'image.tag=…'" \
            "${UPGRADE[@]}" "${AT[@]}" --accept "$value"
    done
}

@test "an endpoint that is not one" {
    says 64 "the engine's endpoint 'ftp://h' is not known: it begins with none of unix://, tcp:// and ssh://" \
        'write it as unix:///var/run/docker.sock, tcp://HOST:2376 with TLS, or ssh://USER@HOST, or name a docker context with --context' \
        "${UPGRADE[@]}" --state-dir "$STATE" --host ftp://h
    says 64 "the engine's endpoint 'unix://docker.sock' has no absolute path of a socket" \
        'write it as unix:///var/run/docker.sock' "${UPGRADE[@]}" --state-dir "$STATE" --host unix://docker.sock
    no_state
}

@test "a socket path that is too long" {
    local path
    path=/$(printf 'x%.0s' {1..120})
    says 64 "the path of the engine's socket in 'unix://$path' is longer than 107 bytes, which no unix socket can have" \
        'give a shorter path, for example through a symbolic link' "${UPGRADE[@]}" --state-dir "$STATE" --host "unix://$path"
}

@test "everything behind -- is an argument" {
    wrong_usage "'omslaunch upgrade' does not know what to do with '--tag'" \
        'omslaunch upgrade NAME [OPTIONS]' upgrade -- oms_331 --tag
}

@test "--version" {
    for option in --version -V; do
        run -0 --separate-stderr omslaunch "$option"
        [[ $output =~ ^omslaunch\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
        same '' "$stderr"
    done
}

@test "--help of all: the commands, the exit codes" {
    run -0 --separate-stderr omslaunch --help
    same '' "$stderr"
    for command in $COMMANDS; do has "$output" $'\n'"  $command "; done
    for code in 0 1 10 11 12 13 64 65 69 73 75 77 78 130; do
        grep -qE "^  $code +[a-z]" <<<"$output"
    done
    help=$output
    run -0 omslaunch help
    same "$help" "$output"
    run -0 omslaunch -h
    same "$help" "$output"
}

@test "--help of each command: every option, no other, at most 80 columns" {
    for command in $COMMANDS; do
        run -0 --separate-stderr omslaunch "$command" --help
        same '' "$stderr"
        [[ $output == "Usage: omslaunch $command "* ]]
        for option in $(options_of "$command"); do
            [[ $output =~ $'\n  '(-[a-zA-Z],|\ \ \ )\ --$option( |$'\n') ]] || {
                echo "'$command --help' does not say --$option" >&2
                false
            }
        done
        same '' "$(awk 'length($0) > 80' <<<"$output")" "'$command --help' has lines of more than 80 columns"
        help=$output
        run -0 omslaunch help "$command"
        same "$help" "$output"
    done
}

# The help names no other: an option that came must be written down above.
@test "--help of each command: no option that is not in the list" {
    local command expected
    for command in $COMMANDS; do
        run -0 omslaunch "$command" --help
        expected=$(options_of "$command" | xargs -n 1 | sort)
        same "$expected" "$(grep -oE '^  (-[a-zA-Z],|   ) --[a-z-]+' <<<"$output" | sed 's/.*--//' | sort)" \
            "'$command --help' has other options"
    done
}

@test "help of a command that does not exist" {
    wrong_usage "unknown command 'upgrad'" "did you mean 'upgrade'?" help upgrad
    wrong_usage "unknown command 'upgrad'" "did you mean 'upgrade'?" upgrad --help
}

@test "the man page has no fault, every command, option and exit code" {
    omslaunch generate man >"$BATS_TEST_TMPDIR/omslaunch.1"
    run -0 groff -man -ww -z -Tutf8 "$BATS_TEST_TMPDIR/omslaunch.1"
    same '' "$output"
    groff -man -Tascii -P-cbou "$BATS_TEST_TMPDIR/omslaunch.1" >"$BATS_TEST_TMPDIR/text"
    for command in $COMMANDS; do
        grep -q "^ *omslaunch $command" "$BATS_TEST_TMPDIR/text"
        for option in $(options_of "$command"); do
            grep -q -- "--$option\b" "$BATS_TEST_TMPDIR/text"
        done
    done
    for code in 0 1 10 11 12 13 64 65 69 73 75 77 78 130; do
        grep -qE "^ +$code +[a-z]" "$BATS_TEST_TMPDIR/text"
    done
    for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' ENVIRONMENT FILES; do
        grep -qx "$section" "$BATS_TEST_TMPDIR/text"
    done
}

complete_as_bash() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _omslaunch
    printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
}

@test "completion for bash: commands, options of a command" {
    omslaunch generate bash >"$BATS_TEST_TMPDIR/omslaunch.bash"
    . "$BATS_TEST_TMPDIR/omslaunch.bash"
    complete -p omslaunch | grep -q _omslaunch
    for command in $COMMANDS; do
        has " $(complete_as_bash omslaunch '') " " $command "
        for option in $(options_of "$command"); do
            has " $(complete_as_bash omslaunch "$command" --) " " --$option "
        done
    done
    same upgrade "$(complete_as_bash omslaunch up)"
    same '--health-timeout --help' "$(complete_as_bash omslaunch upgrade --he)"
    has_not " $(complete_as_bash omslaunch runs --) " ' --tag '
}

@test "completions for zsh and fish name every option" {
    for shell in zsh fish; do
        omslaunch generate "$shell" >"$BATS_TEST_TMPDIR/$shell"
        for option in $(options_of upgrade); do
            grep -qE -- "(--|-l )$option\b" "$BATS_TEST_TMPDIR/$shell"
        done
        ! command -v "$shell" >/dev/null || "$shell" -n "$BATS_TEST_TMPDIR/$shell"
    done
}

@test "generating something else" {
    wrong_usage "cannot generate 'perl'" 'man, bash, zsh or fish' generate perl
}

@test "stdout that cannot be written is an error" {
    run -1 bash -c "'$PROGRAM' --help >/dev/full"
    same $'omslaunch: error: cannot write to stdout: No space left on device\nHINT: is the disk full that it leads to?' "$output"
    # No text is so long that the reason is lost.
    run -1 bash -c "'$PROGRAM' generate man >/dev/full"
    same $'omslaunch: error: cannot write to stdout: No space left on device\nHINT: is the disk full that it leads to?' "$output"
}
