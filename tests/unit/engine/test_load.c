/* Loading images: what is refused before anything is sent, and what engines say in their streams.
 */
#include <fcntl.h>

#include "tests/unit/engine/fake_engine.h"
#include "tests/unit/engine/tar_make.h"

static char folder[] = "/tmp/omsl-load.XXXXXX";

static char *write_file(const char *name, const char *bytes, size_t len)
{
    char *path = mem_printf("%s/%s", folder, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    return path;
}

/* An archive as `docker save` writes it, of `layer` bytes. */
static void image_tar(struct str *s, size_t layer)
{
    AUTO_FREE char *bytes = mem_alloc(layer + 1);

    memset(bytes, 'l', layer);
    tar_header(s, '5', "0123/", "", 0);
    tar_header(s, '0', "0123/layer.tar", "", layer);
    tar_data(s, bytes, layer);
    tar_member(s, '0', "manifest.json", "[]");
    tar_end(s);
}

/* ---- before anything is sent ---- */

static void expect_refused(const char *path, enum err_kind kind, const char *want)
{
    static const struct fake_reply replies[] = {FAKE_PING};
    AUTO_STRV struct strv names = STRV_INIT;
    struct err err = ERR_INIT;
    struct fake f;

    fake_start(&f, replies, 1);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_fails(engine_image_load(e, path, NULL, NULL, &names, &err));
    assert_err(&err, kind, want);
    assert_int_equal(names.count, 0);
    fake_end(&f);
}

#define CUT_TEXT \
    "copy or download the file again and compare its size and checksum with the original"
#define SAVE_HINT "\nHINT: give the path of a file made by 'docker save'"

static void test_no_file(void **state)
{
    AUTO_FREE char *missing = mem_printf("%s/missing.tar", folder);
    AUTO_FREE char *want = mem_printf(
        "cannot open the image archive '%s': No such file or directory" SAVE_HINT, missing);
    AUTO_FREE char *want_folder =
        mem_printf("the image archive '%s' is no regular file" SAVE_HINT, folder);
    AUTO_FREE char *fifo = mem_printf("%s/fifo", folder);
    AUTO_FREE char *want_fifo =
        mem_printf("the image archive '%s' is no regular file" SAVE_HINT, fifo);

    (void)state;
    expect_refused(missing, ERR_NOT_FOUND, want);
    expect_refused(folder, ERR_FAILED, want_folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_refused(fifo, ERR_FAILED, want_fifo);
}

static void test_no_archive(void **state)
{
    AUTO_STR struct str exported = STR_INIT;

    (void)state;
    AUTO_FREE char *empty = write_file("empty", "", 0);
    AUTO_FREE char *want = mem_printf("the image archive '%s' is empty"
                                      "\nHINT: " CUT_TEXT,
                                      empty);
    expect_refused(empty, ERR_FAILED, want);
    AUTO_FREE char *text = write_file("text", "<html>404</html>", 16);
    AUTO_FREE char *want_text =
        mem_printf("'%s' is no image archive: neither a tar nor a compressed file" SAVE_HINT, text);
    expect_refused(text, ERR_FAILED, want_text);
    tar_member(&exported, '0', "etc/passwd", "root:x:0:0\n");
    tar_member(&exported, '0', "x/manifest.json", "[]");
    tar_end(&exported);
    AUTO_FREE char *path = write_file("exported.tar", exported.data, exported.len);
    AUTO_FREE char *want_export =
        mem_printf("'%s' is a tar archive, but holds no image (no manifest.json)\n"
                   "HINT: it must come from 'docker save', not from 'docker export'",
                   path);
    expect_refused(path, ERR_FAILED, want_export);
}

/* Cut at each byte: nothing is ever sent, whatever the cut leaves. */
static void test_cut(void **state)
{
    static const struct fake_reply replies[] = {FAKE_PING};
    AUTO_STR struct str tar = STR_INIT;
    struct fake f;

    (void)state;
    image_tar(&tar, 700);
    size_t whole = tar.len - 1024; /* up to the end of the last member */
    fake_start(&f, replies, 1);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    for (size_t len = 512; len < whole; len++) {
        AUTO_FREE char *path = write_file("cut.tar", tar.data, len);
        AUTO_STRV struct strv names = STRV_INIT;
        struct err err = ERR_INIT;
        assert_fails(engine_image_load(e, path, NULL, NULL, &names, &err));
        AUTO_FREE char *want = mem_printf("the image archive '%s' is cut short: it ", path);
        assert_true(str_starts_with(err.text, want));
        assert_string_equal(err.hint, CUT_TEXT);
    }
    AUTO_FREE char *path = write_file("cut.tar", tar.data, 512 + 512 + 600);
    AUTO_FREE char *want = mem_printf("the image archive '%s' is cut short: it has 1624 bytes and "
                                      "needs at least 2560"
                                      "\nHINT: " CUT_TEXT,
                                      path);
    expect_refused(path, ERR_FAILED, want);
    AUTO_FREE char *list = write_file("cut.tar", tar.data, 512 + 512 + 1024);
    AUTO_FREE char *want_list =
        mem_printf("the image archive '%s' is cut short: it ends without its "
                   "list of images (manifest.json)"
                   "\nHINT: " CUT_TEXT,
                   path);
    expect_refused(list, ERR_FAILED, want_list);
    tar.data[600] = 'X';
    AUTO_FREE char *bad = write_file("bad.tar", tar.data, tar.len);
    AUTO_FREE char *want_bad =
        mem_printf("the image archive '%s' is damaged at byte 512: this is no tar archive, or a "
                   "damaged one"
                   "\nHINT: " CUT_TEXT,
                   bad);
    expect_refused(bad, ERR_FAILED, want_bad);
    fake_end(&f);
}

/* ---- what engines answer ---- */

struct progress {
    uint64_t last, total;
    unsigned calls;
};

static void take_progress(void *arg, uint64_t done, uint64_t total)
{
    struct progress *p = arg;

    p->calls += done >= p->last && done <= total;
    p->last = done;
    p->total = total;
}

/* Loads a small image against `reply`; the error's text has FILE and SOCKET for those. */
static int load(const struct fake_reply *reply, size_t layer, struct strv *names,
                struct progress *p, struct err *err)
{
    const struct fake_reply replies[] = {FAKE_PING, *reply};
    AUTO_STR struct str tar = STR_INIT;
    struct fake f;

    image_tar(&tar, layer);
    AUTO_FREE char *path = write_file("image.tar", tar.data, tar.len);
    fake_start(&f, replies, 2);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    int rc = engine_image_load(e, path, take_progress, p, names, err);
    if (!reply->early) {
        const char *body = strstr(str_get(&f.requests[1]), "\r\n\r\n");
        assert_true(str_starts_with(str_get(&f.requests[1]),
                                    "POST /v1.41/images/load?quiet=0 HTTP/1.1\r\n"));
        assert_non_null(strstr(f.requests[1].data, "\r\nContent-Type: application/x-tar\r\n"));
        assert_int_equal(f.requests[1].len - (size_t)(body + 4 - f.requests[1].data), tar.len);
        assert_memory_equal(body + 4, tar.data, tar.len);
    }
    fake_end(&f);
    const char *const from[] = {path, f.endpoint};
    for (size_t i = 0; rc < 0 && i < ARRAY_LEN(from); i++) {
        err_mask(err, from[i]);
    }
    return rc;
}

static void test_loaded(void **state)
{
    static const struct {
        const char *body;
        const char *names; /* joined by '|' */
    } rows[] = {
        {"{\"status\":\"Loading "
         "layer\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"x\"}\r\n"
         "{\"stream\":\"Loaded image: a/b:c\\n\"}\r\n",
         "a/b:c"},
        {"{\"stream\":\"Loaded image: a:1\\n\"}\n{\"stream\":\"Loaded image: b:2\\n\"}", "a:1|b:2"},
        {"{\"stream\":\"Loaded image ID: sha256:00\\nLoaded image ID: sha256:01\\n\"}",
         "sha256:00|sha256:01"},
        {"{\"stream\":\"Loaded image: localhost/a:1,localhost/a:2\"}",
         "localhost/a:1|localhost/a:2"}, /* podman */
        {"{\"stream\":\"Loaded image(s): a:1,b:2\\n\"}", "a:1|b:2"},
        {"{\"stream\":\"The image a:1 already exists, renaming the old one\\n\"}"
         "{\"stream\":\"Loaded image: a:1\\n\"}{\"stream\":\"Loaded image: a:1\\n\"}",
         "a:1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *bytes = mem_printf(FAKE_JSON("200 OK", "%s"), rows[i].body);
        const struct fake_reply reply = {.bytes = bytes, .split = 7};
        AUTO_STRV struct strv names = STRV_INIT;
        AUTO_STR struct str joined = STR_INIT;
        struct progress p = {.last = 0};
        struct err err = ERR_INIT;
        assert_ok(load(&reply, 3000000, &names, &p, &err), &err);
        for (size_t n = 0; n < names.count; n++) {
            str_appendf(&joined, "%s%s", n > 0 ? "|" : "", names.items[n]);
        }
        assert_string_equal(str_get(&joined), rows[i].names);
        assert_int_equal(p.last, p.total);
        assert_int_equal(p.total, 3003392);
        assert_true(p.calls >= 5);
    }
}

#define CANNOT "cannot load the image archive '@': "
#define SEEMS_CUT                                                                                \
    "\nHINT: the file seems to be cut short or damaged: compare its size and checksum with the " \
    "original; if it is whole, 'journalctl -u docker' may say more"

static void test_refused_by_engine(void **state)
{
    static const struct {
        struct fake_reply reply;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        {{.bytes =
              FAKE_JSON("200 OK", "{\"errorDetail\":{\"message\":\"unexpected EOF\"},\"error\":"
                                  "\"unexpected EOF\"}\r\n")},
         ERR_FAILED,
         CANNOT "unexpected EOF" SEEMS_CUT},
        {{.bytes =
              FAKE_JSON("200 OK", "{\"stream\":\"Loaded image: a:1\\n\"}{\"error\":\"Error "
                                  "processing tar file(exit status 1): write /x: no space left "
                                  "on device\"}")},
         ERR_FAILED,
         CANNOT "Error processing tar file(exit status 1): write /x: no space left on device\n"
                "HINT: free space under the engine's root folder ('docker info' names it)"},
        {{.bytes = FAKE_JSON("200 OK", "{\"errorDetail\":{\"message\":\"\"},\"error\":\"\"}")},
         ERR_FAILED,
         CANNOT "it gives no reason" SEEMS_CUT},
        {{.bytes = FAKE_JSON("200 OK", "")},
         ERR_FAILED,
         CANNOT "the engine loaded nothing from it and gave no reason" SEEMS_CUT},
        {{.bytes = FAKE_JSON("200 OK", "{\"stream\":\"\\n\"}")},
         ERR_FAILED,
         CANNOT "the engine loaded nothing from it and gave no reason" SEEMS_CUT},
        {{.bytes = FAKE_JSON("200 OK", "{\"stream\":\"Loaded im")},
         ERR_FAILED,
         CANNOT "the engine's last message is cut short"},
        {{.bytes = FAKE_JSON("200 OK", "<p>")},
         ERR_FAILED,
         CANNOT "the engine sent something that is no message"},
        {{.bytes = FAKE_JSON("500 Internal Server Error", "{\"message\":\"invalid tar header\"}")},
         ERR_FAILED,
         CANNOT "invalid tar header\nHINT: look at the engine's log with 'journalctl -u docker'"},
        {{.bytes = ""},
         ERR_UNREACHABLE,
         CANNOT "the Docker Engine at '@' closed the connection without an answer\n"
                "HINT: did the engine stop? Look at 'journalctl -u docker'"},
        {{.bytes =
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n{\"stream\":\"Loaded "
              "image: a\"}\r\n"},
         ERR_UNREACHABLE,
         CANNOT "the Docker Engine at '@' broke off in the middle of its answer\n"
                "HINT: did the engine stop? Look at 'journalctl -u docker'"},
        /* Answers before it has read the archive, and hangs up. */
        {{.bytes =
              FAKE_JSON("500 Internal Server Error", "{\"message\":\"layers from manifest don't "
                                                     "match image configuration\"}"),
          .linger_ms = 300,
          .early = true},
         ERR_FAILED,
         CANNOT "layers from manifest don't match image configuration\n"
                "HINT: look at the engine's log with 'journalctl -u docker'"},
        {{.bytes = FAKE_JSON("200 OK", "{\"errorDetail\":{\"message\":\"archive/tar: invalid tar "
                                       "header\\n: \"}}\n"),
          .linger_ms = 300,
          .early = true},
         ERR_FAILED,
         CANNOT "archive/tar: invalid tar header" SEEMS_CUT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STRV struct strv names = STRV_INIT;
        struct progress p = {.last = 0};
        struct err err = ERR_INIT;
        assert_int_equal(load(&rows[i].reply, 3000000, &names, &p, &err), -1);
        assert_err(&err, rows[i].kind, rows[i].want);
        assert_int_equal(names.count, 0);
    }
}

/* What is compressed goes to the engine as it is. */
static void test_compressed(void **state)
{
    static const char *const heads[] = {"\x1f\x8b\x08"
                                        "abc",
                                        "BZh9abc", "\xfd\x37zXZ\0abc",
                                        "\x28\xb5\x2f\xfd"
                                        "abc"};
    static const struct fake_reply replies[] = {
        FAKE_PING, {.bytes = FAKE_JSON("200 OK", "{\"stream\":\"Loaded image: a:1\\n\"}")}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        AUTO_FREE char *path = write_file("image.tgz", heads[i], 7);
        AUTO_STRV struct strv names = STRV_INIT;
        struct err err = ERR_INIT;
        struct fake f;
        fake_start(&f, replies, 2);
        AUTO_ENGINE struct engine *e = fake_open(&f);
        assert_ok(engine_image_load(e, path, NULL, NULL, &names, &err), &err);
        assert_string_equal(names.items[0], "a:1");
        fake_end(&f);
    }
}

/* The file shrinks under our hands. */
static char *shrinking;

static void shrink(void *arg, uint64_t done, uint64_t total)
{
    (void)arg;
    if (done < total) {
        assert_int_equal(truncate(shrinking, (off_t)done), 0);
    }
}

static void test_shrinks(void **state)
{
    static const struct fake_reply replies[] = {FAKE_PING, {.bytes = "", .optional = true}};
    AUTO_STR struct str tar = STR_INIT;
    AUTO_STRV struct strv names = STRV_INIT;
    struct err err = ERR_INIT;
    struct fake f;

    (void)state;
    image_tar(&tar, 9000000);
    shrinking = write_file("shrinks.tar", tar.data, tar.len);
    fake_start(&f, replies, 2);
    AUTO_ENGINE struct engine *e = fake_open(&f);
    assert_fails(engine_image_load(e, shrinking, shrink, NULL, &names, &err));
    AUTO_FREE char *want = mem_printf("cannot load the image archive '%s': the file became shorter "
                                      "while it was sent",
                                      shrinking);
    assert_err(&err, ERR_FAILED, want);
    free(shrinking);
    fake_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_no_archive),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_loaded),
        cmocka_unit_test(test_refused_by_engine),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_shrinks),
    };

    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    int rc = cmocka_run_group_tests_name("engine: load", tests, NULL, NULL);
    AUTO_FREE char *clean = mem_printf("rm -rf '%s'", folder);
    return system(clean) != 0 ? 1 : rc;
}
