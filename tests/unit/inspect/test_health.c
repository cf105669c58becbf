/* What answers of consoles and rows of servers mean. */
#include "tests/unit/unit.h"

#include <string.h>

#include "inspect/oms_health.h"
#include "inspect/servers.h"

static void answers(void **state)
{
    static const struct {
        int status;
        const char *body, *says;
        enum health_answer answer;
    } cases[] = {
        {200, "{\"data\":{\"healthy\":true}}", "healthy", HEALTH_WELL},
        {200, "{\"data\":{\"healthy\":false}}", "answers that OMS is not healthy yet",
         HEALTH_UNWELL},
        {404, "", "answers with status 404", HEALTH_ABSENT},
        {302, "", "answers with status 302", HEALTH_ABSENT},
        {401, "{}", "answers with status 401", HEALTH_ABSENT},
        {200, "\r\n <!DOCTYPE html>", "answers with a page", HEALTH_ABSENT},
        {200, "\xEF\xBB\xBF<html>", "answers with a page", HEALTH_ABSENT},
        {200, "{\"success\":false,\"code\":\"NOT_FOUND\",\"data\":null}",
         "answers without a word about health", HEALTH_ABSENT},
        {200, "{\"data\":{\"healthy\":\"true\"}}", "answers without a word about health",
         HEALTH_ABSENT},
        {200, "ok", "answers with something that is not JSON", HEALTH_UNWELL},
        {200, "", "answers with something that is not JSON", HEALTH_UNWELL},
        {502, "<html>", "answers with status 502", HEALTH_UNWELL},
        {503, "{\"data\":{\"healthy\":true}}", "answers with status 503", HEALTH_UNWELL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OMS_HEALTH struct oms_health h = {.answer = HEALTH_NOT_ASKED};

        oms_health_judge(cases[i].status, cases[i].body, strlen(cases[i].body), &h);
        assert_string_equal(str_get(&h.state), cases[i].says);
        assert_int_equal(h.answer, cases[i].answer);
    }
}

static void nobody_there(void **state)
{
    const struct health_place place = {.host_ip = "127.0.0.77", .port = 1, .local = true};
    AUTO_OMS_HEALTH struct oms_health h = {.answer = HEALTH_NOT_ASKED};

    (void)state;
    oms_health_find(&place, 1000, &h);
    assert_int_equal(h.answer, HEALTH_SILENT);
    assert_string_equal(h.url, "http://127.0.0.77:1/oms/health");
    assert_non_null(strstr(str_get(&h.state), "does not answer: "));
}

/* Zones and clocks differ: moving counts, and so does an age as it should be. */
static void beats(void **state)
{
    const struct server before = {.beat = (char[]){"08:00:00"}, .age_ms = -28800000};
    const struct server moved = {.beat = (char[]){"08:00:01"}, .age_ms = -28800000};
    const struct server young = {.beat = (char[]){"x"}, .age_ms = 900};
    const struct server old = {.beat = (char[]){"x"}, .age_ms = 60001};
    const struct server none = {.status = (char[]){"ONLINE"}, .age_ms = INT64_MAX};

    (void)state;
    assert_int_equal(server_beat(NULL, NULL, UINT64_MAX), BEAT_NONE);
    assert_int_equal(server_beat(NULL, &none, UINT64_MAX), BEAT_NONE);
    assert_int_equal(server_beat(NULL, &before, UINT64_MAX), BEAT_STILL);
    assert_int_equal(server_beat(&before, &before, UINT64_MAX), BEAT_STILL);
    assert_int_equal(server_beat(&before, &moved, UINT64_MAX), BEAT_MOVES);
    assert_int_equal(server_beat(NULL, &young, 1000), BEAT_MOVES);
    assert_int_equal(server_beat(NULL, &young, 800), BEAT_STILL); /* its predecessor's */
    assert_int_equal(server_beat(&old, &old, UINT64_MAX), BEAT_STILL);
}

static void server_list(void **state)
{
    static const char text[] =
        "{\"hosts\":[{\"ip\":\"10.0.0.1\",\"status\":\"ONLINE\",\"heartbeat\":\"a\","
        "\"heartbeat_age_ms\":5},{\"ip\":\"10.0.0.2\",\"status\":null,\"heartbeat\":null,"
        "\"heartbeat_age_ms\":null}]}";
    AUTO_JSON json_t *j = NULL;
    AUTO_SERVERS struct servers s = {.known = false};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(json_parse(text, strlen(text), "t", &j, &err), &err);
    servers_from_json(j, &s);
    assert_true(s.known);
    assert_true(server_is_online(servers_find(&s, "10.0.0.1")));
    assert_int_equal(servers_find(&s, "10.0.0.1")->age_ms, 5);
    assert_false(server_is_online(servers_find(&s, "10.0.0.2")));
    assert_int_equal(servers_find(&s, "10.0.0.2")->age_ms, INT64_MAX);
    assert_null(servers_find(&s, "10.0.0.3"));
    assert_false(server_is_online(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(beats),
        cmocka_unit_test(server_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
