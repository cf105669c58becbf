/* Whole runs of an upgrade: the exact calls forwards, and back from a failure of each of them. */
#include "tests/unit/upgrade/world_run.h"

/* One upgrade from survey to end. */
static void upgrade(const struct world *w, bool roll_back, struct run_outcome *ret)
{
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_RUN struct run *x = NULL;
    struct err err = ERR_INIT;

    world_survey(w, NULL, &survey);
    assert_ok(world_execution(w, &survey.plan, false, NULL, NULL, &x, &err), &err);
    run_to_end(x, roll_back, ret);
}

/* ---- forwards ---- */

static void test_forward(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    upgrade(&w, true, &outcome);
    assert_string_equal(err_whole(&outcome.failure), "");
    assert_string_equal(run_end_name(outcome.end), "upgraded");
    assert_log(&w, FORWARD);
    assert_world(&w, NEW_SERVES);
}

static void test_ha_that_was_off_stays_off(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    file_write(w.folder, "ha", "{\"enable\":\"false\",\"refetchStoreIntervalMin\":\"90\"}");
    upgrade(&w, true, &outcome);
    assert_string_equal(run_end_name(outcome.end), "upgraded");
    AUTO_FREE char *ha = file_read(w.folder, "ha");
    assert_string_equal(ha, "{\"enable\":\"false\",\"refetchStoreIntervalMin\":\"90\"}");
}

static void test_oms_without_ha(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    AUTO_FREE char *path = fs_join(w.folder, "ha");
    (void)unlink(path);
    upgrade(&w, true, &outcome);
    assert_string_equal(err_whole(&outcome.failure), "");
    assert_string_equal(run_end_name(outcome.end), "upgraded");
    assert_false(fs_exists(path));
}

/* ---- a failure at each call ---- */

#define RESTART "policy old always\nstart old\nmetadb servers\nmetadb ha-get\n"
#define HA_ON_AGAIN "metadb ha-set on, refetch\n"
#define PUT_ASIDE "policy new no\nstop new 300\nrename new oms_331.failed-r1\nrename old oms_331\n"

struct failure_case {
    const char *line; /* the call that fails */
    const char *back; /* what is done after it */
    enum run_end end;
    const char *world;
};

static const struct failure_case failures[] = {
    {"create oms_331.new-r1", "", RUN_UNCHANGED, OLD_SERVES},
    {"metadb trim", "remove new\n", RUN_UNCHANGED, OLD_SERVES},
    {"metadb prepare", "remove new\n", RUN_UNCHANGED, OLD_SERVES},
    {"metadb ha-get", "remove new\n", RUN_UNCHANGED, OLD_SERVES},
    {"metadb ha-set {\"enable\":false}", "remove new\n" RESTART, RUN_ROLLED_BACK, OLD_SERVES},
    /* The old one still runs, and nobody asked it to stop. */
    {"policy old no", "remove new\n" RESTART "metadb ha-set {\"enable\":true}\n", RUN_ROLLED_BACK,
     OLD_SERVES},
    /* Who knows whether the engine is stopping it still. */
    {"stop old 300", "remove new\nstop old 300\n" RESTART "metadb ha-set {\"enable\":true}\n",
     RUN_ROLLED_BACK, OLD_SERVES},
    {"metadb dump", "remove new\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE},
    {"rename old oms_331.old-r1", "remove new\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AFTER_OUTAGE},
    {"rename new oms_331", "remove new\nrename old oms_331\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AFTER_OUTAGE},
    /* It never ran: nothing to restore. */
    {"start new",
     "policy new no\nstop new 300\nremove new\nrename old oms_331\n" RESTART HA_ON_AGAIN,
     RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE},
    {"metadb fingerprint", PUT_ASIDE "metadb restore\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AGAIN},
    {"exec new", PUT_ASIDE "metadb restore\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AGAIN},
    {"init new", PUT_ASIDE "metadb restore\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AGAIN},
    {"metadb servers", PUT_ASIDE "metadb restore\n" RESTART HA_ON_AGAIN, RUN_ROLLED_BACK,
     OLD_SERVES_AGAIN},
    /* The new version serves: it is not taken away. */
    {"policy new always", "", RUN_UPGRADED_WITH_FAULT,
     "old oms_331.old-r1 exited no; new oms_331 running no; schema new; ha " HA_OFF},
    {"metadb ha-set on, refetch", "", RUN_UPGRADED_WITH_FAULT,
     "old oms_331.old-r1 exited no; new oms_331 running always; schema new; ha " HA_OFF},
};

/* What a whole upgrade does up to this call, and then `back`. */
static char *expected_log(const char *line, const char *back)
{
    AUTO_FREE char *end_of_line = mem_printf("%s\n", line);
    const char *at = strstr(FORWARD, end_of_line);

    assert_non_null(at);
    return mem_printf("%.*s%s%s", (int)(at - FORWARD), FORWARD, end_of_line, back);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        const struct failure_case *c = &failures[i];
        AUTO_FIXTURE struct fixture f;
        AUTO_FREE char *expected = expected_log(c->line, c->back);

        begin(&f);
        world_fault(&f.w, FAULT_FAIL, c->line);
        go(&f, false, true, NULL);
        assert_log(&f.w, expected);
        assert_world(&f.w, c->world);
        assert_string_equal(run_end_name(f.outcome.end), run_end_name(c->end));
        assert_true(f.outcome.failed);
        assert_non_null(strstr(err_whole(&f.outcome.failure), "as the test wanted it\nHINT: "));
        assert_false(f.outcome.back_failed);
        assert_string_equal(err_whole(&f.outcome.back_failure), "");
    }
}

static void test_hold_goes_nowhere(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_FAIL, "metadb dump");
    go(&f, false, false, NULL);
    assert_int_equal((int)f.outcome.end, RUN_HELD);
    assert_int_equal((int)f.outcome.failed_row.step, STEP_BACKUP_METADB);
    assert_world(&f.w,
                 "old oms_331 exited no; new oms_331.new-r1 created no; schema old; ha " HA_OFF);

    /* Taken up again, it does what is left. */
    go(&f, true, false, NULL);
    assert_int_equal((int)f.outcome.end, RUN_UPGRADED);
    assert_world(&f.w, NEW_SERVES);
}

/* ---- images that go wrong ---- */

static void fails_by_image(struct world *w, const char *failure)
{
    struct run_outcome outcome;

    upgrade(w, true, &outcome);
    assert_string_equal(err_whole(&outcome.failure), failure);
    assert_string_equal(run_end_name(outcome.end), "rolled-back");
    assert_world(w, OLD_SERVES_AGAIN);
}

static void test_init_fails(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;

    world_begin(&w);
    w.init = INIT_FAILS;
    AUTO_FREE char *expected = mem_printf(
        "'bash /root/docker_init.sh' in the new container ended with exit code 1; its last lines:\n"
        "  migrate\nHINT: the whole output is in '%s/state/runs/r1/logs/init-0.log'",
        w.folder);
    fails_by_image(&w, expected);
    AUTO_FREE char *log = file_read(w.folder, "state/runs/r1/logs/init-0.log");
    assert_string_equal(log, "migrate\n");
    AUTO_FREE char *last = file_read(w.folder, "state/runs/r1/logs/new-0.log");
    assert_string_equal(last, "last words\r\n");
}

static void test_main_process_dies(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;

    world_begin(&w);
    w.new_dies = true;
    fails_by_image(&w, "the container 'oms_331' stopped with exit code 139 before OMS was healthy; "
                       "its last lines:\n  last words\nHINT: 'docker logs oms_331' has the rest");
}

static void test_never_healthy(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;

    world_begin(&w);
    w.init = INIT_WELL;
    w.never_healthy = true;
    AUTO_FREE char *expected = mem_printf(
        "OMS is not healthy after 2 s: http://127.0.0.1:%u/oms/health answers with status 503\n"
        "HINT: look at the container's log and /home/admin/logs, or wait longer with "
        "--health-timeout",
        w.port);
    fails_by_image(&w, expected);
}

/* ---- never both ---- */

static void test_old_one_comes_back_before_the_start(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    f.w.old_comes_back_at = "rename new oms_331";
    go(&f, false, true, NULL);
    assert_string_equal(
        err_whole(&f.outcome.failure),
        "the old container 'oms_331.old-r1' runs again since it was stopped, and omslaunch did not "
        "start it: what it wrote is not in the backup\n"
        "HINT: go back with 'omslaunch rollback r1', then upgrade again");
    assert_string_equal(run_end_name(f.outcome.end), "rolled-back");
    assert_false(f.w.ever_both);
    assert_world(&f.w, OLD_SERVES_AFTER_OUTAGE);
}

static void test_old_one_comes_back_beside_the_new_one(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    f.w.old_comes_back_at = "start new";
    go(&f, false, true, NULL);
    /* A restore would be made under a running version: a person has to look first. */
    assert_string_equal(run_end_name(f.outcome.end), "held");
    assert_int_equal((int)f.outcome.failed_row.step, STEP_INIT_METADATA);
    assert_non_null(strstr(err_whole(&f.outcome.failure), "runs again since it was stopped"));
}

/* ---- the way back ---- */

/* Where the old version answers, the new one need not. */
static void test_back_to_another_address(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    w.host_ip = "127.0.0.9";
    w.https = true;
    w.init = INIT_FAILS;
    upgrade(&w, true, &outcome);
    assert_string_equal(err_whole(&outcome.back_failure), "");
    assert_world(&w, OLD_SERVES_AGAIN);
}

/* What did not run before does not run after. */
static void test_back_to_a_stopped_one(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    set_exited(&w, WORLD_OLD);
    w.init = INIT_FAILS;
    upgrade(&w, true, &outcome);
    assert_string_equal(err_whole(&outcome.back_failure), "");
    assert_string_equal(run_end_name(outcome.end), "rolled-back");
    assert_world(&w, "old oms_331 exited always; new oms_331.failed-r1 exited no; schema old; "
                     "ha " HA_AFTER);
}

/* ---- the gate is calibrated ---- */

static const char *const absences[] = {"404 Not Found", "200 OK"};

/* The upgrade of a version that is older than /oms/health: what it does not have is not asked of
 * it, nor of a new one that is not known to have it. */
static void test_without_the_endpoint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(absences) * 2; i++) {
        AUTO_FIXTURE struct fixture f;

        memset(&f, 0, sizeof(f));
        world_begin(&f.w);
        f.w.absent[WORLD_OLD] = absences[i % 2];
        f.w.absent[WORLD_NEW] = i < 2 ? NULL : absences[i % 2];
        world_survey(&f.w, NULL, &f.survey);
        go(&f, false, true, NULL);
        assert_string_equal(err_whole(&f.outcome.failure), "");
        assert_end(&f, RUN_UPGRADED, NEW_SERVES);
    }
}

static void test_back_without_the_endpoint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(absences); i++) {
        AUTO_WORLD struct world w;
        struct run_outcome outcome;

        world_begin(&w);
        w.absent[WORLD_OLD] = absences[i];
        w.init = INIT_FAILS;
        upgrade(&w, true, &outcome);
        assert_string_equal(err_whole(&outcome.back_failure), "");
        assert_string_equal(run_end_name(outcome.end), "rolled-back");
        assert_world(&w, OLD_SERVES_AGAIN);
    }
}

/* One that had it must have it again. */
static void test_an_endpoint_is_not_lost(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;

    world_begin(&w);
    w.absent[WORLD_NEW] = "404 Not Found";
    AUTO_FREE char *expected = mem_printf(
        "OMS is not healthy after 2 s: http://127.0.0.1:%u/oms/health answers with status 404\n"
        "HINT: look at the container's log and /home/admin/logs, or wait longer with "
        "--health-timeout",
        w.port);
    fails_by_image(&w, expected);
}

/* Neither ONLINE nor a heart_beat before the outage: nothing that a way back could wait for. The
 * new version has to have both. */
static void test_a_server_that_was_not_well(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    file_write(w.folder, "servers", "{\"hosts\":[{\"ip\":\"127.0.0.1\",\"status\":\"OFFLINE\"}]}");
    upgrade(&w, true, &outcome);
    assert_string_equal(
        err_whole(&outcome.failure),
        "OMS is not healthy after 2 s: server 127.0.0.1 is OFFLINE\n"
        "HINT: look at the container's log and /home/admin/logs, or wait longer with "
        "--health-timeout");
    assert_string_equal(err_whole(&outcome.back_failure), "");
    assert_string_equal(run_end_name(outcome.end), "rolled-back");
    assert_world(&w, OLD_SERVES_AGAIN);
}

static void test_a_heartbeat_that_is_documented(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    struct run_outcome outcome;

    world_begin(&w);
    file_write(w.folder, "servers", "{\"hosts\":[{\"ip\":\"127.0.0.1\",\"status\":\"ONLINE\"}]}");
    upgrade(&w, true, &outcome);
    assert_string_equal(
        err_whole(&outcome.failure),
        "OMS is not healthy after 2 s: server 127.0.0.1 has no fresh heart_beat\n"
        "HINT: look at the container's log and /home/admin/logs, or wait longer with "
        "--health-timeout");
    assert_string_equal(run_end_name(outcome.end), "rolled-back");
    assert_world(&w, OLD_SERVES_AGAIN);
}

/* ---- waiting ---- */

/* A MetaDB that restarts is waited for. */
static void test_short_silence_is_waited_for(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_UNREACHABLE, "metadb servers");
    go(&f, false, true, NULL);
    assert_string_equal(err_whole(&f.outcome.failure), "");
    assert_world(&f.w, NEW_SERVES);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_forward),
    cmocka_unit_test(test_ha_that_was_off_stays_off),
    cmocka_unit_test(test_oms_without_ha),
    cmocka_unit_test(test_failures),
    cmocka_unit_test(test_hold_goes_nowhere),
    cmocka_unit_test(test_init_fails),
    cmocka_unit_test(test_main_process_dies),
    cmocka_unit_test(test_never_healthy),
    cmocka_unit_test(test_old_one_comes_back_before_the_start),
    cmocka_unit_test(test_old_one_comes_back_beside_the_new_one),
    cmocka_unit_test(test_back_to_another_address),
    cmocka_unit_test(test_back_to_a_stopped_one),
    cmocka_unit_test(test_without_the_endpoint),
    cmocka_unit_test(test_back_without_the_endpoint),
    cmocka_unit_test(test_an_endpoint_is_not_lost),
    cmocka_unit_test(test_a_server_that_was_not_well),
    cmocka_unit_test(test_a_heartbeat_that_is_documented),
    cmocka_unit_test(test_short_silence_is_waited_for),
};

WORLD_MAIN(tests)
