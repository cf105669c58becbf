/* Runs that were cut off: questions to a person, lost answers, signals, full disks, reboots. */
#include "tests/unit/upgrade/world_run.h"

#include <sys/resource.h>
#include <sys/syscall.h>

static void answer_with(struct strv *answers, const char *text)
{
    strv_free(answers);
    strv_add(answers, text);
}

/* ---- questions ---- */

#define HELD_IN_INIT(schema) \
    "old oms_331.old-r1 exited no; new oms_331 running no; schema " schema "; ha " HA_OFF
#define QUESTION                                                                                 \
    "/root/docker_init.sh was cut off in the middle, and the schema of the databases has "       \
    "changed: did it do all it had to?\n"                                                        \
    "HINT: find out, then 'omslaunch resume r1 --answer init_metadata=done' (or =again), or go " \
    "back with 'omslaunch rollback r1'"

static void held_with_question(struct fixture *f)
{
    begin(f);
    f->w.init = INIT_CUT;
    go(f, false, false, NULL);
    assert_end(f, RUN_HELD, HELD_IN_INIT("new"));
    f->w.init = INIT_WELL;
    file_write(f->w.folder, "log", "");
    /* Asked once or twice: nothing is touched, not even with --on-failure rollback. */
    for (int i = 0; i < 2; i++) {
        go(f, true, true, NULL);
        assert_end(f, RUN_HELD, HELD_IN_INIT("new"));
        assert_string_equal(err_whole(&f->outcome.failure), QUESTION);
        assert_int_equal((int)f->outcome.failed_row.step, STEP_INIT_METADATA);
        assert_false(f->outcome.back_failed);
    }
    assert_log(&f->w, "metadb fingerprint\nmetadb fingerprint\n");
    file_write(f->w.folder, "log", "");
}

#define AFTER_INIT "metadb servers\npolicy new always\nmetadb ha-get\nmetadb ha-set on, refetch\n"

static void test_answer_done(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv answers = STRV_INIT;

    held_with_question(&f);
    answer_with(&answers, "init_metadata=done");
    go(&f, true, true, &answers);
    assert_log(&f.w, "metadb fingerprint\n" AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

static void test_answer_again(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv answers = STRV_INIT;

    held_with_question(&f);
    answer_with(&answers, "init_metadata=again");
    go(&f, true, true, &answers);
    assert_log(&f.w, "metadb fingerprint\nexec new\ninit new\n" AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

static void test_answers_to_other_questions_are_none(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv answers = STRV_INIT;

    held_with_question(&f);
    answer_with(&answers, "start_new=done");
    go(&f, true, true, &answers);
    assert_string_equal(err_whole(&f.outcome.failure), QUESTION);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("new"));
}

static void test_no_answers(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"init_metadata", "--answer 'init_metadata' is no answer\n"
                          "HINT: write it as STEP=done or STEP=again"},
        {"init_metadata=yes", "--answer 'init_metadata=yes' is no answer\n"
                              "HINT: write it as STEP=done or STEP=again"},
        {"init_metadata=done ", "--answer 'init_metadata=done ' is no answer\n"
                                "HINT: write it as STEP=done or STEP=again"},
        {"", "--answer '' is no answer\nHINT: write it as STEP=done or STEP=again"},
        {"init=done", "--answer 'init=done' names no step\n"
                      "HINT: the question that it answers names the step"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_STRV struct strv answers = STRV_INIT;
        struct err err = ERR_INIT;

        answer_with(&answers, wrong[i][0]);
        assert_fails(run_check_answers(&answers, NULL, &err));
        assert_err(&err, ERR_USAGE, wrong[i][1]);
    }
}

/* That the schema is as it was does not say that no row was changed. */
static void test_cut_off_early_is_asked_about(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv answers = STRV_INIT;

    begin(&f);
    f.w.init = INIT_CUT_EARLY;
    go(&f, false, false, NULL);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("old"));
    f.w.init = INIT_WELL;
    go(&f, true, true, NULL);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("old"));
    assert_string_equal(
        err_whole(&f.outcome.failure),
        "/root/docker_init.sh was cut off in the middle, and the schema of the databases is as it "
        "was before, but rows may have changed: did it do all it had to?\n"
        "HINT: find out, then 'omslaunch resume r1 --answer init_metadata=done' (or =again), or go "
        "back with 'omslaunch rollback r1'");
    assert_int_equal((int)f.w.init_runs, 1);
    answer_with(&answers, "init_metadata=again");
    go(&f, true, false, &answers);
    assert_int_equal((int)f.w.init_runs, 2);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

/* What has said itself that it failed may be run again (domain, initialisation). */
static void test_failed_init_is_run_again(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    f.w.init = INIT_FAILS;
    go(&f, false, false, NULL);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("new"));
    f.w.init = INIT_WELL;
    file_write(f.w.folder, "log", "");
    go(&f, true, false, NULL);
    assert_log(&f.w, "exec new\ninit new\n" AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

/* ---- one start of docker_init.sh ---- */

/* Killed when the start was sent: it gets there late, before or after the next process has looked
 * at it. The same exec is started again, and the engine starts an exec once. */
static void test_late_start(void **state)
{
    (void)state;
    static const enum late_start lates[] = {LATE_NOT, LATE_BEFORE_LOOK, LATE_BEFORE_START};
    static const char *const logs[] = {"init new\n" AFTER_INIT, AFTER_INIT,
                                       "init new\n" AFTER_INIT};
    for (size_t i = 0; i < ARRAY_LEN(lates); i++) {
        AUTO_FIXTURE struct fixture f;

        begin(&f);
        f.w.late = lates[i];
        world_fault(&f.w, FAULT_KILL_BEFORE, "init new");
        world_run_in_child(&f.w, &f.survey.plan, false, NULL);
        assert_true(WIFSIGNALED(f.w.exit_status));
        assert_int_equal((int)f.w.init_runs, 0);
        file_write(f.w.folder, "log", "");
        go(&f, true, false, NULL);
        assert_log(&f.w, logs[i]);
        assert_int_equal((int)f.w.init_runs, 1);
        assert_int_equal(f.w.exec_count, 1);
        assert_end(&f, RUN_UPGRADED, NEW_SERVES);
    }
}

/* The engine was started again in between: what it has forgotten can never start. */
static void test_forgotten_exec(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_KILL_BEFORE, "init new");
    world_run_in_child(&f.w, &f.survey.plan, false, NULL);
    f.w.execs[0].forgotten = true;
    file_write(f.w.folder, "log", "");
    go(&f, true, false, NULL);
    assert_log(&f.w, "exec new\ninit new\n" AFTER_INIT);
    assert_int_equal((int)f.w.init_runs, 1);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

/* It ended well, and only its marker could not be written. */
static void test_exit_code_counts_too(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_KILL_AFTER, "init new");
    world_run_in_child(&f.w, &f.survey.plan, false, NULL);
    free(TAKE(f.w.ended));
    file_write(f.w.folder, "log", "");
    go(&f, true, false, NULL);
    assert_log(&f.w, AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

static long clock_ahead_s;

/* In front of libc's, which names its parameters as only libc may: the clock of this process may
 * jump.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int clock_gettime(clockid_t id, struct timespec *ret)
{
    const int rc = (int)syscall(SYS_clock_gettime, id, ret);

    ret->tv_sec += id == CLOCK_MONOTONIC ? clock_ahead_s : 0;
    return rc;
}

static void wait_long(void *arg, const struct run_row *row, const char *text, uint64_t done,
                      uint64_t total, bool bytes)
{
    (void)arg, (void)row, (void)done, (void)total, (void)bytes;
    assert_string_equal(text, "docker_init.sh still runs from before");
    clock_ahead_s += 2L * 60 * 60;
}

/* It is not cut off because somebody has waited long enough. */
static void test_still_runs(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    const struct run_observer patient = {.progress = wait_long};
    struct err err = ERR_INIT;

    begin(&f);
    f.w.init_goes_on = true;
    world_fault(&f.w, FAULT_KILL_AFTER, "init new");
    world_run_in_child(&f.w, &f.survey.plan, false, NULL);
    assert_ok(world_execution(&f.w, &f.survey.plan, true, NULL, &patient, &f.x, &err), &err);
    run_to_end(f.x, true, &f.outcome);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("old"));
    assert_err(
        &f.outcome.failure, ERR_TIMEOUT,
        "/root/docker_init.sh still runs in the container 'oms_331', after another 2 h 00 min\n"
        "HINT: 'docker top oms_331' and docker_init*.log show what it does; 'omslaunch "
        "resume r1' waits on, 'omslaunch rollback r1' stops it and goes back");
    assert_int_equal((int)f.w.init_runs, 1);
}

/* ---- answers that were lost ---- */

static void test_lost_answers(void **state)
{
    (void)state;
    static const enum fault faults[] = {FAULT_DROP, FAULT_LOSE, FAULT_UNREACHABLE};
    AUTO_FREE char *calls = mem_strdup(FORWARD);
    char *rest = NULL;

    for (const char *call = strtok_r(calls, "\n", &rest); call != NULL;
         call = strtok_r(NULL, "\n", &rest)) {
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
            AUTO_FIXTURE struct fixture f;

            begin(&f);
            world_fault(&f.w, faults[i], call);
            go(&f, false, false, NULL);
            if (!f.outcome.failed) {
                continue; /* a look at the servers that could be repeated */
            }
            assert_true(f.outcome.end == RUN_HELD || f.outcome.end == RUN_UPGRADED_WITH_FAULT);
            go(&f, true, false, NULL);
            assert_end(&f, RUN_UPGRADED, NEW_SERVES);
        }
    }
}

/* ---- signals ---- */

/* SIGTERM during each call: the call ends, then everything goes back. */
static void test_signal_during_a_call(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        enum run_end end;
        const char *world;
    } cases[] = {
        {"create oms_331.new-r1", RUN_UNCHANGED, OLD_SERVES},
        {"metadb ha-set {\"enable\":false}", RUN_ROLLED_BACK, OLD_SERVES},
        {"stop old 300", RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE},
        {"metadb dump", RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE},
        {"rename new oms_331", RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE},
        {"start new", RUN_ROLLED_BACK, OLD_SERVES_AGAIN},
        {"init new", RUN_ROLLED_BACK, OLD_SERVES_AGAIN},
        {"metadb servers", RUN_ROLLED_BACK, OLD_SERVES_AGAIN},
        /* It serves: only what is left to do is left undone. */
        {"policy new always", RUN_UPGRADED_WITH_FAULT,
         "old oms_331.old-r1 exited no; new oms_331 running always; schema new; ha " HA_OFF},
        {"metadb ha-set on, refetch", RUN_UPGRADED, NEW_SERVES},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FIXTURE struct fixture f;

        begin(&f);
        world_fault(&f.w, FAULT_TERM, cases[i].call);
        world_run_in_child(&f.w, &f.survey.plan, true, NULL);
        AUTO_FREE char *log = file_read(f.w.folder, "log");
        if (!WIFEXITED(f.w.exit_status) || WEXITSTATUS(f.w.exit_status) != (int)cases[i].end) {
            fail_msg("%s: status %x\n%s", cases[i].call, (unsigned)f.w.exit_status, log);
        }
        assert_world(&f.w, cases[i].world);
    }
}

/* The stop is waited for: no second one, and nothing is started before it has ended. */
static void test_signal_waits_for_the_stop(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_TERM, "stop old 300");
    world_run_in_child(&f.w, &f.survey.plan, true, NULL);
    assert_log(&f.w, "create oms_331.new-r1\nmetadb trim\nmetadb prepare\nmetadb ha-get\n"
                     "metadb ha-set {\"enable\":false}\npolicy old no\nstop old 300\nremove "
                     "new\npolicy old always\nstart old\n"
                     "metadb servers\nmetadb ha-get\nmetadb ha-set on, refetch\n");
}

static void test_signal_with_hold(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_TERM, "stop old 300");
    world_run_in_child(&f.w, &f.survey.plan, false, NULL);
    assert_int_equal(WEXITSTATUS(f.w.exit_status), RUN_HELD);
    assert_world(&f.w,
                 "old oms_331 exited no; new oms_331.new-r1 created no; schema old; ha " HA_OFF);
    go(&f, true, true, NULL);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

static void kill_twice(void *arg, const struct run_row *row)
{
    (void)arg;
    if (str_eq(row->title, "back up the MetaDB")) {
        (void)raise(SIGTERM);
        (void)raise(SIGINT);
    }
}

/* The second one stops at once, and the journal can be taken up. */
static void test_second_signal_stops_at_once(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const struct run_observer observer = {.row_begins = kill_twice};

    begin(&f);
    world_run_in_child(&f.w, &f.survey.plan, true, &observer);
    assert_int_equal(WEXITSTATUS(f.w.exit_status), RUN_HELD);
    assert_world(&f.w,
                 "old oms_331 exited no; new oms_331.new-r1 created no; schema old; ha " HA_OFF);
    /* Its rollback was begun: that is what is gone on with. */
    go(&f, true, true, NULL);
    assert_end(&f, RUN_ROLLED_BACK, OLD_SERVES_AFTER_OUTAGE);
}

/* ---- the journal cannot be written ---- */

static size_t file_size(const struct fixture *f)
{
    AUTO_FREE char *text = file_read(f->w.folder, "state/runs/r1/journal.jsonl");

    return strlen(text);
}

static void limit_files(void *arg, const struct run_row *row)
{
    if (!str_eq(row->title, arg)) {
        return;
    }
    /* As a full disk: no file grows any more. */
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &none);
}

static void full_disk_at(const char *doing, enum run_end end, const char *world,
                         enum run_end resumed)
{
    AUTO_FIXTURE struct fixture f;
    AUTO_FREE char *arg = mem_strdup(doing);
    const struct run_observer observer = {.row_begins = limit_files, .arg = arg};

    begin(&f);
    world_run_in_child(&f.w, &f.survey.plan, true, &observer);
    if (WEXITSTATUS(f.w.exit_status) != (int)end) {
        fail_msg("%s: status %x", doing, (unsigned)f.w.exit_status);
    }
    assert_world(&f.w, world);
    size_t before = file_size(&f);
    assert_true(before > 0);
    /* There is space again. */
    go(&f, true, true, NULL);
    assert_end(&f, resumed, NEW_SERVES);
    assert_true(file_size(&f) > before);
}

static void test_full_disk(void **state)
{
    (void)state;
    full_disk_at("have the new image", RUN_UNCHANGED, OLD_SERVES, RUN_UPGRADED);
    full_disk_at("create the new container and compare it with the plan", RUN_UNCHANGED, OLD_SERVES,
                 RUN_UPGRADED);
    /* Nothing may be done that cannot be written down, not even going back. */
    full_disk_at(
        "stop the old container", RUN_HELD,
        "old oms_331 running always; new oms_331.new-r1 created no; schema old; ha " HA_OFF,
        RUN_UPGRADED);
    full_disk_at("run docker_init.sh", RUN_HELD, HELD_IN_INIT("old"), RUN_UPGRADED);
    full_disk_at("turn HA back on", RUN_UPGRADED_WITH_FAULT,
                 "old oms_331.old-r1 exited no; new oms_331 running always; schema new; ha " HA_OFF,
                 RUN_UPGRADED);
}

/* ---- the world changed meanwhile ---- */

/* Killed before it was written down which container was created. Two nodes may be on one engine,
 * and what carries the run's label need not be this node's. */
static void test_back_takes_its_own_container(void **state)
{
    (void)state;
    static const struct {
        const char *run; /* of the label */
        const char *log, *world;
    } cases[] = {
        {RUN, "remove new\n", OLD_SERVES},
        {"r0", "",
         "old oms_331 running always; new oms_331.new-r1 created no; schema old; "
         "ha " HA_BEFORE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FIXTURE struct fixture f;
        struct err err = ERR_INIT;

        begin(&f);
        f.w.leftover = true;
        world_fault(&f.w, FAULT_KILL_AFTER, "create oms_331.new-r1");
        world_run_in_child(&f.w, &f.survey.plan, false, NULL);
        json_put_text(json_object_get(f.w.containers[WORLD_NEW].config, "Labels"),
                      "io.omslaunch.run", cases[i].run);
        file_write(f.w.folder, "log", "");
        assert_ok(world_execution(&f.w, &f.survey.plan, true, NULL, NULL, &f.x, &err), &err);
        run_back(f.x, &f.outcome);
        assert_log(&f.w, cases[i].log);
        assert_end(&f, RUN_UNCHANGED, cases[i].world);
    }
}

static void test_old_container_is_gone(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    begin(&f);
    f.w.never_healthy = true;
    go(&f, false, false, NULL);
    f.w.containers[WORLD_OLD].exists = false;
    file_write(f.w.folder, "log", "");
    AUTO_FREE char *text =
        mem_printf("the old container 'oms_331' (0d0000000000) is gone: somebody has removed it "
                   "since run r1 began\n"
                   "HINT: nothing was changed; '%s/state/runs/r1/old-0.json' says how it was made, "
                   "and 'omslaunch backups' lists the backup: go on by hand",
                   f.w.folder);
    run_free(TAKE(f.x));
    assert_fails(world_execution(&f.w, &f.survey.plan, true, NULL, NULL, &f.x, &err));
    assert_err(&err, ERR_FAILED, text);
    assert_log(&f.w, "");
}

/* A reboot: containers without a restart policy do not come back by themselves. */
static void test_reboot_while_waiting(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    f.w.never_healthy = true;
    go(&f, false, false, NULL);
    assert_end(&f, RUN_HELD, HELD_IN_INIT("new"));
    set_exited(&f.w, WORLD_NEW);
    f.w.never_healthy = false;
    file_write(f.w.folder, "log", "");
    go(&f, true, false, NULL);
    assert_log(&f.w, "start new\n" AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

/* That it was healthy before the reboot says nothing of now. */
static void test_reboot_after_healthy(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    world_fault(&f.w, FAULT_FAIL, "policy new always");
    go(&f, false, true, NULL);
    assert_int_equal((int)f.outcome.end, RUN_UPGRADED_WITH_FAULT);
    set_exited(&f.w, WORLD_NEW);
    file_write(f.w.folder, "log", "");
    go(&f, true, true, NULL);
    assert_log(&f.w, "start new\n" AFTER_INIT);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
}

static void test_new_one_is_started_by_hand_before_the_old_one(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    f.w.init = INIT_FAILS;
    world_fault(&f.w, FAULT_FAIL, "policy old always");
    go(&f, false, true, NULL);
    assert_int_equal((int)f.outcome.end, RUN_ROLLBACK_FAILED);
    set_running(&f.w, WORLD_NEW);
    go(&f, true, true, NULL);
    assert_int_equal((int)f.outcome.end, RUN_ROLLBACK_FAILED);
    assert_string_equal(
        err_whole(&f.outcome.back_failure),
        "the new container 'oms_331.failed-r1' runs again: the old one is not started beside it\n"
        "HINT: find out who started it, stop it, then 'omslaunch rollback r1'");
    assert_false(f.w.ever_both);
    set_exited(&f.w, WORLD_NEW);
    go(&f, true, true, NULL);
    assert_end(&f, RUN_ROLLED_BACK, OLD_SERVES_AGAIN);
}

/* ---- secrets in variables ---- */

static int take_up_with(struct fixture *f, const char *set, struct err *err)
{
    AUTO_STRV struct strv set_env = STRV_INIT;
    AUTO_FREE char *state = fs_join(f->w.folder, "state");
    const struct run_request request = {
        .state = state,
        .run = RUN,
        .plan = &f->survey.plan,
        .metadb_program = f->w.program,
        .set_env = &set_env,
    };

    run_free(TAKE(f->x));
    strv_add(&set_env, set);
    if (run_take_up(&request, &f->x, err) != 0) {
        return -1;
    }
    run_to_end(f->x, false, &f->outcome);
    run_free(TAKE(f->x));
    return 0;
}

/* The plan does not store it: the old container's value must not slip in for the new one. */
static void test_secret_that_was_given(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv set_env = STRV_INIT;
    struct err err = ERR_INIT;

    memset(&f, 0, sizeof(f));
    world_begin(&f.w);
    strv_add(&set_env, "API_TOKEN=n3w");
    world_survey(&f.w, &set_env, &f.survey);
    go(&f, false, false, NULL);
    assert_string_equal(err_whole(&f.outcome.failure),
                        "the value of the variable 'API_TOKEN' is not known any more\n"
                        "HINT: give it again with --set-env API_TOKEN=VALUE");
    assert_ok(take_up_with(&f, "API_TOKEN=n3w", &err), &err);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
    AUTO_FREE char *env = json_compact(json_object_get(f.w.containers[WORLD_NEW].config, "Env"));
    assert_string_equal(env, "[\"OMS_HOST_IP=127.0.0.1\",\"API_TOKEN=n3w\",\"IS_UPGRADE=true\","
                             "\"PATH=/bin\"]");
    AUTO_FREE char *command = mem_printf("grep -rE 't0ken|n3w|s3cret' %s/state", f.w.folder);
    assert_int_not_equal(system(command), 0);
}

static void test_secret_of_the_old_one(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    go(&f, false, true, NULL);
    AUTO_FREE char *env = json_compact(json_object_get(f.w.containers[WORLD_NEW].config, "Env"));
    assert_non_null(strstr(env, "\"API_TOKEN=t0ken\""));
    AUTO_FREE char *command = mem_printf("grep -rE 't0ken|s3cret' %s/state", f.w.folder);
    assert_int_not_equal(system(command), 0);
}

/* Labels, options of the log driver, commands: nowhere on disk, and whole in the new container. */
static void test_secrets_elsewhere(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    memset(&f, 0, sizeof(f));
    world_begin(&f.w);
    json_t *config = f.w.containers[WORLD_OLD].config;
    json_t *host_config = f.w.containers[WORLD_OLD].host_config;
    json_put(config, "Labels", json_make("{s:s, s:s}", "db.password", "s3cret-1", "site", "a"));
    json_put(config, "Cmd", json_make("[s, s, s, s]", "run", "--token", "s3cret-2", "--fast"));
    json_put(host_config, "LogConfig",
             json_make("{s:s, s:{s:s, s:s}}", "Type", "splunk", "Config", "splunk-token",
                       "s3cret-3", "splunk-url", "http://u"));
    world_survey(&f.w, NULL, &f.survey);
    AUTO_JSON json_t *plan = plan_to_json(&f.survey.plan);
    AUTO_FREE char *text = json_compact(plan);
    assert_null(strstr(text, "s3cret-"));
    assert_non_null(strstr(text, "\"Labels\":{\"db.password\":null,\"site\":\"a\"}"));
    assert_non_null(strstr(text, "\"Cmd\":[\"run\",null,null,\"--fast\"]"));
    go(&f, false, false, NULL);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
    const struct world_container *new = &f.w.containers[WORLD_NEW];
    assert_string_equal(json_text(json_object_get(new->config, "Labels"), "site", ""), "a");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(new->config, "Labels"), "db.password")),
        "s3cret-1");
    AUTO_FREE char *command = json_compact(json_object_get(new->config, "Cmd"));
    assert_string_equal(command, "[\"run\",\"--token\",\"s3cret-2\",\"--fast\"]");
    assert_string_equal(json_text(new->host_config, "LogConfig.Config.splunk-token", ""),
                        "s3cret-3");
    AUTO_FREE char *grep = mem_printf("grep -rE 's3cret-' %s/state", f.w.folder);
    assert_int_not_equal(system(grep), 0);
}

/* What the plan hides and the old container has no more is said, and nothing was changed. */
static void test_hidden_and_gone(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    memset(&f, 0, sizeof(f));
    world_begin(&f.w);
    json_t *config = f.w.containers[WORLD_OLD].config;
    json_put(config, "Labels", json_make("{s:s}", "db.password", "s3cret-1"));
    world_survey(&f.w, NULL, &f.survey);
    json_object_del(config, "Labels");
    go(&f, false, false, NULL);
    assert_string_equal(err_whole(&f.outcome.failure),
                        "a value of 'Config.Labels' is not known any more: the plan does not store "
                        "what looks like a secret, and the old container does not have it\n"
                        "HINT: make a new plan: nothing was changed yet");
    assert_false(f.w.containers[WORLD_NEW].exists);
}

/* ---- rollback after success ---- */

static void test_back_after_success(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    go(&f, false, true, NULL);
    assert_end(&f, RUN_UPGRADED, NEW_SERVES);
    file_write(f.w.folder, "log", "");
    run_back(f.x, &f.outcome);
    assert_log(&f.w, "metadb ha-get\nmetadb ha-set {\"enable\":false}\npolicy new no\n"
                     "stop new 300\nrename new oms_331.failed-r1\nrename old oms_331\n"
                     "metadb restore\npolicy old always\nstart old\nmetadb servers\n"
                     "metadb ha-get\nmetadb ha-set {\"enable\":true}\n");
    assert_end(&f, RUN_ROLLED_BACK, OLD_SERVES_AGAIN);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answer_done),
    cmocka_unit_test(test_answer_again),
    cmocka_unit_test(test_answers_to_other_questions_are_none),
    cmocka_unit_test(test_no_answers),
    cmocka_unit_test(test_cut_off_early_is_asked_about),
    cmocka_unit_test(test_failed_init_is_run_again),
    cmocka_unit_test(test_late_start),
    cmocka_unit_test(test_forgotten_exec),
    cmocka_unit_test(test_exit_code_counts_too),
    cmocka_unit_test(test_still_runs),
    cmocka_unit_test(test_lost_answers),
    cmocka_unit_test(test_signal_during_a_call),
    cmocka_unit_test(test_signal_waits_for_the_stop),
    cmocka_unit_test(test_signal_with_hold),
    cmocka_unit_test(test_second_signal_stops_at_once),
    cmocka_unit_test(test_full_disk),
    cmocka_unit_test(test_back_takes_its_own_container),
    cmocka_unit_test(test_old_container_is_gone),
    cmocka_unit_test(test_reboot_while_waiting),
    cmocka_unit_test(test_reboot_after_healthy),
    cmocka_unit_test(test_new_one_is_started_by_hand_before_the_old_one),
    cmocka_unit_test(test_secret_that_was_given),
    cmocka_unit_test(test_secret_of_the_old_one),
    cmocka_unit_test(test_secrets_elsewhere),
    cmocka_unit_test(test_hidden_and_gone),
    cmocka_unit_test(test_back_after_success),
};

WORLD_MAIN(tests)
