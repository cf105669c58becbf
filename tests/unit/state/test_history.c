/* What earlier runs left behind. */
#include "launcher/state/history.h"

#include "launcher/base/clock.h"
#include "launcher/state/journal.h"
#include "launcher/state/state.h"
#include "tests/unit/upgrade/folder.h"

struct fixture {
    struct folder folder;
    struct history history;
};

static void fixture_free(struct fixture *f)
{
    history_free(&f->history);
    folder_free(&f->folder);
}
#define AUTO_FIXTURE CLEANUP(fixture_free)

static void begin(struct fixture *f)
{
    struct err err = ERR_INIT;

    memset(f, 0, sizeof(*f));
    folder_make(&f->folder);
    assert_ok(state_prepare(f->folder.path, &err), &err);
}

/* One run; `records` is a NULL-terminated list of JSON texts after its beginning. */
static void add_run(const struct fixture *f, const char *id, const char *deployment,
                    const char *const *records)
{
    struct err err = ERR_INIT;
    AUTO_JOURNAL struct journal *j = NULL;

    assert_ok(state_create_run(f->folder.path, id, &err), &err);
    AUTO_FREE char *path = state_run_file(f->folder.path, id, "journal.jsonl");
    assert_ok(journal_create(path, &j, &err), &err);
    assert_ok(journal_append(j,
                             json_make("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "begin", "run", id,
                                       "plan", "d", "deployment", deployment, "endpoint",
                                       "unix:///e", "tool", "omslaunch 0"),
                             &err),
              &err);
    for (; *records != NULL; records++) {
        json_t *record = NULL;
        assert_ok(json_parse(*records, strlen(*records), "record", &record, &err), &err);
        assert_ok(journal_append(j, record, &err), &err);
    }
}

static void look(struct fixture *f)
{
    struct err err = ERR_INIT;

    history_free(&f->history);
    assert_ok(history_read(f->folder.path, &f->history, &err), &err);
}

static const struct past_run *unfinished(const struct fixture *f, const char *deployment)
{
    return history_unfinished(&f->history, deployment, "unix:///e");
}

#define INTENT "{\"type\":\"intent\",\"step\":\"stop_old\",\"node\":0}"
#define FAILED                                                                                 \
    "{\"type\":\"outcome\",\"step\":\"stop_old\",\"node\":0,\"ok\":false,\"kind\":\"failed\"," \
    "\"error\":\"e\"}"
#define BACKUP                                                                                \
    "{\"type\":\"outcome\",\"step\":\"backup_metadb\",\"ok\":true,\"evidence\":{\"summary\":" \
    "\"s\",\"folder\":\"/f\",\"dump\":{}}}"
#define HEALTHY                                                                                    \
    "{\"type\":\"outcome\",\"step\":\"wait_healthy\",\"ok\":true,\"evidence\":{\"summary\":\"s\"}" \
    "}"
#define UNHEALTHY                                                                                  \
    "{\"type\":\"outcome\",\"step\":\"wait_healthy\",\"ok\":false,\"kind\":\"timeout\",\"error\":" \
    "\"e\"}"
#define ROLLBACK "{\"type\":\"rollback\",\"reason\":\"r\"}"
#define END(result) "{\"type\":\"end\",\"result\":\"" result "\"}"

static void test_none(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    look(&f);
    assert_int_equal(f.history.count, 0);
    assert_null(history_find(&f.history, NULL));
    assert_null(history_find(&f.history, "r1"));
    assert_null(unfinished(&f, "oms_331"));
}

static void test_find(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const records[] = {END("upgraded"), NULL};

    begin(&f);
    add_run(&f, "2", "oms_331", records);
    add_run(&f, "1", "oms_331", records);
    add_run(&f, "3", "oms_331", records);
    look(&f);
    assert_int_equal(f.history.count, 3);
    assert_string_equal(history_find(&f.history, NULL)->id, "3");
    assert_string_equal(history_find(&f.history, "1")->id, "1");
    assert_null(history_find(&f.history, "4"));
    assert_null(history_find(&f.history, ""));
}

/* Their IDs do not tell which of two runs of one second was first. */
static void test_order_within_a_second(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const ids[] = {"20261122-101728-ffff", "20261122-101728-8888",
                                      "20261122-101728-0000", "20261122-101727-9999"};
    static const char *const records[] = {NULL};

    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        add_run(&f, ids[i], "oms_331", records);
        clock_sleep_ms(2);
    }
    look(&f);
    assert_string_equal(f.history.items[0].id, ids[3]);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(f.history.items[i + 1].id, ids[i]);
    }
    assert_string_equal(history_find(&f.history, NULL)->id, ids[2]);
}

/* How a run that ends so is seen, and whether it stands in the way of the next one. */
static void check(const char *const *records, const char *result, const char *step,
                  bool is_in_the_way)
{
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    add_run(&f, "r1", "oms_331", records);
    look(&f);
    const struct past_run *p = history_find(&f.history, NULL);
    assert_string_equal(p->deployment, "oms_331");
    assert_string_equal(p->endpoint, "unix:///e");
    assert_true(str_eq(p->result, result));
    assert_true(str_eq(p->step, step));
    assert_null(p->damage);
    assert_true(p->begun_ms > 0);
    assert_true(unfinished(&f, "oms_331") == (is_in_the_way ? p : NULL));
    assert_null(unfinished(&f, "oms_332"));
    assert_null(history_unfinished(&f.history, "oms_331", "unix:///other"));
}

#define CHECK(result, step, in_the_way, ...) \
    check((const char *const[]){__VA_ARGS__ NULL}, result, step, in_the_way)

static void test_results(void **state)
{
    (void)state;
    CHECK(NULL, NULL, true, );
    CHECK(NULL, "stop_old", true, INTENT, );
    CHECK(NULL, "stop_old", true, INTENT, FAILED, );
    CHECK("held", "stop_old", true, INTENT, FAILED, END("held"), );
    /* NOLINTBEGIN(bugprone-suspicious-missing-comma): records are texts of several literals */
    CHECK("rollback-failed", "stop_old", true, INTENT, FAILED, ROLLBACK, END("rollback-failed"), );
    CHECK("rolled-back", "stop_old", false, INTENT, FAILED, ROLLBACK, END("rolled-back"), );
    /* NOLINTEND(bugprone-suspicious-missing-comma) */
    CHECK("unchanged", NULL, false, END("unchanged"), );
    CHECK("upgraded", "wait_healthy", false, HEALTHY, END("upgraded"), );
    CHECK("upgraded-with-fault", "wait_healthy", false, HEALTHY, END("upgraded-with-fault"), );
}

static void test_taken_up_again(void **state)
{
    (void)state;
    CHECK(NULL, "stop_old", true, END("held"), INTENT, );
    CHECK("upgraded", "stop_old", false, END("held"), INTENT, END("upgraded"), );
    CHECK(NULL, "wait_healthy", true, HEALTHY, END("upgraded"), ROLLBACK, );
}

static void test_milestones(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const served[] = {BACKUP, HEALTHY, END("upgraded"), NULL};
    static const char *const failed[] = {BACKUP, UNHEALTHY, END("held"), NULL};

    begin(&f);
    add_run(&f, "r1", "oms_331", served);
    add_run(&f, "r2", "oms_332", failed);
    look(&f);
    const struct past_run *p = history_find(&f.history, "r1");
    assert_true(p->backup_ms > 0 && p->served_ms >= p->backup_ms && p->ended_ms >= p->served_ms);
    p = history_find(&f.history, "r2");
    assert_true(p->backup_ms > 0);
    assert_int_equal(p->served_ms, 0);
}

static void test_backup_is_gone(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const served[] = {BACKUP, HEALTHY, END("upgraded"), NULL};
    static const char *const early[] = {INTENT, NULL};
    struct err err = ERR_INIT;

    begin(&f);
    add_run(&f, "r1", "oms_331", served);
    add_run(&f, "r2", "oms_331", served);
    add_run(&f, "r3", "oms_331", early);
    AUTO_FREE char *folder = folder_at(&f.folder, "backups/r1");
    assert_ok(fs_make_dirs(folder, &err), &err);
    folder_write(&f.folder, "backups/r1/manifest.json", "{}");
    look(&f);
    assert_false(history_find(&f.history, "r1")->backup_gone);
    assert_true(history_find(&f.history, "r2")->backup_gone);
    /* It never had one. */
    assert_false(history_find(&f.history, "r3")->backup_gone);
}

/* The newest that is not ended counts, whatever came after it on other deployments. */
static void test_other_deployments(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const held[] = {INTENT, END("held"), NULL};
    static const char *const good[] = {END("upgraded"), NULL};

    begin(&f);
    add_run(&f, "r1", "oms_331", held);
    add_run(&f, "r2", "oms_331", good);
    add_run(&f, "r3", "oms_332", good);
    look(&f);
    assert_string_equal(unfinished(&f, "oms_331")->id, "r1");
    assert_null(unfinished(&f, "oms_332"));
}

static void test_damaged(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const good[] = {END("upgraded"), NULL};

    begin(&f);
    add_run(&f, "r1", "oms_331", good);
    add_run(&f, "r2", "oms_331", good);
    folder_write(&f.folder, "runs/r2/journal.jsonl", "garbage\n");
    look(&f);
    const struct past_run *p = history_find(&f.history, NULL);
    assert_string_equal(p->id, "r2");
    AUTO_FREE char *damage = folder_mask(&f.folder, p->damage);
    assert_string_equal(damage,
                        "the journal '<folder>/runs/r2/journal.jsonl' is damaged: line 1 is no "
                        "JSON\nHINT: nothing was changed; restore the file from a backup, or look "
                        "at the containers and go on by hand");
    assert_null(p->result);
    assert_null(history_find(&f.history, "r1")->damage);
}

/* Nobody knows how it ended: it stands in the way of the next run, when its plan says of whom. */
static void test_damaged_is_in_the_way(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    static const char *const good[] = {END("upgraded"), NULL};

    begin(&f);
    add_run(&f, "r1", "oms_331", good);
    folder_write(&f.folder, "runs/r1/journal.jsonl", "garbage\n");
    look(&f);
    assert_null(unfinished(&f, "oms_331"));
    folder_write(&f.folder, "runs/r1/plan.json", "garbage");
    look(&f);
    assert_null(unfinished(&f, "oms_331"));
    folder_write(&f.folder, "runs/r1/plan.json",
                 "{\"deployment\":\"oms_331\",\"nodes\":[{\"endpoint\":\"unix:///e\"}]}");
    look(&f);
    assert_string_equal(unfinished(&f, "oms_331")->id, "r1");
    assert_non_null(unfinished(&f, "oms_331")->damage);
    assert_null(unfinished(&f, "oms_332"));
}

static void test_never_began(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;

    begin(&f);
    assert_ok(state_create_run(f.folder.path, "r1", &err), &err);
    look(&f);
    assert_string_equal(history_find(&f.history, "r1")->result, "unchanged");
    folder_write(&f.folder, "runs/r1/journal.jsonl", "{\"seq\":1,\"ty");
    look(&f);
    assert_string_equal(history_find(&f.history, "r1")->result, "unchanged");
    assert_null(history_find(&f.history, "r1")->damage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_order_within_a_second),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_taken_up_again),
        cmocka_unit_test(test_milestones),
        cmocka_unit_test(test_other_deployments),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_damaged_is_in_the_way),
        cmocka_unit_test(test_never_began),
        cmocka_unit_test(test_backup_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
