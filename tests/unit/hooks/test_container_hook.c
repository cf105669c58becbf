/* Hooks inside a container: output as clean lines, exit codes, and what cannot be watched. */
#include "hooks/container_hook.h"

#include "tests/unit/engine/fake_engine.h"

static void note_line(void *arg, const char *line)
{
    str_appendf(arg, "<%s>", line);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
#define CREATED                                                \
    {                                                          \
        .expect = "POST /v1.41/containers/c/exec ",            \
        .bytes = FAKE_JSON("201 Created", "{\"Id\":\"ab12\"}") \
    }
/* Frames: stream number and text, as the engine sends them. */
static void add_frame(struct str *s, char stream, const char *text, size_t len)
{
    const char head[8] = {stream, 0, 0, 0, 0, 0, (char)(len >> 8), (char)len};

    str_append_n(s, head, sizeof(head));
    str_append_n(s, text, len);
}

static void add_text(struct str *s, char stream, const char *text)
{
    add_frame(s, stream, text, strlen(text));
}

/* Runs a hook whose output is `frames`; the lines go to `seen`. */
static int run(const struct str *frames, const char *end_body, size_t split, struct str *seen,
               int *ret_code, struct err *err)
{
    static const char *const argv[] = {"bash", "/x.sh", NULL};
    AUTO_STR struct str output = STR_INIT;
    struct fake f;

    str_append(&output, HEAD);
    str_append_n(&output, frames->data, frames->len);
    const struct fake_reply replies[] = {
        FAKE_PING,
        CREATED,
        {.expect = "POST /v1.41/exec/ab12/start ",
         .bytes = output.data,
         .len = output.len,
         .split = split},
        {.expect = "GET /v1.41/exec/ab12/json ", .bytes = end_body, .optional = true},
    };
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    const struct container_hook hook = {.container = "c",
                                        .argv = argv,
                                        .timeout_ms = 5000,
                                        .on_line = seen ? note_line : NULL,
                                        .arg = seen};
    AUTO_FREE char *exec_id = NULL;
    assert_ok(container_hook_create(e, &hook, &exec_id, err), err);
    assert_string_equal(exec_id, "ab12");
    int rc = container_hook_run(e, &hook, exec_id, ret_code, err);
    fake_end(&f);
    return rc;
}

#define EXIT(code) FAKE_JSON("200 OK", "{\"Running\":false,\"ExitCode\":" code ",\"Pid\":7}")

static void test_lines(void **state)
{
    (void)state;
    AUTO_STR struct str frames = STR_INIT;
    int code = -1;
    struct err err = ERR_INIT;

    add_text(&frames, 1, "one\ntw");
    add_text(&frames, 2, "err");
    add_text(&frames, 1, "o\n\nlast");
    add_text(&frames, 2, "or\n");
    /* Each stream is cut into lines of its own; what has no end ends with the output. */
    for (size_t split = 0; split < 4; split++) {
        AUTO_STR struct str seen = STR_INIT;
        assert_ok(run(&frames, EXIT("0"), split, &seen, &code, &err), &err);
        assert_string_equal(str_get(&seen), "<one><two><><error><last>");
        assert_int_equal(code, 0);
    }
}

static void test_exit_code_is_no_error(void **state)
{
    (void)state;
    AUTO_STR struct str frames = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    int code = -1;
    struct err err = ERR_INIT;

    add_text(&frames, 1, "no\n");
    assert_ok(run(&frames, EXIT("3"), 0, &seen, &code, &err), &err);
    assert_int_equal(code, 3);
    assert_string_equal(str_get(&seen), "<no>");
}

static void test_control_characters_are_dropped(void **state)
{
    (void)state;
    static const char text[] = "a\033[31mb\r\n\0c\td\x7f é\n";
    AUTO_STR struct str frames = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    int code = -1;
    struct err err = ERR_INIT;

    add_frame(&frames, 1, text, sizeof(text) - 1);
    assert_ok(run(&frames, EXIT("0"), 0, &seen, &code, &err), &err);
    assert_string_equal(str_get(&seen), "<ab><?c\td? é>");
}

static void test_long_lines_come_in_pieces(void **state)
{
    (void)state;
    AUTO_STR struct str frames = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    char text[10000];
    int code = -1;
    struct err err = ERR_INIT;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\n';
    add_frame(&frames, 1, text, sizeof(text));
    assert_ok(run(&frames, EXIT("0"), 0, &seen, &code, &err), &err);
    /* 4096 + 4096 + 1807, and three pairs of marks. */
    assert_int_equal(seen.len, 9999 + 6);
    assert_memory_equal(seen.data + 4096, "x><x", 4);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    AUTO_STR struct str frames = STR_INIT;
    int code = -1;
    struct err err = ERR_INIT;

    add_text(&frames, 1, "one\ntwo");
    assert_ok(run(&frames, EXIT("0"), 0, NULL, &code, &err), &err);
    assert_int_equal(code, 0);
}

static void test_output_is_cut_off(void **state)
{
    (void)state;
    AUTO_STR struct str frames = STR_INIT;
    AUTO_STR struct str seen = STR_INIT;
    int code = -1;
    struct err err = ERR_INIT;

    add_text(&frames, 1, "one\ntwo");
    frames.len -= 2;
    assert_fails(run(&frames, EXIT("0"), 0, &seen, &code, &err));
    assert_int_equal(code, -1);
    assert_int_equal((int)err.kind, ERR_UNREACHABLE);
    assert_string_equal(str_get(&seen), "<one><t>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_exit_code_is_no_error),
        cmocka_unit_test(test_control_characters_are_dropped),
        cmocka_unit_test(test_long_lines_come_in_pieces),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_output_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
