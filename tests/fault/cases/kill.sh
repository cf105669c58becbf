# shellcheck shell=bash
# kill -9 at each record of the journal: before it is written, in the middle, right after. What an
# upgrade left is then resumed in one series and rolled back in another; so is what a rollback left.

# The record that says that the new version serves: from here on, going back loses data.
SERVED=$(outcome wait_healthy)
# An upgrade whose docker_init.sh fails: the records of its way back, of six steps.
BACK_FIRST=$(($(outcome init_metadata) + 1))
BACK_LAST=$((BACK_FIRST + 13))
# Of an upgrade: the call to the engine that starts docker_init.sh.
INIT_START_CALL=8

# kill_points FUNCTION FIRST LAST PARITY: each record, in the ways that differ. An intent is written and nothing
# is done yet; a step is done, and that is not written. (Before an intent is as after an outcome.)
kill_points() {
    local n go
    for ((n = $2; n <= $3; n++)); do
        for go in resume rollback; do
            if [ "${OMSLAUNCH_FAULT:-}" = full ]; then
                printf '%s %s %d %s\n' "$1" before "$n" "$go" "$1" torn "$n" "$go" "$1" after "$n" "$go"
            elif [ $((n % 2)) = $(($4 % 2)) ]; then
                printf '%s after %d %s\n' "$1" "$n" "$go"
            else
                printf '%s torn %d %s\n' "$1" "$n" "$go"
            fi
        done
    done
}

kill_cases() {
    kill_points kill_upgrade 1 "$UPGRADE_RECORDS" 0
    # Resumed or rolled back, it goes the same way.
    kill_points kill_rollback "$BACK_FIRST" "$BACK_LAST" 1 |
        if [ "${OMSLAUNCH_FAULT:-}" = full ]; then cat; else sed -n '1~4p;4~4p'; fi
    printf 'kill_init %s\n' resume rollback
    printf 'kill_init_start %s %s\n' kill resume kill rollback late resume late rollback
}

kill_upgrade() {
    local when=$1 n=$2 go=$3 written=$2
    OM_ENV=(OMSL_FAULT="$when:$n")
    upgrade
    is_rc 137
    OM_ENV=()
    [ "$when" = after ] || written=$((n - 1))
    om "$go"
    if [ "$written" = 0 ]; then
        is_rc 0 # nothing to do: the run never began
        expect_old_end
        return
    fi
    if [ "$go" = rollback ] && [ "$written" -ge "$SERVED" ]; then
        is_rc 64
        accept_losses
    fi
    is_rc 0
    expect_end "$go"
}

expect_end() {
    if [ "$1" = resume ]; then expect_new_end; else expect_old_end; fi
}

kill_rollback() {
    local when=$1 n=$2 go=$3
    OM_ENV=(OMSL_FAULT="$when:$n")
    upgrade --image lab/init-fails-halfway
    is_rc 137
    OM_ENV=()
    om "$go"
    if [ "$when:$n" = "after:$BACK_LAST" ] || [ "$go" = rollback ]; then is_rc 0; else is_rc 10; fi
    expect_old_end
    check_failed_kept
}

# Killed while docker_init.sh runs: it goes on inside of the container, and must not run twice.
kill_init() {
    slow_begin "${UPGRADE[@]}" --host "$HOST" --image lab/slow-init
    slow_kill
    om "$1"
    is_rc 0
    if [ "$1" = resume ]; then said 'docker_init.sh still runs from before'; fi
    expect_end "$1"
}

# Killed when it has sent the call that starts docker_init.sh: the engine has it and nothing of it is to
# be seen yet; or gets it only after the next process has looked at all there is.
kill_init_start() {
    local how=$1 go=$2
    proxy_start "$how" "$INIT_START_CALL"
    om "${UPGRADE[@]}" --host "unix://$W/proxy.sock" --image lab/slow-init
    is_rc 137
    grep 'FAILS POST /v[0-9.]*/exec/[0-9a-f]*/start ' "$W/proxy.log"
    proxy_start
    if [ "$how:$go" = late:resume ]; then
        slow_begin resume
        : >"$W/proxy.log.go"
        slow_end
    else
        om "$go"
        : >"$W/proxy.log.go"
    fi
    is_rc 0
    [ "$how" = kill ] || lab_wait "$PATIENCE" 'the end of the late call' test -e "$W/proxy.log.done"
    expect_end "$go"
}
