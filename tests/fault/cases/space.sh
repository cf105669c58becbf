# shellcheck shell=bash
# The disk with the state folder is full: at each change of it once, and from each change on.

# Changes of the state folder in an upgrade that nothing disturbs; and by its backup, from the first
# one that counts (making folders that are there already does not).
SPACE_CHANGES=75
SPACE_DUMP_FIRST=6
SPACE_DUMP=30

space_cases() {
    local n step=9
    [ "${OMSLAUNCH_FAULT:-}" != full ] || step=1
    for ((n = 1; n <= SPACE_CHANGES; n += step)); do
        printf 'space_full full-from %d\n' "$n"
        [ $((n % 2)) = 0 ] || printf 'space_full full %d\n' "$((n + step / 2))"
    done
    for ((n = SPACE_DUMP_FIRST; n <= SPACE_DUMP; n += step)); do
        printf 'space_dump %d\n' "$n"
    done
}

space_full() {
    OM_ENV=(OMSL_FAULT="$1:$2" OMSL_FAULT_DIR="$STATE" OMSL_FAULT_COUNT="$W/count")
    upgrade
    OM_ENV=()
    printf '%s changes\n' "$(cat "$W/count")"
    if ! compgen -G "$STATE/runs/*/journal.jsonl" >/dev/null; then
        is_rc 73
        said 'No space left on device' HINT
        expect_old_end
        return
    fi
    [ "$RC" = 0 ] || said 'No space left on device' HINT
    settle
}

space_dump() {
    metadb_fault dump "OMSL_FAULT=full:$1" "OMSL_FAULT_DIR='$STATE'"
    upgrade
    printf '%s changes\n' "$(cat "$W/count")"
    is_rc 73 10 # before the outage, or in it
    said 'No space left on device' HINT
    expect_old_end
}
