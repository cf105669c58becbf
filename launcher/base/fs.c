#include "launcher/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READ_CHUNK 65536

/* "cannot DO 'PATH': why" and what to do about it, from errno. */
static int fail_path(struct err *err, enum err_kind kind, const char *action, const char *path)
{
    int why = errno;
    err_fail(err, kind, "cannot %s '%s': %s", action, path, strerror(why));
    switch (why) {
    case EACCES:
    case EPERM:
        return err_hint(err, "user id %u needs permission for it and for the folders above it",
                        (unsigned)geteuid());
    case ENOENT:
        return err_hint(err, "check the path: some part of it does not exist");
    case ENOTDIR:
        return err_hint(err, "check the path: a part of it is no folder");
    case ELOOP:
        return err_hint(err, "links are not followed here: give the real path");
    case EROFS:
        return err_hint(err, "the file system is mounted read-only: choose another place");
    case ENOSPC:
    case EDQUOT:
        return err_hint(err, "free some space on that file system, or choose another place");
    case EMFILE:
    case ENFILE:
        return err_hint(err, "raise the limit of open files (ulimit -n)");
    default:
        return err_hint(err, "look into the kernel log (dmesg): the file system may be damaged");
    }
}

char *fs_join(const char *folder, const char *name)
{
    bool slash = str_ends_with(folder, "/") || *folder == '\0';
    return mem_printf("%s%s%s", folder, slash ? "" : "/", name);
}

/* The folder that holds `path`. Caller frees. */
static char *folder_of(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len == 0 ? mem_strdup(".") : mem_strndup(path, len);
}

int fs_sync_folder(const char *folder, struct err *err)
{
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return fail_path(err, ERR_STATE, "sync folder", folder);
    }
    return 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
    AUTO_FREE char *folder = folder_of(path);
    return fs_sync_folder(folder, err);
}

static int make_dir(const char *path, struct err *err)
{
    if (mkdir(path, 0700) == 0) {
        return sync_folder_of(path, err);
    }
    int why = errno;
    struct stat st;
    /* A folder that stands may sit where we cannot create (EROFS, EACCES): that is no failure. */
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return 0;
    }
    errno = why == EEXIST ? ENOTDIR : why;
    return fail_path(err, ERR_STATE, "create folder", path);
}

int fs_make_dirs(const char *path, struct err *err)
{
    AUTO_FREE char *part = mem_strdup(path);
    size_t len = strlen(part);
    while (len > 1 && part[len - 1] == '/') {
        part[--len] = '\0';
    }
    for (char *slash = strchr(part + (*part == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int done = make_dir(part, err);
        *slash = '/';
        if (done < 0) {
            return -1;
        }
    }
    if (make_dir(part, err) < 0) {
        return -1;
    }
    AUTO_FD int fd = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        /* O_DIRECTORY makes the kernel say ENOTDIR for a link; what made it stop is the link. */
        errno = errno == ENOTDIR ? ELOOP : errno;
        return fail_path(err, ERR_STATE, "use folder", part);
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        err_fail(err, ERR_STATE, "folder '%s' belongs to user id %u, not to %u or root", part,
                 (unsigned)st.st_uid, (unsigned)geteuid());
        return err_hint(err, "somebody else could change what is in it: choose another folder");
    }
    return 0;
}

static enum err_kind read_kind(int why)
{
    switch (why) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_PERMISSION;
    default:
        return ERR_FAILED;
    }
}

/* Reads to the end; one byte above `max` is enough to know that it is too large. */
static int read_fd(int fd, size_t max, struct str *to)
{
    while (to->len <= max) {
        size_t chunk = max - to->len < READ_CHUNK ? max - to->len + 1 : READ_CHUNK;
        str_reserve(to, chunk);
        ssize_t n = read(fd, to->data + to->len, chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            to->data[to->len] = '\0';
            return (int)n;
        }
        to->len += (size_t)n;
        to->data[to->len] = '\0';
    }
    return 0;
}

int fs_read(const char *path, size_t max, bool nofollow, struct str *ret, struct err *err)
{
    /* O_NONBLOCK: a named pipe must not hold us before we see that it is one. */
    AUTO_FD int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (nofollow ? O_NOFOLLOW : 0));
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return fail_path(err, read_kind(errno), "open", path);
    }
    if (!S_ISREG(st.st_mode)) {
        err_fail(err, ERR_FAILED, "'%s' is %s, not a regular file", path,
                 S_ISDIR(st.st_mode) ? "a folder" : "a device, pipe or socket");
        return err_hint(err, "give the path of a file");
    }
    /* At once, so that a secret leaves no copies behind in a buffer that grows. */
    AUTO_STR struct str text = STR_INIT;
    str_reserve(&text, (uint64_t)st.st_size < max ? (size_t)st.st_size + READ_CHUNK : 0);
    if (read_fd(fd, max, &text) < 0) {
        return fail_path(err, read_kind(errno), "read", path);
    }
    if (text.len > max) {
        err_fail(err, ERR_FAILED, "'%s' is larger than %zu bytes", path, max);
        return err_hint(err, "check that this is the file you mean");
    }
    str_free(ret);
    *ret = text;
    text = (struct str)STR_INIT;
    return 0;
}

int fs_write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int fs_write_atomic(const char *path, const char *bytes, size_t len, struct err *err)
{
    AUTO_FREE char *folder = folder_of(path);
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *hidden = mem_printf(".%s.XXXXXX", slash ? slash + 1 : path);
    AUTO_FREE char *beside = fs_join(folder, hidden);
    AUTO_FD int fd = mkostemp(beside, O_CLOEXEC); /* 0600 by definition */
    if (fd < 0) {
        return fail_path(err, ERR_STATE, "create", path);
    }
    if (fs_write_all(fd, bytes, len) < 0 || fsync(fd) < 0 || rename(beside, path) < 0) {
        fail_path(err, ERR_STATE, "write", path);
        (void)unlink(beside);
        return -1;
    }
    return fs_sync_folder(folder, err);
}

int fs_open_append(const char *path, bool create, int *ret_fd, struct err *err)
{
    int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    AUTO_FD int fd = open(path, flags | (create ? O_CREAT | O_EXCL : 0), 0600);
    if (fd < 0 && create && errno == EEXIST) {
        err_fail(err, ERR_STATE, "'%s' exists already", path);
        return err_hint(err, "two runs cannot share one file: start a new run");
    }
    if (fd < 0) {
        return fail_path(err, ERR_STATE, create ? "create" : "open", path);
    }
    if (create && sync_folder_of(path, err) < 0) {
        return -1;
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int fs_append_synced(int fd, const char *path, const char *bytes, size_t len, struct err *err)
{
    ssize_t n;
    do {
        n = write(fd, bytes, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return fail_path(err, ERR_STATE, "write", path);
    }
    if ((size_t)n < len) {
        err_fail(err, ERR_STATE, "only %zd of %zu bytes could be written to '%s'", n, len, path);
        return err_hint(err, "free some space on that file system");
    }
    if (fdatasync(fd) < 0) {
        return fail_path(err, ERR_STATE, "sync", path);
    }
    return 0;
}

bool fs_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int fs_free_space(const char *path, uint64_t *ret_bytes, struct err *err)
{
    struct statvfs st;
    if (statvfs(path, &st) < 0) {
        return fail_path(err, read_kind(errno), "ask for the free space of", path);
    }
    *ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

/* Whether `path` still names the file that we hold: its last owner may have removed it. */
static bool is_same_file(int fd, const char *path)
{
    struct stat ours;
    struct stat named;
    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

int fs_lock(const char *path, struct str *ret_holder, int *ret_fd, struct err *err)
{
    for (int tries = 0; tries < 100; tries++) {
        AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0) {
            return fail_path(err, ERR_STATE, "open lock", path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (!is_same_file(fd, path)) {
                continue;
            }
            *ret_fd = fd;
            fd = -1;
            return 0;
        }
        if (errno != EWOULDBLOCK) {
            return fail_path(err, ERR_STATE, "lock", path);
        }
        if (ret_holder) {
            str_reset(ret_holder);
            if (read_fd(fd, READ_CHUNK, ret_holder) < 0) {
                str_reset(ret_holder);
            }
        }
        err_fail(err, ERR_LOCKED, "'%s' is locked by another process", path);
        return err_hint(err, "wait for it to end; `fuser %s` names it", path);
    }
    err_fail(err, ERR_STATE, "lock '%s' is removed again and again by somebody", path);
    return err_hint(err, "find out who deletes files in that folder");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

int fs_remove_tree(const char *path, struct err *err)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0
               ? 0
               : err_fail(err, ERR_STATE, "'%s' cannot be removed: %m\nHINT: remove it by hand",
                          path);
}
