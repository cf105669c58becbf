/* What the records of a journal add up to, and which of them are refused. */
#include "launcher/state/ledger.h"

#include "launcher/base/clock.h"
#include "tests/unit/upgrade/folder.h"

#define ROW(type, step) "\"type\":\"" type "\",\"step\":\"" step "\""
#define BEGIN                                                                                \
    "{\"type\":\"begin\",\"run\":\"r1\",\"plan\":\"d\",\"deployment\":\"oms\",\"endpoint\":" \
    "\"unix:///e\",\"tool\":\"omslaunch 0\"}"
#define STOPPED                                                                                \
    "{" ROW("outcome", "stop_old") ",\"node\":%d,\"ok\":true,\"evidence\":{\"summary\":\"s\"," \
                                   "\"t1_ms\":%lld,\"exit_code\":0,\"started_at\":\"a\"}}"

struct fixture {
    struct folder folder;
    char *path;
    struct journal *journal;
    struct ledger ledger;
};

static void fixture_free(struct fixture *f)
{
    ledger_free(&f->ledger);
    journal_free(f->journal);
    free(f->path);
    folder_free(&f->folder);
}
#define AUTO_FIXTURE CLEANUP(fixture_free)

static void add(struct fixture *f, const char *record)
{
    struct err err = ERR_INIT;
    json_t *json = NULL;

    assert_ok(json_parse(record, strlen(record), "record", &json, &err), &err);
    assert_ok(journal_append(f->journal, json, &err), &err);
}

static void begin(struct fixture *f)
{
    struct err err = ERR_INIT;

    memset(f, 0, sizeof(*f));
    folder_make(&f->folder);
    f->path = folder_at(&f->folder, "journal.jsonl");
    assert_ok(journal_create(f->path, &f->journal, &err), &err);
    add(f, BEGIN);
}

static void look(struct fixture *f)
{
    struct err err = ERR_INIT;

    ledger_free(&f->ledger);
    assert_ok(ledger_read(f->journal, f->path, &f->ledger, &err), &err);
}

/* ---- what is refused ---- */

#define DAMAGED_HINT                                                                          \
    "\nHINT: nothing was changed; restore the file from a backup, or look at the containers " \
    "and go on by hand"
#define OTHER_HINT "\nHINT: go on with the version of omslaunch that began the run"

static const char *const wrong[][2] = {
    {"{\"a\":1}", "has no 'type'" DAMAGED_HINT},
    {"{\"type\":7}", "'type' is no text" DAMAGED_HINT},
    {"{\"type\":\"pause\"}", "is of a type that this omslaunch does not know: 'pause'" OTHER_HINT},
    {"{" ROW("intent", "dance") "}",
     "is of a step that this omslaunch does not know: 'dance'" OTHER_HINT},
    {"{\"type\":\"intent\"}", "has no 'step'" DAMAGED_HINT},
    {"{" ROW("intent", "stop_old") ",\"node\":\"0\"}", "'node' is not a whole number" DAMAGED_HINT},
    {"{" ROW("intent", "stop_old") ",\"node\":-7}",
     "does not say what its step was done to" DAMAGED_HINT},
    {"{" ROW("intent", "stop_old") ",\"shape\":1}",
     "has 'shape', which this omslaunch does not know" DAMAGED_HINT},
    {"{" ROW("intent", "ha_off") "}", "has no 'prepared'" DAMAGED_HINT},
    {"{" ROW("intent", "ha_off") ",\"prepared\":{\"text\":\"t\"}}",
     "'prepared' of 'ha_off' has no 'enabled'" DAMAGED_HINT},
    {"{" ROW("outcome", "stop_old") "}", "has no 'ok'" DAMAGED_HINT},
    {"{" ROW("outcome", "stop_old") ",\"ok\":false}", "has no 'kind'" DAMAGED_HINT},
    {"{" ROW("outcome", "stop_old") ",\"ok\":true}",
     "'evidence' of 'stop_old' is not an object" DAMAGED_HINT},
    {"{" ROW("outcome", "create_new") ",\"ok\":true,\"evidence\":{\"summary\":\"s\",\"name\":"
                                      "\"n\"}}",
     "'evidence' of 'create_new' has no 'new_id'" DAMAGED_HINT},
    {"{" ROW("outcome", "start_new") ",\"ok\":true,\"evidence\":{\"summary\":\"s\","
                                     "\"started_ms\":-5}}",
     "'evidence' of 'start_new': 'started_ms' is not a whole number that is not "
     "negative" DAMAGED_HINT},
    {"{\"type\":\"end\",\"result\":\"perfect\"}",
     "has a 'result' that this omslaunch does not know: 'perfect'" OTHER_HINT},
    {BEGIN, "begins a second run\nHINT: nothing was changed; files of two runs were mixed"},
};

static void test_wrong_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_FIXTURE struct fixture f;
        struct err err = ERR_INIT;

        begin(&f);
        add(&f, wrong[i][0]);
        assert_fails(ledger_read(f.journal, f.path, &f.ledger, &err));
        assert_int_equal((int)err.kind, ERR_STATE);
        AUTO_FREE char *start = mem_printf("record 2 of the journal '%s'", f.path);
        AUTO_FREE char *text = err_join(&err);
        assert_memory_equal(text, start, strlen(start));
        const char *rest = text + strlen(start);
        rest += *rest == ':';
        assert_string_equal(rest + strspn(rest, " "), wrong[i][1]);
        assert_null(f.ledger.run);
    }
}

/* ---- what they add up to ---- */

static void add_stop(struct fixture *f, int node, long long t1_ms)
{
    AUTO_FREE char *record = mem_printf(STOPPED, node, t1_ms);

    add(f, record);
}

static void test_rows(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;

    begin(&f);
    add(&f, "{" ROW("intent", "stop_old") ",\"node\":1}");
    look(&f);
    const struct ledger_row *row = ledger_row(&f.ledger, STEP_STOP_OLD, subject_node(1));
    assert_int_equal((int)row->state, ROW_BEGUN);
    assert_null(ledger_row(&f.ledger, STEP_STOP_OLD, subject_node(0)));
    assert_true(ledger_has_begun(&f.ledger, STEP_STOP_OLD));
    assert_null(ledger_evidence(&f.ledger, STEP_STOP_OLD, subject_node(1)));
    add_stop(&f, 1, 5);
    look(&f);
    assert_string_equal(
        ledger_evidence(&f.ledger, STEP_STOP_OLD, subject_node(1))->stopped.started_at, "a");
    add(&f, "{" ROW("undone", "stop_old") ",\"node\":1}");
    look(&f);
    row = ledger_row(&f.ledger, STEP_STOP_OLD, subject_node(1));
    assert_int_equal((int)row->state, ROW_UNDONE);
    assert_null(ledger_evidence(&f.ledger, STEP_STOP_OLD, subject_node(1)));
    assert_true(ledger_done_ms(&f.ledger, STEP_STOP_OLD) > 0);
}

static void test_rows_as_json(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    AUTO_STRV struct strv names = STRV_INIT;

    begin(&f);
    strv_add(&names, "10.0.0.11");
    add(&f, "{" ROW("intent", "stop_old") ",\"node\":0}");
    add_stop(&f, 0, 5);
    add(&f, "{" ROW("intent", "backup_metadb") "}");
    add(&f, "{" ROW("outcome",
                    "backup_metadb") ",\"ok\":false,\"kind\":\"timeout\",\"error\":\"late\"}");
    add(&f, "{" ROW("intent", "back_ha") "}");
    look(&f);
    AUTO_JSON json_t *rows = ledger_rows_to_json(&f.ledger, &names, &names);
    assert_int_equal(json_array_size(rows), 3);
    json_t *first = json_array_get(rows, 0);
    assert_string_equal(json_text(first, "step", ""), "stop_old");
    assert_string_equal(json_text(first, "node", ""), "10.0.0.11");
    assert_true(json_bool(first, "ok", false));
    assert_int_equal(json_int(first, "evidence.t1_ms", 0), 5);
    assert_int_equal(strlen(json_text(first, "began", "")), strlen("2026-11-22T10:17:28.000Z"));
    assert_true(json_int(first, "took_ms", -1) >= 0);
    json_t *second = json_array_get(rows, 1);
    assert_string_equal(json_text(second, "error", ""), "late");
    assert_null(json_object_get(second, "node"));
    assert_true(json_is_null(json_object_get(json_array_get(rows, 2), "ok")));
}

/* T1 is the earliest stop of all nodes; and a clock that jumps back does not shorten it. */
static void test_outage(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    const uint64_t now_ms = clock_wall_ms();

    begin(&f);
    look(&f);
    assert_int_equal(ledger_outage_ms(&f.ledger, now_ms), 0);
    add_stop(&f, 1, (long long)now_ms - 2000);
    add_stop(&f, 0, (long long)now_ms - 5000);
    look(&f);
    const uint64_t then_ms = now_ms + 3600000;
    assert_in_range(ledger_outage_ms(&f.ledger, then_ms), 3605000, 3605001);
    /* The clock was set back by an hour: the gaps between the records still count. */
    assert_true(ledger_outage_ms(&f.ledger, now_ms - 3600000) >= 5000);
}

/* A version that served leaves an outage since it was taken away. */
static void test_outage_of_the_way_back(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    const uint64_t now_ms = clock_wall_ms();
    AUTO_FREE char *t3 = mem_printf(
        "{" ROW("outcome",
                "back_stop_new") ",\"node\":0,\"ok\":true,\"evidence\":{\"summary\":\"s\","
                                 "\"t3_ms\":%lld}}",
        (long long)now_ms - 7000);

    begin(&f);
    add_stop(&f, 0, (long long)now_ms - 900000);
    add(&f, "{" ROW("outcome", "wait_healthy") ",\"ok\":true,\"evidence\":{\"summary\":\"s\"}}");
    add(&f, "{\"type\":\"rollback\",\"reason\":null}");
    add(&f, t3);
    look(&f);
    const uint64_t outage_ms = ledger_outage_ms(&f.ledger, now_ms + 1000);
    assert_true(outage_ms >= 8000 && outage_ms < 900000);
}

/* What is appended is what a later process reads. */
static void test_append(void **state)
{
    (void)state;
    AUTO_FIXTURE struct fixture f;
    struct err err = ERR_INIT;
    AUTO_RECORD struct record done = {.type = RECORD_OUTCOME,
                                      .step = STEP_STOP_OLD,
                                      .subject = subject_node(2),
                                      .ok = true,
                                      .evidence = {.step = STEP_STOP_OLD}};

    begin(&f);
    look(&f);
    done.evidence.summary = mem_strdup("stopped");
    done.evidence.stopped.started_at = mem_strdup("then");
    done.evidence.stopped.t1_ms = 17;
    assert_ok(ledger_append(&f.ledger, f.journal, &done, &err), &err);
    for (int i = 0; i < 2; i++) {
        const struct evidence *e = ledger_evidence(&f.ledger, STEP_STOP_OLD, subject_node(2));
        assert_string_equal(e->summary, "stopped");
        assert_int_equal(e->stopped.t1_ms, 17);
        look(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_records),          cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_as_json),           cmocka_unit_test(test_outage),
        cmocka_unit_test(test_outage_of_the_way_back), cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
