/* Names beside the real databases, and definitions in JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/model/names.h"

#define RUN "20261122-104512-3f2a"

static void short_names_stand_as_they_are(void **state)
{
    (void)state;
    AUTO_FREE char *new = names_of("rm_331", NAMES_STAGING, RUN);
    AUTO_FREE char *old = names_of("rm_331", NAMES_QUARANTINE, RUN "_2");
    AUTO_FREE char *head = names_head("rm_331");
    assert_string_equal(new, "rm_331__new_" RUN);
    assert_string_equal(old, "rm_331__old_" RUN "_2");
    assert_string_equal(head, "rm_331__");
    assert_true(names_is_quarantine(old));
    assert_false(names_is_quarantine(new));
}

static size_t chars(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* Whatever the length: it fits, it is another one for each database, kind and run, and a grant on
 * names_head() covers it. */
static void long_names_are_made_to_fit(void **state)
{
    (void)state;
    char database[65] = "";
    for (size_t len = 1; len <= 64; len++) {
        memset(database, 'd', len);
        database[len] = '\0';
        AUTO_FREE char *head = names_head(database);
        char *names[NAMES_BESIDE_MAX];
        for (int kind = 0; kind < NAMES_BESIDE_MAX; kind++) {
            names[kind] = names_of(database, (enum names_beside)kind, RUN);
            assert_true(strlen(names[kind]) <= NAMES_CHARS_MAX);
            assert_true(str_starts_with(names[kind], head));
            assert_string_not_equal(names[kind], database);
            for (int other = 0; other < kind; other++) {
                assert_string_not_equal(names[kind], names[other]);
            }
        }
        database[len - 1] = 'e';
        AUTO_FREE char *neighbour = names_of(database, NAMES_STAGING, RUN);
        AUTO_FREE char *later = names_of(database, NAMES_STAGING, RUN "_2");
        assert_string_not_equal(neighbour, names[NAMES_STAGING]);
        assert_string_not_equal(neighbour, later);
        for (int kind = 0; kind < NAMES_BESIDE_MAX; kind++) {
            free(names[kind]);
        }
    }
}

static void names_are_cut_between_characters(void **state)
{
    (void)state;
    AUTO_STR struct str database = STR_INIT;
    for (int i = 0; i < 64; i++) {
        str_append(&database, "\xE6\xB1\x89");
    }
    AUTO_FREE char *name = names_of(str_get(&database), NAMES_QUARANTINE, RUN);
    assert_true(chars(name) <= NAMES_CHARS_MAX);
    json_t *text = json_string(name); /* NULL for what is no UTF-8 */
    assert_non_null(text);
    json_decref(text);
}

static void definitions_are_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "plain", "\xE6\xB1\x89", "DEFAULT '\xFF\x01'", "_gbk'\xFE\xFE'", "\xF0\x9F\x98"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_JSON json_t *entry = json_object();
        json_put(entry, "create", definition_to_json(texts[i]));
        AUTO_FREE char *stored = json_canonical(entry);
        AUTO_JSON json_t *again = NULL;
        struct err err = ERR_INIT;
        assert_int_equal(json_parse(stored, strlen(stored), "x", &again, &err), 0);
        AUTO_FREE char *back = definition_of(again, "create");
        assert_string_equal(back, texts[i]);
    }
    AUTO_JSON json_t *empty = json_object();
    AUTO_FREE char *missing = definition_of(empty, "create");
    assert_string_equal(missing, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_names_stand_as_they_are),
        cmocka_unit_test(long_names_are_made_to_fit),
        cmocka_unit_test(names_are_cut_between_characters),
        cmocka_unit_test(definitions_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
