/* Every call that is one question or one change, against everything that can become of it: the
 * error names the call, what it was about and the cause. docs/engines.md has the table. */
#include "launcher/engine/exec.h"
#include "tests/unit/engine/fake_engine.h"

/* ---- the calls ---- */

#define ID "c1"

static int call_info(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    return engine_info(e, &json, err);
}

static int call_inspect(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    return engine_container_inspect(e, ID, &json, err);
}

static int call_list(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    return engine_container_list(e, NULL, &json, err);
}

static int call_create(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *body = json_object();
    AUTO_FREE char *id = NULL;
    return engine_container_create(e, ID, body, &id, NULL, err);
}

static int call_start(struct engine *e, struct err *err)
{
    return engine_container_start(e, ID, err);
}

static int call_stop(struct engine *e, struct err *err)
{
    return engine_container_stop(e, ID, 0, err);
}

static int call_rename(struct engine *e, struct err *err)
{
    return engine_container_rename(e, ID, "new", err);
}

static int call_policy(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *policy = json_object();
    return engine_container_set_restart_policy(e, ID, policy, err);
}

static int call_wait(struct engine *e, struct err *err)
{
    int code = 0;
    return engine_container_wait(e, ID, 1000, &code, err);
}

static int call_image(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    return engine_image_inspect(e, "i:1", &json, err);
}

static int call_images(struct engine *e, struct err *err)
{
    AUTO_JSON json_t *json = NULL;
    return engine_image_list(e, &json, err);
}

static int call_exec_create(struct engine *e, struct err *err)
{
    static const char *const argv[] = {"true", NULL};
    const struct engine_exec exec = {.container = ID, .argv = argv};
    AUTO_FREE char *id = NULL;
    return engine_exec_create(e, &exec, &id, err);
}

static int call_exec_inspect(struct engine *e, struct err *err)
{
    struct engine_exec_state state = {.running = false};
    return engine_exec_inspect(e, "e1", &state, err);
}

static const struct call {
    int (*make)(struct engine *e, struct err *err);
    const char *request;
    const char *cannot;
    const char *silent; /* NULL: as all others */
} calls[] = {
    {call_info, "GET /v1.41/info ", "ask the engine about itself", NULL},
    {call_inspect, "GET /v1.41/containers/c1/json ", "inspect container 'c1'", NULL},
    {call_list, "GET /v1.41/containers/json?all=1 ", "list the containers", NULL},
    {call_create, "POST /v1.41/containers/create?name=c1 ", "create container 'c1'", NULL},
    {call_start, "POST /v1.41/containers/c1/start ", "start container 'c1'", NULL},
    {call_stop, "POST /v1.41/containers/c1/stop?t=0 ", "stop container 'c1'", NULL},
    {call_rename, "POST /v1.41/containers/c1/rename?name=new ",
     "rename to 'new' the container 'c1'", NULL},
    {call_policy, "POST /v1.41/containers/c1/update ",
     "change the restart policy of container 'c1'", NULL},
    {call_wait, "POST /v1.41/containers/c1/wait?condition=not-running ",
     "wait for the end of container 'c1'", "container 'c1' still runs after 1.0 s"},
    {call_image, "GET /v1.41/images/i:1/json ", "inspect image 'i:1'", NULL},
    {call_images, "GET /v1.41/images/json ", "list the images", NULL},
    {call_exec_create, "POST /v1.41/containers/c1/exec ", "run 'true' in container 'c1'", NULL},
    {call_exec_inspect, "GET /v1.41/exec/e1/json ", "inspect exec 'e1'", NULL},
};

/* ---- the faults ---- */

#define BROKE_OFF                                                      \
    "the Docker Engine at '@' broke off in the middle of its answer\n" \
    "HINT: did the engine stop? Look at 'journalctl -u docker'"
#define CLOSED                                                           \
    "the Docker Engine at '@' closed the connection without an answer\n" \
    "HINT: did the engine stop? Look at 'journalctl -u docker'"
#define LOOK_AT_LOG "\nHINT: look at the engine's log with 'journalctl -u docker'"
#define NO_REASON(status) "the engine refused (HTTP status " status ") and gave no reason"

#define GONE                                                \
    "cannot reach the Docker Engine at '@': no such file\n" \
    "HINT: is the engine running ('systemctl status docker')? --host names another endpoint"

static const struct fault {
    const char *bytes;
    enum err_kind kind;
    const char *cause;
} faults[] = {
    {"", ERR_UNREACHABLE, CLOSED},
    {"HTTP/1.1 200 OK\r\nContent-Le", ERR_UNREACHABLE, BROKE_OFF},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Id\":", ERR_UNREACHABLE, BROKE_OFF},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"I", ERR_UNREACHABLE, BROKE_OFF},
    {FAKE_JSON("404 Not Found", "{\"message\":\"boom\"}"), ERR_NOT_FOUND, "boom"},
    {FAKE_JSON("409 Conflict", "{\"message\":\"boom\"}"), ERR_CONFLICT, "boom"},
    {FAKE_JSON("409 Conflict", ""), ERR_CONFLICT, NO_REASON("409")},
    {FAKE_JSON("500 Oops", "{\"message\":\"boom\"}"), ERR_FAILED, "boom" LOOK_AT_LOG},
    {FAKE_JSON("500 Oops", ""), ERR_FAILED, NO_REASON("500") LOOK_AT_LOG},
    {FAKE_JSON("500 Oops", "<html>boom</html>"), ERR_FAILED, "boom" LOOK_AT_LOG},
};

/* The call fails, having been sent once: a change is never repeated blindly. */
static void expect_fault(const struct call *c, const struct fault *f)
{
    const struct fake_reply replies[] = {FAKE_PING, {.expect = c->request, .bytes = f->bytes}};
    AUTO_FREE char *want = mem_printf("cannot %s: %s", c->cannot, f->cause);
    struct err err = ERR_INIT;
    struct fake fake;

    fake_start(&fake, replies, ARRAY_LEN(replies));
    AUTO_ENGINE struct engine *e = fake_open(&fake);
    assert_fails(c->make(e, &err));
    fake_end(&fake);
    err_mask(&err, fake.endpoint);
    assert_err(&err, f->kind, want);
}

static void test_faults(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        for (size_t j = 0; j < ARRAY_LEN(faults); j++) {
            expect_fault(&calls[i], &faults[j]);
            count++;
        }
    }
    print_message("%zu calls x %zu faults: %zu cases\n", ARRAY_LEN(calls), ARRAY_LEN(faults),
                  count);
    assert_int_equal(count, 130);
}

/* An engine that has gone since we opened it. */
static void test_refused(void **state)
{
    static const struct fake_reply replies[] = {FAKE_PING};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        AUTO_FREE char *want = mem_printf("cannot %s: " GONE, calls[i].cannot);
        struct err err = ERR_INIT;
        struct fake fake;
        fake_start(&fake, replies, 1);
        AUTO_ENGINE struct engine *e = fake_open(&fake);
        fake_end(&fake);
        assert_fails(calls[i].make(e, &err));
        err_mask(&err, fake.endpoint);
        assert_err(&err, ERR_UNREACHABLE, want);
    }
}

/* One that takes the request and says nothing. */
static void test_silence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        const struct fake_reply replies[] = {FAKE_PING, {.expect = calls[i].request, .hang = true}};
        const char *patience = str_starts_with(calls[i].request, "GET") ? "0.3" : "1.5";
        AUTO_FREE char *want =
            calls[i].silent != NULL
                ? mem_strdup(calls[i].silent)
                : mem_printf("cannot %s: the Docker Engine at '@' did not answer within %s s\n"
                             "HINT: the engine may hang; look at its log with 'journalctl -u "
                             "docker'",
                             calls[i].cannot, patience);
        struct err err = ERR_INIT;
        struct fake fake;
        fake_start(&fake, replies, ARRAY_LEN(replies));
        AUTO_ENGINE struct engine *e = fake_open(&fake);
        assert_fails(calls[i].make(e, &err));
        fake_end(&fake);
        err_mask(&err, fake.endpoint);
        assert_err(&err, ERR_TIMEOUT, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
