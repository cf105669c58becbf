/* The engine room against a real engine, every call of it. tests/live/engine_test.sh starts one and
 * runs this; by hand:
 *
 *   OMSLAUNCH_TEST_ENDPOINT=unix:///path      an engine that may be dirtied
 *   OMSLAUNCH_TEST_ARCHIVE=/path/image.tar    `docker save` of an image "omsl-test:1" with busybox
 *
 * Longer than 400 lines: one world, set up once, looked at from all sides. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/engine/engine.h"
#include "launcher/engine/exec.h"
#include "tests/unit/unit.h"

#define IMAGE "omsl-test:1"

static char endpoint[1000];
static char shown[1000]; /* as errors name it */
static const char *archive;
static char scratch[] = "/tmp/omsl-engine.XXXXXX";

static struct engine *open_engine(bool read_only)
{
    const struct engine_options options = {.endpoint = endpoint, .read_only = read_only};
    struct err err = ERR_INIT;
    struct engine *e = NULL;

    assert_ok(engine_open(&options, &e, &err), &err);
    return e;
}

/* Creates a container that runs `script`; the caller frees the name's ID. */
static char *create(struct engine *e, const char *name, const char *script, bool tty)
{
    struct err err = ERR_INIT;
    char *id = NULL;
    AUTO_JSON json_t *body =
        json_make("{s:s, s:[s,s,s], s:b, s:{s:s}, s:{s:s, s:[s]}}", "Image", IMAGE, "Cmd",
                  "/bin/sh", "-c", script, "Tty", tty, "Labels", "omsl.test", name, "HostConfig",
                  "NetworkMode", "none", "Binds", scratch);

    json_array_set_new(json_walk(body, "HostConfig.Binds"), 0, json_sprintf("%s:/bound", scratch));
    assert_ok(engine_container_create(e, name, body, &id, NULL, &err), &err);
    return id;
}

static char *run(struct engine *e, const char *name, const char *script, bool tty)
{
    struct err err = ERR_INIT;
    char *id = create(e, name, script, tty);

    assert_ok(engine_container_start(e, id, &err), &err);
    return id;
}

/* Output as "1:…" and "2:…" pieces put together by stream. */
struct output {
    struct str text[3];
    size_t stop_after; /* 0: never */
};

static int take_output(void *arg, int stream, const char *bytes, size_t len)
{
    struct output *o = arg;

    str_append_n(&o->text[stream], bytes, len);
    return o->stop_after != 0 && o->text[1].len >= o->stop_after;
}

static void output_free(struct output *o)
{
    for (size_t i = 0; i < ARRAY_LEN(o->text); i++) {
        str_free(&o->text[i]);
    }
}
#define AUTO_OUTPUT CLEANUP(output_free)

static int exec_run(struct engine *e, const struct engine_exec *exec, char **ret_id, int *ret_code,
                    struct err *err)
{
    if (engine_exec_create(e, exec, ret_id, err) != 0) {
        return -1;
    }
    return engine_exec_start(e, exec, *ret_id, ret_code, err);
}

static int exec_sh(struct engine *e, const char *container, const char *script, struct output *out,
                   int *ret_code, struct err *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const char *const env[] = {"GREETING=g\xc3\xbc"
                               "e = \"x\"\n",
                               NULL};
    const struct engine_exec exec = {.container = container,
                                     .argv = argv,
                                     .env = env,
                                     .timeout_ms = 60000,
                                     .on_output = take_output,
                                     .arg = out};

    AUTO_FREE char *id = NULL;

    return exec_run(e, &exec, &id, ret_code, err);
}

/* ---- the engine itself ---- */

static void test_open(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(true);
    AUTO_JSON json_t *info = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(engine_info(e, &info, &err), &err);
    assert_string_equal(engine_endpoint_shown(e), shown);
    assert_true(str_starts_with(engine_api_version(e), "1."));
    assert_true(json_text(info, "ServerVersion", "")[0] != '\0');
    print_message("engine %s, API %s\n", json_text(info, "ServerVersion", ""),
                  engine_api_version(e));
}

static void test_read_only(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(true);
    AUTO_ENGINE struct engine *writer = open_engine(false);
    AUTO_JSON json_t *list = NULL;
    AUTO_STRV struct strv names = STRV_INIT;
    struct err err = ERR_INIT;
    int code = 7;

    (void)state;
    free(create(writer, "ro1", "true", false));
    assert_ok(engine_container_list(e, "omsl.test=ro1", &list, &err), &err);
    assert_int_equal(json_array_size(list), 1);
    assert_fails(engine_container_start(e, "ro1", &err));
    assert_err(&err, ERR_REFUSED,
               "cannot start container 'ro1': this command only reads, and POST "
               "/containers/ro1/start may change something");
    assert_fails(engine_container_stop(e, "ro1", 0, &err));
    assert_fails(engine_container_rename(e, "ro1", "ro2", &err));
    assert_fails(engine_container_wait(e, "ro1", 1000, &code, &err));
    assert_fails(exec_sh(e, "ro1", "true", NULL, &code, &err));
    assert_fails(engine_container_set_restart_policy(e, "ro1", list, &err));
    assert_fails(engine_image_load(e, archive, NULL, NULL, &names, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_int_equal(code, 7);
}

/* ---- images ---- */

struct progress {
    uint64_t last, total;
    unsigned calls;
};

static void take_progress(void *arg, uint64_t done, uint64_t total)
{
    struct progress *p = arg;

    assert_true(done >= p->last && done <= total);
    p->last = done;
    p->total = total;
    p->calls++;
}

static void test_load(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_STRV struct strv names = STRV_INIT;
    AUTO_JSON json_t *image = NULL;
    struct progress p = {.last = 0};
    struct err err = ERR_INIT;
    struct stat st;

    (void)state;
    assert_int_equal(stat(archive, &st), 0);
    assert_ok(engine_image_load(e, archive, take_progress, &p, &names, &err), &err);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], IMAGE);
    assert_int_equal(p.last, st.st_size);
    assert_int_equal(p.total, st.st_size);
    assert_ok(engine_image_inspect(e, IMAGE, &image, &err), &err);
    assert_true(str_starts_with(json_text(image, "Id", ""), "sha256:"));
    AUTO_JSON json_t *again = NULL;
    assert_ok(engine_image_inspect(e, json_text(image, "Id", ""), &again, &err), &err);
}

static void test_image_absent(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(true);
    AUTO_FREE char *want = NULL;
    json_t *image = NULL;
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(engine_image_inspect(e, "reg.example:5000/oms/no:such", &image, &err));
    /* What stands between is the engine's: it differs from version to version. */
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_true(str_starts_with(err.text, "cannot inspect image 'reg.example:5000/oms/no:such': "));
    want = mem_printf("'docker images' lists the images of '%s'; load it first", shown);
    assert_string_equal(err.hint, want);
    assert_fails(engine_image_inspect(e, "../containers/x", &image, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_null(image);
}

/* Copies the archive up to `size`, with the byte at `flip` (0: none) inverted; under `name`. */
static char *damaged(const char *name, size_t size, size_t flip)
{
    char *path = mem_printf("%s/%s", scratch, name);
    AUTO_FREE char *bytes = mem_alloc(size);
    AUTO_FD int in = open(archive, O_RDONLY | O_CLOEXEC);
    AUTO_FD int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(read(in, bytes, size), size);
    if (flip != 0) {
        bytes[flip] = (char)~bytes[flip];
    }
    assert_int_equal(write(out, bytes, size), size);
    return path;
}

static void test_load_damaged(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    struct stat st;

    (void)state;
    assert_int_equal(stat(archive, &st), 0);
    size_t size = (size_t)st.st_size;
    const size_t cuts[] = {1, 512, 700, 1024, size / 3, size / 2, size * 9 / 10};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        AUTO_FREE char *path = damaged("cut.tar", cuts[i], 0);
        AUTO_STRV struct strv names = STRV_INIT;
        struct err err = ERR_INIT;
        assert_fails(engine_image_load(e, path, NULL, NULL, &names, &err));
        assert_non_null(strstr(err.text, path));
        assert_true(err.hint[0] != '\0');
        assert_int_equal(names.count, 0);
    }
    /* A byte of a layer: only the engine can know, by its digest. */
    AUTO_FREE char *path = damaged("flipped.tar", size, size / 2);
    AUTO_STRV struct strv names = STRV_INIT;
    struct err err = ERR_INIT;
    assert_fails(engine_image_load(e, path, NULL, NULL, &names, &err));
    assert_non_null(strstr(err.text, "invalid diffID for layer 0"));
    assert_true(str_starts_with(err.hint, "the file seems to be cut short or damaged"));
}

/* ---- containers ---- */

static void test_life(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id =
        create(e, "life", "trap 'exit 3' TERM; while :; do sleep 0.1; done", false);
    AUTO_JSON json_t *c = NULL;
    AUTO_JSON json_t *policy =
        json_make("{s:s, s:i}", "Name", "on-failure", "MaximumRetryCount", 4);
    struct err err = ERR_INIT;
    int code = -1;

    (void)state;
    assert_ok(engine_container_start(e, "life", &err), &err);
    assert_ok(engine_container_start(e, "life", &err), &err);
    assert_fails(engine_container_wait(e, "life", 300, &code, &err));
    assert_err(&err, ERR_TIMEOUT, "container 'life' still runs after 0.3 s");
    assert_ok(engine_container_set_restart_policy(e, "life", policy, &err), &err);
    assert_ok(engine_container_rename(e, "life", "life.old-1", &err), &err);
    assert_ok(engine_container_stop(e, id, 5000, &err), &err);
    assert_ok(engine_container_stop(e, "/life.old-1", 5000, &err), &err);
    assert_ok(engine_container_wait(e, id, 5000, &code, &err), &err);
    assert_int_equal(code, 3);
    assert_ok(engine_container_inspect(e, id, &c, &err), &err);
    assert_string_equal(json_text(c, "Name", ""), "/life.old-1");
    assert_string_equal(json_text(c, "HostConfig.RestartPolicy.Name", ""), "on-failure");
    assert_int_equal(json_int(c, "HostConfig.RestartPolicy.MaximumRetryCount", 0), 4);
}

static void test_remove_created(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = create(e, "fresh", "true", false);
    AUTO_FREE char *used = run(e, "used", "true", false);
    AUTO_JSON json_t *c = NULL;
    struct err err = ERR_INIT;
    int code = -1;

    (void)state;
    assert_ok(engine_container_remove_created(e, id, &err), &err);
    assert_fails(engine_container_inspect(e, id, &c, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_ok(engine_container_wait(e, used, 9000, &code, &err), &err);
    assert_fails(engine_container_remove_created(e, "used", &err));
    assert_err(&err, ERR_REFUSED,
               "container 'used' is not removed: it has run before (its state is 'exited')\n"
               "HINT: remove it with 'docker rm' when nothing in it is needed any more");
    assert_ok(engine_container_inspect(e, used, &c, &err), &err);
}

static void test_runs_program(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id =
        run(e, "programs", "printf 'sleep 50\\n' >/tmp/init.sh; sh /tmp/init.sh a; true", false);
    struct err err = ERR_INIT;
    bool runs = false;

    (void)state;
    for (int i = 0; i < 100 && !runs; i++) {
        clock_sleep_ms(20);
        assert_ok(engine_container_runs_program(e, id, "/tmp/init.sh", &runs, &err), &err);
    }
    assert_true(runs);
    assert_ok(engine_container_runs_program(e, id, "/tmp/other.sh", &runs, &err), &err);
    assert_false(runs);
    assert_ok(engine_container_stop(e, id, 0, &err), &err);
    runs = true;
    assert_ok(engine_container_runs_program(e, id, "/tmp/init.sh", &runs, &err), &err);
    assert_false(runs);
}

static void test_stop_kills(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, "deaf", "trap '' TERM; while :; do sleep 0.1; done", false);
    struct err err = ERR_INIT;
    uint64_t start = clock_mono_ms();
    int code = -1;

    (void)state;
    assert_ok(engine_container_stop(e, id, 1200, &err), &err); /* rounded up to 2 s */
    assert_in_range(clock_mono_ms() - start, 1900, 8000);
    assert_ok(engine_container_wait(e, id, 5000, &code, &err), &err);
    assert_int_equal(code, 137);
}

static void test_container_errors(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_JSON json_t *body = json_make("{s:s}", "Image", "nobody/has:this");
    AUTO_FREE char *hint = mem_printf("'docker ps --all' lists the containers of '%s'", shown);
    struct err err = ERR_INIT;
    json_t *none = NULL;
    char *id = NULL;

    (void)state;
    free(create(e, "dup-a", "true", false));
    free(create(e, "dup-b", "true", false));
    assert_fails(engine_container_inspect(e, "no_such", &none, &err));
    AUTO_FREE char *want = mem_printf(
        "cannot inspect container 'no_such': No such container: no_such\nHINT: %s", hint);
    assert_err(&err, ERR_NOT_FOUND, want);
    assert_fails(engine_container_start(e, "no_such", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_fails(engine_container_stop(e, "no_such", 0, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_fails(engine_container_logs(e, "no_such", 0, take_output, NULL, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_fails(engine_container_rename(e, "dup-a", "dup-b", &err));
    assert_true(str_starts_with(err.text, "cannot rename to 'dup-b' the container 'dup-a': "));
    assert_string_equal(err.hint, "rename or remove the container that has this name");
    assert_fails(engine_container_rename(e, "dup-a", "a b/../c?&d", &err));
    assert_non_null(strstr(err.text, "Invalid container name (/a b/../c?&d)"));
    assert_fails(engine_container_create(e, "dup-a", body, &id, NULL, &err));
    assert_fails(engine_container_create(e, "dup-c", body, &id, NULL, &err));
    assert_true(str_starts_with(err.text, "cannot create container 'dup-c': No such image: "));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_fails(engine_container_inspect(e, "../images/json?x=", &none, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_null(id);
}

static void test_logs(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *a =
        run(e, "talks", "echo one; sleep 0.2; echo two >&2; sleep 0.2; seq 3 5", false);
    AUTO_FREE char *b =
        run(e, "talks-tty", "echo one; sleep 0.2; echo two >&2; sleep 0.2; seq 3 5", true);
    struct err err = ERR_INIT;
    int code = -1;

    (void)state;
    assert_ok(engine_container_wait(e, a, 9000, &code, &err), &err);
    assert_ok(engine_container_wait(e, b, 9000, &code, &err), &err);
    AUTO_OUTPUT struct output all = {.stop_after = 0}, last = {.stop_after = 0},
                              tty = {.stop_after = 0};
    assert_ok(engine_container_logs(e, a, 0, take_output, &all, &err), &err);
    assert_string_equal(str_get(&all.text[1]), "one\n3\n4\n5\n");
    assert_string_equal(str_get(&all.text[2]), "two\n");
    assert_ok(engine_container_logs(e, a, 2, take_output, &last, &err), &err);
    assert_string_equal(str_get(&last.text[1]), "4\n5\n");
    assert_ok(engine_container_logs(e, b, 0, take_output, &tty, &err), &err);
    assert_string_equal(str_get(&tty.text[1]), "one\r\ntwo\r\n3\r\n4\r\n5\r\n");
    assert_int_equal(tty.text[2].len, 0);
}

/* ---- files ---- */

static void test_files(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id =
        run(e, "files",
            "mkdir -p /d/sub; printf 'a\\0b\\n' >/d/x; : >/d/empty; ln -s /d/x /d/abs; "
            "ln -s ../d/x /d/rel; ln -s abs /d/chain; ln -s /nowhere /d/dangling; mkfifo /d/pipe; "
            "ln -s /d /dlink; dd if=/dev/zero of=/d/big bs=1024 count=3000 2>/dev/null; "
            "echo long >/d/$(printf '%0200d' 7); touch -d '2001-02-03 04:05:06' /d/empty; "
            "touch /d/done; exec sleep 1000",
            false);
    AUTO_FREE char *long_path = mem_printf("/d/%0200d", 7);
    AUTO_FREE char *bound = mem_printf("%s/bound.yaml", scratch);
    struct engine_path_stat st;
    struct err err = ERR_INIT;

    (void)state;
    for (int i = 0; i < 100 && engine_container_stat(e, id, "/d/done", &st, &err) < 0; i++) {
        clock_sleep_ms(50);
    }
    FILE *f = fopen(bound, "we");
    assert_non_null(f);
    (void)fputs("oms_meta_host: \"h\xc3\xb6st\"\n", f);
    (void)fclose(f);

    /* Once running, once stopped: the same. */
    for (int round = 0; round < 2; round++) {
        static const char *const same[] = {"/d/x", "/d/abs", "/d/rel", "/d/chain", "/dlink/x"};
        for (size_t i = 0; i < ARRAY_LEN(same); i++) {
            AUTO_STR struct str s = STR_INIT;
            assert_ok(engine_container_read_file(e, id, same[i], 100, &s, &err), &err);
            assert_int_equal(s.len, 4);
            assert_memory_equal(s.data, "a\0b\n", 4);
        }
        AUTO_STR struct str s = STR_INIT;
        assert_ok(engine_container_read_file(e, id, long_path, 5, &s, &err), &err);
        assert_string_equal(str_get(&s), "long\n");
        assert_ok(engine_container_read_file(e, id, "/bound/bound.yaml", 4096, &s, &err), &err);
        assert_string_equal(str_get(&s), "oms_meta_host: \"h\xc3\xb6st\"\n");
        assert_ok(engine_container_read_file(e, id, "/d/big", 3000 * 1024, &s, &err), &err);
        assert_int_equal(s.len, 3000 * 1024);
        assert_ok(engine_container_read_file(e, id, "/d/empty", 0, &s, &err), &err);
        assert_int_equal(s.len, 0);

        assert_fails(engine_container_read_file(e, "files", "/d/big", 3000 * 1024 - 1, &s, &err));
        assert_err(&err, ERR_FAILED,
                   "cannot read '/d/big' in container 'files': it has 3072000 bytes; at most "
                   "3071999 are expected");
        assert_fails(engine_container_read_file(e, "files", "/d", 100, &s, &err));
        assert_err(&err, ERR_FAILED,
                   "cannot read '/d' in container 'files': it is a folder, not a regular file");
        assert_fails(engine_container_read_file(e, "files", "/d/pipe", 100, &s, &err));
        assert_err(&err, ERR_FAILED,
                   "cannot read '/d/pipe' in container 'files': it is something special, not a "
                   "regular file");
        assert_fails(engine_container_read_file(e, "files", "/d/dangling", 100, &s, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        assert_true(str_starts_with(
            err.text, "'/d/dangling' is a link: cannot read '/nowhere' in container 'files': "));
        assert_fails(engine_container_read_file(e, "files", "/d/none", 100, &s, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        assert_true(str_starts_with(err.text, "cannot read '/d/none' in container 'files': "));
        assert_fails(engine_container_read_file(e, "nobody", "/d/none", 100, &s, &err));
        assert_int_equal(err.kind, ERR_NOT_FOUND);
        assert_fails(engine_container_read_file(e, "files", "d/x", 100, &s, &err));
        assert_int_equal(err.kind, ERR_USAGE);

        assert_ok(engine_container_stat(e, id, "/d/x", &st, &err), &err);
        assert_true(st.is_file && !st.is_folder && !st.is_link && st.size == 4);
        assert_ok(engine_container_stat(e, id, "/d/empty", &st, &err), &err);
        assert_true(st.is_file && st.mtime_ms == 981173106000);
        assert_ok(engine_container_stat(e, id, "/d/sub", &st, &err), &err);
        assert_true(st.is_folder && !st.is_file && !st.is_link);
        assert_ok(engine_container_stat(e, id, "/d/abs", &st, &err), &err);
        assert_true(st.is_link && !st.is_folder && !st.is_file);
        assert_ok(engine_container_stat(e, id, "/d/pipe", &st, &err), &err);
        assert_true(!st.is_link && !st.is_folder && !st.is_file);
        assert_fails(engine_container_stat(e, "files", "/d/none", &st, &err));
        assert_err(&err, ERR_NOT_FOUND, "there is no '/d/none' in container 'files'");
        assert_fails(engine_container_stat(e, "nobody", "/d/none", &st, &err));
        assert_true(str_starts_with(err.text, "cannot inspect container 'nobody': No such"));
        assert_ok(engine_container_stop(e, id, 0, &err), &err);
    }
}

/* ---- exec ---- */

static void test_exec(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, "execs", "exec sleep 1000", false);
    AUTO_OUTPUT struct output out = {.stop_after = 0};
    AUTO_OUTPUT struct output big = {.stop_after = 0};
    AUTO_OUTPUT struct output bad = {.stop_after = 0};
    struct err err = ERR_INIT;
    int code = -1;

    (void)state;
    assert_ok(exec_sh(e, id, "printf '%s' \"$GREETING\"; echo bad >&2; exit 42", &out, &code, &err),
              &err);
    assert_int_equal(code, 42);
    assert_string_equal(str_get(&out.text[1]), "g\xc3\xbc"
                                               "e = \"x\"\n");
    assert_string_equal(str_get(&out.text[2]), "bad\n");
    assert_ok(
        exec_sh(e, id, "head -c 20000000 /dev/zero; head -c 3 /dev/zero >&2", &big, &code, &err),
        &err);
    assert_int_equal(code, 0);
    assert_int_equal(big.text[1].len, 20000000);
    assert_int_equal(big.text[2].len, 3);
    /* The output ends a second before the command does. */
    uint64_t start = clock_mono_ms();
    assert_ok(exec_sh(e, id, "exec >/dev/null 2>&1; sleep 1; exit 9", &out, &code, &err), &err);
    assert_int_equal(code, 9);
    assert_true(clock_mono_ms() - start >= 1000);
    assert_ok(exec_sh(e, id, "kill -9 $$", &out, &code, &err), &err);
    assert_int_equal(code, 137);

    const char *const no_such[] = {"/no/such/program", NULL};
    const struct engine_exec exec = {
        .container = id, .argv = no_such, .on_output = take_output, .arg = &bad};
    AUTO_FREE char *exec_id = NULL;
    assert_ok(exec_run(e, &exec, &exec_id, &code, &err), &err);
    assert_non_null(strstr(str_get(&bad.text[1]), "/no/such/program"));
    assert_true(code == 126 || code == 127);
}

static void test_exec_errors(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, "execs2", "exec sleep 1000", false);
    AUTO_FREE char *exec_id = NULL;
    AUTO_OUTPUT struct output out = {.stop_after = 1};
    struct engine_exec_state now = {.running = false};
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    free(create(e, "never", "true", false));
    assert_fails(exec_sh(e, "never", "true", &out, &code, &err));
    assert_non_null(strstr(err.text, "is not running"));
    assert_fails(exec_sh(e, "nobody", "true", &out, &code, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);

    const char *const argv[] = {"sleep", "3", NULL};
    const struct engine_exec slow = {.container = id, .argv = argv, .timeout_ms = 500};
    assert_fails(exec_run(e, &slow, &exec_id, &code, &err));
    assert_non_null(strstr(err_whole(&err), "still runs after 0.5 s\nHINT: give it more time"));
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_ok(engine_exec_inspect(e, exec_id, &now, &err), &err);
    assert_true(now.running && now.pid > 0 && now.exit_code == -1);
    assert_fails(exec_sh(e, "execs2", "echo x; sleep 1", &out, &code, &err));
    assert_err(&err, ERR_INTERRUPTED,
               "'/bin/sh' in container 'execs2' was given up, and may still run");
    for (int i = 0; i < 100 && now.running; i++) {
        clock_sleep_ms(50);
        assert_ok(engine_exec_inspect(e, exec_id, &now, &err), &err);
    }
    assert_true(!now.running && now.exit_code == 0);
    assert_fails(engine_exec_inspect(e, "0123abcd", &now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(code, -5);
}

/* An exec runs once at most, whoever starts it: what an upgrade that was killed relies on. */
static void test_exec_starts_once(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, "execs3", "exec sleep 1000", false);
    AUTO_FREE char *exec_id = NULL;
    AUTO_FREE char *other_id = NULL;
    AUTO_OUTPUT struct output out = {.stop_after = 0};
    const char *const argv[] = {"sh", "-c", "echo x >>/runs; sleep 2; exit 4", NULL};
    const char *const count[] = {"cat", "/runs", NULL};
    const struct engine_exec exec = {.container = id, .argv = argv, .timeout_ms = 60000};
    const struct engine_exec early = {.container = id, .argv = argv, .timeout_ms = 500};
    const struct engine_exec look = {
        .container = id, .argv = count, .on_output = take_output, .arg = &out};
    struct engine_exec_state now = {.running = true};
    struct err err = ERR_INIT;
    int code = -5;

    (void)state;
    assert_ok(engine_exec_create(e, &exec, &exec_id, &err), &err);
    assert_ok(engine_exec_inspect(e, exec_id, &now, &err), &err);
    assert_true(!now.running && now.exit_code == -1 && now.pid == 0);
    assert_fails(engine_exec_start(e, &early, exec_id, &code, &err));
    assert_int_equal(err.kind, ERR_TIMEOUT);
    /* While it runs, and after its end: never again, and its exit code each time. */
    for (int i = 0; i < 2; i++) {
        code = -5;
        assert_ok(engine_exec_start(e, &exec, exec_id, &code, &err), &err);
        assert_int_equal(code, 4);
    }
    assert_ok(engine_exec_create(e, &look, &other_id, &err), &err);
    assert_ok(engine_exec_start(e, &look, other_id, &code, &err), &err);
    assert_string_equal(str_get(&out.text[1]), "x\n");
    /* One that never ran is forgotten with the container's stop. */
    free(TAKE(other_id));
    assert_ok(engine_exec_create(e, &exec, &other_id, &err), &err);
    assert_ok(engine_container_stop(e, id, 0, &err), &err);
    assert_fails(engine_exec_inspect(e, other_id, &now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* ---- several at once, and signals ---- */

static void *thread_main(void *arg)
{
    const char *name = arg;
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, name, "exec sleep 1000", false);
    struct err err = ERR_INIT;

    for (int i = 0; i < 5; i++) {
        AUTO_OUTPUT struct output out = {.stop_after = 0};
        AUTO_FREE char *script = mem_printf("echo %s %d", name, i);
        AUTO_FREE char *want = mem_printf("%s %d\n", name, i);
        int code = -1;
        if (exec_sh(e, id, script, &out, &code, &err) < 0 || code != 0 ||
            !str_eq(str_get(&out.text[1]), want)) {
            return mem_strdup(err.text);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    static char names[4][8] = {"thr-1", "thr-2", "thr-3", "thr-4"};
    pthread_t threads[ARRAY_LEN(names)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, names[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        void *problem = NULL;
        assert_int_equal(pthread_join(threads[i], &problem), 0);
        assert_null(problem);
    }
}

static void *send_signal(void *arg)
{
    (void)arg;
    usleep(400000);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

/* The last test: a stop request stays. */
static void test_signal(void **state)
{
    AUTO_ENGINE struct engine *e = open_engine(false);
    AUTO_FREE char *id = run(e, "signalled", "exec sleep 1000", false);
    AUTO_JSON json_t *c = NULL;
    struct err err = ERR_INIT;
    pthread_t thread;
    int code = -5;

    (void)state;
    stop_catch_signals();
    assert_int_equal(pthread_create(&thread, NULL, send_signal, NULL), 0);
    uint64_t start = clock_mono_ms();
    assert_fails(engine_container_wait(e, "signalled", 20000, &code, &err));
    assert_in_range(clock_mono_ms() - start, 300, 900);
    AUTO_FREE char *want =
        mem_printf("cannot wait for the end of container 'signalled': stopped by "
                   "a signal while waiting for the Docker Engine at '%s'",
                   shown);
    assert_err(&err, ERR_INTERRUPTED, want);
    assert_fails(engine_container_inspect(e, id, &c, &err));
    assert_int_equal(err.kind, ERR_INTERRUPTED);
    stop_tolerate(1);
    assert_ok(engine_container_stop(e, id, 0, &err), &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_load_damaged),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_image_absent),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_stop_kills),
        cmocka_unit_test(test_remove_created),
        cmocka_unit_test(test_runs_program),
        cmocka_unit_test(test_container_errors),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_exec_errors),
        cmocka_unit_test(test_exec_starts_once),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_signal),
    };
    const char *given = getenv("OMSLAUNCH_TEST_ENDPOINT");

    archive = getenv("OMSLAUNCH_TEST_ARCHIVE");
    if (given == NULL || archive == NULL || mkdtemp(scratch) == NULL) {
        (void)fputs("OMSLAUNCH_TEST_ENDPOINT and OMSLAUNCH_TEST_ARCHIVE must be set\n", stderr);
        return 1;
    }
    (void)snprintf(endpoint, sizeof(endpoint), "%s", given);
    (void)snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(given, "?"), given);
    int rc = cmocka_run_group_tests_name("engine, live", tests, NULL, NULL);
    AUTO_FREE char *clean = mem_printf("rm -rf '%s'", scratch);
    return system(clean) != 0 ? 1 : rc;
}
