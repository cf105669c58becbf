/* Help, man page and completions: all that the tables hold, and in a form that can be read. */
#include "launcher/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/exit_code.h"
#include "tests/unit/unit.h"

#define WIDTH 80

/* Characters, not bytes. */
static size_t width_of(const char *line, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++) {
        width += ((unsigned char)line[i] & 0xC0) != 0x80;
    }
    return width;
}

/* No line is too wide or ends in a space, and the text ends in one newline. */
static void assert_readable(const char *text)
{
    size_t len = strlen(text);

    assert_true(len > 2 && text[len - 1] == '\n' && text[len - 2] != '\n');
    while (*text != '\0') {
        size_t line = strcspn(text, "\n");
        if (width_of(text, line) > WIDTH) {
            fail_msg("too wide: %.*s", (int)line, text);
        }
        if (line > 0 && text[line - 1] == ' ') {
            fail_msg("ends in a space: '%.*s'", (int)line, text);
        }
        assert_null(memchr(text, '\t', line));
        text += line + 1;
    }
}

static void test_overview(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    size_t count;

    help_overview(HELP_WIDTH, &text);
    assert_readable(str_get(&text));
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *line = mem_printf("\n  %s ", commands[i].name);
        assert_non_null(strstr(str_get(&text), line));
        /* What does not fit goes on below itself. */
        AUTO_FREE char *first = mem_strndup(commands[i].summary, 20);
        assert_non_null(strstr(str_get(&text), first));
    }
    const struct exit_code_row *codes = exit_code_table(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *line = mem_printf("\n  %-4s%s\n", codes[i].codes, codes[i].meaning);
        assert_non_null(strstr(str_get(&text), line));
    }
}

/* In full: "--host" is not in "--host-ip". */
static bool has_word(const char *text, const char *word)
{
    for (const char *hit = strstr(text, word); hit != NULL; hit = strstr(hit + 1, word)) {
        if (strchr(" \n", hit[strlen(word)]) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_commands(void **state)
{
    (void)state;
    size_t command_count;
    size_t option_count;
    const struct command *commands = command_table(&command_count);
    const struct option_row *rows = option_table(&option_count);

    for (size_t c = 0; c < command_count; c++) {
        AUTO_STR struct str text = STR_INIT;
        AUTO_FREE char *usage = mem_printf("Usage: omslaunch %s ", commands[c].name);

        help_command(&commands[c], HELP_WIDTH, &text);
        assert_readable(str_get(&text));
        assert_memory_equal(str_get(&text), usage, strlen(usage));
        for (size_t i = 0; i < option_count; i++) {
            AUTO_FREE char *option =
                mem_printf(" --%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
                           rows[i].value != NULL ? rows[i].value : "");
            bool listed = has_word(str_get(&text), option);
            assert_true(listed == ((rows[i].commands & commands[c].bit) != 0));
        }
    }
}

/* ---- man ---- */

static void test_man(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    size_t count;

    help_man(&text);
    const char *man = str_get(&text);
    assert_memory_equal(man, ".TH OMSLAUNCH 1 ", 16);
    static const char *const sections[] = {"NAME",        "SYNOPSIS",    "DESCRIPTION", "COMMANDS",
                                           "EXIT STATUS", "ENVIRONMENT", "FILES",       "SEE ALSO"};
    const char *at = man;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        AUTO_FREE char *line = mem_printf("\n.SH %s\n", sections[i]);
        at = strstr(at, line);
        assert_non_null(at);
    }
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *line = mem_printf("\n.SS omslaunch %s", commands[i].name);
        assert_non_null(strstr(man, line));
    }
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str name = STR_INIT;
        for (const char *p = rows[i].name; *p != '\0'; p++) {
            str_appendf(&name, *p == '-' ? "\\%c" : "%c", *p);
        }
        AUTO_FREE char *option = mem_printf("\\fB\\-\\-%s\\fR", str_get(&name));
        assert_non_null(strstr(man, option));
    }
}

/* A line that begins with a dot is a request: only those that we mean. */
static void test_man_requests(void **state)
{
    (void)state;
    AUTO_STR struct str text = STR_INIT;
    static const char *const known[] = {".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B ", ".I ", ".BR "};

    help_man(&text);
    for (const char *line = str_get(&text); *line != '\0'; line += strcspn(line, "\n") + 1) {
        bool fine = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            fine = fine || str_starts_with(line, known[i]);
        }
        if (!fine) {
            fail_msg("no request of ours: %.60s", line);
        }
        assert_true(line[0] != '\n');
    }
}

/* ---- completions ---- */

static void assert_shell_reads(const char *shell, const char *text)
{
    char path[] = "/tmp/omsl-completion.XXXXXX";
    int fd = mkstemp(path);
    AUTO_FREE char *has = mem_printf("command -v %s >/dev/null", shell);
    AUTO_FREE char *command = mem_printf("%s -n %s", shell, path);

    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (system(has) == 0) {
        assert_int_equal(system(command), 0);
    }
    assert_int_equal(remove(path), 0);
}

static void test_completions(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    size_t command_count;
    size_t option_count;
    const struct command *commands = command_table(&command_count);
    const struct option_row *rows = option_table(&option_count);

    for (size_t s = 0; s < ARRAY_LEN(shells); s++) {
        AUTO_STR struct str text = STR_INIT;
        assert_int_equal(help_completion(shells[s], &text), 0);
        for (size_t i = 0; i < command_count; i++) {
            assert_non_null(strstr(str_get(&text), commands[i].name));
        }
        for (size_t i = 0; i < option_count; i++) {
            AUTO_FREE char *option =
                mem_printf(str_eq(shells[s], "fish") ? "-l %s" : "--%s", rows[i].name);
            assert_non_null(strstr(str_get(&text), option));
        }
        assert_shell_reads(shells[s], str_get(&text));
    }
    AUTO_STR struct str none = STR_INIT;
    assert_int_equal(help_completion("tcsh", &none), -1);
    assert_int_equal(none.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overview),    cmocka_unit_test(test_commands),
        cmocka_unit_test(test_man),         cmocka_unit_test(test_man_requests),
        cmocka_unit_test(test_completions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
