/* The option table: each row parsed, each wrong word told, nothing named twice. */
#include "launcher/options.h"

#include <string.h>

#include "launcher/command.h"
#include "tests/unit/unit.h"

/* ---- the table ---- */

static void test_each_row_is_whole(void **state)
{
    (void)state;
    size_t count;
    const struct option_row *rows = option_table(&count);

    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        const struct option_row *row = &rows[i];
        assert_true(strlen(row->name) > 1);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
        assert_true(strlen(row->help) > 5);
        assert_null(strstr(row->help, "  "));
        assert_true((row->value == NULL) == (row->kind == OPTION_FLAG));
        assert_true(row->choices == NULL || row->kind == OPTION_TEXT);
        assert_true(row->commands != 0 && (row->commands & ~(unsigned)CMD_ALL) == 0);
        assert_true(row->offset < sizeof(struct options));
    }
}

static void test_nothing_is_named_twice(void **state)
{
    (void)state;
    size_t count;
    const struct option_row *rows = option_table(&count);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(rows[i].name, rows[k].name);
            assert_true(rows[i].letter == '\0' || rows[i].letter != rows[k].letter);
            assert_true(rows[i].offset != rows[k].offset);
        }
    }
}

/* ---- parsing ---- */

static int parse(struct options *ret, struct err *err, const char *const *words)
{
    char *argv[16];
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc];
    }
    return options_parse(argc, argv, ret, err);
}

#define PARSE(ret, err, ...) parse((ret), (err), (const char *const[]){__VA_ARGS__, NULL})

/* A value that fits the kind of a row; the first choice where there are some. */
static char *fitting_value(const struct option_row *row)
{
    if (row->choices != NULL) {
        return mem_strndup(row->choices, strcspn(row->choices, "|"));
    }
    return mem_strdup(row->kind == OPTION_NUMBER ? "7" : row->kind == OPTION_DURATION ? "7s" : "v");
}

static void assert_stored(const struct option_row *row, const struct options *o, const char *value)
{
    const void *slot = (const char *)o + row->offset;
    const struct strv *list = slot;
    uint64_t number;

    switch (row->kind) {
    case OPTION_FLAG:
        assert_true(*(const bool *)slot);
        break;
    case OPTION_TEXT:
        assert_string_equal(*(const char *const *)slot, value);
        break;
    case OPTION_LIST:
        assert_int_equal(list->count, 1);
        assert_string_equal(list->items[0], value);
        break;
    case OPTION_DURATION:
    case OPTION_NUMBER:
        memcpy(&number, slot, sizeof(number));
        assert_int_equal(number, row->kind == OPTION_NUMBER ? 7 : 7000);
        break;
    case OPTION_KIND_MAX:
    default:
        fail();
    }
}

static void test_each_option_is_parsed(void **state)
{
    (void)state;
    size_t count;
    const struct option_row *rows = option_table(&count);

    for (size_t i = 0; i < count; i++) {
        const struct option_row *row = &rows[i];
        AUTO_FREE char *value = fitting_value(row);
        AUTO_FREE char *name = mem_printf("--%s", row->name);
        AUTO_FREE char *joined = mem_printf("--%s=%s", row->name, value);
        AUTO_FREE char *letter = mem_printf("-%c", row->letter);
        AUTO_FREE char *letter_joined = mem_printf("-%c%s", row->letter, value);
        struct err err = ERR_INIT;
        bool flag = row->kind == OPTION_FLAG;
        AUTO_OPTIONS struct options apart = {.tag = NULL};
        AUTO_OPTIONS struct options one_word = {.tag = NULL};
        AUTO_OPTIONS struct options short_apart = {.tag = NULL};
        AUTO_OPTIONS struct options short_one_word = {.tag = NULL};

        assert_ok(flag ? PARSE(&apart, &err, name) : PARSE(&apart, &err, name, value), &err);
        assert_stored(row, &apart, value);
        assert_int_equal(apart.arguments.count, 0);
        if (!flag) {
            assert_ok(PARSE(&one_word, &err, joined), &err);
            assert_stored(row, &one_word, value);
        }
        if (row->letter == '\0') {
            continue;
        }
        assert_ok(flag ? PARSE(&short_apart, &err, letter)
                       : PARSE(&short_apart, &err, letter, value),
                  &err);
        assert_stored(row, &short_apart, value);
        if (!flag) {
            assert_ok(PARSE(&short_one_word, &err, letter_joined), &err);
            assert_stored(row, &short_one_word, value);
        }
    }
}

static void test_defaults(void **state)
{
    (void)state;
    AUTO_OPTIONS struct options o = {.tag = "never"};
    struct err err = ERR_INIT;

    assert_ok(PARSE(&o, &err, "runs"), &err);
    assert_null(o.tag);
    assert_int_equal(o.stop_timeout_ms, 300000);
    assert_int_equal(o.health_timeout_ms, 900000);
    assert_int_equal(o.lock_wait_ms, 0);
    assert_int_equal(o.refetch_reserve_min, 30);
    assert_string_equal(o.on_failure, "rollback");
    assert_string_equal(o.output, "text");
    assert_string_equal(o.log_level, "info");
    assert_string_equal(o.log_format, "text");
    assert_false(o.yes || o.quiet || o.dry_run || o.help || o.version);
}

static void test_arguments_and_order(void **state)
{
    (void)state;
    AUTO_OPTIONS struct options o = {.tag = NULL};
    struct err err = ERR_INIT;

    assert_ok(PARSE(&o, &err, "-q", "upgrade", "--tag", "--odd", "oms_331", "-", "-e", "A=1",
                    "-eB=2", "--tag=last=one", "--", "--quiet", "--"),
              &err);
    assert_int_equal(o.arguments.count, 5);
    assert_string_equal(o.arguments.items[0], "upgrade");
    assert_string_equal(o.arguments.items[1], "oms_331");
    assert_string_equal(o.arguments.items[2], "-");
    assert_string_equal(o.arguments.items[3], "--quiet");
    assert_string_equal(o.arguments.items[4], "--");
    assert_string_equal(o.tag, "last=one");
    assert_int_equal(o.set_env.count, 2);
    assert_string_equal(o.set_env.items[1], "B=2");
}

static void test_wrong_words(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"--xyzzy", NULL, "unknown option '--xyzzy'\nHINT: 'omslaunch --help' lists all options"},
        {"--nope", NULL, "unknown option '--nope'\nHINT: did you mean --node?"},
        {"--ta", NULL, "unknown option '--ta'\nHINT: did you mean --tag?"},
        {"--dryrun=1", NULL, "unknown option '--dryrun=1'\nHINT: did you mean --dry-run?"},
        {"--helath-timeout", NULL,
         "unknown option '--helath-timeout'\nHINT: did you mean --health-timeout?"},
        {"--=x", NULL, "unknown option '--=x'\nHINT: 'omslaunch --help' lists all options"},
        {"-Z", NULL, "unknown option '-Z'\nHINT: 'omslaunch --help' lists all options"},
        {"--tag", NULL, "--tag has no value\nHINT: it takes a TAG"},
        {"-t", NULL, "--tag has no value\nHINT: it takes a TAG"},
        {"--tag=", NULL, "--tag is empty\nHINT: it takes a TAG"},
        {"--tag", "", "--tag is empty\nHINT: it takes a TAG"},
        {"--quiet=yes", NULL,
         "--quiet takes no value, but '--quiet=yes' gives one\nHINT: leave it out"},
        {"-qy", NULL, "--quiet takes no value, but '-qy' gives one\nHINT: leave it out"},
        {"--on-failure", "explode",
         "--on-failure 'explode' is not known\nHINT: it takes rollback|hold"},
        {"--on-failure", "roll", "--on-failure 'roll' is not known\nHINT: it takes rollback|hold"},
        {"--log-level=loud", NULL,
         "--log-level 'loud' is not known\nHINT: it takes error|warn|info|debug"},
        {"--refetch-reserve", "x",
         "--refetch-reserve 'x' is no number from 0 to 100000\n"
         "HINT: write a whole number, in digits alone"},
        {"--refetch-reserve", "100001",
         "--refetch-reserve '100001' is no number from 0 to 100000\n"
         "HINT: write a whole number, in digits alone"},
        {"--health-timeout", "0",
         "--health-timeout '0' leaves no time\nHINT: write a number and a unit: 90s, 15m, 2h"},
        {"--state-dir", "/tmp/\xff",
         "the argument '/tmp/\xEF\xBF\xBD' is not UTF-8\n"
         "HINT: spell it in UTF-8, or rename the file"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OPTIONS struct options o = {.tag = NULL};
        struct err err = ERR_INIT;

        assert_fails(cases[i][1] == NULL ? PARSE(&o, &err, cases[i][0])
                                         : PARSE(&o, &err, cases[i][0], cases[i][1]));
        assert_err(&err, ERR_USAGE, cases[i][2]);
    }
}

/* The form of the answer counts wherever it stands; the last that is one. */
static void test_output_of_a_wrong_line(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        const char *output;
        size_t arguments;
    } cases[] = {
        {{"-o", "json", "runs", "--nope", NULL}, "json", 1},
        {{"runs", "--nope", "-o", "json", NULL}, "json", 1},
        {{"runs", "--nope", "oms", "--output=json", NULL}, "json", 1},
        {{"--keep", "x", "prune", "-ojson", NULL}, "json", 0},
        {{"runs", "-o", "json", "--tag", NULL}, "json", 1},
        {{"runs", "-o", "json", "--output", "xml", NULL}, "json", 1},
        {{"runs", "-o", "json", "-o", "text", "--nope", NULL}, "text", 1},
        {{"runs", "-o", "xml", NULL}, "text", 1},
        {{"runs", "--nope", "--", "-o", "json", NULL}, "text", 1},
        {{"runs", "--nope", "--tag", "-o", "json", NULL}, "text", 1},
        {{"runs", "--nope", "-o", NULL}, "text", 1},
        {{"runs", "/tmp/\xff", "-o", "json", NULL}, "json", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_OPTIONS struct options o = {.tag = NULL};
        struct err err = ERR_INIT;

        assert_fails(parse(&o, &err, cases[i].words));
        assert_string_equal(o.output, cases[i].output);
        assert_int_equal(o.arguments.count, cases[i].arguments);
    }
}

static void test_wrong_durations(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "x", "5 m", "-1", "1y", "99999999999999999999s"};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_OPTIONS struct options o = {.tag = NULL};
        struct err err = ERR_INIT;

        assert_fails(PARSE(&o, &err, "--stop-timeout", wrong[i]));
        assert_int_equal((int)err.kind, ERR_USAGE);
        assert_memory_equal(err.text, "--stop-timeout '", 16);
        assert_true(err.hint[0] != '\0');
    }
}

/* ---- which command takes what ---- */

static int check(unsigned command, const char *name, struct err *err, const char *const *words)
{
    char *argv[16];
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc];
    }
    return options_check_command(argc, argv, command, name, err);
}

#define CHECK(command, name, err, ...) \
    check((command), (name), (err), (const char *const[]){__VA_ARGS__, NULL})

static void test_each_option_at_each_command(void **state)
{
    (void)state;
    size_t option_count;
    size_t command_count;
    const struct option_row *rows = option_table(&option_count);
    const struct command *commands = command_table(&command_count);

    for (size_t c = 0; c < command_count; c++) {
        for (size_t i = 0; i < option_count; i++) {
            AUTO_FREE char *name = mem_printf("--%s", rows[i].name);
            struct err err = ERR_INIT;
            int rc = CHECK(commands[c].bit, commands[c].name, &err, commands[c].name, name, "v");
            if ((rows[i].commands & commands[c].bit) != 0) {
                assert_int_equal(rc, 0);
                continue;
            }
            AUTO_FREE char *expected = mem_printf(
                "'%s' does not take --%s\nHINT: 'omslaunch %s --help' lists what it takes",
                commands[c].name, rows[i].name, commands[c].name);
            assert_int_equal(rc, -1);
            assert_err(&err, ERR_USAGE, expected);
        }
    }
}

static void test_values_are_no_options(void **state)
{
    (void)state;
    struct err err = ERR_INIT;

    /* "--tag" is here the value of --state-dir, and after "--" nothing is an option. */
    assert_ok(CHECK(CMD_RUNS, "runs", &err, "runs", "--state-dir", "--tag", "--", "--tag"), &err);
}

/* ---- commands ---- */

static void test_commands(void **state)
{
    (void)state;
    size_t count;
    const struct command *commands = command_table(&count);
    unsigned seen = 0;

    for (size_t i = 0; i < count; i++) {
        const struct command *c = &commands[i];
        assert_ptr_equal(command_find(c->name), c);
        assert_int_equal(seen & c->bit, 0);
        seen |= c->bit;
        assert_non_null(c->run);
        assert_true(c->min_arguments <= c->max_arguments);
        assert_true((c->max_arguments == 0) == (c->arguments[0] == '\0'));
        assert_true(strlen(c->summary) > 10 && strlen(c->text) > 20);
    }
    assert_int_equal(seen, CMD_ALL);
    assert_null(command_find("nope"));
    assert_null(command_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_is_whole),
        cmocka_unit_test(test_nothing_is_named_twice),
        cmocka_unit_test(test_each_option_is_parsed),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_arguments_and_order),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_output_of_a_wrong_line),
        cmocka_unit_test(test_wrong_durations),
        cmocka_unit_test(test_each_option_at_each_command),
        cmocka_unit_test(test_values_are_no_options),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
