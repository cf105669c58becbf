/* Running commands, and reading logs and files: what comes over the wire, and how it may end. */
#include "launcher/engine/exec.h"

#include "launcher/base/clock.h"
#include "tests/unit/engine/fake_engine.h"
#include "tests/unit/engine/tar_make.h"

struct output {
    struct str text[3];
    bool stop;
};

static int take(void *arg, int stream, const char *bytes, size_t len)
{
    struct output *o = arg;

    str_append_n(&o->text[stream], bytes, len);
    return o->stop;
}

static void output_free(struct output *o)
{
    for (size_t i = 0; i < ARRAY_LEN(o->text); i++) {
        str_free(&o->text[i]);
    }
}
#define AUTO_OUTPUT CLEANUP(output_free)

static const char *const argv_init[] = {"bash", "/root/docker_init.sh", NULL};

#define CREATED                                                       \
    {                                                                 \
        .expect = "POST /v1.41/containers/oms_331/exec HTTP/1.1\r\n", \
        .bytes = FAKE_JSON("201 Created", "{\"Id\":\"ab12\"}")        \
    }
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
static const char framed[] = HEAD "\1\0\0\0\0\0\0\3one\2\0\0\0\0\0\0\4two\n";
#define STARTED                                                                \
    {                                                                          \
        .expect = "POST /v1.41/exec/ab12/start HTTP/1.1\r\n", .bytes = framed, \
        .len = sizeof(framed) - 1, .split = 3                                  \
    }
#define STATE(json)                                                                            \
    {                                                                                          \
        .expect = "GET /v1.41/exec/ab12/json HTTP/1.1\r\n", .bytes = FAKE_JSON("200 OK", json) \
    }

/* Runs docker_init.sh against `replies` (without the ping); the socket's name in errors is '@'. */
static int run(const struct fake_reply *replies, size_t count, struct output *out,
               uint64_t timeout_ms, char **ret_id, int *ret_code, struct err *err)
{
    static const char *const env[] = {"A=1", "B=x y", NULL};
    struct fake_reply all[FAKE_MAX] = {FAKE_PING};
    struct fake f;

    memcpy(all + 1, replies, count * sizeof(*replies));
    fake_start(&f, all, count + 1);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    const struct engine_exec exec = {.container = "oms_331",
                                     .argv = argv_init,
                                     .env = env,
                                     .timeout_ms = timeout_ms,
                                     .on_output = take,
                                     .arg = out};
    AUTO_FREE char *id = NULL;
    int rc = engine_exec_create(e, &exec, &id, err);
    if (rc == 0) {
        *ret_id = mem_strdup(id);
        rc = engine_exec_start(e, &exec, id, ret_code, err);
    }
    assert_non_null(
        strstr(str_get(&f.requests[1]),
               "\r\n\r\n{\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":false,"
               "\"Cmd\":[\"bash\",\"/root/docker_init.sh\"],\"Env\":[\"A=1\",\"B=x y\"]}"));
    if (count > 1) {
        assert_non_null(
            strstr(str_get(&f.requests[2]), "\r\n\r\n{\"Detach\":false,\"Tty\":false}"));
        assert_null(strstr(str_get(&f.requests[2]), "Upgrade"));
    }
    fake_end(&f);
    if (rc < 0) {
        err_mask(err, f.endpoint);
    }
    return rc;
}

static void test_run(void **state)
{
    /* The exit code comes a moment after the end of the output. */
    static const struct fake_reply replies[] = {
        CREATED, STARTED, STATE("{\"Running\":true,\"ExitCode\":null,\"Pid\":7}"),
        STATE("{\"Running\":true,\"ExitCode\":null,\"Pid\":7}"),
        STATE("{\"Running\":false,\"ExitCode\":0,\"Pid\":7}")};
    AUTO_OUTPUT struct output out = {.stop = false};
    AUTO_FREE char *id = NULL;
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    assert_ok(run(replies, ARRAY_LEN(replies), &out, 5000, &id, &code, &err), &err);
    assert_int_equal(code, 0);
    assert_string_equal(id, "ab12");
    assert_string_equal(str_get(&out.text[1]), "one");
    assert_string_equal(str_get(&out.text[2]), "two\n");
}

#define CANNOT "cannot run 'bash' in container 'oms_331': "

static void test_not_created(void **state)
{
    static const struct fake_reply paused[] = {
        {.bytes = FAKE_JSON("409 Conflict", "{\"message\":\"Container 00 is paused, unpause the "
                                            "container before exec\"}")}};
    static const struct fake_reply no_id[] = {{.bytes = FAKE_JSON("201 Created", "{}")}};
    static const struct fake_reply bad_id[] = {
        {.bytes = FAKE_JSON("201 Created", "{\"Id\":\"../x\"}")}};
    AUTO_OUTPUT struct output out = {.stop = false};
    AUTO_FREE char *bad = NULL;
    struct err err = ERR_INIT;
    char *id = NULL;
    int code = -5;

    (void)state;
    assert_fails(run(paused, 1, &out, 5000, &id, &code, &err));
    assert_err(&err, ERR_CONFLICT,
               CANNOT "Container 00 is paused, unpause the container before exec\n"
                      "HINT: resume it with 'docker unpause'");
    assert_fails(run(no_id, 1, &out, 5000, &id, &code, &err));
    assert_true(str_starts_with(err.text, CANNOT));
    assert_null(id);
    assert_fails(run(bad_id, 1, &out, 5000, &bad, &code, &err));
    assert_err(&err, ERR_USAGE, "'../x' is no ID of an exec");
    assert_int_equal(code, -5);
}

static void test_lost(void **state)
{
    static const char half[] = HEAD "\1\0\0\0\0\0\0\3on";
    static const struct fake_reply in_frame[] = {CREATED, {.bytes = half, .len = sizeof(half) - 1}};
    static const struct fake_reply no_answer[] = {CREATED, {.bytes = ""}};
    static const struct fake_reply engine_gone[] = {CREATED, STARTED, {.bytes = ""}};
    static const struct fake_reply no_code[] = {CREATED, {.bytes = HEAD "rubbish!"}};
    AUTO_OUTPUT struct output out = {.stop = false};
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    /* Whatever happens from the start on, the caller learns which exec it was. */
    static const struct {
        const struct fake_reply *replies;
        size_t count;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        {in_frame, 2, ERR_UNREACHABLE, CANNOT "the engine's output ended in the middle of a piece"},
        {no_answer, 2, ERR_UNREACHABLE,
         CANNOT "the Docker Engine at '@' closed the connection without an answer\n"
                "HINT: did the engine stop? Look at 'journalctl -u docker'"},
        {engine_gone, 3, ERR_UNREACHABLE,
         "cannot inspect exec 'ab12': the Docker Engine at '@' closed the connection without an "
         "answer\nHINT: did the engine stop? Look at 'journalctl -u docker'"},
        {no_code, 2, ERR_FAILED,
         CANNOT "the engine sent output that is not framed as it should be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *id = NULL;
        assert_fails(run(rows[i].replies, rows[i].count, &out, 5000, &id, &code, &err));
        assert_err(&err, rows[i].kind, rows[i].want);
        assert_string_equal(id, "ab12");
    }
    assert_int_equal(code, -5);
}

static void test_timeout(void **state)
{
    static const struct fake_reply silent[] = {
        CREATED, {.bytes = framed, .len = sizeof(framed) - 1, .hang = true}};
    struct fake_reply running[10] = {CREATED, STARTED};
    static const char want[] = "'bash' in container 'oms_331' still runs after %s\n"
                               "HINT: give it more time, or see what it does with 'docker top'";
    AUTO_OUTPUT struct output out = {.stop = false};
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    AUTO_FREE char *id = NULL;
    assert_fails(run(silent, 2, &out, 600, &id, &code, &err));
    AUTO_FREE char *text = mem_printf(want, "0.6 s");
    assert_err(&err, ERR_TIMEOUT, text);
    assert_string_equal(str_get(&out.text[1]), "one");
    assert_string_equal(id, "ab12");
    /* The output is over, the command is not. */
    for (size_t i = 2; i < ARRAY_LEN(running); i++) {
        running[i] = (struct fake_reply){
            .bytes = FAKE_JSON("200 OK", "{\"Running\":true,\"ExitCode\":null,\"Pid\":7}"),
            .optional = true};
    }
    AUTO_FREE char *id2 = NULL;
    assert_fails(run(running, ARRAY_LEN(running), &out, 400, &id2, &code, &err));
    AUTO_FREE char *text2 = mem_printf(want, "0.4 s");
    assert_err(&err, ERR_TIMEOUT, text2);
    assert_int_equal(code, -5);
}

/* Somebody has started it before: the engine says so in its output, and it is waited for. */
static void test_started_before(void **state)
{
    static const char text[] = HEAD "\1\0\0\0\0\0\0\24is already running\r\n";
    static const struct fake_reply replies[] = {
        CREATED,
        {.expect = "POST /v1.41/exec/ab12/start HTTP/1.1\r\n",
         .bytes = text,
         .len = sizeof(text) - 1},
        STATE("{\"Running\":true,\"ExitCode\":null,\"Pid\":7}"),
        STATE("{\"Running\":false,\"ExitCode\":4,\"Pid\":7}")};
    AUTO_OUTPUT struct output out = {.stop = false};
    AUTO_FREE char *id = NULL;
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    assert_ok(run(replies, ARRAY_LEN(replies), &out, 5000, &id, &code, &err), &err);
    assert_int_equal(code, 4);
}

static void test_given_up(void **state)
{
    static const struct fake_reply replies[] = {CREATED, STARTED};
    AUTO_OUTPUT struct output out = {.stop = true};
    AUTO_FREE char *id = NULL;
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    assert_fails(run(replies, 2, &out, 5000, &id, &code, &err));
    assert_err(&err, ERR_INTERRUPTED,
               "'bash' in container 'oms_331' was given up, and may still run");
}

static void test_state(void **state)
{
    static const struct fake_reply replies[] = {
        FAKE_PING,
        STATE("{\"Running\":false,\"ExitCode\":null,\"Pid\":0}"),
        STATE("{\"Running\":false,\"ExitCode\":127,\"Pid\":0}"),
        {.bytes = FAKE_JSON("404 Not Found", "{\"message\":\"No such exec instance: ab12\"}")}};
    struct engine_exec_state now;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    fake_start(&f, replies, 4);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_ok(engine_exec_inspect(e, "ab12", &now, &err), &err);
    assert_true(!now.running && now.exit_code == -1 && now.pid == 0);
    assert_ok(engine_exec_inspect(e, "ab12", &now, &err), &err);
    assert_true(!now.running && now.exit_code == 127 && now.pid == 0);
    assert_fails(engine_exec_inspect(e, "ab12", &now, &err));
    assert_err(&err, ERR_NOT_FOUND, "cannot inspect exec 'ab12': No such exec instance: ab12");
    fake_end(&f);
}

/* ---- logs ---- */

static void test_logs(void **state)
{
    static const char problem[] = HEAD "\1\0\0\0\0\0\0\2a\n\3\0\0\0\0\0\0\4oops";
    static const struct fake_reply replies[] = {
        FAKE_PING,
        {.bytes = FAKE_JSON("200 OK", "{\"Config\":{\"Tty\":true}}")},
        {.expect = "GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=20 HTTP/1.1\r\n",
         .bytes = HEAD "\1\0\0 raw",
         .len = sizeof(HEAD) - 1 + 7},
        {.bytes = FAKE_JSON("200 OK", "{\"Config\":{}}")},
        {.expect = "GET /v1.41/containers/c1/logs?stdout=1&stderr=1&tail=all HTTP/1.1\r\n",
         .bytes = framed,
         .len = sizeof(framed) - 1,
         .split = 1},
        {.bytes = FAKE_JSON("200 OK", "{}")},
        {.bytes = problem, .len = sizeof(problem) - 1},
        {.bytes = FAKE_JSON("200 OK", "{}")},
        {.bytes =
             FAKE_JSON("501 Not Implemented", "{\"message\":\"configured logging driver does not "
                                              "support reading\"}")},
        {.bytes = FAKE_JSON("200 OK", "{}")},
        {.bytes = framed, .len = sizeof(framed) - 1},
    };
    AUTO_OUTPUT struct output raw = {.stop = false};
    AUTO_OUTPUT struct output two = {.stop = false};
    AUTO_OUTPUT struct output one = {.stop = true};
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_ok(engine_container_logs(e, "c1", 20, take, &raw, &err), &err);
    assert_int_equal(raw.text[1].len, 7);
    assert_memory_equal(raw.text[1].data, "\1\0\0 raw", 7);
    assert_ok(engine_container_logs(e, "c1", 0, take, &two, &err), &err);
    assert_string_equal(str_get(&two.text[1]), "one");
    assert_string_equal(str_get(&two.text[2]), "two\n");
    assert_fails(engine_container_logs(e, "c1", 0, take, &two, &err));
    assert_err(&err, ERR_FAILED,
               "cannot read the log of container 'c1': the engine broke off the output: oops");
    assert_fails(engine_container_logs(e, "c1", 0, take, &two, &err));
    assert_err(&err, ERR_FAILED,
               "cannot read the log of container 'c1': configured logging driver does not support "
               "reading\nHINT: the container's log driver keeps its log elsewhere");
    assert_ok(engine_container_logs(e, "c1", 0, take, &one, &err), &err);
    assert_int_equal(one.text[2].len, 0);
    fake_end(&f);
}

/* ---- files ---- */

/* The link's stat: {"linkTarget":"/data/conf/config.yaml"} */
#define TAR_HEAD                                        \
    "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: " \
    "eyJsaW5rVGFyZ2V0IjoiL2RhdGEvY29uZi9jb25maWcueWFtbCJ9\r\n\r\n"

static void tar_reply(struct str *s, char type, const char *text)
{
    str_append(s, TAR_HEAD);
    tar_header(s, type, "config.yaml", type == '2' ? "x" : "", strlen(text));
    tar_data(s, text, strlen(text));
    tar_end(s);
}

static void test_read_link(void **state)
{
    AUTO_STR struct str link = STR_INIT;
    AUTO_STR struct str file = STR_INIT;
    AUTO_STR struct str content = STR_INIT;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    tar_reply(&link, '2', "");
    tar_reply(&file, '0', "a: b\n");
    const struct fake_reply replies[] = {
        FAKE_PING,
        {.expect = "GET /v1.41/containers/c1/archive?path=%2Fc.yaml HTTP/1.1\r\n",
         .bytes = link.data,
         .len = link.len},
        {.expect =
             "GET /v1.41/containers/c1/archive?path=%2Fdata%2Fconf%2Fconfig.yaml HTTP/1.1\r\n",
         .bytes = file.data,
         .len = file.len,
         .split = 100},
        {.bytes = link.data, .len = link.len},
        {.bytes = link.data, .len = link.len},
    };
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_ok(engine_container_read_file(e, "c1", "/c.yaml", 5, &content, &err), &err);
    assert_string_equal(str_get(&content), "a: b\n");
    assert_fails(engine_container_read_file(e, "c1", "/c.yaml", 5, &content, &err));
    assert_err(&err, ERR_FAILED,
               "cannot read '/c.yaml' in container 'c1': it is a link that leads nowhere");
    assert_string_equal(str_get(&content), "a: b\n");
    fake_end(&f);
}

static void test_read_bad(void **state)
{
    AUTO_STR struct str cut = STR_INIT;
    AUTO_STR struct str two = STR_INIT;
    AUTO_STR struct str content = STR_INIT;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    tar_reply(&cut, '0', "a: b\n");
    str_append(&two, TAR_HEAD);
    tar_member(&two, '0', "one", "1");
    tar_member(&two, '0', "two", "2");
    tar_end(&two);
    const struct fake_reply replies[] = {
        FAKE_PING,
        {.bytes = cut.data, .len = sizeof(TAR_HEAD) - 1 + 514},
        {.bytes = two.data, .len = two.len},
        {.bytes = TAR_HEAD},
        {.bytes = FAKE_JSON("200 OK", "{\"surprise\":1}")},
    };
    static const char *const wants[] = {
        "the archive ends in the middle of 'config.yaml'", "the engine sent more than one file",
        "the engine sent an empty archive", "the archive ends in the middle of a header"};
    fake_start(&f, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        assert_fails(engine_container_read_file(e, "c1", "/c.yaml", 100, &content, &err));
        AUTO_FREE char *want = mem_printf("cannot read '/c.yaml' in container 'c1': %s", wants[i]);
        assert_err(&err, ERR_FAILED, want);
    }
    assert_null(content.data);
    fake_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_not_created),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_started_before),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_read_link),
        cmocka_unit_test(test_read_bad),
    };

    return cmocka_run_group_tests_name("engine: exec, logs, files", tests, NULL, NULL);
}
