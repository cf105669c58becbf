#include "launcher/state/state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/digest.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"

#define ROOT_STATE "/var/lib/omslaunch"
#define LOCK_POLL_MS 500
#define LOCK_NAME_MAX 128

char *state_folder(const char *option)
{
    if (option != NULL) {
        return mem_strdup(option);
    }
    if (geteuid() == 0) {
        return mem_strdup(ROOT_STATE);
    }
    const char *base = getenv("XDG_STATE_HOME");
    if (base != NULL && base[0] == '/') {
        return fs_join(base, "omslaunch");
    }
    const char *home = getenv("HOME");
    return fs_join(home != NULL ? home : "/", ".local/state/omslaunch");
}

void state_make_run_id(char run[RUN_ID_MAX])
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm parts;
    gmtime_r(&now, &parts);
    unsigned char chance[2] = {0, 0};
    if (getrandom(chance, sizeof(chance), 0) != (ssize_t)sizeof(chance)) {
        chance[0] = (unsigned char)getpid();
    }
    char date[20];
    strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &parts);
    snprintf(run, RUN_ID_MAX, "%s-%02x%02x", date, chance[0], chance[1]);
}

char *state_run_folder(const char *state, const char *run)
{
    return mem_printf("%s/runs/%s", state, run);
}

char *state_run_file(const char *state, const char *run, const char *name)
{
    return mem_printf("%s/runs/%s/%s", state, run, name);
}

char *state_backup_folder(const char *state, const char *run)
{
    return mem_printf("%s/backups/%s", state, run);
}

/* A link is welcome here: the folder may live on a larger disk. */
static int check_owner(const char *state, struct err *err)
{
    struct stat st;
    if (stat(state, &st) != 0 || st.st_uid == geteuid() || st.st_uid == 0) {
        return 0;
    }
    return err_fail(err, ERR_STATE,
                    "the state folder '%s' belongs to user id %u, not to %u or root\n"
                    "HINT: somebody else could exchange what is in it: choose another folder with "
                    "--state-dir",
                    state, (unsigned)st.st_uid, (unsigned)geteuid());
}

int state_prepare(const char *state, struct err *err)
{
    static const char *const folders[] = {"runs", "backups", "locks"};
    if (check_owner(state, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO_FREE char *path = fs_join(state, folders[i]);
        if (fs_make_dirs(path, err) != 0) {
            return err_hint(err, "name a folder that can be written with --state-dir");
        }
    }
    return 0;
}

int state_create_run(const char *state, const char *run, struct err *err)
{
    AUTO_FREE char *folder = state_run_folder(state, run);
    AUTO_FREE char *logs = fs_join(folder, "logs");
    if (fs_exists(folder)) {
        return err_fail(err, ERR_STATE,
                        "the folder of the run exists already: '%s'\n"
                        "HINT: run the command again, for another run ID",
                        folder);
    }
    return fs_make_dirs(logs, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void state_drop_run(const char *state, const char *run)
{
    AUTO_FREE char *folder = state_run_folder(state, run);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(dir);
    (void)rmdir(folder);
}

int state_list_runs(const char *state, struct strv *ret, struct err *err)
{
    AUTO_FREE char *folder = fs_join(state, "runs");
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        if (errno == ENOENT) {
            return 0;
        }
        return err_fail(err, ERR_STATE,
                        "cannot read the folder of runs '%s': %m\nHINT: run as the user who "
                        "upgrades, or name another folder with --state-dir",
                        folder);
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            strv_add(ret, entry->d_name);
        }
    }
    closedir(dir);
    if (ret->count > 1) {
        qsort(ret->items, ret->count, sizeof(ret->items[0]), by_name);
    }
    return 0;
}

char *state_describe_holder(const char *run)
{
    char host[256] = "an unknown host";
    gethostname(host, sizeof(host) - 1);
    char now[CLOCK_TEXT_MAX];
    return mem_printf("run %s, process %d on %s since %s", run, (int)getpid(), host,
                      clock_format(clock_wall_ms(), now));
}

/* The same name on another engine is another deployment. The name is as it was typed: "../x" must
 * not lead out of the folder. */
static char *lock_path(const char *state, const char *endpoint, const char *deployment)
{
    AUTO_FREE char *key = mem_printf("%s\n%s", endpoint, deployment);
    AUTO_FREE char *name = mem_strndup(deployment, LOCK_NAME_MAX);
    char hex[DIGEST_HEX_MAX];
    digest_of(key, strlen(key), hex);
    for (char *p = name; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("_.-", *p) == NULL) {
            *p = '_';
        }
    }
    return mem_printf("%s/locks/%s-%.8s.lock", state, name, hex);
}

bool state_is_locked(const char *state, const char *endpoint, const char *deployment,
                     struct str *ret_holder)
{
    AUTO_FREE char *path = lock_path(state, endpoint, deployment);
    AUTO_FD int fd = -1;
    struct err err = ERR_INIT;
    return fs_exists(path) && fs_lock(path, ret_holder, &fd, &err) != 0 && err.kind == ERR_LOCKED;
}

int state_lock(const char *state, const char *endpoint, const char *deployment, const char *run,
               uint64_t wait_ms, int *ret_fd, struct err *err)
{
    AUTO_FREE char *path = lock_path(state, endpoint, deployment);
    uint64_t deadline_ms = clock_deadline(wait_ms);
    AUTO_FD int fd = -1;
    for (;;) {
        AUTO_STR struct str holder = STR_INIT;
        if (fs_lock(path, &holder, &fd, err) == 0) {
            break;
        }
        if (err->kind != ERR_LOCKED) {
            return -1;
        }
        err_fail(err, ERR_LOCKED,
                 "another run works on '%s': %s\n"
                 "HINT: wait for it to end (--lock-wait 10m does), or see 'omslaunch status'",
                 deployment, str_get(&holder));
        if (wait_ms == 0 || clock_passed(deadline_ms) || stop_requested()) {
            return -1;
        }
        clock_sleep_ms(LOCK_POLL_MS);
    }
    AUTO_FREE char *owner = state_describe_holder(run);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, owner, strlen(owner), 0) != (ssize_t)strlen(owner)) {
        return err_fail(err, ERR_STATE,
                        "cannot write the lock '%s': %m\n"
                        "HINT: free some space there, or name another folder with --state-dir",
                        path);
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}
