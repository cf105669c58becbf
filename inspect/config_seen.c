#include "inspect/config_seen.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/base/digest.h"
#include "launcher/base/fs.h"
#include "launcher/engine/exec.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)
#define SMALL_FILE_MAX ((size_t)64 * 1024)
#define CAT_TIMEOUT_MS 10000U

void config_seen_free(struct config_seen *s)
{
    strv_free(&s->keys);
    free(s->note);
    *s = (struct config_seen){.state = CONFIG_UNKNOWN};
}

bool config_seen_is_elsewhere(const struct config_seen *s)
{
    static const char *const keys[] = {"oms_meta_host", "oms_meta_port", "drc_rm_db", "drc_cm_db",
                                       "drc_cm_heartbeat_db"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strv_has(&s->keys, keys[i])) {
            return true;
        }
    }
    return false;
}

bool process_is_of_container(const char *proc, const char *pid, const char *container_id)
{
    AUTO_FREE char *path = mem_printf("%s/%s/cgroup", proc, pid);
    AUTO_STR struct str text = STR_INIT;
    struct err ignored = ERR_INIT;

    return fs_read(path, SMALL_FILE_MAX, false, &text, &ignored) == 0 &&
           strstr(str_get(&text), container_id) != NULL;
}

/* Links of the container lead within it, as they do for its own processes. */
static int open_inside(const char *root, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));

    if (folder >= 0) {
        close(folder);
    }
    return fd;
}

/* False where it cannot be had this way: not root, or another machine after all. */
static bool read_by_proc(const struct container *c, struct str *ret)
{
    AUTO_FREE char *pid = mem_printf("%d", c->pid);
    AUTO_FREE char *root = mem_printf("/proc/%s/root", pid);
    struct err ignored = ERR_INIT;

    if (!process_is_of_container("/proc", pid, c->id)) {
        return false;
    }
    int fd = open_inside(root, OMS_PATH_CONFIG);
    if (fd < 0) {
        return false;
    }
    AUTO_FREE char *path = mem_printf("/proc/self/fd/%d", fd);
    int failed = fs_read(path, CONFIG_SIZE_MAX, false, ret, &ignored);
    close(fd);
    return failed == 0;
}

int config_seen_read(struct engine *e, const struct container *c, bool local,
                     struct str *ret_secret, struct err *err)
{
    static const char *const argv[] = {"cat", OMS_PATH_CONFIG, NULL};
    CLEANUP(oms_config_text_wipe) struct str text = STR_INIT;

    if (!local || !read_by_proc(c, &text)) {
        oms_config_text_wipe(&text);
        if (engine_exec_read(e, c->id, argv, CONFIG_SIZE_MAX, CAT_TIMEOUT_MS, &text, err)) {
            return -1;
        }
    }
    *ret_secret = text;
    text = (struct str)STR_INIT;
    return 0;
}

static void compare(const struct str *seen, const struct str *file, struct config_seen *ret)
{
    struct err err = ERR_INIT;

    if (oms_config_compare(seen, file, &ret->keys, &err)) {
        ret->note = mem_strdup(err.text);
        return;
    }
    ret->state = ret->keys.count > 0 ? CONFIG_OTHER : CONFIG_EDITED;
}

void config_seen_observe(struct engine *e, const struct container *c, bool local,
                         const struct oms_config *file, const char *source, struct config_seen *ret)
{
    CLEANUP(oms_config_text_wipe) struct str seen = STR_INIT;
    CLEANUP(oms_config_text_wipe) struct str text = STR_INIT;
    struct err err = ERR_INIT;
    char digest[DIGEST_HEX_MAX];

    *ret = (struct config_seen){.state = CONFIG_UNKNOWN};
    if (!c->running) {
        return;
    }
    if (c->pid <= 0) {
        ret->note = mem_strdup("the engine does not name its main process");
        return;
    }
    if (config_seen_read(e, c, local, &seen, &err)) {
        ret->note = mem_strdup(err.text);
        return;
    }
    digest_of(str_get(&seen), seen.len, digest);
    if (str_eq(digest, file->digest)) {
        ret->state = CONFIG_SAME;
    } else if (oms_config_fetch(e, c->id, source, &text, &err)) {
        ret->note = mem_strdup(err.text);
    } else {
        compare(&seen, &text, ret);
    }
}
