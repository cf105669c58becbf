#include "tests/unit/unit.h"

#include <string.h>

#include "hooks/metadb/wire/request.h"

static const char whole[] =
    "{\"schema\":1,\"run\":\"r\",\"timeout_ms\":5000,\"metadb\":{\"host\":\"h\",\"port\":3306,"
    "\"user\":\"u@t#c\",\"password\":\"p'\\\"\\\\ x\",\"databases\":{\"rm\":\"a\",\"cm\":\"b\","
    "\"heartbeat\":[\"c\",\"d\",\"c\"]}},\"request\":{\"x\":1}}";

static void takes_a_document_apart(void **state)
{
    struct err err = ERR_INIT;
    struct request r;
    AUTO_STRV struct strv names = STRV_INIT;
    (void)state;
    assert_ok(request_parse(whole, strlen(whole), &r, &err), &err);
    assert_string_equal(r.run, "r");
    assert_string_equal(r.host, "h");
    assert_int_equal(r.port, 3306);
    assert_string_equal(r.user, "u@t#c");
    assert_string_equal(r.password.bytes, "p'\"\\ x");
    assert_int_equal(r.timeout_ms, 5000);
    assert_int_equal(json_int(r.parameters, "x", 0), 1);
    request_databases(&r, &names);
    assert_int_equal(names.count, 4);
    assert_string_equal(names.items[3], "d");
    request_free(&r);
}

static void says_what_is_missing(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"schema\":2}",
         "the request on stdin does not say \"schema\": 1, the only one known here"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"h\",\"user\":\"u\",\"password\":\"secret\","
         "\"port\":70000}}",
         "the request on stdin: metadb.port is no number from 1 to 65535"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"h\",\"user\":\"u\",\"password\":\"secret\","
         "\"port\":1,\"databases\":{\"heartbeat\":\"x\"}}}",
         "the request on stdin: metadb.databases.heartbeat is no list"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"h\",\"user\":\"u\",\"password\":\"secret\","
         "\"port\":1},\"request\":[]}",
         "the request on stdin: \"request\" is no object"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"h;local-infile=1\",\"user\":\"u\","
         "\"password\":\"p\",\"port\":1}}",
         "the request on stdin: metadb.host is neither an address nor the name of a host"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"host=h\",\"user\":\"u\",\"password\":\"p\","
         "\"port\":1}}",
         "the request on stdin: metadb.host is neither an address nor the name of a host"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"::1\",\"user\":\"u\\n\",\"password\":\"p\","
         "\"port\":1}}",
         "the request on stdin: metadb.user holds a control character"},
        {"{\"schema\":1,\"metadb\":{\"host\":\"h\",\"user\":\"u\",\"password\":\"p\","
         "\"port\":1,\"databases\":{\"heartbeat\":[\"a\\u007f\"]}}}",
         "the request on stdin: metadb.databases.heartbeat holds a control character"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = ERR_INIT;
        struct request r;
        assert_fails(request_parse(cases[i].text, strlen(cases[i].text), &r, &err));
        assert_err(&err, ERR_USAGE, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_document_apart),
        cmocka_unit_test(says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
