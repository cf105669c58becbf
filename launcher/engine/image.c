#include "launcher/engine/engine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "launcher/engine/call.h"
#include "launcher/engine/image_archive.h"
#include "launcher/engine/image_ref.h"
#include "launcher/engine/json_stream.h"

/* An engine unpacks a layer of gigabytes without a word. */
#define LOAD_IDLE_MS (15 * 60 * 1000)

#define SPACE_HINT "free space under the engine's root folder ('docker info' names it)"
#define CUT_HINT                                                                                   \
    "the file seems to be cut short or damaged: compare its size and checksum with the original; " \
    "if it is whole, 'journalctl -u docker' may say more"

int image_ref_check(const char *ref, struct err *err)
{
    static const char good[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/:@";
    size_t len = strlen(ref);

    if (len == 0 || strspn(ref, good) != len || strchr("/.", ref[0]) != NULL ||
        strstr(ref, "//") != NULL || strstr(ref, "..") != NULL) {
        return err_fail(err, ERR_USAGE,
                        "'%s' is no image: expected REPOSITORY[:TAG], or an ID\n"
                        "HINT: 'docker images' lists them",
                        ref);
    }
    return 0;
}

int engine_image_inspect(struct engine *e, const char *ref, json_t **ret, struct err *err)
{
    if (image_ref_check(ref, err) < 0) {
        return -1;
    }
    AUTO_FREE char *path = mem_printf("/images/%s/json", ref);
    const struct engine_call call = {.doing = "inspect image", .thing = ref, .path = path};
    return engine_call_json(e, &call, ret, err);
}

int engine_image_list(struct engine *e, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *found = NULL;
    const struct engine_call call = {.doing = "list the images", .path = "/images/json"};
    if (engine_call_json(e, &call, &found, err) < 0) {
        return -1;
    }
    if (!json_is_array(found)) {
        return err_fail(err, ERR_FAILED,
                        "cannot list the images: the engine at '%s' answered no list",
                        engine_endpoint_shown(e));
    }
    *ret = TAKE(found);
    return 0;
}

/* ---- loading ---- */

struct load {
    const char *path;
    struct image_archive archive;
    uint64_t sent;
    engine_progress_fn fn;
    void *arg;
    struct json_stream stream;
    struct strv loaded;
    struct str problem; /* the engine's, from inside of the stream */
    struct err *err;
    bool failed; /* `err` says how */
};

static ssize_t load_source(void *arg, char *buf, size_t cap)
{
    struct load *l = arg;
    uint64_t left = l->archive.size - l->sent;
    size_t want = left < cap ? (size_t)left : cap;
    ssize_t n = want > 0 ? read(l->archive.fd, buf, want) : 0;

    if (n < 0 || (n == 0 && want > 0)) {
        err_fail(l->err, ERR_FAILED, "%s",
                 n < 0 ? strerror(errno) : "the file became shorter while it was sent");
        l->failed = true;
        return -1;
    }
    l->sent += (uint64_t)n;
    if (l->fn != NULL) {
        l->fn(l->arg, l->sent, l->archive.size);
    }
    return n;
}

/* "Loaded image: X" and "Loaded image ID: X"; podman names several behind one "Loaded image: ",
 * older ones behind "Loaded image(s): ". */
static void note_loaded(struct load *l, const char *line, size_t len)
{
    static const char *const marks[] = {"Loaded image: ", "Loaded image ID: ", "Loaded image(s): "};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        size_t mark = strlen(marks[i]);
        if (len <= mark || strncmp(line, marks[i], mark) != 0) {
            continue;
        }
        const char *p = line + mark, *end = line + len;
        while (p < end) {
            size_t n = strcspn(p, ",");
            n = n < (size_t)(end - p) ? n : (size_t)(end - p);
            AUTO_FREE char *name = mem_strndup(p, n);
            if (n > 0 && !strv_has(&l->loaded, name)) {
                strv_add(&l->loaded, name);
            }
            p += n + 1;
        }
    }
}

static void load_message(void *arg, const json_t *message)
{
    struct load *l = arg;
    const char *problem = json_text(message, "errorDetail.message", NULL);
    const char *text = json_text(message, "stream", "");

    if (problem == NULL) {
        problem = json_text(message, "error", NULL);
    }
    if (problem != NULL && l->problem.len == 0) {
        engine_append_words(&l->problem, problem[0] != '\0' ? problem : "it gives no reason");
    }
    while (*text != '\0') {
        size_t n = strcspn(text, "\r\n");
        note_loaded(l, text, n);
        text += n;
        text += strspn(text, "\r\n");
    }
    if (l->fn != NULL) {
        l->fn(l->arg, l->sent, l->archive.size);
    }
}

static int load_sink(void *arg, const char *bytes, size_t len)
{
    struct load *l = arg;

    l->failed = l->failed || json_stream_feed(&l->stream, bytes, len, l->err) < 0;
    return l->failed ? -1 : 0;
}

static int load_run(struct engine *e, struct load *l, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    const struct engine_call call = {
        .doing = "load the image archive",
        .thing = l->path,
        .path = "/images/load?quiet=0",
        .http = {.method = "POST",
                 .content_type = "application/x-tar",
                 .source = load_source,
                 .source_len = l->archive.size,
                 .sink = load_sink,
                 .arg = l,
                 .answer_timeout_ms = LOAD_IDLE_MS,
                 .idle_timeout_ms = LOAD_IDLE_MS},
    };
    int rc = engine_call(e, &call, &answer, err);

    /* The engine's reason explains a broken connection better than the break does. */
    if (rc < 0 && l->problem.len == 0) {
        return -1;
    }
    const char *problem = str_get(&l->problem);
    if (l->problem.len > 0) {
        rc = err_fail(err, ERR_FAILED, "%s", problem);
        err_hint(err, "%s", strcasestr(problem, "no space left") != NULL ? SPACE_HINT : CUT_HINT);
    } else if (l->failed || json_stream_finish(&l->stream, err) < 0) {
        rc = -1;
    } else if (l->loaded.count == 0) {
        rc = err_fail(err, ERR_FAILED, "the engine loaded nothing from it and gave no reason");
        err_hint(err, "%s", CUT_HINT);
    }
    return rc < 0 ? err_wrap(err, "cannot load the image archive '%s'", l->path) : 0;
}

int engine_image_load(struct engine *e, const char *archive, engine_progress_fn fn, void *arg,
                      struct strv *ret_loaded, struct err *err)
{
    struct load l = {.path = archive, .fn = fn, .arg = arg, .err = err};

    if (image_archive_open(archive, &l.archive, err) < 0) {
        return -1;
    }
    l.stream = (struct json_stream){.on_object = load_message, .arg = &l};
    int rc = load_run(e, &l, err);
    (void)close(l.archive.fd);
    json_stream_free(&l.stream);
    str_free(&l.problem);
    if (rc == 0) {
        *ret_loaded = l.loaded;
        return 0;
    }
    strv_free(&l.loaded);
    return -1;
}
