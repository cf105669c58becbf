# shellcheck shell=bash
# Each call that changes something in the engine fails once: refused with status 500; carried out,
# but the answer is lost; dropped.

# Of an upgrade, and of one that goes back because docker_init.sh fails.
UPGRADE_CALLS=9
BACK_CALLS=14

call_cases() {
    local n how ways='lose refuse'
    # What was dropped did not happen, like what was refused.
    [ "${OMSLAUNCH_FAULT:-}" != full ] || ways="$ways drop"
    for how in $ways; do
        for ((n = 1; n <= UPGRADE_CALLS; n++)); do printf 'call_fails %s %d ok\n' "$how" "$n"; done
        for ((n = UPGRADE_CALLS; n <= BACK_CALLS; n++)); do
            printf 'call_fails %s %d init-fails-halfway\n' "$how" "$n"
        done
    done
}

call_fails() {
    local image=()
    [ "$3" = ok ] || image=(--image "lab/$3")
    proxy_start "$1" "$2"
    om "${UPGRADE[@]}" --host "unix://$W/proxy.sock" "${image[@]}"
    cat "$W/proxy.log"
    grep -q FAILS "$W/proxy.log" || fail 'there is no such call'
    proxy_start
    settle
}
