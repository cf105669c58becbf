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
    cat >"$W/metadb.env" <<SET
if [ "\$1" = restore ]; then
    export ASAN_OPTIONS='$ASAN_OPTIONS' LD_PRELOAD='$OMSLAUNCH_BUILD/tests/fault/killer.so' OMSL_FAULT=send:$1 OMSL_FAULT_COUNT='$W/count'
fi
SET
    upgrade --image lab/init-fails-halfway
    rm "$W/metadb.env"
    cat "$W/count"
    is_rc 137
    om rollback
    is_rc 0
    expect_old_end
    check_failed_kept
}
