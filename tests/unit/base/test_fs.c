#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/fs.h"

#define EXISTS_HINT "\nHINT: two runs cannot share one file: start a new run"
#define LINK_HINT "\nHINT: links are not followed here: give the real path"
#define NO_FOLDER_HINT "\nHINT: check the path: a part of it is no folder"
#define MISSING_HINT "\nHINT: check the path: some part of it does not exist"

/* Each test works in a folder of its own; `at()` is a path in it, valid until the test ends. */
static char folder[64];
static struct strv paths;

static const char *at(const char *name)
{
    strv_addf(&paths, "%s/%s", folder, name);
    return paths.items[paths.count - 1];
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_fs.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    AUTO_FREE char *command = mem_printf("rm -rf '%s'", folder);
    strv_free(&paths);
    return system(command);
}

static void put_file(const char *path, const char *text)
{
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
}

static void assert_file(const char *path, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_STR struct str got = STR_INIT;
    assert_ok(fs_read(path, 1 << 20, false, &got, &err), &err);
    assert_string_equal(str_get(&got), text);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

/* "FORMAT with PATH" as an expected error. */
#define assert_path_err(err, kind, fmt, ...)                        \
    do {                                                            \
        AUTO_FREE char *expected_ = mem_printf((fmt), __VA_ARGS__); \
        assert_err((err), (kind), expected_);                       \
    } while (0)

static void test_join(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *path = fs_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
    }
}

static void test_make_dirs(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    mode_t old = umask(0);
    assert_ok(fs_make_dirs(at("a/b//c/"), &err), &err);
    umask(old);
    assert_int_equal(mode_of(at("a")), 0700);
    assert_int_equal(mode_of(at("a/b/c")), 0700);
    assert_ok(fs_make_dirs(at("a/b/c"), &err), &err);
    assert_ok(fs_make_dirs("/", &err), &err);
    assert_ok(fs_make_dirs("/tmp", &err), &err);
    /* A link on the way is the administrator's choice; at the end it is refused. */
    assert_int_equal(symlink("a", at("link")), 0);
    assert_ok(fs_make_dirs(at("link/d"), &err), &err);
    assert_fails(fs_make_dirs(at("link"), &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot use folder '%s/link': Too many levels of symbolic links" LINK_HINT,
                    folder);
}

static void test_make_dirs_in_a_relative_path(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char here[4096];
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    int got = fs_make_dirs("x/y", &err);
    assert_int_equal(chdir(here), 0);
    assert_ok(got, &err);
    assert_int_equal(mode_of(at("x/y")), 0700);
}

static void test_make_dirs_refuses(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    put_file(at("file"), "");
    assert_fails(fs_make_dirs(at("file"), &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot create folder '%s/file': Not a directory" NO_FOLDER_HINT, folder);
    assert_fails(fs_make_dirs(at("file/x"), &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot create folder '%s/file': Not a directory" NO_FOLDER_HINT, folder);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    assert_fails(fs_make_dirs(at("dangling"), &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot create folder '%s/dangling': Not a directory" NO_FOLDER_HINT, folder);
    assert_fails(fs_make_dirs("/proc/x", &err));
    assert_err(&err, ERR_STATE,
               "cannot create folder '/proc/x': No such file or directory" MISSING_HINT);
    assert_fails(fs_make_dirs("", &err));
    assert_err(&err, ERR_STATE, "cannot create folder '': No such file or directory" MISSING_HINT);
    if (geteuid() == 0) {
        assert_int_equal(mkdir(at("theirs"), 0777), 0);
        assert_int_equal(chown(at("theirs"), 12345, 12345), 0);
        assert_fails(fs_make_dirs(at("theirs"), &err));
        assert_path_err(&err, ERR_STATE,
                        "folder '%s/theirs' belongs to user id 12345, not to 0 or root\n"
                        "HINT: somebody else could change what is in it: choose another folder",
                        folder);
    }
}

static void test_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_STR struct str text = STR_INIT;
    put_file(at("f"), "hello");
    str_append(&text, "old");
    assert_ok(fs_read(at("f"), 5, true, &text, &err), &err);
    assert_string_equal(str_get(&text), "hello");
    assert_fails(fs_read(at("f"), 4, true, &text, &err));
    assert_path_err(&err, ERR_FAILED,
                    "'%s/f' is larger than 4 bytes\n"
                    "HINT: check that this is the file you mean",
                    folder);
    assert_string_equal(str_get(&text), "hello");
    assert_int_equal(symlink("f", at("link")), 0);
    assert_ok(fs_read(at("link"), 5, false, &text, &err), &err);
    assert_fails(fs_read(at("link"), 5, true, &text, &err));
    assert_path_err(&err, ERR_FAILED,
                    "cannot open '%s/link': Too many levels of symbolic links" LINK_HINT, folder);
    /* Its size says 0, and yet there is something to read. */
    assert_ok(fs_read("/proc/self/stat", 65536, true, &text, &err), &err);
    assert_true(text.len > 20);
    put_file(at("empty"), "");
    assert_ok(fs_read(at("empty"), 0, true, &text, &err), &err);
    assert_int_equal(text.len, 0);
}

static void test_read_refuses(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_STR struct str text = STR_INIT;
    assert_fails(fs_read(at("none"), 5, true, &text, &err));
    assert_path_err(&err, ERR_NOT_FOUND,
                    "cannot open '%s/none': No such file or directory" MISSING_HINT, folder);
    assert_fails(fs_read(folder, 5, true, &text, &err));
    assert_path_err(&err, ERR_FAILED,
                    "'%s' is a folder, not a regular file\nHINT: give the path of a file", folder);
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_fails(fs_read(at("pipe"), 5, true, &text, &err));
    assert_path_err(&err, ERR_FAILED,
                    "'%s/pipe' is a device, pipe or socket, not a regular file\n"
                    "HINT: give the path of a file",
                    folder);
}

/* As another user, since root may do anything. */
static void test_permission(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        return;
    }
    put_file(at("secret"), "x");
    assert_int_equal(chmod(at("secret"), 0600), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct str text = STR_INIT;
        int bad = setuid(12345) != 0;
        bad |= fs_read(at("secret"), 5, true, &text, &err) != -1 || err.kind != ERR_PERMISSION;
        bad |= !strstr(err_whole(&err),
                       "secret': Permission denied\nHINT: user id 12345 needs permission "
                       "for it and for the folders above it");
        bad |= fs_write_atomic(at("new"), "x", 1, &err) != -1 || err.kind != ERR_STATE;
        bad |= !strstr(err_whole(&err), "cannot create '") || err.hint[0] == '\0';
        bad |= fs_make_dirs(at("newdir"), &err) != -1 || err.kind != ERR_STATE;
        _exit(bad);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_write_atomic(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    mode_t old = umask(0);
    assert_ok(fs_write_atomic(at("f"), "one", 3, &err), &err);
    umask(old);
    assert_file(at("f"), "one");
    assert_int_equal(mode_of(at("f")), 0600);
    assert_ok(fs_write_atomic(at("f"), "", 0, &err), &err);
    assert_file(at("f"), "");
    /* A link is replaced, not written through. */
    put_file(at("victim"), "safe");
    assert_int_equal(symlink("victim", at("link")), 0);
    assert_ok(fs_write_atomic(at("link"), "new", 3, &err), &err);
    assert_file(at("victim"), "safe");
    assert_file(at("link"), "new");
    assert_int_equal(mode_of(at("link")), 0600);
}

static size_t count_names(void)
{
    AUTO_FREE char *command = mem_printf("ls -A '%s' | wc -l", folder);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    unsigned count = 0;
    assert_int_equal(fscanf(p, "%u", &count), 1);
    pclose(p);
    return count;
}

static void test_write_atomic_fails_and_leaves_the_old(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(fs_write_atomic(at("f"), "old", 3, &err), &err);
    /* A file that may not grow: what a full disk looks like to write(). */
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {.rlim_cur = 10, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int got = fs_write_atomic(at("f"), "12345678901234567890", 20, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(got, -1);
    assert_path_err(&err, ERR_STATE,
                    "cannot write '%s/f': File too large\nHINT: look into the kernel log (dmesg): "
                    "the file system may be damaged",
                    folder);
    assert_file(at("f"), "old");
    assert_int_equal(count_names(), 1);
    assert_int_equal(mkdir(at("dir"), 0700), 0);
    assert_fails(fs_write_atomic(at("dir"), "x", 1, &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot write '%s/dir': Is a directory\nHINT: look into the kernel log "
                    "(dmesg): the file system may be damaged",
                    folder);
    assert_int_equal(count_names(), 2);
    assert_fails(fs_write_atomic(at("none/f"), "x", 1, &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot create '%s/none/f': No such file or directory" MISSING_HINT, folder);
}

static void test_append(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    int fd = -1;
    assert_fails(fs_open_append(at("j"), false, &fd, &err));
    assert_path_err(&err, ERR_STATE, "cannot open '%s/j': No such file or directory" MISSING_HINT,
                    folder);
    assert_ok(fs_open_append(at("j"), true, &fd, &err), &err);
    assert_int_equal(mode_of(at("j")), 0600);
    assert_ok(fs_append_synced(fd, at("j"), "one\n", 4, &err), &err);
    close(fd);
    fd = -1;
    assert_fails(fs_open_append(at("j"), true, &fd, &err));
    assert_path_err(&err, ERR_STATE, "'%s/j' exists already" EXISTS_HINT, folder);
    assert_int_equal(fd, -1);
    assert_ok(fs_open_append(at("j"), false, &fd, &err), &err);
    assert_ok(fs_append_synced(fd, at("j"), "two\n", 4, &err), &err);
    close(fd);
    assert_file(at("j"), "one\ntwo\n");
    assert_int_equal(symlink("j", at("link")), 0);
    assert_fails(fs_open_append(at("link"), false, &fd, &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot open '%s/link': Too many levels of symbolic links" LINK_HINT, folder);
}

static void test_append_tells_a_short_write(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FD int fd = -1;
    assert_ok(fs_open_append(at("j"), true, &fd, &err), &err);
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {.rlim_cur = 10, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int got = fs_append_synced(fd, at("j"), "12345678901234567890", 20, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(got, -1);
    assert_path_err(&err, ERR_STATE,
                    "only 10 of 20 bytes could be written to '%s/j'\n"
                    "HINT: free some space on that file system",
                    folder);
    AUTO_FD int full = open("/dev/full", O_WRONLY);
    assert_fails(fs_append_synced(full, "/dev/full", "x", 1, &err));
    assert_err(&err, ERR_STATE,
               "cannot write '/dev/full': No space left on device\n"
               "HINT: free some space on that file system, or choose another place");
    assert_int_equal(fs_write_all(full, "x", 1), -1);
    assert_int_equal(errno, ENOSPC);
}

static void test_lock(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_STR struct str holder = STR_INIT;
    int fd = -1;
    int other = -1;
    assert_ok(fs_lock(at("lock"), &holder, &fd, &err), &err);
    assert_int_equal(mode_of(at("lock")), 0600);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fs_write_all(fd, "pid 7", 5), 0);
    assert_fails(fs_lock(at("lock"), &holder, &other, &err));
    assert_path_err(&err, ERR_LOCKED,
                    "'%s/lock' is locked by another process\n"
                    "HINT: wait for it to end; `fuser %s/lock` names it",
                    folder, folder);
    assert_string_equal(str_get(&holder), "pid 7");
    assert_int_equal(other, -1);
    assert_fails(fs_lock(at("lock"), NULL, &other, &err));
    close(fd);
    assert_ok(fs_lock(at("lock"), NULL, &fd, &err), &err);
    /* Who removes a lock file takes it from nobody: the next one locks the new file. */
    assert_int_equal(unlink(at("lock")), 0);
    assert_ok(fs_lock(at("lock"), NULL, &other, &err), &err);
    close(fd);
    close(other);
    assert_fails(fs_lock(at("none/lock"), NULL, &fd, &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot open lock '%s/none/lock': No such file or directory" MISSING_HINT,
                    folder);
}

static void test_the_rest(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    uint64_t bytes = 0;
    assert_true(fs_exists(folder));
    assert_false(fs_exists(at("none")));
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    assert_true(fs_exists(at("dangling")));
    assert_ok(fs_free_space(folder, &bytes, &err), &err);
    assert_true(bytes > 0);
    assert_fails(fs_free_space(at("none"), &bytes, &err));
    assert_path_err(&err, ERR_NOT_FOUND,
                    "cannot ask for the free space of '%s/none': No such file or "
                    "directory" MISSING_HINT,
                    folder);
    assert_ok(fs_sync_folder(folder, &err), &err);
    assert_fails(fs_sync_folder(at("none"), &err));
    assert_path_err(&err, ERR_STATE,
                    "cannot sync folder '%s/none': No such file or directory" MISSING_HINT, folder);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_join),
        TEST(test_make_dirs),
        TEST(test_make_dirs_in_a_relative_path),
        TEST(test_make_dirs_refuses),
        TEST(test_read),
        TEST(test_read_refuses),
        TEST(test_permission),
        TEST(test_write_atomic),
        TEST(test_write_atomic_fails_and_leaves_the_old),
        TEST(test_append),
        TEST(test_append_tells_a_short_write),
        TEST(test_lock),
        TEST(test_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
