#include "launcher/state/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/digest.h"
#include "launcher/base/fs.h"

#define JOURNAL_SIZE_MAX (64U * 1024 * 1024)
#define CHAIN_LEN 16

struct journal {
    char *path;
    int fd; /* -1: reading only */
    size_t size;
    json_t *records;
    char chain[CHAIN_LEN + 1];
    bool in_memory;
    int reserve_fd; /* holds space for it and has no name any more; -1: none */
};

static struct journal *journal_new(const char *path)
{
    struct journal *j = mem_alloc(sizeof(*j));
    j->path = mem_strdup(path);
    j->fd = -1;
    j->reserve_fd = -1;
    j->records = json_array();
    return j;
}

/* Cut off first: a process that was forked meanwhile may have it open, too. */
static void drop_reserve(struct journal *j)
{
    if (j->reserve_fd >= 0) {
        (void)!ftruncate(j->reserve_fd, 0);
        (void)close(j->reserve_fd);
        j->reserve_fd = -1;
    }
}

void journal_free(struct journal *j)
{
    if (j != NULL) {
        drop_reserve(j);
        fd_close_ptr(&j->fd);
        json_decref(j->records);
        free(j->path);
        free(j);
    }
}

void journal_free_ptr(struct journal **j)
{
    journal_free(*j);
}

/* `record` must not have its chain yet. */
static void chain_after(const char *before, const json_t *record, char *ret)
{
    AUTO_FREE char *text = json_canonical(record);
    AUTO_STR struct str all = STR_INIT;
    str_append(&all, before);
    str_append(&all, text);
    char hex[DIGEST_HEX_MAX];
    digest_of(all.data, all.len, hex);
    memcpy(ret, hex, CHAIN_LEN);
    ret[CHAIN_LEN] = '\0';
}

static int damaged(const struct journal *j, const char *what, struct err *err)
{
    return err_fail(err, ERR_STATE,
                    "the journal '%s' is damaged: line %zu %s\n"
                    "HINT: nothing was changed; restore the file from a backup, or look at the "
                    "containers and go on by hand",
                    j->path, json_array_size(j->records) + 1, what);
}

static int take_line(struct journal *j, const char *line, size_t len, struct err *err)
{
    AUTO_JSON json_t *record = NULL;
    struct err ignored;
    if (json_parse(line, len, "a journal record", &record, &ignored) != 0) {
        return damaged(j, "is no JSON", err);
    }
    AUTO_FREE char *chain = mem_strdup(json_text(record, "chain", ""));
    json_object_del(record, "chain");
    char expected[CHAIN_LEN + 1];
    chain_after(j->chain, record, expected);
    if (json_int(record, "seq", 0) != (json_int_t)json_array_size(j->records) + 1) {
        return damaged(j, "is not the next record", err);
    }
    if (!str_eq(chain, expected)) {
        return damaged(j, "is not what was written", err);
    }
    memcpy(j->chain, expected, sizeof(expected));
    json_array_append(j->records, record);
    return 0;
}

static int load(struct journal *j, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    if (fs_read(j->path, JOURNAL_SIZE_MAX, true, &text, err) != 0) {
        err->kind = ERR_STATE;
        return -1;
    }
    const char *at = str_get(&text);
    const char *end = at + text.len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL) {
            break; /* torn by a crash */
        }
        if (take_line(j, at, (size_t)(newline - at), err) != 0) {
            return -1;
        }
        at = newline + 1;
    }
    j->size = (size_t)(at - str_get(&text));
    if (json_array_size(j->records) == 0) {
        return damaged(j, "is missing", err);
    }
    return 0;
}

int journal_create(const char *path, struct journal **ret, struct err *err)
{
    AUTO_JOURNAL struct journal *j = journal_new(path);
    if (fs_open_append(path, true, &j->fd, err) != 0) {
        return -1;
    }
    *ret = TAKE(j);
    return 0;
}

int journal_open(const char *path, struct journal **ret, struct err *err)
{
    AUTO_JOURNAL struct journal *j = journal_new(path);
    if (load(j, err) != 0 || fs_open_append(path, false, &j->fd, err) != 0) {
        return -1;
    }
    if (ftruncate(j->fd, (off_t)j->size) != 0) {
        return err_fail(err, ERR_STATE, "cannot cut the torn last line off '%s': %m", path);
    }
    *ret = TAKE(j);
    return 0;
}

int journal_read(const char *path, struct journal **ret, struct err *err)
{
    AUTO_JOURNAL struct journal *j = journal_new(path);
    if (load(j, err) != 0) {
        return -1;
    }
    *ret = TAKE(j);
    return 0;
}

bool journal_has_begun(const char *path)
{
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;
    if (fs_read(path, JOURNAL_SIZE_MAX, true, &text, &err) != 0) {
        return err.kind != ERR_NOT_FOUND;
    }
    return memchr(str_get(&text), '\n', text.len) != NULL;
}

static int append_line(struct journal *j, const char *line, size_t len, struct err *err)
{
    if (fs_append_synced(j->fd, j->path, line, len, err) == 0) {
        return 0;
    }
    /* What a full disk tore must not stand in front of the next record. */
    if (ftruncate(j->fd, (off_t)j->size) != 0) {
        err_wrap(err, "the journal's last line is torn");
    }
    return -1;
}

/* On a full disk, what was set aside for this is used now. */
static int write_line(struct journal *j, const char *line, size_t len, struct err *err)
{
    if (j->in_memory || append_line(j, line, len, err) == 0) {
        return 0;
    }
    if (j->reserve_fd < 0) {
        return -1;
    }
    drop_reserve(j);
    return append_line(j, line, len, err);
}

/* Real bytes: not every file system can promise space, and some leave out what is zero. The file
 * loses its name at once, so that nothing is left of it however this process ends. */
int journal_reserve(struct journal *j, size_t bytes, struct err *err)
{
    AUTO_FREE char *path = mem_printf("%s.reserve", j->path);
    AUTO_FREE char *filling = mem_alloc(bytes + 1);
    uint32_t state = 1;
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525U + 1013904223U;
        filling[i] = (char)(state >> 24);
    }
    drop_reserve(j);
    if (fs_write_atomic(path, filling, bytes, err) != 0) {
        return err_wrap(err, "no space for the journal of a way back");
    }
    j->reserve_fd = open(path, O_WRONLY | O_CLOEXEC);
    if (j->reserve_fd < 0) {
        err_fail(err, ERR_STATE, "cannot open '%s': %m", path);
        err_hint(err, "see that nothing else clears the folder of this run");
    }
    (void)unlink(path);
    return j->reserve_fd >= 0 ? 0 : -1;
}

void journal_go_on_in_memory(struct journal *j)
{
    j->in_memory = true;
}

bool journal_is_in_memory(const struct journal *j)
{
    return j->in_memory;
}

int journal_append(struct journal *j, json_t *record_take, struct err *err)
{
    AUTO_JSON json_t *body = record_take;
    AUTO_JSON json_t *record = json_object();
    uint64_t now_ms = clock_wall_ms();
    char time[CLOCK_TEXT_MAX];
    json_put(record, "seq", json_integer((json_int_t)json_array_size(j->records) + 1));
    json_put_text(record, "time", clock_format(now_ms, time));
    json_put(record, "wall_ms", json_integer((json_int_t)now_ms));
    json_object_update(record, body);
    char chain[CHAIN_LEN + 1];
    chain_after(j->chain, record, chain);
    AUTO_JSON json_t *line = json_copy(record);
    json_put_text(line, "chain", chain);
    AUTO_FREE char *text = json_compact(line);
    AUTO_FREE char *with_newline = mem_printf("%s\n", text);
    size_t len = strlen(with_newline);
    if (write_line(j, with_newline, len, err) != 0) {
        return -1;
    }
    j->size += len;
    memcpy(j->chain, chain, sizeof(chain));
    json_array_append(j->records, record);
    return 0;
}

const char *journal_path(const struct journal *j)
{
    return j->path;
}

size_t journal_count(const struct journal *j)
{
    return json_array_size(j->records);
}

const json_t *journal_at(const struct journal *j, size_t index)
{
    return json_array_get(j->records, index);
}
