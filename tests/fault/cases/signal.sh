# shellcheck shell=bash
# SIGTERM after each record: the step under way is ended or undone, then it goes as --on-failure
# says. A second one stops at once.

signal_cases() {
    local n step=2 how=(rollback hold)
    [ "${OMSLAUNCH_FAULT:-}" != full ] || step=1
    for ((n = 2; n <= UPGRADE_RECORDS; n += step)); do
        if [ "$step" = 1 ]; then
            printf 'signal_term rollback %d\nsignal_term hold %d\nsignal_twice %d\n' "$n" "$n" "$n"
        else
            printf 'signal_term %s %d\n' "${how[n / 2 % 2]}" "$n"
            [ $((n % 6)) != 0 ] || printf 'signal_twice %d\n' "$n"
        fi
    done
}

signal_term() {
    OM_ENV=(OMSL_FAULT="term:$2")
    upgrade --on-failure "$1"
    OM_ENV=()
    case $1:$RC in
    rollback:10 | rollback:143 | rollback:12 | *:0) ;;
    hold:13 | hold:143 | hold:12) ;;
    *) fail "the exit code is $RC" ;;
    esac
    settle
}

signal_twice() {
    OM_ENV=(OMSL_FAULT="term-twice:$1")
    upgrade
    OM_ENV=()
    is_rc 0 10 12 13 143
    settle
}
