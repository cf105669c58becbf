/* Preloaded into omslaunch-metadb: ends it by SIGKILL right before or after its KILL_AT-th
 * statement (all connections together), so that every moment of a restore can be the last one.
 * Without KILL_AT the number of statements is written to KILL_COUNT when the program ends.
 * STOP_BEFORE=TEXT: stops itself (SIGSTOP) before the first statement that begins with TEXT.
 * LOSE_AFTER=N: no prepared statement gives more than N rows, and none says so. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mysql.h>

static long count;

static void write_count(long n)
{
    const char *path = getenv("KILL_COUNT");
    if (path) {
        char text[32];
        int len = snprintf(text, sizeof(text), "%ld\n", n);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, text, (size_t)len) != len || close(fd) < 0) {
            _exit(99);
        }
    }
}

static void stop_before(const char *q, unsigned long length)
{
    static bool stopped;
    const char *text = getenv("STOP_BEFORE");
    if (text && strlen(text) <= length && memcmp(q, text, strlen(text)) == 0 &&
        !__atomic_exchange_n(&stopped, true, __ATOMIC_RELAXED)) {
        (void)raise(SIGSTOP); /* of this very thread: not a statement later */
    }
}

/* Before the statement runs, and after it. */
static long begin_statement(void)
{
    const char *at = getenv("KILL_AT"), *when = getenv("KILL_WHEN");
    long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    bool after = when && strcmp(when, "after") == 0;
    if (at && strtol(at, NULL, 10) == n && !after) {
        kill(getpid(), SIGKILL);
    }
    return n;
}

static void end_statement(long n)
{
    const char *at = getenv("KILL_AT");
    if (at && strtol(at, NULL, 10) == n) {
        kill(getpid(), SIGKILL);
    }
    if (!at) {
        write_count(n);
    }
}

/* What each connection says of itself first changes nothing, and is the same every time. */
static bool is_of_session(const char *q)
{
    static const char *const heads[] = {
        "SET SESSION sql_mode=''", "SET SESSION sql_select_limit=", "SHOW SESSION VARIABLES",
        "SELECT @@sql_select_limit", "SET SESSION lock_wait_timeout=60"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (strncmp(q, heads[i], strlen(heads[i])) == 0) {
            return true;
        }
    }
    return false;
}

int mysql_real_query(MYSQL *mysql, const char *q, unsigned long length)
{
    static int (*real)(MYSQL *, const char *, unsigned long);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "mysql_real_query");
    }
    if (is_of_session(q)) {
        return real(mysql, q, length);
    }
    long n = begin_statement();
    stop_before(q, length);
    int rc = real(mysql, q, length);
    end_statement(n);
    return rc;
}

/* Prepared statements count when they are executed. */
int mysql_stmt_prepare(MYSQL_STMT *stmt, const char *q, unsigned long length)
{
    static int (*real)(MYSQL_STMT *, const char *, unsigned long);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "mysql_stmt_prepare");
    }
    stop_before(q, length);
    return real(stmt, q, length);
}

int mysql_stmt_execute(MYSQL_STMT *stmt)
{
    static int (*real)(MYSQL_STMT *);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "mysql_stmt_execute");
    }
    long n = begin_statement();
    int rc = real(stmt);
    end_statement(n);
    return rc;
}

int mysql_stmt_fetch(MYSQL_STMT *stmt)
{
    static int (*real)(MYSQL_STMT *);
    static __thread long rows;
    const char *most = getenv("LOSE_AFTER");
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "mysql_stmt_fetch");
    }
    int rc = real(stmt);
    rows = rc == 0 ? rows + 1 : 0;
    while (rc == 0 && most && rows > strtol(most, NULL, 10)) {
        rc = real(stmt);
    }
    rows = rc == 0 ? rows : 0;
    return rc;
}
