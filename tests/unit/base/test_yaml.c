#include "tests/unit/unit.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/json.h"
#include "launcher/base/yaml.h"

#define SYNTAX_HINT "\nHINT: correct the YAML near that line; quote values with special characters"
#define PLAIN_HINT "\nHINT: use plain keys, values, lists and nested keys only"
#define TOP_HINT "\nHINT: the file must be one list of \"key: value\" lines"

static void accept(const char *text, const char *expected)
{
    struct err err = ERR_INIT;
    json_t *j = NULL;
    assert_ok(yaml_parse(text, strlen(text), "f.yaml", &j, &err), &err);
    AUTO_FREE char *got = json_compact(j);
    json_decref(j);
    assert_string_equal(got, expected);
}

static void refuse_n(const char *text, size_t len, const char *expected)
{
    struct err err = ERR_INIT;
    json_t *j = NULL;
    assert_fails(yaml_parse(text, len, "f.yaml", &j, &err));
    assert_null(j);
    assert_err(&err, ERR_CONFIG, expected);
}

static void refuse(const char *text, const char *expected)
{
    refuse_n(text, strlen(text), expected);
}

static void test_scalars_keep_their_spelling(void **state)
{
    (void)state;
    accept("port: 08088\nno: no\nfloat: 1e3\nempty:\ntilde: ~\nnull: null\nquoted: ''\n"
           "quoted_tilde: \"~\"\n",
           "{\"port\":\"08088\",\"no\":\"no\",\"float\":\"1e3\",\"empty\":null,\"tilde\":null,"
           "\"null\":\"null\",\"quoted\":\"\",\"quoted_tilde\":\"~\"}");
}

static void test_structures(void **state)
{
    (void)state;
    accept("a:\n  b: [1, 'two', {c: d}]\n  e:\n  - f\n  - g: h\n    i: j\n",
           "{\"a\":{\"b\":[\"1\",\"two\",{\"c\":\"d\"}],\"e\":[\"f\",{\"g\":\"h\",\"i\":\"j\"}]}}");
    accept("# comment\n---\n{}\n...\n# end\n", "{}");
    accept("{a: [], b: {}}", "{\"a\":[],\"b\":{}}");
    accept("\xef\xbb\xbf"
           "a: b\r\nc: d\r\n",
           "{\"a\":\"b\",\"c\":\"d\"}");
    accept("url: jdbc:mysql://h:1/d?a=b&c=d\npath: /a b\nemoji: 😀\n",
           "{\"url\":\"jdbc:mysql://h:1/d?a=b&c=d\",\"path\":\"/a b\",\"emoji\":\"😀\"}");
    accept("s: |\n  one\n  \ttwo\n\nf: >-\n  a\n  b\n",
           "{\"s\":\"one\\n\\ttwo\\n\",\"f\":\"a b\"}");
    accept("q: \"a\tb\\tc\n\n  d\"\n", "{\"q\":\"a\\tb\\tc\\nd\"}");
    accept("base: &base x\n", "{\"base\":\"x\"}");
    accept("a: b\t# comment\n", "{\"a\":\"b\"}");
}

static void test_tabs(void **state)
{
    (void)state;
    refuse("a:\n\tb: c\n", "f.yaml:2: a tab is used as indentation\n"
                           "HINT: indent line 2 with spaces");
    refuse("a:\n  b: c\n\td: e\n", "f.yaml:3: a tab is used as indentation\n"
                                   "HINT: indent line 3 with spaces");
    refuse("a:\n  b: c\n  \td: e\n", "f.yaml:3: a tab is used as indentation\n"
                                     "HINT: indent line 3 with spaces");
    refuse("a:\n  b: c\n\t\n", "f.yaml:3: a tab is used as indentation\n"
                               "HINT: indent line 3 with spaces");
    refuse("a: one\n \ttwo\n", "f.yaml:2: a tab is used as indentation\n"
                               "HINT: indent line 2 with spaces");
    refuse("a:\n- \n\t- b\n", "f.yaml:3: a tab is used as indentation\n"
                              "HINT: indent line 3 with spaces");
    refuse("a: [\n\tb]\n", "f.yaml:2: a tab is used as indentation\n"
                           "HINT: indent line 2 with spaces");
    refuse("a: {b: c,\n\t\"d\": e}\n", "f.yaml:2: a tab is used as indentation\n"
                                       "HINT: indent line 2 with spaces");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    refuse("a: 1\nb: 2\na: 3\n", "f.yaml:3: key 'a' is given twice\n"
                                 "HINT: remove one of the two");
    refuse("x:\n  a:\n  a: 3\n", "f.yaml:3: key 'a' is given twice\n"
                                 "HINT: remove one of the two");
    refuse("{a: 1, 'a': 2}", "f.yaml:1: key 'a' is given twice\n"
                             "HINT: remove one of the two");
    accept("x: {a: 1}\ny: {a: 1}\n", "{\"x\":{\"a\":\"1\"},\"y\":{\"a\":\"1\"}}");
}

static void test_magic_is_refused(void **state)
{
    (void)state;
    refuse("a: &x 1\nb: *x\n", "f.yaml:2: aliases (*…) are not understood" PLAIN_HINT);
    refuse("a: &x {b: 1}\n<<: *x\n", "f.yaml:2: aliases (*…) are not understood" PLAIN_HINT);
    refuse("&k a: 1\n*k : 2\n", "f.yaml:2: aliases (*…) are not understood" PLAIN_HINT);
    refuse("a: !!binary aGk=\n", "f.yaml:1: tags (!…) are not understood" PLAIN_HINT);
    refuse("a:\n  - !x [1]\n", "f.yaml:2: tags (!…) are not understood" PLAIN_HINT);
    refuse("a: !x {}\n", "f.yaml:1: tags (!…) are not understood" PLAIN_HINT);
    refuse("!!str a: b\n", "f.yaml:1: tags (!…) are not understood" PLAIN_HINT);
}

static void test_keys_are_text(void **state)
{
    (void)state;
    refuse("[a]: b\n", "f.yaml:1: a key is a list or a mapping, not a text" PLAIN_HINT);
    refuse("? {a: b}\n: c\n", "f.yaml:1: a key is a list or a mapping, not a text" PLAIN_HINT);
    refuse("a: 1\n? \n: b\n", "f.yaml:2: a key is empty or holds a NUL byte" PLAIN_HINT);
    refuse("'': b\n", "f.yaml:1: a key is empty or holds a NUL byte" PLAIN_HINT);
    refuse("\"a\\0\": b\n", "f.yaml:1: a key is empty or holds a NUL byte" PLAIN_HINT);
    refuse("a: \"b\\0c\"\n", "f.yaml:1: a value holds a NUL byte (\\0)" PLAIN_HINT);
}

static void test_top_is_one_mapping(void **state)
{
    (void)state;
    refuse("", "f.yaml:1: the file is empty" TOP_HINT);
    refuse("# only a comment\n", "f.yaml:1: the file is empty" TOP_HINT);
    refuse("- a\n", "f.yaml:1: the top is no mapping of keys to values" TOP_HINT);
    refuse("\n\njust text\n", "f.yaml:3: the top is no mapping of keys to values" TOP_HINT);
    refuse("---\n", "f.yaml:2: the top is no mapping of keys to values" TOP_HINT);
    refuse("a: b\n---\nc: d\n", "f.yaml:2: a second document begins" TOP_HINT);
    refuse("a: b\n...\nc: d\n", "f.yaml:3: did not find expected <document start>" SYNTAX_HINT);
}

static void test_broken_syntax(void **state)
{
    (void)state;
    refuse("a: b: c\n", "f.yaml:1: mapping values are not allowed in this context" SYNTAX_HINT);
    refuse("a: [1, 2\n",
           "f.yaml:2: did not find expected ',' or ']', while parsing a flow sequence" SYNTAX_HINT);
    refuse("a: 'it\n",
           "f.yaml:2: found unexpected end of stream, while scanning a quoted scalar" SYNTAX_HINT);
    refuse("a: 1\n b: 2\n", "f.yaml:2: mapping values are not allowed in this context" SYNTAX_HINT);
    refuse("a: @x\n", "f.yaml:1: found character that cannot start any token, while scanning for "
                      "the next token" SYNTAX_HINT);
    refuse("%YAML 9.9\n---\na: b\n", "f.yaml:1: found incompatible YAML document" SYNTAX_HINT);
    refuse("a: 1\nb: \"\\q\"\n",
           "f.yaml:2: found unknown escape character, while parsing a quoted scalar" SYNTAX_HINT);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    refuse("a: 1\nb: \xff\n", "f.yaml:2: invalid leading UTF-8 octet" SYNTAX_HINT);
    refuse("a: 1\nb: \x01\n", "f.yaml:2: control characters are not allowed" SYNTAX_HINT);
    refuse_n("a: 1\nb: \0\n", 10, "f.yaml:2: control characters are not allowed" SYNTAX_HINT);
    refuse_n("\xff\xfe"
             "a\0:\0 \0b\0",
             10, "f.yaml:1: invalid leading UTF-8 octet" SYNTAX_HINT);
}

static void test_depth(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    str_append(&text, "a: ");
    for (int i = 0; i < 63; i++) {
        str_append_c(&text, '[');
    }
    size_t opened = text.len;
    for (int i = 0; i < 63; i++) {
        str_append_c(&text, ']');
    }
    struct err err = ERR_INIT;
    AUTO_JSON json_t *j = NULL;
    assert_ok(yaml_parse(text.data, text.len, "f.yaml", &j, &err), &err);
    text.len = opened;
    str_append(&text, "[]");
    refuse_n(text.data, text.len,
             "f.yaml:1: nested more than 64 levels deep\n"
             "HINT: check the brackets and the indentation");
}

static void test_size(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    str_append(&text, "a: ");
    while (text.len < 1024 * 1024) {
        str_append_c(&text, 'x');
    }
    struct err err = ERR_INIT;
    AUTO_JSON json_t *j = NULL;
    assert_ok(yaml_parse(text.data, text.len, "f.yaml", &j, &err), &err);
    str_append_c(&text, 'x');
    refuse_n(text.data, text.len,
             "f.yaml: larger than 1 MiB\n"
             "HINT: check that this is the file you mean");
}

static void test_many_lines_take_no_square(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    for (int i = 0; text.len < 1024 * 1024 - 32; i++) {
        str_appendf(&text, "k%d: v\n", i);
    }
    uint64_t start = clock_mono_ms();
    struct err err = ERR_INIT;
    AUTO_JSON json_t *j = NULL;
    assert_ok(yaml_parse(text.data, text.len, "f.yaml", &j, &err), &err);
    assert_in_range(clock_mono_ms() - start, 0, 10000);
    assert_true(json_object_size(j) > 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_keep_their_spelling),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_tabs),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_magic_is_refused),
        cmocka_unit_test(test_keys_are_text),
        cmocka_unit_test(test_top_is_one_mapping),
        cmocka_unit_test(test_broken_syntax),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_many_lines_take_no_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
