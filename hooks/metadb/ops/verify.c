/* `verify`: is every byte of a backup where and what the manifest says? And, against "live": are
 * the databases as they were backed up? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/wire/report.h"
#include "launcher/base/clock.h"
#include "launcher/base/digest.h"
#include "launcher/base/fs.h"

#define BUFFER_BYTES (1024UL * 1024)

struct verify {
    const char *folder;
    int folder_fd;
    json_t *findings; /* sentences */
    uint64_t done, total;
    char *buffer;
};

static void find(struct verify *v, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void find(struct verify *v, const char *file, const char *fmt, ...)
{
    AUTO_STR struct str text = STR_INIT;
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    str_appendf(&text, "%s: %s", file, what);
    json_add(v->findings, json_from_text(str_get(&text)));
}

/* 0 when all of it could be read. */
static int digest_range(struct verify *v, int fd, uint64_t offset, uint64_t length, char *hex)
{
    struct digest *d = digest_new();
    while (length > 0) {
        size_t n = length < BUFFER_BYTES ? (size_t)length : BUFFER_BYTES;
        ssize_t got = pread(fd, v->buffer, n, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            digest_free(d);
            return -1;
        }
        digest_update(d, v->buffer, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
        v->done += (uint64_t)got;
        report_progress("verifying", v->done, v->total, true);
    }
    digest_finish_take(d, hex);
    return 0;
}

static void check_frames(struct verify *v, const json_t *database, const char *file, int fd,
                         uint64_t size)
{
    char hex[DIGEST_HEX_MAX];
    uint64_t expected = 0;
    size_t i;
    json_t *frame;
    json_array_foreach (json_walk(database, "frames"), i, frame) {
        uint64_t offset = (uint64_t)json_int(frame, "offset", -1);
        uint64_t length = (uint64_t)json_int(frame, "length", -1);
        if (offset != expected || length > size - offset || offset > size) {
            find(v, file, "frame %zu is not where the manifest says", i);
            return;
        }
        if (digest_range(v, fd, offset, length, hex) < 0) {
            find(v, file, "frame %zu cannot be read: %s", i, strerror(errno));
            return;
        }
        if (!str_eq(json_text(frame, "sha256", NULL), hex)) {
            find(v, file, "frame %zu (%llu bytes at %llu) is not as it was written", i,
                 (unsigned long long)length, (unsigned long long)offset);
        }
        expected += length;
    }
    if (expected != size) {
        find(v, file, "%llu bytes belong to no frame", (unsigned long long)(size - expected));
    }
}

static void check_file(struct verify *v, const json_t *database)
{
    const char *file = json_text(database, "file", "");
    AUTO_FD int fd = strchr(file, '/') || !*file
                         ? -1
                         : openat(v->folder_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        find(v, file, "cannot be opened: %s", strerror(errno));
        return;
    }
    uint64_t bytes = (uint64_t)json_int(database, "bytes", -1);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes) {
        find(v, file, "has %llu bytes, the manifest says %llu", (unsigned long long)st.st_size,
             (unsigned long long)bytes);
        return;
    }
    check_frames(v, database, file, fd, bytes);
}

static int judge(const struct verify *v, struct err *err)
{
    size_t count = json_array_size(v->findings);
    if (count == 0) {
        return 0;
    }
    err_fail(err, ERR_STATE, "the backup '%s' is damaged (%zu findings): %s", v->folder, count,
             json_string_value(json_array_get(v->findings, 0)));
    return err_hint(err, "do not restore from it; take another backup, or fetch an unharmed copy "
                         "of the folder");
}

#define LIVE_WORKERS 2

/* Definitions, rows and checksums of every table, as they are now. */
static int compare_live(const struct request *request, const json_t *manifest, struct err *err)
{
    const json_t *databases = json_walk(manifest, "databases");
    AUTO_FREE struct compare_database *list =
        mem_alloc((json_array_size(databases) + 1) * sizeof(*list));
    AUTO_JSON json_t *findings = json_array();
    int64_t workers = json_int(request->parameters, "workers", 0);
    uint64_t rows;
    size_t i;
    json_t *database;
    json_array_foreach (databases, i, database) {
        list[i] = (struct compare_database){
            .entry = database, .database = json_text(database, "name", ""), .live = true};
    }
    if (compare_run(request, workers > 0 && workers <= 16 ? (unsigned)workers : LIVE_WORKERS, list,
                    i, findings, &rows, err) < 0) {
        return -1;
    }
    size_t count = json_array_size(findings);
    if (count > 0) {
        err_fail(err, ERR_FAILED, "the MetaDB is not as it was backed up (%zu findings): %s", count,
                 json_string_value(json_array_get(findings, 0)));
        return err_hint(err, "that is to be expected while OMS runs; the backup itself is whole");
    }
    return 0;
}

int verify_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_FD int folder_fd = -1;
    AUTO_JSON json_t *manifest = NULL, *findings = json_array();
    AUTO_FREE char *buffer = mem_alloc(BUFFER_BYTES);
    const char *folder = json_text(request->parameters, "folder", NULL);
    if (!folder) {
        return err_fail(err, ERR_USAGE, "verify wants a \"folder\"");
    }
    if (backup_open_folder(folder, false, &folder_fd, err) < 0 ||
        backup_read_manifest(folder_fd, folder, &manifest, err) < 0) {
        return -1;
    }
    struct verify v = {
        .folder = folder, .folder_fd = folder_fd, .findings = findings, .buffer = buffer};
    size_t i;
    json_t *database;
    json_array_foreach (json_walk(manifest, "databases"), i, database) {
        v.total += (uint64_t)json_int(database, "bytes", 0);
    }
    json_array_foreach (json_walk(manifest, "databases"), i, database) {
        check_file(&v, database);
    }
    if (judge(&v, err) < 0) {
        return -1;
    }
    const char *against = json_text(request->parameters, "against", NULL);
    if (against && strcmp(against, "live") != 0) {
        return err_fail(err, ERR_USAGE, "verify knows nothing to compare with but \"live\"");
    }
    if (against && compare_live(request, manifest, err) < 0) {
        return -1;
    }
    *ret = json_make("{s:s}", "folder", folder);
    backup_put_verdict(*ret, manifest, against);
    return 0;
}
