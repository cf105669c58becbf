#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/oms_config.h"

#define NAME "config.yaml of container 'oms_331' (/home/admin/conf/config.yaml)"
#define HINT                                                                                      \
    "\nHINT: give it in config.yaml on the host; it is a flat list of 'key: value' lines, as in " \
    "the file that OMS was installed with"
#define PASSWORD "p@ss \"w'ord$HOME 100%"

/* The MetaDB's part, each line replaceable. */
struct lines {
    const char *host, *port, *user, *password, *rm, *cm, *heartbeat, *more;
};

static const struct lines good = {
    "oms_meta_host: 127.0.0.1\n",
    "oms_meta_port: 3306\n",
    "oms_meta_user: root@oms#cluster\n",
    "oms_meta_password: 'p@ss \"w''ord$HOME 100%'\n",
    "drc_rm_db: rm_331\n",
    "drc_cm_db: cm_331\n",
    "drc_cm_heartbeat_db: cm_hb_331\n",
    "",
};

static int parse_lines(const struct lines *l, struct oms_config *ret, struct err *err)
{
    AUTO_FREE char *text = mem_printf("%s%s%s%s%s%s%s%s", l->host, l->port, l->user, l->password,
                                      l->rm, l->cm, l->heartbeat, l->more);

    return oms_config_parse(text, strlen(text), NAME, ret, err);
}

static void assert_refused(const struct lines *l, const char *expected)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    assert_fails(parse_lines(l, &c, &err));
    assert_err(&err, ERR_CONFIG, expected);
    assert_null(c.meta_host);
    assert_null(strstr(err_whole(&err), "w'ord"));
}

static void the_least(void **state)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(parse_lines(&good, &c, &err), &err);
    assert_string_equal(c.meta_host, "127.0.0.1");
    assert_int_equal(c.meta_port, 3306);
    assert_string_equal(c.meta_user, "root@oms#cluster");
    assert_string_equal(c.meta_password.bytes, PASSWORD);
    assert_string_equal(c.rm_db, "rm_331");
    assert_string_equal(c.cm_db, "cm_331");
    assert_string_equal(c.heartbeat_db, "cm_hb_331");
    assert_null(c.cm_url);
    assert_null(c.cm_region);
    assert_int_equal(c.cm_location, 0);
    assert_int_equal(c.cm_nodes.count, 0);
    assert_true(c.cm_is_default);
    assert_int_equal(c.nginx_port, 8089);
    assert_int_equal(c.cm_port, 8088);
    assert_int_equal(c.ghana_port, 8090);
    assert_int_equal(c.supervisor_port, 9000);
    assert_int_equal(c.sshd_port, 2023);
    assert_int_equal(strlen(c.digest), 64);
}

static void the_most(void **state)
{
    struct lines l = good;
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    l.port = "oms_meta_port: \"2883\"\n"; /* numbers and booleans may come quoted */
    l.more = "# a comment\n"
             "cm_url: http://127.0.0.1:8088\n"
             "cm_location: '127'\n"
             "cm_region: cn-hangzhou\n"
             "cm_region_cn: \xe6\x9d\xad\xe5\xb7\x9e\n"
             "cm_is_default: 'True'\n"
             "cm_nodes:\n  - 127.0.0.11\n  - \"127.0.0.12\"\n"
             "tsdb_service: INFLUXDB\n"
             "tsdb_enabled: false\n"
             "nginx_server_port: 1\n"
             "cm_server_port: '65535'\n"
             "ghana_server_port: 8190\n"
             "supervisor_server_port: 9100\n"
             "sshd_server_port: 2123\n";
    assert_ok(parse_lines(&l, &c, &err), &err);
    assert_int_equal(c.meta_port, 2883);
    assert_string_equal(c.cm_url, "http://127.0.0.1:8088");
    assert_int_equal(c.cm_location, 127);
    assert_string_equal(c.cm_region, "cn-hangzhou");
    assert_true(c.cm_is_default);
    assert_int_equal(c.cm_nodes.count, 2);
    assert_string_equal(c.cm_nodes.items[1], "127.0.0.12");
    assert_int_equal(c.nginx_port, 1);
    assert_int_equal(c.cm_port, 65535);
    assert_int_equal(c.ghana_port, 8190);
    assert_int_equal(c.supervisor_port, 9100);
    assert_int_equal(c.sshd_port, 2123);
}

static void keys_without_value_are_optional(void **state)
{
    struct lines l = good;
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    l.more = "cm_url:\ncm_location: ~\ncm_region: ''\ncm_nodes:\nnginx_server_port:\n";
    assert_ok(parse_lines(&l, &c, &err), &err);
    assert_null(c.cm_url);
    assert_null(c.cm_region);
    assert_int_equal(c.nginx_port, 8089);
}

static void digest_is_of_the_bytes(void **state)
{
    struct lines l = good;
    AUTO_OMS_CONFIG struct oms_config a = {0};
    AUTO_OMS_CONFIG struct oms_config b = {0};
    AUTO_OMS_CONFIG struct oms_config other = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(parse_lines(&l, &a, &err), &err);
    assert_ok(parse_lines(&l, &b, &err), &err);
    l.more = "\n";
    assert_ok(parse_lines(&l, &other, &err), &err);
    assert_string_equal(a.digest, b.digest);
    assert_string_not_equal(a.digest, other.digest);
}

static void empty_password_must_be_written(void **state)
{
    struct lines l = good;
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    l.password = "oms_meta_password: ''\n";
    assert_ok(parse_lines(&l, &c, &err), &err);
    assert_int_equal(c.meta_password.len, 0);
    l.password = "oms_meta_password:\n";
    assert_refused(&l, NAME ": key 'oms_meta_password' has no value (an empty password is written "
                            "''), expected the password of the MetaDB's user" HINT);
    l.password = "";
    assert_refused(&l, NAME ": key 'oms_meta_password' is absent, expected the password of the "
                            "MetaDB's user" HINT);
    l.password = "oms_meta_password: [a]\n";
    assert_refused(&l, NAME ": key 'oms_meta_password' is no plain text, expected the password of "
                            "the MetaDB's user" HINT);
}

static void absent_keys(void **state)
{
    struct lines l = good;

    (void)state;
    l.host = "";
    assert_refused(&l,
                   NAME ": key 'oms_meta_host' is absent, expected the address of the MetaDB" HINT);
    l = good;
    l.port = "";
    assert_refused(&l,
                   NAME ": key 'oms_meta_port' is absent, expected the port of the MetaDB" HINT);
    l = good;
    l.user = "oms_meta_user:\n";
    assert_refused(&l,
                   NAME ": key 'oms_meta_user' has no value, expected the user of the MetaDB" HINT);
    l = good;
    l.rm = "drc_rm_db: ''\n";
    assert_refused(&l, NAME ": key 'drc_rm_db' has no value, expected the name of a database" HINT);
    l = good;
    l.cm = "";
    assert_refused(&l, NAME ": key 'drc_cm_db' is absent, expected the name of a database" HINT);
    l = good;
    l.heartbeat = "";
    assert_refused(&l, NAME
                   ": key 'drc_cm_heartbeat_db' is absent, expected the name of a database" HINT);
}

static void wrong_numbers(void **state)
{
    static const char *const wrong[] = {"80x", "0", "65536", "-1", "3306.0", "1e3", "0x50"};
    struct lines l;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_FREE char *line = mem_printf("oms_meta_port: %s\n", wrong[i]);
        AUTO_FREE char *nginx = mem_printf("nginx_server_port: '%s'\n", wrong[i]);
        AUTO_FREE char *expected = mem_printf(
            NAME ": key 'oms_meta_port' is '%s', expected a number from 1 to 65535" HINT, wrong[i]);
        AUTO_FREE char *expected_nginx = mem_printf(
            NAME ": key 'nginx_server_port' is '%s', expected a number from 1 to 65535" HINT,
            wrong[i]);

        l = good;
        l.port = line;
        assert_refused(&l, expected);
        l = good;
        l.more = nginx;
        assert_refused(&l, expected_nginx);
    }
    l = good;
    l.more = "cm_location: 128\n";
    assert_refused(&l, NAME ": key 'cm_location' is '128', expected a number from 0 to 127" HINT);
}

static void wrong_shapes(void **state)
{
    struct lines l = good;

    (void)state;
    l.host = "oms_meta_host: [a, b]\n";
    assert_refused(&l, NAME ": key 'oms_meta_host' is no plain text, expected one value" HINT);
    l = good;
    l.more = "cm_nodes: 127.0.0.1\n";
    assert_refused(&l, NAME ": key 'cm_nodes' is no list, expected one '- ADDRESS' line for each "
                            "host" HINT);
    l.more = "cm_nodes:\n  - 127.0.0.1\n  -\n";
    assert_refused(&l, NAME ": entry 2 of 'cm_nodes' is no text, expected the address of a "
                            "host" HINT);
    l.more = "sshd_server_port: {}\n";
    assert_refused(&l, NAME ": key 'sshd_server_port' is no plain text, expected one value" HINT);
}

static void assert_text_refused(const char *text, size_t len, const char *expected)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    assert_fails(oms_config_parse(text, len, NAME, &c, &err));
    assert_err(&err, ERR_CONFIG, expected);
}

static void empty_files(void **state)
{
    static const char *const texts[] = {"", "\n", "  \t\r\n \n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_text_refused(texts[i], strlen(texts[i]),
                            NAME " is empty\nHINT: put back the config.yaml that this OMS was "
                                 "installed with");
    }
}

static void too_large(void **state)
{
    const size_t len = (size_t)2 * 1024 * 1024;
    AUTO_FREE char *text = mem_alloc(len);

    (void)state;
    memset(text, '#', len);
    assert_text_refused(text, len,
                        NAME " has 2097152 bytes, expected at most 1048576\n"
                             "HINT: is the right file bound to /home/admin/conf/config.yaml?");
}

/* What the parser says is its own matter; that file, line and hint are there is ours. */
static void broken_yaml(void **state)
{
    static const char *const texts[] = {
        "oms_meta_host: 'unclosed\noms_meta_password: s3cret\n",
        "oms_meta_password: s3cret\n\toms_meta_host: x\n",
        "oms_meta_password: s3cret\noms_meta_password: 's3cret '\n",
        "- a\n- s3cret\n",
        "just words s3cret\n",
        "a: &x s3cret\nb: *x\n",
        "a: s3cret\n---\nb: c\n",
        "\xff\xfe\x01 s3cret",
        "a: [s3cret\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_OMS_CONFIG struct oms_config c = {0};
        struct err err = ERR_INIT;

        assert_fails(oms_config_parse(texts[i], strlen(texts[i]), NAME, &c, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_memory_equal(err.text, NAME, strlen(NAME));
        assert_non_null(strstr(err_whole(&err), "\nHINT: "));
        assert_null(strstr(err_whole(&err), "s3cret"));
    }
}

/* ---- files as sites have them ---- */

/* The deployment tool writes PyYAML: quoted keys, core tags, escapes. */
static void deployment_tool(void **state)
{
    static const char text[] = "%YAML 1.1\n---\n"
                               "\"oms_meta_host\": \"127.0.0.1\"\n"
                               "\"oms_meta_port\": !!int \"2883\"\n"
                               "\"oms_meta_user\": \"root@oms#cluster\"\n"
                               "!!python/unicode 'oms_meta_password': !!python/unicode 'p'\n"
                               "\"drc_rm_db\": !!str \"oms_rm\"\n"
                               "\"drc_cm_db\": ! oms_cm\n"
                               "\"drc_cm_heartbeat_db\": 'oms_cm_hb'\n"
                               "\"cm_region_cn\": \"\\u6D77\\u5357\"\n"
                               "\"cm_is_default\": !!bool \"true\"\n"
                               "\"cm_location\": !!int \"100\"\n"
                               "\"cm_url\": !!null \"null\"\n"
                               "\"ghana_server_port\": null\n"
                               "\"tsdb_password\": !!null \"null\"\n"
                               "\"ratio\": !!float \"0.5\"\n"
                               "\"cm_nodes\": !!seq\n- \"127.0.0.1\"\n"
                               "\"nested\": !!map {\"a\": 1, \"a\": 2}\n";
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(oms_config_parse(text, strlen(text), NAME, &c, &err), &err);
    assert_int_equal(c.meta_port, 2883);
    assert_string_equal(c.rm_db, "oms_rm");
    assert_string_equal(c.cm_db, "oms_cm");
    assert_string_equal(c.meta_password.bytes, "p");
    assert_int_equal(c.cm_location, 100);
    assert_true(c.cm_is_default);
    assert_null(c.cm_url);
    assert_int_equal(c.ghana_port, 8090);
    assert_string_equal(c.cm_nodes.items[0], "127.0.0.1");
    assert_int_equal(c.remarks.count, 0);
}

/* Two worlds' line ends, and a mark in front. */
static void other_editors(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBFoms_meta_host: db.example.com\r\noms_meta_port: 3306\r\n"
        "oms_meta_user: oms\r\noms_meta_password: a b\r\ndrc_rm_db: rm\r\n"
        "drc_cm_db: cm\r\ndrc_cm_heartbeat_db: hb\r\ncm_nodes:\r\n- 127.0.0.1\r\n";
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(oms_config_parse(text, strlen(text), NAME, &c, &err), &err);
    assert_string_equal(c.meta_host, "db.example.com");
    assert_string_equal(c.meta_password.bytes, "a b");
    assert_string_equal(c.cm_nodes.items[0], "127.0.0.1");
}

/* What omslaunch does not act on is OMS's own matter. */
static void unread_keys_are_not_judged(void **state)
{
    static const char *const more[] = {
        "cm_is_default: on\n",
        "cm_is_default: 1\n",
        "cm_is_default: [x]\n",
        "tsdb_password: \"a\\0b\"\n",
        "'': x\n",
        "x: {y: 1, y: 2}\n",
        "1: 2\n",
        "cm_region_cn: \xE6\xB5\xB7\xEF\xBC\x8C\xE5\x8D\x97\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        AUTO_OMS_CONFIG struct oms_config c = {0};
        struct lines l = good;
        struct err err = ERR_INIT;

        l.more = more[i];
        assert_ok(parse_lines(&l, &c, &err), &err);
        assert_true(c.cm_is_default);
        assert_int_equal(c.remarks.count, 0);
    }
}

static void default_region(void **state)
{
    static const char *const no[] = {"false", "False", "no", "off", "!!bool 'false'", "'0'"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        AUTO_FREE char *line = mem_printf("cm_is_default: %s\n", no[i]);
        AUTO_OMS_CONFIG struct oms_config c = {0};
        struct lines l = good;
        struct err err = ERR_INIT;

        l.more = line;
        assert_ok(parse_lines(&l, &c, &err), &err);
        assert_false(c.cm_is_default);
    }
}

static void keys_given_twice(void **state)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct lines l = good;
    struct err err = ERR_INIT;

    (void)state;
    l.more = "tsdb_url: a\ndrc_rm_db: 'rm_331'\ntsdb_url: b\n";
    assert_ok(parse_lines(&l, &c, &err), &err);
    assert_int_equal(c.remarks.count, 2);
    assert_string_equal(c.remarks.items[0],
                        "key 'drc_rm_db' is given twice, on lines 5 and 9: the last counts");
    assert_string_equal(c.remarks.items[1],
                        "key 'tsdb_url' is given twice, on lines 8 and 10: the last counts");
    l.more = "oms_meta_password: other\n";
    assert_refused(&l, NAME ":8: key 'oms_meta_password' is given twice, with another value on "
                            "line 4\nHINT: OMS takes the last one; remove the other on the host");
}

static void commas_after_nodes(void **state)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct lines l = good;
    struct err err = ERR_INIT;

    (void)state;
    l.more = "cm_nodes:\n- 127.0.0.1,\n- 127.0.0.2\xEF\xBC\x8C\n- 127.0.0.3\n";
    assert_ok(parse_lines(&l, &c, &err), &err);
    assert_string_equal(c.cm_nodes.items[0], "127.0.0.1");
    assert_string_equal(c.cm_nodes.items[1], "127.0.0.2");
    assert_int_equal(c.remarks.count, 2);
    assert_string_equal(c.remarks.items[0],
                        "entry 1 of 'cm_nodes' (line 8) ends with a comma, read as '127.0.0.1'");
    l.more = "cm_nodes:\n- 127.0.0.1,127.0.0.2\n";
    assert_refused(&l, NAME ":8: entry 1 of 'cm_nodes' holds ',', expected the address of a "
                            "host" HINT);
    l.more = "cm_nodes:\n- \n- ','\n";
    assert_refused(&l, NAME ": entry 1 of 'cm_nodes' is no text, expected the address of a "
                            "host" HINT);
}

/* Typed with an input method, or copied from a page. */
static void other_characters(void **state)
{
#define ANEW "HINT: type that line anew on the host, with an English keyboard"
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"drc_rm_db\xEF\xBC\x9A rm_331\n",
         ":5: a full-width ':' (U+FF1A) stands where YAML needs an ASCII character\n" ANEW},
        {"drc_rm_db\xEF\xBC\x9Arm_331 # x: y\n",
         ":5: a full-width ':' (U+FF1A) stands where YAML needs an ASCII character\n" ANEW},
        {"\xC2\xA0"
         "drc_rm_db: rm_331\n",
         ":5: a no-break space (U+00A0) stands where YAML needs an ASCII character\n" ANEW},
        {"drc_rm_db:\xC2\xA0rm_331\n",
         ":5: a no-break space (U+00A0) stands where YAML needs an ASCII character\n" ANEW},
        {"\xEF\xBB\xBF"
         "drc_rm_db: rm_331\n",
         ":5: a byte order mark (U+FEFF) stands where YAML needs an ASCII character\n" ANEW},
        {"\xE2\x80\x9C"
         "drc_rm_db\xE2\x80\x9D: rm_331\n",
         ":5: a curly quote (U+201C) stands where YAML needs an ASCII character\n" ANEW},
        {"drc_rm_db:rm_331\n", ":5: there is no blank after the colon of 'drc_rm_db'\n"
                               "HINT: write 'drc_rm_db: VALUE'"},
        {"drc_rm_db: rm_331\xC2\xA0\n",
         ":5: key 'drc_rm_db' holds a no-break space (U+00A0), expected the name of a "
         "database" HINT},
        {"drc_rm_db: \xE2\x80\x9Crm_331\xE2\x80\x9D\n",
         ":5: key 'drc_rm_db' holds a curly quote (U+201C), expected the name of a database" HINT},
        {"drc_rm_db: \"rm\\n331\"\n",
         ":5: key 'drc_rm_db' holds a control character (U+000A), expected the name of a "
         "database" HINT},
        {"drc_rm_db: 'rm_331 '\n",
         ":5: key 'drc_rm_db' ends with a blank, expected the name of a database" HINT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *expected = mem_printf(NAME "%s", cases[i].expected);
        struct lines l = good;

        l.rm = cases[i].line;
        assert_refused(&l, expected);
    }
}

/* No string of several parameters ever reaches the client library. */
static void hosts(void **state)
{
    static const char *const right[] = {"127.0.0.1",    "db-1.example.com", "::1",
                                        "fe80::1%eth0", "[2001:db8::1]",    "my_db"};
    static const struct {
        const char *host, *why;
    } wrong[] = {
        {"host=a;port=1", "holds '='"},
        {"a;local-infile=1", "holds ';'"},
        {"/var/run/mysqld.sock", "holds '/'"},
        {"'a b'", "holds ' '"},
        {"127.0.0.1,", "holds ','"},
        {"\"a\\tb\"", "holds a control character (U+0009)"},
        {"127\xEF\xBC\x8E"
         "1",
         "holds a full-width '.' (U+FF0E)"},
        {"d\xC3\xBC"
         "b",
         "holds '\xC3\xBC'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        AUTO_FREE char *line = mem_printf("oms_meta_host: '%s'\n", right[i]);
        AUTO_OMS_CONFIG struct oms_config c = {0};
        struct lines l = good;
        struct err err = ERR_INIT;

        l.host = line;
        assert_ok(parse_lines(&l, &c, &err), &err);
        assert_string_equal(c.meta_host, right[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_FREE char *line = mem_printf("oms_meta_host: %s\n", wrong[i].host);
        AUTO_FREE char *expected =
            mem_printf(NAME ":1: key 'oms_meta_host' %s, expected the address of the MetaDB" HINT,
                       wrong[i].why);
        struct lines l = good;

        l.host = line;
        assert_refused(&l, expected);
    }
}

static void compare(const char *a, const char *b, const char *expected)
{
    AUTO_STR struct str one = STR_INIT;
    AUTO_STR struct str other = STR_INIT;
    AUTO_STR struct str list = STR_INIT;
    AUTO_STRV struct strv keys = STRV_INIT;
    struct err err = ERR_INIT;

    str_append(&one, a);
    str_append(&other, b);
    assert_ok(oms_config_compare(&one, &other, &keys, &err), &err);
    for (size_t i = 0; i < keys.count; i++) {
        str_appendf(&list, "%s ", keys.items[i]);
    }
    assert_string_equal(str_get(&list), expected);
}

static void two_files(void **state)
{
    (void)state;
    compare("a: 1\nb: x\n", "# edited\n\"b\": 'x'\na: !!int \"1\"\nc:\n", "");
    compare("a: yes\n", "a: True\n", "");
    compare("a: 1\na: 2\n", "a: 2\n", "");
    compare("a: 1\nb: x\n", "a: 2\nc: y\n", "a b c ");
    compare("l: [1, 2]\n", "l:\n- 2\n- 1\n", "l ");
    compare("a: on\n", "a: off\n", "a ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least),
        cmocka_unit_test(the_most),
        cmocka_unit_test(keys_without_value_are_optional),
        cmocka_unit_test(digest_is_of_the_bytes),
        cmocka_unit_test(empty_password_must_be_written),
        cmocka_unit_test(absent_keys),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(empty_files),
        cmocka_unit_test(too_large),
        cmocka_unit_test(broken_yaml),
        cmocka_unit_test(deployment_tool),
        cmocka_unit_test(other_editors),
        cmocka_unit_test(unread_keys_are_not_judged),
        cmocka_unit_test(default_region),
        cmocka_unit_test(keys_given_twice),
        cmocka_unit_test(commas_after_nodes),
        cmocka_unit_test(other_characters),
        cmocka_unit_test(hosts),
        cmocka_unit_test(two_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
