/* The state folder: where it is, what may stand in its way, and who holds its lock. */
#include "launcher/state/state.h"

#include <signal.h>
#include <sys/wait.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "tests/unit/upgrade/folder.h"

#define ENDPOINT "unix:///e"

/* As user 65534, in a child: 0 when `check` holds. Only root can become somebody else. */
static int as_nobody(int (*check)(const char *path), const char *path)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        _exit(setgid(65534) != 0 || setuid(65534) != 0 ? 99 : check(path));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

/* ---- where ---- */

static void test_folder(void **state)
{
    (void)state;
    AUTO_FREE char *given = state_folder("/some/where");
    AUTO_FREE char *found = state_folder(NULL);

    assert_string_equal(given, "/some/where");
    if (geteuid() == 0) {
        assert_string_equal(found, "/var/lib/omslaunch");
    }
}

static int check_folders(const char *unused)
{
    (void)unused;
    (void)setenv("HOME", "/home/u", 1);
    (void)setenv("XDG_STATE_HOME", "/x/state", 1);
    AUTO_FREE char *xdg = state_folder(NULL);
    /* The specification has it: what is not absolute is ignored. */
    (void)setenv("XDG_STATE_HOME", "relative", 1);
    AUTO_FREE char *relative = state_folder(NULL);
    (void)unsetenv("XDG_STATE_HOME");
    AUTO_FREE char *home = state_folder(NULL);
    (void)unsetenv("HOME");
    AUTO_FREE char *none = state_folder(NULL);
    return str_eq(xdg, "/x/state/omslaunch") &&
                   str_eq(relative, "/home/u/.local/state/omslaunch") &&
                   str_eq(home, "/home/u/.local/state/omslaunch") &&
                   str_eq(none, "/.local/state/omslaunch")
               ? 0
               : 1;
}

static void test_folder_of_a_user(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        assert_int_equal(as_nobody(check_folders, ""), 0);
    } else {
        assert_int_equal(check_folders(""), 0);
    }
}

static void test_paths(void **state)
{
    (void)state;
    AUTO_FREE char *folder = state_run_folder("/s", "r");
    AUTO_FREE char *file = state_run_file("/s", "r", "journal.jsonl");
    AUTO_FREE char *backup = state_backup_folder("/s", "r");

    assert_string_equal(folder, "/s/runs/r");
    assert_string_equal(file, "/s/runs/r/journal.jsonl");
    assert_string_equal(backup, "/s/backups/r");
}

static void test_run_ids(void **state)
{
    (void)state;
    AUTO_STRV struct strv seen = STRV_INIT;
    size_t different = 0;

    for (int i = 0; i < 50; i++) {
        char id[RUN_ID_MAX];
        state_make_run_id(id);
        /* 20261122-094512-3f2a */
        assert_int_equal(strlen(id), 20);
        assert_int_equal(strspn(id, "0123456789"), 8);
        assert_int_equal(id[8], '-');
        assert_int_equal(strspn(id + 9, "0123456789"), 6);
        assert_int_equal(id[15], '-');
        assert_int_equal(strspn(id + 16, "0123456789abcdef"), 4);
        different += strv_has(&seen, id) ? 0 : 1;
        strv_add(&seen, id);
    }
    assert_in_range(different, 45, 50);
}

/* ---- folders ---- */

static void test_prepare(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;
    static const char *const names[] = {"", "runs", "backups", "locks", "runs/r1", "runs/r1/logs"};

    folder_make(&f);
    AUTO_FREE char *path = folder_at(&f, "a/b");
    assert_ok(state_prepare(path, &err), &err);
    assert_ok(state_prepare(path, &err), &err);
    assert_ok(state_create_run(path, "r1", &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *part = fs_join(path, names[i]);
        struct stat st;
        assert_int_equal(stat(part, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
    }
}

static void test_run_that_is_there(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    assert_ok(state_create_run(f.path, "r1", &err), &err);
    assert_fails(state_create_run(f.path, "r1", &err));
    assert_masked_err(&f, &err, ERR_STATE,
                      "the folder of the run exists already: '<folder>/runs/r1'\n"
                      "HINT: run the command again, for another run ID");
}

static void test_dropped_run(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    assert_ok(state_create_run(f.path, "r1", &err), &err);
    folder_write(&f, "runs/r1/plan.json", "{}");
    state_drop_run(f.path, "r1");
    state_drop_run(f.path, "never");
    AUTO_FREE char *gone = state_run_folder(f.path, "r1");
    assert_false(fs_exists(gone));
}

static void test_file_in_the_way(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;

    folder_make(&f);
    folder_write(&f, "state", "");
    AUTO_FREE char *path = folder_at(&f, "state");
    assert_fails(state_prepare(path, &err));
    assert_int_equal((int)err.kind, ERR_STATE);
    assert_non_null(strstr(err_whole(&err), "/state': Not a directory\nHINT: "));
    AUTO_FREE char *other = folder_at(&f, "other");
    assert_int_equal(mkdir(other, 0700), 0);
    folder_write(&f, "other/locks", "");
    assert_fails(state_prepare(other, &err));
    assert_non_null(strstr(err_whole(&err), "cannot create folder '"));
    assert_non_null(strstr(err_whole(&err), "/other/locks': Not a directory\nHINT: "));
}

/* The whole folder may live elsewhere; what is in it may not. */
static void test_links(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    AUTO_FREE char *target = NULL;
    struct err err = ERR_INIT;

    folder_make(&f);
    target = folder_at(&f, "target");
    AUTO_FREE char *link = folder_at(&f, "link");
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    assert_ok(state_prepare(link, &err), &err);
    AUTO_FREE char *runs = folder_at(&f, "target/runs");
    assert_int_equal(rmdir(runs), 0);
    assert_int_equal(symlink("/tmp", runs), 0);
    assert_fails(state_prepare(link, &err));
    assert_int_equal((int)err.kind, ERR_STATE);
    assert_non_null(
        strstr(err_whole(&err), "/link/runs': Too many levels of symbolic links\nHINT: "));
}

static int check_prepare_fails(const char *path)
{
    struct err err = ERR_INIT;

    return state_prepare(path, &err) == -1 && err.kind == ERR_STATE &&
                   strstr(err_whole(&err), "': Permission denied\nHINT: ") != NULL
               ? 0
               : 1;
}

static void test_no_permission(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};

    folder_make(&f);
    AUTO_FREE char *path = folder_at(&f, "deep/down");
    if (geteuid() == 0) {
        assert_int_equal(as_nobody(check_prepare_fails, path), 0);
    } else {
        assert_int_equal(chmod(f.path, 0500), 0);
        assert_int_equal(check_prepare_fails(path), 0);
    }
}

static void test_folder_of_somebody_else(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;

    folder_make(&f);
    if (geteuid() != 0) {
        return; /* only root can give a folder away */
    }
    assert_int_equal(chown(f.path, 65534, 65534), 0);
    assert_fails(state_prepare(f.path, &err));
    assert_masked_err(&f, &err, ERR_STATE,
                      "the state folder '<folder>' belongs to user id 65534, not to 0 or root\n"
                      "HINT: somebody else could exchange what is in it: choose another folder "
                      "with --state-dir");
}

/* ---- runs ---- */

static void test_list(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    AUTO_STRV struct strv runs = STRV_INIT;
    struct err err = ERR_INIT;
    static const char *const ids[] = {"20261122-100000-0001", "20251122-100000-ffff",
                                      "20261122-095959-aaaa"};

    folder_make(&f);
    assert_ok(state_list_runs(f.path, &runs, &err), &err);
    assert_int_equal(runs.count, 0);
    assert_ok(state_prepare(f.path, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_ok(state_create_run(f.path, ids[i], &err), &err);
    }
    folder_write(&f, "runs/.hidden", "");
    assert_ok(state_list_runs(f.path, &runs, &err), &err);
    assert_int_equal(runs.count, 3);
    assert_string_equal(runs.items[0], ids[1]);
    assert_string_equal(runs.items[1], ids[2]);
    assert_string_equal(runs.items[2], ids[0]);
}

static void test_list_of_no_folder(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    AUTO_STRV struct strv runs = STRV_INIT;
    struct err err = ERR_INIT;

    folder_make(&f);
    folder_write(&f, "runs", "");
    assert_fails(state_list_runs(f.path, &runs, &err));
    assert_masked_err(&f, &err, ERR_STATE,
                      "cannot read the folder of runs '<folder>/runs': Not a directory\n"
                      "HINT: run as the user who upgrades, or name another folder with "
                      "--state-dir");
}

/* ---- the lock ---- */

struct holder {
    pid_t pid;
    int hold_on; /* closed: the holder ends */
};

static void hold(struct holder *h, const char *state_path, const char *deployment)
{
    int ready[2];
    int go[2];
    char byte = 0;

    assert_int_equal(pipe(ready) | pipe(go), 0);
    h->pid = fork();
    if (h->pid == 0) {
        struct err err;
        int fd = -1;
        (void)close(go[1]);
        if (state_lock(state_path, ENDPOINT, deployment, "r-other", 0, &fd, &err) != 0 ||
            write(ready[1], &byte, 1) != 1) {
            _exit(1);
        }
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    (void)close(ready[1]);
    (void)close(go[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    h->hold_on = go[1];
}

static void let_go(const struct holder *h)
{
    (void)close(h->hold_on);
    assert_int_equal(waitpid(h->pid, NULL, 0), h->pid);
}

/* "run r-other, process 7 on host since 2026-…" */
static char *holder_text(const struct folder *f, const struct holder *h)
{
    AUTO_STR struct str text = STR_INIT;
    char host[256] = "";

    (void)gethostname(host, sizeof(host) - 1);
    assert_true(state_is_locked(f->path, ENDPOINT, "oms_331", &text));
    AUTO_FREE char *begin = mem_printf("run r-other, process %d on %s since 2", (int)h->pid, host);
    assert_memory_equal(str_get(&text), begin, strlen(begin));
    return str_take(&text);
}

static void test_holder_is_named(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct holder h;
    struct err err = ERR_INIT;
    int fd = -1;

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    hold(&h, f.path, "oms_331");
    AUTO_FREE char *who = holder_text(&f, &h);
    AUTO_FREE char *expected =
        mem_printf("another run works on 'oms_331': %s\n"
                   "HINT: wait for it to end (--lock-wait 10m does), or see 'omslaunch status'",
                   who);
    assert_fails(state_lock(f.path, ENDPOINT, "oms_331", "r1", 0, &fd, &err));
    assert_err(&err, ERR_LOCKED, expected);
    assert_int_equal(fd, -1);
    /* Another deployment is free, and so is the same name on another engine. */
    assert_ok(state_lock(f.path, ENDPOINT, "oms_332", "r1", 0, &fd, &err), &err);
    (void)close(fd);
    assert_ok(state_lock(f.path, "unix:///other", "oms_331", "r1", 0, &fd, &err), &err);
    (void)close(fd);
    let_go(&h);
}

static void test_dead_owner_is_no_lock(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    AUTO_STR struct str who = STR_INIT;
    struct holder h;
    struct err err = ERR_INIT;
    int fd = -1;

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    hold(&h, f.path, "oms_331");
    assert_int_equal(kill(h.pid, SIGKILL), 0);
    let_go(&h);
    assert_false(state_is_locked(f.path, ENDPOINT, "oms_331", &who));
    assert_ok(state_lock(f.path, ENDPOINT, "oms_331", "r1", 0, &fd, &err), &err);
    (void)close(fd);
}

static void test_lock_wait(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct holder h;
    struct err err = ERR_INIT;
    int fd = -1;

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    hold(&h, f.path, "oms_331");
    uint64_t begun_ms = clock_mono_ms();
    assert_fails(state_lock(f.path, ENDPOINT, "oms_331", "r1", 600, &fd, &err));
    assert_int_equal((int)err.kind, ERR_LOCKED);
    assert_in_range(clock_mono_ms() - begun_ms, 600, 3000);
    /* Ended while we wait. */
    const pid_t ender = fork();
    if (ender == 0) {
        (void)close(h.hold_on);
        (void)usleep(300000);
        (void)kill(h.pid, SIGKILL);
        _exit(0);
    }
    assert_ok(state_lock(f.path, ENDPOINT, "oms_331", "r1", 20000, &fd, &err), &err);
    (void)close(fd);
    assert_int_equal(waitpid(ender, NULL, 0), ender);
    let_go(&h);
}

/* Whatever was typed as a name, the lock stays in its folder. */
static void test_lock_of_odd_names(void **state)
{
    (void)state;
    AUTO_FOLDER struct folder f = {.path = ""};
    struct err err = ERR_INIT;
    static const char *const names[] = {"../../x", "/oms_331", "a b\n", "", "é"};

    folder_make(&f);
    assert_ok(state_prepare(f.path, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int fd = -1;
        assert_ok(state_lock(f.path, ENDPOINT, names[i], "r1", 0, &fd, &err), &err);
        (void)close(fd);
    }
    AUTO_FREE char *count =
        mem_printf("test $(ls -A %s/locks | wc -l) = %zu", f.path, ARRAY_LEN(names));
    assert_int_equal(system(count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_folder_of_a_user),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_run_ids),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_run_that_is_there),
        cmocka_unit_test(test_dropped_run),
        cmocka_unit_test(test_file_in_the_way),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_folder_of_somebody_else),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_of_no_folder),
        cmocka_unit_test(test_holder_is_named),
        cmocka_unit_test(test_dead_owner_is_no_lock),
        cmocka_unit_test(test_lock_wait),
        cmocka_unit_test(test_lock_of_odd_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
