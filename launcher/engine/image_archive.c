#include "launcher/engine/image_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/str.h"
#include "launcher/engine/tar.h"

#define BLOCK 512

#define CUT_HINT \
    "copy or download the file again and compare its size and checksum with the original"

/* What the engines decompress themselves. */
static const struct {
    const char *name;
    const char *magic;
    size_t len;
} compressions[] = {
    {"gzip", "\x1f\x8b\x08", 3},
    {"bzip2", "BZh", 3},
    {"xz", "\xfd\x37zXZ\0", 6},
    {"zstd", "\x28\xb5\x2f\xfd", 4},
};

static bool is_compressed(const char *bytes, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(compressions); i++) {
        if (len >= compressions[i].len &&
            memcmp(bytes, compressions[i].magic, compressions[i].len) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a member is there that every image archive has: Docker's, OCI's, or that of old engines.
 */
static int note_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
    static const char *const marks[] = {"manifest.json", "index.json", "repositories"};
    bool *is_image = arg;
    const char *name = str_starts_with(entry->name, "./") ? entry->name + 2 : entry->name;

    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        *is_image = *is_image || str_eq(name, marks[i]);
    }
    return 0;
}

static int walk(const struct image_archive *a, const char *path, struct err *err)
{
    bool is_image = false;
    const struct tar_handler handler = {.on_entry = note_entry, .arg = &is_image};
    AUTO_TAR struct tar *tar = tar_new(&handler);
    uint64_t at = 0;
    char block[BLOCK];

    while (at < a->size && !tar_ended(tar)) {
        ssize_t n = pread(a->fd, block, sizeof(block), (off_t)at);
        if (n <= 0) {
            return err_fail(err, ERR_FAILED, "cannot read the image archive '%s': %s", path,
                            n < 0 ? strerror(errno) : "it has just become shorter");
        }
        if (tar_feed(tar, block, (size_t)n, err) < 0) {
            err_wrap(err, "the image archive '%s' is damaged at byte %llu", path,
                     (unsigned long long)at);
            return err_hint(err, "%s", CUT_HINT);
        }
        at += (uint64_t)n + tar_skip(tar);
    }
    if (at > a->size || tar_finish(tar, err) < 0) {
        return err_fail(err, ERR_FAILED,
                        "the image archive '%s' is cut short: it has %llu bytes and needs at least "
                        "%llu\nHINT: " CUT_HINT,
                        path, (unsigned long long)a->size, (unsigned long long)(at + BLOCK));
    }
    if (!is_image && !tar_ended(tar)) {
        return err_fail(err, ERR_FAILED,
                        "the image archive '%s' is cut short: it ends without its list of images "
                        "(manifest.json)\nHINT: " CUT_HINT,
                        path);
    }
    if (!is_image) {
        return err_fail(err, ERR_FAILED,
                        "'%s' is a tar archive, but holds no image (no manifest.json)\n"
                        "HINT: it must come from 'docker save', not from 'docker export'",
                        path);
    }
    return 0;
}

static int open_file(const char *path, struct image_archive *a, struct err *err)
{
    struct stat st;

    a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    if (a->fd < 0) {
        enum err_kind kind = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
                             : errno == EACCES                   ? ERR_PERMISSION
                                                                 : ERR_FAILED;
        return err_fail(err, kind,
                        "cannot open the image archive '%s': %m\n"
                        "HINT: give the path of a file made by 'docker save'",
                        path);
    }
    if (fstat(a->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_fail(err, ERR_FAILED,
                        "the image archive '%s' is no regular file\n"
                        "HINT: give the path of a file made by 'docker save'",
                        path);
    }
    a->size = (uint64_t)st.st_size;
    return 0;
}

int image_archive_open(const char *path, struct image_archive *ret, struct err *err)
{
    struct image_archive a = {.fd = -1};
    AUTO_FD int fd = -1;
    char head[BLOCK] = "";

    int rc = open_file(path, &a, err);
    fd = a.fd;
    if (rc < 0) {
        return -1;
    }
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n < 0) {
        return err_fail(err, ERR_FAILED, "cannot read the image archive '%s': %m", path);
    }
    if (n == 0) {
        return err_fail(err, ERR_FAILED, "the image archive '%s' is empty\nHINT: " CUT_HINT, path);
    }
    a.compressed = is_compressed(head, (size_t)n);
    if (!a.compressed && (n < BLOCK || memcmp(head + 257, "ustar", 5) != 0)) {
        return err_fail(err, ERR_FAILED,
                        "'%s' is no image archive: neither a tar nor a compressed file\n"
                        "HINT: give the path of a file made by 'docker save'",
                        path);
    }
    if (!a.compressed && walk(&a, path, err) < 0) {
        return -1;
    }
    fd = -1;
    *ret = a;
    return 0;
}
