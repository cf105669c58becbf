# shellcheck shell=bash
# Going back after a success, while the new version has written on.

late_cases() {
    printf '%s\n' late_rollback late_rollback_killed
}

# A change that only the new version made.
write_on() {
    lab_sql "$LAB_RM_DB" <<<"insert into oms_empty (id, note) values (7, 'written by the new version')"
}

late_rollback() {
    local run
    upgrade
    is_rc 0
    run=$(run_id)
    write_on
    om rollback
    is_rc 64
    said 'was a success' 'newer than the backup' '--yes-lose-changes-since' 'kept aside, not dropped'
    om rollback --yes-lose-changes-since 2020-01-01T00:00:00Z
    is_rc 64
    snapshot new | sed '/written by the new version/d' >"$W/now.new"
    om rollback
    accept_losses
    is_rc 0
    said "${LAB_RM_DB}__old_$run"
    [ "$(lab_sql "${LAB_RM_DB}__old_$run" <<<'select note from oms_empty where id = 7')" = 'written by the new version' ] ||
        fail 'what was there is not kept'
    expect_old_end
    check_failed_kept
    # And again: nothing to do.
    om rollback
    is_rc 0
    said 'nothing to do'
    # The next upgrade goes through as the first would have.
    upgrade
    is_rc 0
}

late_rollback_killed() {
    upgrade
    is_rc 0
    write_on
    om rollback
    OM_ENV=(OMSL_FAULT=torn:8)
    accept_losses
    is_rc 137
    OM_ENV=()
    # It was asked for, and has begun: it is not asked for again.
    om resume
    is_rc 10 0
    expect_old_end
}
