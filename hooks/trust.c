#include "hooks/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/str.h"

#define LINKS_MAX 40
#define NAME_SIZE (NAME_MAX + 1)
#define READ_CHUNK 65536

/* On the way from / to the file, one name after the other, so that each thing that is judged is the
 * thing that is gone through. */
struct walk {
    const char *path; /* as it was given, for errors */
    int at;           /* the folder that was reached, O_PATH */
    struct str shown; /* its path */
    char *rest;       /* names that are still to be gone through */
    unsigned links;
};

static void walk_free(struct walk *w)
{
    fd_close_ptr(&w->at);
    str_free(&w->shown);
    free(w->rest);
}

static int fail_open(const struct walk *w, struct err *err)
{
    enum err_kind kind = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_PERMISSION;
    return err_fail(err, kind, "hook '%s' cannot be opened: %m\nHINT: see that the path is right",
                    w->path);
}

/* Root could do anything anyway, and we would only hurt ourselves. */
static int check_owner(const struct walk *w, const char *shown, const struct stat *st,
                       struct err *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        return err_fail(err, ERR_REFUSED,
                        "hook '%s' is not to be trusted: '%s' belongs to user id %u, neither root "
                        "nor who runs omslaunch (%u)\n"
                        "HINT: chown it, or move the hook below folders of root",
                        w->path, shown, (unsigned)st->st_uid, (unsigned)geteuid());
    }
    if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return err_fail(err, ERR_REFUSED,
                        "hook '%s' is not to be trusted: '%s' may be written by others (mode "
                        "%04o)\n"
                        "HINT: chmod go-w '%s', or move the hook elsewhere",
                        w->path, shown, (unsigned)st->st_mode & 07777, shown);
    }
    return 0;
}

static int enter(struct walk *w, int fd_take, const char *shown, struct err *err)
{
    struct stat st;
    if (fd_take < 0 || fstat(fd_take, &st) < 0) {
        return fail_open(w, err);
    }
    fd_close_ptr(&w->at);
    w->at = fd_take;
    AUTO_FREE char *now = mem_strdup(shown);
    str_reset(&w->shown);
    str_append(&w->shown, now);
    return check_owner(w, now, &st, err);
}

static int begin(struct walk *w, const char *rest, struct err *err)
{
    char *next = mem_strdup(rest);
    free(w->rest);
    w->rest = next;
    return enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/", err);
}

/* The next name, "" at the end. */
static int take_name(struct walk *w, char name[NAME_SIZE], struct err *err)
{
    const char *p = w->rest + strspn(w->rest, "/");
    size_t len = strcspn(p, "/");
    if (len >= NAME_SIZE) {
        errno = ENAMETOOLONG;
        return fail_open(w, err);
    }
    memcpy(name, p, len);
    name[len] = '\0';
    memmove(w->rest, p + len, strlen(p + len) + 1);
    return 0;
}

static int follow(struct walk *w, int link, struct err *err)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
    if (n < 0 || ++w->links > LINKS_MAX) {
        errno = n < 0 ? errno : ELOOP;
        return fail_open(w, err);
    }
    target[n] = '\0';
    AUTO_FREE char *rest = mem_printf("%s/%s", target, w->rest);
    if (target[0] == '/') {
        return begin(w, rest, err);
    }
    free(w->rest);
    w->rest = TAKE(rest);
    return 0;
}

/* Goes to the end of the path; *ret_fd is an O_PATH of what stands there, in the folder w->at under
 * `name`. */
static int go(struct walk *w, char name[NAME_SIZE], struct stat *ret, int *ret_fd, struct err *err)
{
    for (;;) {
        if (take_name(w, name, err) != 0) {
            return -1;
        }
        AUTO_FD int fd =
            openat(w->at, name[0] != '\0' ? name : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0) {
            return fail_open(w, err);
        }
        AUTO_FREE char *shown = str_eq(str_get(&w->shown), "/")
                                    ? mem_printf("/%s", name)
                                    : mem_printf("%s/%s", str_get(&w->shown), name);
        bool is_last = w->rest[strspn(w->rest, "/")] == '\0';
        if (S_ISLNK(st.st_mode)) {
            if (check_owner(w, shown, &st, err) != 0 || follow(w, fd, err) != 0) {
                return -1;
            }
        } else if (is_last) {
            *ret = st;
            *ret_fd = fd;
            fd = -1;
            return name[0] == '\0' ? 0 : check_owner(w, shown, &st, err);
        } else {
            int next = fd;
            fd = -1;
            if (enter(w, next, shown, err) != 0) {
                return -1;
            }
        }
    }
}

static int walk_to(const char *path, struct walk *w, char name[NAME_SIZE], struct stat *ret,
                   int *ret_fd, struct err *err)
{
    if (path[0] != '/') {
        return err_fail(err, ERR_CONFIG,
                        "hook '%s' is not a path from / on\nHINT: write the whole path", path);
    }
    return begin(w, path, err) != 0 ? -1 : go(w, name, ret, ret_fd, err);
}

/* What was judged is opened for reading by its own descriptor, not by its name. */
static int open_again(const struct walk *w, int path_fd, int flags, int *ret, struct err *err)
{
    AUTO_FREE char *link = mem_printf("/proc/self/fd/%d", path_fd);
    *ret = open(link, O_RDONLY | O_CLOEXEC | flags);
    return *ret >= 0 ? 0
                     : err_fail(err, ERR_PERMISSION,
                                "hook '%s' cannot be read: %m\nHINT: chmod u+r it", w->path);
}

static int read_file(const struct walk *w, struct trusted_file *file, struct err *err)
{
    AUTO_FREE char *chunk = mem_alloc(READ_CHUNK);
    struct digest *d = digest_new();
    ssize_t n;
    off_t at = 0;
    while ((n = pread(file->fd, chunk, READ_CHUNK, at)) > 0) {
        file->is_script = at == 0 ? n >= 2 && memcmp(chunk, "#!", 2) == 0 : file->is_script;
        digest_update(d, chunk, (size_t)n);
        at += n;
    }
    digest_finish_take(d, file->digest);
    return n == 0 ? 0 : fail_open(w, err);
}

static int check_program(const struct walk *w, const struct stat *st, struct err *err)
{
    if (!S_ISREG(st->st_mode)) {
        return err_fail(err, ERR_PERMISSION,
                        "hook '%s' is not a file\nHINT: name a program or a script", w->path);
    }
    if ((st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
        return err_fail(err, ERR_PERMISSION, "hook '%s' is not executable\nHINT: chmod +x '%s'",
                        w->path, w->path);
    }
    return 0;
}

int trust_open(const char *path, struct trusted_file *ret, struct err *err)
{
    struct walk w __attribute__((cleanup(walk_free))) = {.path = path, .at = -1, .shown = STR_INIT};
    struct trusted_file file = {.fd = -1};
    char name[NAME_SIZE];
    struct stat st;
    AUTO_FD int fd = -1;
    if (walk_to(path, &w, name, &st, &fd, err) != 0 || check_program(&w, &st, err) != 0 ||
        open_again(&w, fd, 0, &file.fd, err) != 0) {
        return -1;
    }
    if (read_file(&w, &file, err) != 0) {
        fd_close_ptr(&file.fd);
        return -1;
    }
    *ret = file;
    return 0;
}

int trust_open_folder(const char *path, int *ret_fd, struct err *err)
{
    struct walk w __attribute__((cleanup(walk_free))) = {.path = path, .at = -1, .shown = STR_INIT};
    char name[NAME_SIZE];
    struct stat st;
    AUTO_FD int fd = -1;
    return walk_to(path, &w, name, &st, &fd, err) != 0 ||
                   open_again(&w, fd, O_DIRECTORY, ret_fd, err) != 0
               ? -1
               : 0;
}
