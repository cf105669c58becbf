/* By the kernel's own calls: there is no library for Landlock, and what runs between fork() and
 * exec() must be async-signal-safe. */
#include "hooks/sandbox_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- capabilities ---- */

static const char *const capability_names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
#define CAPABILITY_MAX 63

int confinement_capability(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(capability_names); i++) {
        if (str_eq(capability_names[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

static bool get_permitted(uint64_t *ret)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) {
        return false;
    }
    *ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return true;
}

static int choose_capabilities(const struct strv *names, uint64_t *ret, struct err *err)
{
    uint64_t have = 0;
    *ret = 0;
    for (size_t i = 0; i < names->count; i++) {
        uint64_t bit = (uint64_t)1 << confinement_capability(names->items[i]);
        if (!get_permitted(&have) || (have & bit) == 0) {
            return err_fail(err, ERR_PERMISSION,
                            "a hook keeps the capability '%s', which omslaunch has not\n"
                            "HINT: run as root, or take it out of the hook's 'capabilities'",
                            names->items[i]);
        }
        *ret |= bit;
    }
    return 0;
}

/* Not all of it needs to work: without CAP_SETPCAP neither bounding set nor securebits can be
 * changed, but no_new_privs, which comes next, keeps exec from giving anything back. */
static int drop_capabilities(uint64_t keep)
{
    for (unsigned i = 0; i <= CAPABILITY_MAX; i++) {
        if ((keep >> i & 1) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno == EINVAL) {
            break;
        }
    }
    (void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t word = (uint32_t)(keep >> 32 * i);
        data[i] = (struct __user_cap_data_struct){
            .effective = word, .permitted = word, .inheritable = word};
    }
    if (syscall(SYS_capset, &header, data) != 0) {
        return -1;
    }
    for (unsigned i = 0; i <= CAPABILITY_MAX; i++) {
        if ((keep >> i & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Landlock: linux/landlock.h, whose versions lag behind the kernels ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define LANDLOCK_VERSION 1U /* flag of create_ruleset */
#define RULE_PATH 1
#define RULE_PORT 2
#define FS_WRITE_FILE (1ULL << 1)
/* Making and removing of all kinds, in version 1. */
#define FS_MAKE_REMOVE (0x1ffULL << 4)
#define FS_REFER (1ULL << 13)    /* 2 */
#define FS_TRUNCATE (1ULL << 14) /* 3 */
#define NET_CONNECT (1ULL << 1)  /* 4 */
#define SCOPES 3ULL              /* 6: abstract local sockets, signals */

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed, port;
};

int confinement_landlock(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION);
    return version > 0 ? (int)version : 0;
}

static uint64_t file_rights(int version)
{
    return FS_WRITE_FILE | (version >= 3 ? FS_TRUNCATE : 0);
}

static uint64_t folder_rights(int version)
{
    return file_rights(version) | FS_MAKE_REMOVE | (version >= 2 ? FS_REFER : 0);
}

static int allow_path(int ruleset, int version, const char *path, struct err *err)
{
    AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return err_fail(err, ERR_CONFIG,
                        "a hook may change '%s', which cannot be opened: %m\n"
                        "HINT: make it, or take it out of the hook's 'write'",
                        path);
    }
    const struct path_rule rule = {
        .allowed = S_ISDIR(st.st_mode) ? folder_rights(version) : file_rights(version),
        .parent = fd,
    };
    return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) == 0
               ? 0
               : err_fail(err, ERR_FAILED, "cannot let a hook change '%s': %m", path);
}

static int allow_paths(const struct sandbox_spec *spec, int ruleset, int version, struct err *err)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full"};
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        struct err ignored = ERR_INIT;
        (void)!allow_path(ruleset, version, devices[i], &ignored);
    }
    if (spec->folder != NULL && allow_path(ruleset, version, spec->folder, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < spec->write.count; i++) {
        if (allow_path(ruleset, version, spec->write.items[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int make_ruleset(const struct sandbox_spec *spec, int *ret, struct err *err)
{
    int version = confinement_landlock();
    *ret = -1;
    if (version == 0) {
        return 0;
    }
    bool ports = version >= 4 && spec->port_count > 0;
    const struct ruleset rules = {
        .fs = folder_rights(version),
        .net = ports ? NET_CONNECT : 0,
        .scoped = version >= 6 ? SCOPES : 0,
    };
    /* A kernel reads as much of the struct as it knows, and wants the rest to be zero. */
    long made = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (made < 0) {
        return err_fail(err, ERR_FAILED, "cannot make the Landlock rules of a hook: %m");
    }
    AUTO_FD int fd = (int)made;
    if (allow_paths(spec, fd, version, err) != 0) {
        return -1;
    }
    for (size_t i = 0; ports && i < spec->port_count; i++) {
        const struct port_rule rule = {.allowed = NET_CONNECT, .port = spec->ports[i]};
        if (syscall(SYS_landlock_add_rule, fd, RULE_PORT, &rule, 0) != 0) {
            return err_fail(err, ERR_FAILED, "cannot let a hook connect to port %u: %m",
                            (unsigned)spec->ports[i]);
        }
    }
    /* The child's descriptors 0 to 4 are taken. */
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    return *ret >= 0 ? 0 : err_fail(err, ERR_FAILED, "cannot keep the rules of a hook: %m");
}

/* ---- all of it ---- */

int confinement_make(const struct sandbox_spec *spec, struct confinement *ret, struct err *err)
{
    *ret = (struct confinement){.ruleset = -1, .file_size_max = spec->file_size_max};
    if (spec->profile == SANDBOX_NONE) {
        return 0;
    }
    if (choose_capabilities(&spec->capabilities, &ret->capabilities, err) != 0) {
        return -1;
    }
    /* What is only looked at does what it would do. */
    return spec->trace ? 0 : make_ruleset(spec, &ret->ruleset, err);
}

void confinement_free(struct confinement *c)
{
    fd_close_ptr(&c->ruleset);
    c->ruleset = -1;
}

#define PROCESSES_MAX 4096
#define OPEN_FILES_MAX 4096

/* Down only: raising needs a capability. */
static int limit(int what, rlim_t max)
{
    struct rlimit now;
    /* glibc's names of limits are an enum of its own in C++ and an int here. */
    if (getrlimit(what, &now) < 0) {
        return -1;
    }
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < max) {
        max = now.rlim_max;
    }
    const struct rlimit lower = {.rlim_cur = max, .rlim_max = max};
    return setrlimit(what, &lower);
}

int confinement_limit(const struct confinement *c)
{
    if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NPROC, PROCESSES_MAX) < 0 ||
        limit(RLIMIT_NOFILE, OPEN_FILES_MAX) < 0) {
        return -1;
    }
    return c->file_size_max == 0 ? 0 : limit(RLIMIT_FSIZE, (rlim_t)c->file_size_max);
}

int confinement_enter(const struct confinement *c)
{
    if (drop_capabilities(c->capabilities) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -1;
    }
    return c->ruleset < 0 || syscall(SYS_landlock_restrict_self, c->ruleset, 0) == 0 ? 0 : -1;
}
