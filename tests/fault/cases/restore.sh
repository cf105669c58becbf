# shellcheck shell=bash
# kill -9 of the whole of omslaunch while the databases are restored: before the Nth message to the
# MetaDB, whatever that is. Then the rollback again.

restore_cases() {
    local n step=64
    [ "${OMSLAUNCH_FAULT:-}" != full ] || step=1
    for ((n = 1; n <= RESTORE_MESSAGES; n += step)); do
        printf 'restore_killed %d\n' "$n"
    done
}

# As many messages as a restore of this world takes, or a few less.
RESTORE_MESSAGES=640

restore_killed() {
    metadb_fault restore "OMSL_FAULT=send:$1"
    upgrade --image lab/init-fails-halfway
    metadb_whole
    cat "$W/count"
    is_rc 137
    om rollback
    is_rc 0
    expect_old_end
    check_failed_kept
}
