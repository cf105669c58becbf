/* LD_PRELOAD: makes one exact thing go wrong in a program that knows nothing of tests.
 *
 *   OMSL_FAULT=before:N | torn:N | after:N   SIGKILL before, in the middle of, or after the Nth
 *                                            record that this process writes into a journal
 *   OMSL_FAULT=term:N | term-twice:N         SIGTERM to itself after the Nth record, or two of them
 *   OMSL_FAULT=exec:N                        runs the command OMSL_EXEC after the Nth record
 *   OMSL_FAULT=full:N | full-from:N          the Nth change below OMSL_FAULT_DIR finds the disk
 *                                            full; or that one and all after it
 *   OMSL_FAULT=send:N                        SIGKILL to the parent and itself before the Nth
 *                                            message on a TCP connection
 *   OMSL_FAULT_COUNT=FILE                    how many such changes, or messages, there were
 *   OMSL_CLOCK=SECONDS                       once the journal has OMSL_CLOCK_AT records, the wall
 *                                            clock is that much later (or earlier)
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* libc's own prototypes name their parameters in a way that only libc may. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

#define REAL(name) ((__typeof__(&(name)))find(#name))

static atomic_long records;
static atomic_long changes;
static atomic_long messages;

static void *find(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL) {
        abort();
    }
    return symbol;
}

/* The N of OMSL_FAULT=`what`:N; 0 if something else is asked for. */
static long wanted(const char *what)
{
    const char *fault = getenv("OMSL_FAULT");
    size_t len = strlen(what);
    if (fault == NULL || strncmp(fault, what, len) != 0 || fault[len] != ':') {
        return 0;
    }
    return strtol(fault + len + 1, NULL, 10);
}

static const char *path_of(int fd, char *buffer, size_t size)
{
    char link[32];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, buffer, size - 1);
    buffer[len < 0 ? 0 : len] = '\0';
    return buffer;
}

static int is_journal(int fd)
{
    static const char name[] = "/journal.jsonl";
    char buffer[4096];
    size_t len = strlen(path_of(fd, buffer, sizeof(buffer)));
    return len >= strlen(name) && strcmp(buffer + len - strlen(name), name) == 0;
}

/* ---- a full disk ---- */

static void note_count(long n)
{
    const char *path = getenv("OMSL_FAULT_COUNT");
    FILE *file = path == NULL ? NULL : REAL(fopen)(path, "w");
    if (file != NULL) {
        (void)fprintf(file, "%ld\n", n);
        (void)fclose(file);
    }
}

/* Does this change of `path` find the disk full? */
static int is_full(const char *path)
{
    const char *folder = getenv("OMSL_FAULT_DIR");
    if (folder == NULL || strncmp(path, folder, strlen(folder)) != 0) {
        return 0;
    }
    long n = atomic_fetch_add(&changes, 1) + 1;
    note_count(n);
    long from = wanted("full-from");
    if (n == wanted("full") || (from != 0 && n >= from)) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

static int is_full_fd(int fd)
{
    char buffer[4096];
    return getenv("OMSL_FAULT_DIR") != NULL && is_full(path_of(fd, buffer, sizeof(buffer)));
}

/* ---- the journal ---- */

static void before_record(int fd, const void *bytes, size_t len)
{
    long n = atomic_fetch_add(&records, 1) + 1;
    if (n == wanted("torn")) {
        (void)!REAL(write)(fd, bytes, len / 2);
    }
    if (n == wanted("torn") || n == wanted("before")) {
        (void)raise(SIGKILL);
    }
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd <= 2) {
        return REAL(write)(fd, bytes, len);
    }
    if (is_full_fd(fd)) {
        return -1;
    }
    if (is_journal(fd)) {
        before_record(fd, bytes, len);
    }
    return REAL(write)(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return is_full_fd(fd) ? -1 : REAL(pwrite)(fd, bytes, len, offset);
}

/* The command is no part of what is tested, and must not be hit by what hits that. */
static void run_command(void)
{
    const char *command = getenv("OMSL_EXEC");
    const char *preload = getenv("LD_PRELOAD");
    char kept[4096];
    (void)snprintf(kept, sizeof(kept), "%s", preload == NULL ? "" : preload);
    (void)unsetenv("LD_PRELOAD");
    if (command == NULL || system(command) != 0) {
        abort();
    }
    (void)setenv("LD_PRELOAD", kept, 1);
}

static void after_record(void)
{
    long n = atomic_load(&records);
    if (n == wanted("after")) {
        (void)raise(SIGKILL);
    }
    if (n == wanted("term") || n == wanted("term-twice")) {
        (void)raise(SIGTERM);
    }
    if (n == wanted("term-twice")) {
        (void)raise(SIGTERM);
    }
    if (n == wanted("exec")) {
        run_command();
    }
}

int fdatasync(int fd)
{
    int rc = REAL(fdatasync)(fd);
    if (is_journal(fd)) {
        after_record();
    }
    return rc;
}

int mkdir(const char *path, mode_t mode)
{
    return is_full(path) ? -1 : REAL(mkdir)(path, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if ((flags & O_CREAT) != 0 && access(path, F_OK) != 0 && is_full(path)) {
        return -1;
    }
    return REAL(open)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if ((flags & O_CREAT) != 0 && (path[0] == '/' ? is_full(path) : is_full_fd(folder))) {
        return -1;
    }
    return REAL(openat)(folder, path, flags, mode);
}

/* ---- the network, and time ---- */

static void before_message(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    long n = wanted("send");
    if (n == 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        address.ss_family != AF_INET) {
        return;
    }
    long now = atomic_fetch_add(&messages, 1) + 1;
    note_count(now);
    if (now == n) {
        (void)kill(getppid(), SIGKILL);
        (void)raise(SIGKILL);
    }
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    before_message(fd);
    return REAL(send)(fd, bytes, len, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
               socklen_t to_len)
{
    before_message(fd);
    return REAL(sendto)(fd, bytes, len, flags, to, to_len);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
    int rc = REAL(clock_gettime)(id, ret);
    const char *shift = getenv("OMSL_CLOCK");
    const char *at = getenv("OMSL_CLOCK_AT");
    if (rc == 0 && id == CLOCK_REALTIME && shift != NULL && at != NULL &&
        atomic_load(&records) >= strtol(at, NULL, 10)) {
        ret->tv_sec += strtol(shift, NULL, 10);
    }
    return rc;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
