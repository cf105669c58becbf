#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/json.h"
#include "launcher/base/log.h"
#include "launcher/base/str.h"

/* stderr goes into a file or a terminal of ours while the log is spoken to. */
static struct str heard;

static void start_log(enum log_level level, bool json)
{
    const struct log_options options = {.level = level, .program = "omslaunch", .json = json};
    log_init(&options);
}

static int swap_stderr(int fd)
{
    (void)fflush(stderr);
    int old = dup(STDERR_FILENO);
    assert_true(old >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    return old;
}

static void restore_stderr(int old)
{
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    close(old);
}

static const char *hear(void (*speak)(void))
{
    FILE *f = tmpfile();
    assert_non_null(f);
    int old = swap_stderr(fileno(f));
    speak();
    restore_stderr(old);
    rewind(f);
    str_reset(&heard);
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) {
        str_append_c(&heard, (char)c);
    }
    (void)fclose(f);
    return str_get(&heard);
}

/* The same on a terminal `columns` wide; `init` runs there too, for the log looks at it once. */
static const char *hear_terminal(enum log_level level, unsigned short columns, void (*speak)(void))
{
    int ours = -1;
    int theirs = -1;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, &size), 0);
    int old = swap_stderr(theirs);
    start_log(level, false);
    speak();
    restore_stderr(old);
    close(theirs);
    str_reset(&heard);
    char piece[4096];
    for (ssize_t n = read(ours, piece, sizeof(piece)); n > 0;
         n = read(ours, piece, sizeof(piece))) {
        str_append_n(&heard, piece, (size_t)n);
    }
    close(ours);
    return str_get(&heard);
}

static void speak_all(void)
{
    struct err err = ERR_INIT;
    err_fail(&err, ERR_FAILED, "no '%s'", "x");
    log_err(&err);
    err_hint(&err, "make one");
    log_err(&err);
    log_error("e %d", 1);
    log_warn("w");
    log_info("i");
    log_debug("d");
}

static void test_text(void **state)
{
    (void)state;
    start_log(LOG_DEBUG, false);
    assert_string_equal(hear(speak_all), "omslaunch: error: no 'x'\n"
                                         "omslaunch: error: no 'x'\n"
                                         "HINT: make one\n"
                                         "omslaunch: error: e 1\n"
                                         "omslaunch: warning: w\n"
                                         "i\n"
                                         "omslaunch: debug: d\n");
}

static void speak_levels(void)
{
    log_error("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
}

static void test_levels(void **state)
{
    (void)state;
    start_log(LOG_ERROR, false);
    assert_string_equal(hear(speak_levels), "omslaunch: error: e\n");
    start_log(LOG_WARN, false);
    assert_string_equal(hear(speak_levels), "omslaunch: error: e\nomslaunch: warning: w\n");
    start_log(LOG_INFO, false);
    assert_string_equal(hear(speak_levels), "omslaunch: error: e\nomslaunch: warning: w\ni\n");
    assert_int_equal((int)log_get_level(), LOG_INFO);
    assert_int_equal(log_level_from_name("error"), LOG_ERROR);
    assert_int_equal(log_level_from_name("warn"), LOG_WARN);
    assert_int_equal(log_level_from_name("warning"), LOG_WARN);
    assert_int_equal(log_level_from_name("info"), LOG_INFO);
    assert_int_equal(log_level_from_name("debug"), LOG_DEBUG);
    assert_int_equal(log_level_from_name("Debug"), -1);
    assert_int_equal(log_level_from_name(""), -1);
}

static void speak_steering(void)
{
    log_info("a\033[2Jb\rc\x7f"
             "d\xc2\x9b"
             "e\tf\ng é");
}

static void test_terminals_cannot_be_steered(void **state)
{
    (void)state;
    start_log(LOG_INFO, false);
    assert_string_equal(hear(speak_steering), "ab?c?d?e\tf\ng é\n");
}

static void speak_bad_bytes(void)
{
    log_info("a \"quoted\"\nline \xff");
}

static void test_json(void **state)
{
    (void)state;
    start_log(LOG_WARN, true);
    const char *expected[][2] = {
        {"error", "no 'x'"}, {"error", "no 'x'"}, {"error", "e 1"}, {"warning", "w"}};
    char *rest = NULL;
    size_t count = 0;
    AUTO_FREE char *lines = mem_strdup(hear(speak_all));
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct err err = ERR_INIT;
        AUTO_JSON json_t *j = NULL;
        uint64_t when = 0;
        assert_true(count < ARRAY_LEN(expected));
        assert_ok(json_parse(line, strlen(line), "line", &j, &err), &err);
        assert_int_equal(clock_parse(json_text(j, "time", ""), &when), 0);
        assert_string_equal(json_text(j, "level", ""), expected[count][0]);
        assert_string_equal(json_text(j, "msg", ""), expected[count][1]);
        assert_string_equal(json_text(j, "hint", "none"), count == 1 ? "make one" : "none");
        count++;
    }
    assert_int_equal(count, ARRAY_LEN(expected));
    start_log(LOG_INFO, true);
    const char *line = hear(speak_bad_bytes);
    assert_non_null(strstr(line, "\"msg\":\"a \\\"quoted\\\"\\nline \uFFFD\"}\n"));
}

static void speak_colours(void)
{
    struct err err = {.kind = ERR_FAILED, .text = "bad", .hint = "good"};
    log_err(&err);
    log_info("plain");
}

static void test_colour_only_where_wanted(void **state)
{
    (void)state;
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    assert_string_equal(hear_terminal(LOG_INFO, 80, speak_colours),
                        "omslaunch: \033[1;31merror:\033[0m bad\r\n"
                        "\033[36mHINT:\033[0m good\r\n"
                        "plain\r\n");
    setenv("NO_COLOR", "1", 1);
    assert_string_equal(hear_terminal(LOG_INFO, 80, speak_colours),
                        "omslaunch: error: bad\r\nHINT: good\r\nplain\r\n");
    setenv("NO_COLOR", "", 1); /* no-color.org: empty means not set */
    assert_non_null(strstr(hear_terminal(LOG_INFO, 80, speak_colours), "\033[1;31m"));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_string_equal(hear_terminal(LOG_INFO, 80, speak_colours),
                        "omslaunch: error: bad\r\nHINT: good\r\nplain\r\n");
    setenv("TERM", "xterm", 1);
    start_log(LOG_INFO, false);
    assert_string_equal(hear(speak_colours), "omslaunch: error: bad\nHINT: good\nplain\n");
}

/* Time is what decides, so the struct's own times are set back instead of waiting. */
static void update(struct log_progress *p, uint64_t ago_ms, uint64_t done, uint64_t total)
{
    p->printed_ms = clock_mono_ms() - ago_ms;
    log_progress_update(p, done, total);
}

static void speak_progress(void)
{
    struct log_progress p;
    log_progress_start(&p, "loading", true);
    log_progress_update(&p, 1, 10);
    update(&p, 4000, 1024, 4096);
    update(&p, 6000, 1024, 4096);
    update(&p, 0, 1024, 4096);
    update(&p, 6000, 1536, 0);
    log_progress_end(&p);
    log_progress_start(&p, "rows", false);
    update(&p, 6000, 5, 3);
    update(&p, 6000, UINT64_MAX / 2, UINT64_MAX);
    log_progress_end(&p);
}

static void test_progress_in_lines(void **state)
{
    (void)state;
    start_log(LOG_INFO, false);
    assert_string_equal(hear(speak_progress), "loading: 1.0 KiB of 4.0 KiB, 25 %\n"
                                              "loading: 1.5 KiB\n"
                                              "rows: 5 of 3, 100 %\n"
                                              "rows: 9223372036854775807 of "
                                              "18446744073709551615, 49 %\n");
    start_log(LOG_WARN, false);
    assert_string_equal(hear(speak_progress), "");
    start_log(LOG_INFO, true);
    assert_non_null(strstr(hear(speak_progress), "\"msg\":\"loading: 1.0 KiB of 4.0 KiB, 25 %\""));
}

static void speak_speed(void)
{
    struct log_progress p;
    log_progress_start(&p, "loading", true);
    p.started_ms -= 4000;
    update(&p, 6000, 8192, 16384);
    log_progress_end(&p);
}

static void test_progress_speed(void **state)
{
    (void)state;
    start_log(LOG_INFO, false);
    assert_string_equal(hear(speak_speed), "loading: 8.0 KiB of 16.0 KiB, 50 %, 2.0 KiB/s\n");
}

static void speak_bar(void)
{
    struct log_progress p;
    log_progress_start(&p, "loading", false);
    update(&p, 50, 1, 4);
    update(&p, 150, 1, 4);
    log_info("between");
    update(&p, 150, 4, 4);
    log_progress_end(&p);
    log_progress_end(&p);
}

static void test_progress_on_a_terminal(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    assert_string_equal(hear_terminal(LOG_INFO, 80, speak_bar),
                        "\r\033[Kloading  [######..................] 1 of 4, 25 %"
                        "\r\033[Kbetween\r\n"
                        "\r\033[Kloading  [########################] 4 of 4, 100 %"
                        "\r\033[K");
    assert_string_equal(hear_terminal(LOG_INFO, 21, speak_bar), "\r\033[Kloading  [######...."
                                                                "\r\033[Kbetween\r\n"
                                                                "\r\033[Kloading  [##########"
                                                                "\r\033[K");
    assert_string_equal(hear_terminal(LOG_WARN, 80, speak_bar), "");
    setenv("TERM", "dumb", 1);
    assert_string_equal(hear_terminal(LOG_INFO, 80, speak_bar), "between\r\n");
}

static void *speak_much(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        log_info("0123456789012345678901234567890123456789012345678901234567890123456789");
    }
    return NULL;
}

static void speak_together(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, speak_much, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void test_lines_stay_whole(void **state)
{
    (void)state;
    start_log(LOG_INFO, false);
    const char *text = hear(speak_together);
    assert_int_equal(strlen(text), 4 * 200 * 71);
    for (size_t i = 0; i < 4 * 200; i++) {
        assert_int_equal(text[i * 71 + 70], '\n');
        assert_int_equal(text[i * 71], '0');
    }
}

static int forget(void **state)
{
    (void)state;
    str_free(&heard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_terminals_cannot_be_steered),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_colour_only_where_wanted),
        cmocka_unit_test(test_progress_in_lines),
        cmocka_unit_test(test_progress_speed),
        cmocka_unit_test(test_progress_on_a_terminal),
        cmocka_unit_test(test_lines_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
