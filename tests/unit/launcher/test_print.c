#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "launcher/base/foreign.h"
#include "launcher/base/json.h"
#include "launcher/print.h"

/* What `print` sends to stdout; good until the next call. */
static const char *heard(void (*print)(void))
{
    static char text[1000];
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(pipe_fds[1], STDOUT_FILENO) >= 0);
    print();
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    close(pipe_fds[1]);
    ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);
    close(pipe_fds[0]);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void speak(void)
{
    print_line("%s|%s", "a\033[2Jb\nc", "\xd6\xd0 pa55word");
    print_lines("%s", "one\n\033]0;t\atwo");
    print_text("three\u202E\n");
}

static void test_all_text_passes_the_gate(void **state)
{
    (void)state;
    foreign_hide("pa55word", 8);
    assert_string_equal(heard(speak), "ab c|\uFFFD\uFFFD ***\none\ntwo\nthree\n");
    foreign_forget();
}

static void speak_json(void)
{
    AUTO_JSON json_t *j = json_make("[s, s]", "\033 \x7f \xc2\x9b \u202E", "\U000E0041 移😀");
    print_json(j);
}

/* Nothing steers a terminal, and nothing is lost. */
static void test_json_is_escaped(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_JSON json_t *back = NULL;
    const char *text = heard(speak_json);
    assert_string_equal(text, "[\n  \"\\u001B \\u007F \\u009B \\u202E\",\n"
                              "  \"\\uDB40\\uDC41 移😀\"\n]\n");
    assert_ok(json_parse(text, strlen(text), "it", &back, &err), &err);
    assert_string_equal(json_string_value(json_array_get(back, 1)), "\U000E0041 移😀");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_text_passes_the_gate),
        cmocka_unit_test(test_json_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
