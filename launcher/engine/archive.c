#include "launcher/engine/engine.h"

#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/engine/base64.h"
#include "launcher/engine/call.h"
#include "launcher/engine/tar.h"

#define STAT_HEADER "X-Docker-Container-Path-Stat"

/* Go's os.FileMode, as the stat header has it: kinds are bits from the top, none is a file. */
#define GO_FOLDER ((int64_t)1 << 31)
#define GO_LINK ((int64_t)1 << 27)
#define GO_SPECIAL ((int64_t)1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19)

static int archive_path(const char *id, const char *path, char **ret, struct err *err)
{
    AUTO_STR struct str suffix = STR_INIT;

    if (path[0] != '/') {
        return err_fail(err, ERR_USAGE,
                        "'%s' is no absolute path inside of container '%s'\nHINT: begin it with "
                        "'/'",
                        path, id);
    }
    str_append(&suffix, "/archive?path=");
    http_append_escaped(&suffix, path);
    return engine_container_path(id, str_get(&suffix), ret, err);
}

/* ---- stat ---- */

/* The header's JSON: name, size, mode, mtime, linkTarget. */
static int read_stat(const struct http_answer *answer, json_t **ret, struct err *err)
{
    const char *text = http_answer_header(answer, STAT_HEADER);
    AUTO_STR struct str json = STR_INIT;

    if (text == NULL || base64_decode(text, &json) < 0) {
        return err_fail(err, ERR_FAILED, "the engine's answer has no readable " STAT_HEADER);
    }
    return json_parse(str_get(&json), json.len, STAT_HEADER, ret, err);
}

int engine_container_stat(struct engine *e, const char *id, const char *path,
                          struct engine_path_stat *ret, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *doing = mem_printf("look at '%s' in container", path);
    AUTO_JSON json_t *container = NULL;
    AUTO_JSON json_t *stat = NULL;
    struct engine_path_stat found = {.is_folder = false};

    if (archive_path(id, path, &url, err) < 0) {
        return -1;
    }
    const struct engine_call call = {
        .doing = doing, .thing = id, .path = url, .http = {.method = "HEAD"}};
    if (engine_call(e, &call, &answer, err) < 0) {
        if (err->kind != ERR_NOT_FOUND) {
            return -1;
        }
        /* An answer to HEAD has no words: what is missing, the path or the container? */
        if (engine_container_inspect(e, id, &container, err) < 0) {
            return -1;
        }
        return err_fail(err, ERR_NOT_FOUND, "there is no '%s' in container '%s'", path,
                        engine_shown(e, id));
    }
    if (read_stat(&answer, &stat, err) < 0) {
        return err_wrap(err, "cannot %s '%s'", doing, engine_shown(e, id));
    }
    int64_t mode = json_int(stat, "mode", 0);
    found.is_folder = (mode & GO_FOLDER) != 0;
    found.is_link = (mode & GO_LINK) != 0;
    found.is_file = (mode & (GO_FOLDER | GO_LINK | GO_SPECIAL)) == 0;
    int64_t size = json_int(stat, "size", 0);
    found.size = size > 0 ? (uint64_t)size : 0;
    if (clock_parse(json_text(stat, "mtime", ""), &found.mtime_ms) < 0) {
        found.mtime_ms = 0; /* before 1970, or Go's zero time */
    }
    *ret = found;
    return 0;
}

/* ---- reading one file ---- */

struct file_reader {
    const char *path;
    size_t max;
    struct str *content;
    struct tar *tar;
    struct err *err;
    bool found, link;
    bool failed;
};

static int file_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
    struct file_reader *f = arg;

    if (f->found) {
        return err_fail(err, ERR_FAILED, "the engine sent more than one file");
    }
    f->found = true;
    f->link = entry->type == TAR_LINK;
    if (f->link) {
        return 0;
    }
    if (entry->type != TAR_FILE) {
        return err_fail(err, ERR_FAILED, "it is %s, not a regular file",
                        entry->type == TAR_FOLDER ? "a folder" : "something special");
    }
    if (entry->size > f->max) {
        return err_fail(err, ERR_FAILED, "it has %llu bytes; at most %zu are expected",
                        (unsigned long long)entry->size, f->max);
    }
    str_reserve(f->content,
                (size_t)entry->size); /* once, so that no copies of secrets stay behind */
    return 0;
}

static int file_data(void *arg, const char *bytes, size_t len, struct err *err)
{
    const struct file_reader *f = arg;

    (void)err;
    str_append_n(f->content, bytes, len);
    return 0;
}

static int file_sink(void *arg, const char *bytes, size_t len)
{
    struct file_reader *f = arg;

    f->failed = tar_feed(f->tar, bytes, len, f->err) < 0;
    return f->failed ? -1 : 0;
}

/* Reads `path`. When that is a link, `ret_target` gets what it leads to, with no further link in
 * it: the engine resolves all of them within the container's own root. */
static int read_once(struct engine *e, const char *id, struct file_reader *f, char **ret_target,
                     struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *doing = mem_printf("read '%s' in container", f->path);
    AUTO_JSON json_t *stat = NULL;
    const struct tar_handler handler = {.on_entry = file_entry, .on_data = file_data, .arg = f};
    AUTO_TAR struct tar *tar = tar_new(&handler);
    int rc = -1;

    if (archive_path(id, f->path, &url, err) < 0) {
        return -1;
    }
    const struct engine_call call = {
        .doing = doing, .thing = id, .path = url, .http = {.sink = file_sink, .arg = f}};
    f->tar = tar;
    f->err = err;
    f->found = f->link = f->failed = false;
    if (engine_call(e, &call, &answer, err) < 0) {
        return -1;
    }
    if (!f->failed && tar_finish(tar, err) == 0) {
        rc = f->found ? 0 : err_fail(err, ERR_FAILED, "the engine sent an empty archive");
    }
    if (rc == 0 && f->link && read_stat(&answer, &stat, err) < 0) {
        rc = -1;
    }
    if (rc < 0) {
        return err_wrap(err, "cannot %s '%s'", doing, engine_shown(e, id));
    }
    if (f->link) {
        *ret_target = mem_strdup(json_text(stat, "linkTarget", ""));
    }
    return 0;
}

int engine_container_read_file(struct engine *e, const char *id, const char *path, size_t max,
                               struct str *ret, struct err *err)
{
    AUTO_STR struct str content = STR_INIT;
    AUTO_FREE char *target = NULL;
    AUTO_FREE char *beyond = NULL;
    struct file_reader f = {.path = path, .max = max, .content = &content};

    if (read_once(e, id, &f, &target, err) < 0) {
        return -1;
    }
    if (target != NULL) {
        f.path = target;
        if (read_once(e, id, &f, &beyond, err) < 0) {
            return err_wrap(err, "'%s' is a link", path);
        }
    }
    if (beyond != NULL) {
        return err_fail(err, ERR_FAILED,
                        "cannot read '%s' in container '%s': it is a link that leads nowhere", path,
                        engine_shown(e, id));
    }
    str_free(ret);
    *ret = content;
    content = (struct str)STR_INIT;
    return 0;
}
