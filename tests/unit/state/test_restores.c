/* What restores have moved aside: as an answer tells it, in a journal, and in a note of its own. */
#include "launcher/state/restores.h"

#include "launcher/state/journal.h"
#include "launcher/state/state.h"
#include "tests/unit/upgrade/folder.h"

#define ANSWER                                                                                 \
    "{\"databases\":[{\"name\":\"rm\",\"quarantine\":\"rm__old_r1_2\",\"earlier\":[\"rm__old_" \
    "r1\"]},"                                                                                  \
    "{\"name\":\"cm\",\"quarantine\":null,\"earlier\":[]},"                                    \
    "{\"name\":\"h`b\",\"quarantine\":\"h`b__old_r1\"}]}"
#define NOTHING "{\"databases\":[{\"name\":\"rm\",\"quarantine\":null}]}"

static json_t *parse(const char *text)
{
    struct err err = ERR_INIT;
    json_t *json = NULL;

    assert_ok(json_parse(text, strlen(text), "test", &json, &err), &err);
    return json;
}

static void assert_three(const struct strv *kept)
{
    assert_int_equal(kept->count, 3);
    assert_string_equal(kept->items[0], "rm__old_r1_2");
    assert_string_equal(kept->items[1], "rm__old_r1");
    assert_string_equal(kept->items[2], "h`b__old_r1");
}

static void test_answer(void **state)
{
    (void)state;
    AUTO_JSON json_t *answer = parse(ANSWER);
    AUTO_STRV struct strv kept = STRV_INIT;

    restores_list_kept(answer, &kept);
    restores_list_kept(answer, &kept);
    assert_three(&kept);
    restores_list_kept(NULL, &kept);
    assert_int_equal(kept.count, 3);
}

static void test_note(void **state)
{
    (void)state;
    struct folder f;
    struct err err = ERR_INIT;
    AUTO_JSON json_t *answer = parse(ANSWER);
    AUTO_JSON json_t *nothing = parse(NOTHING);

    folder_make(&f);
    {
        AUTO_HISTORY struct history h = {.items = NULL};
        assert_ok(restores_note(f.path, "r0", "oms_331", "unix:///e", nothing, &err), &err);
        assert_ok(restores_read(f.path, &h, &err), &err);
        assert_int_equal(h.count, 0);
    }
    {
        AUTO_HISTORY struct history h = {.items = NULL};
        assert_ok(restores_note(f.path, "r1", "oms_331", "unix:///e", answer, &err), &err);
        assert_ok(restores_read(f.path, &h, &err), &err);
        assert_int_equal(h.count, 1);
        assert_string_equal(h.items[0].id, "r1");
        assert_string_equal(h.items[0].deployment, "oms_331");
        assert_string_equal(h.items[0].endpoint, "unix:///e");
        assert_string_equal(h.items[0].result, "restored");
        assert_false(history_is_unfinished(&h.items[0]));
        assert_three(&h.items[0].kept_databases);
    }
    {
        AUTO_HISTORY struct history h = {.items = NULL};
        folder_write(&f, "restores/r1.json", "{\"run\":\"r1\"}");
        assert_int_equal(restores_read(f.path, &h, &err), -1);
        assert_int_equal(err.kind, ERR_STATE);
        AUTO_FREE char *text = mem_printf(
            "%s/restores/r1.json has no 'deployment'\n"
            "HINT: it tells what a restore has moved aside: restore the file, or move it "
            "away and drop those databases by hand",
            f.path);
        assert_string_equal(err_whole(&err), text);
        assert_int_equal(h.count, 0);
    }
    folder_free(&f);
}

#define RESTORED                                                                                  \
    "{\"type\":\"outcome\",\"step\":\"back_metadb\",\"ok\":true,\"evidence\":{\"summary\":\"s\"," \
    "\"restore\":" ANSWER "}}"
#define FAILED                                                                                   \
    "{\"type\":\"outcome\",\"step\":\"back_metadb\",\"ok\":false,\"kind\":\"failed\",\"error\":" \
    "\"e\","                                                                                     \
    "\"evidence\":{\"restore\":" ANSWER "}}"

static void check_journal(const char *text, const char *result, size_t count, bool unfinished)
{
    struct folder f;
    struct err err = ERR_INIT;
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_HISTORY struct history h = {.items = NULL};

    folder_make(&f);
    assert_ok(state_create_run(f.path, "r1", &err), &err);
    AUTO_FREE char *path = state_run_file(f.path, "r1", "journal.jsonl");
    assert_ok(journal_create(path, &j, &err), &err);
    assert_ok(journal_append(j,
                             json_make("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "begin", "run",
                                       "r1", "plan", "d", "deployment", "oms_331", "endpoint",
                                       "unix:///e", "tool", "omslaunch 0"),
                             &err),
              &err);
    assert_ok(journal_append(j, parse(text), &err), &err);
    assert_ok(journal_append(j, json_make("{s:s, s:s}", "type", "end", "result", result), &err),
              &err);
    assert_ok(history_read(f.path, &h, &err), &err);
    assert_int_equal(h.items[0].kept_databases.count, count);
    assert_true(history_is_unfinished(&h.items[0]) == unfinished);
    if (count > 0) {
        assert_three(&h.items[0].kept_databases);
    }
    folder_free(&f);
}

/* A restore that failed has told nothing. */
static void test_journal(void **state)
{
    (void)state;

    check_journal(RESTORED, "rolled-back", 3, false);
    check_journal(RESTORED, "rollback-failed", 3, true);
    check_journal(FAILED, "rollback-failed", 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
