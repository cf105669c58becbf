/* What answers of consoles and rows of servers mean. */
#include "tests/unit/unit.h"

#include <string.h>

#include "inspect/oms_health.h"
#include "inspect/servers.h"

static void answers(void **state)
{
    static const struct {
        const char *body, *says;
        int status;
        enum health_answer answer;
    } cases[] = {
        {"{\"data\":{\"healthy\":true}}", "healthy", 200, HEALTH_WELL},
        {"{\"data\":{\"healthy\":false}}", "answers that OMS is not healthy yet", 200,
         HEALTH_UNWELL},
        {"", "answers with status 404", 404, HEALTH_ABSENT},
        {"", "answers with status 302", 302, HEALTH_ABSENT},
        {"{}", "answers with status 401", 401, HEALTH_ABSENT},
        {"\r\n <!DOCTYPE html>", "answers with a page", 200, HEALTH_ABSENT},
        {"\xEF\xBB\xBF<html>", "answers with a page", 200, HEALTH_ABSENT},
        {"{\"success\":false,\"code\":\"NOT_FOUND\",\"data\":null}",
         "answers without a word about health", 200, HEALTH_ABSENT},
        {"{\"data\":{\"healthy\":\"true\"}}", "answers without a word about health", 200,
         HEALTH_ABSENT},
        {"ok", "answers with something that is not JSON", 200, HEALTH_UNWELL},
        {"", "answers with something that is not JSON", 200, HEALTH_UNWELL},
        {"<html>", "answers with status 502", 502, HEALTH_UNWELL},
        {"{\"data\":{\"healthy\":true}}", "answers with status 503", 503, HEALTH_UNWELL},
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

static void ports(void **state)
{
    (void)state;
    assert_int_equal(oms_health_port("http://10.0.0.1:8089/oms/health"), 8089);
    assert_int_equal(oms_health_port("https://[fd00::1]:443/oms/health"), 443);
    assert_int_equal(oms_health_port("http://10.0.0.1:99999/oms/health"), 0);
    assert_int_equal(oms_health_port("http://[fd00::1]/oms/health"), 0);
    assert_int_equal(oms_health_port(""), 0);
}

static void what_versions_have(void **state)
{
    const struct oms_version v410 = {4, 1, 0, 0, OMS_EDITION_COMMUNITY};
    const struct oms_version v411 = {4, 1, 1, 0, OMS_EDITION_COMMUNITY};
    const struct oms_version v331 = {3, 3, 1, 0, OMS_EDITION_COMMUNITY};

    (void)state;
    assert_false(oms_health_is_known_of(&v410));
    assert_true(oms_health_is_known_of(&v411));
    assert_false(heart_beat_is_known_of(&v331));
    assert_true(heart_beat_is_known_of(&v410));
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
        cmocka_unit_test(answers), cmocka_unit_test(nobody_there),
        cmocka_unit_test(ports),   cmocka_unit_test(what_versions_have),
        cmocka_unit_test(beats),   cmocka_unit_test(server_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
