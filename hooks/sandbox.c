/* The only home of libseccomp: makes the filters. What is done with them: sandbox_run.c. */
#include "hooks/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "hooks/sandbox_table.h"
#include "launcher/base/json.h"

#define LOW_WORD 0xffffffffULL
#define SOCK_TYPE_MASK 0xfULL
#define X32_BIT 0x40000000U
#define SIGNAL_CANCEL 32 /* of libc's threads */
#define SIGNAL_SETXID 33
/* Of clone(); CLONE_NEWTIME is a signal number there. */
#define NAMESPACES                                                                            \
    ((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
                CLONE_NEWPID | CLONE_NEWNET))

struct build {
    const struct sandbox_spec *spec;
    scmp_filter_ctx ctx;
    uint32_t deny;
    int failed; /* the first error number, negative */
};

/* ---- names ---- */

static int number_of(const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    return number != __NR_SCMP_ERROR ? number : sandbox_call_number(name);
}

bool sandbox_filter_knows(const char *name)
{
    return number_of(name) != -1;
}

char *sandbox_filter_name(int number)
{
    AUTO_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    const char *ours = sandbox_call_name(number);
    if (name != NULL) {
        return mem_strdup(name);
    }
    return ours != NULL ? mem_strdup(ours) : mem_printf("%d", number);
}

bool sandbox_filter_needs(const char *name)
{
    static const char *const needed[] = {"execveat", "sendmsg", "write", "close", "exit_group"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (str_eq(needed[i], name)) {
            return true;
        }
    }
    return false;
}

/* ---- rules ---- */

static bool is_allowed(const struct build *b, const char *name)
{
    return strv_has(&b->spec->allow, name) && !strv_has(&b->spec->deny, name);
}

static bool is_denied(const struct build *b, const char *name)
{
    return strv_has(&b->spec->deny, name);
}

/* One call with at most two arguments compared. A call that this architecture has not is no error,
 * and one rule that another one covers is none. */
static void add(struct build *b, uint32_t action, int number, unsigned count,
                const struct scmp_arg_cmp *args)
{
    if (number < 0) {
        return;
    }
    int rc = seccomp_rule_add_array(b->ctx, action, number, count, args);
    if (rc != 0 && rc != -EEXIST && rc != -EDOM && b->failed == 0) {
        b->failed = rc;
    }
}

static void add_name(struct build *b, uint32_t action, const char *name)
{
    add(b, action, number_of(name), 0, NULL);
}

/* Where the kernel looks at 32 bits of an argument, so must a rule that denies. */
static void add_if_low(struct build *b, uint32_t action, const char *name, unsigned arg,
                       uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp cmp = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value);
    add(b, action, number_of(name), 1, &cmp);
}

static void add_table(struct build *b, uint32_t action, const struct sandbox_call *calls,
                      size_t count, bool (*is_left_out)(const struct build *b, const char *name))
{
    for (size_t i = 0; i < count; i++) {
        if (!is_left_out(b, calls[i].name)) {
            add(b, action, calls[i].number != 0 ? calls[i].number : number_of(calls[i].name), 0,
                NULL);
        }
    }
}

static void add_spec(struct build *b, uint32_t action, const struct strv *names)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!str_eq(names->items[i], SANDBOX_LOCAL_SOCKETS)) {
            add_name(b, action, names->items[i]);
        }
    }
}

/* Its flags lie in memory, where no filter can look; libc then does it by clone. */
static void hide_clone3(struct build *b)
{
    if (!is_allowed(b, "clone3")) {
        add(b, SCMP_ACT_ERRNO(ENOSYS), number_of("clone3"), 0, NULL);
    }
}

/* A program asks libraries for names and log lines that look for local servers first: EACCES, and
 * they go on. The engine is such a server. */
static void refuse_local_sockets(struct build *b)
{
    if (!is_allowed(b, SANDBOX_LOCAL_SOCKETS)) {
        add_if_low(b, SCMP_ACT_ERRNO(EACCES), "socket", 0, LOW_WORD, AF_UNIX);
        /* A pair of datagram sockets can be connected anew. */
        add_if_low(b, SCMP_ACT_ERRNO(EACCES), "socketpair", 1, SOCK_TYPE_MASK, SOCK_DGRAM);
    }
}

/* Families beyond the internet: raw packets, keys, kernel crypto, virtual machines, … */
static void deny_families(struct build *b)
{
    if (is_allowed(b, "socket")) {
        return;
    }
    refuse_local_sockets(b);
    for (uint64_t family = AF_UNIX + 2; family < AF_MAX; family++) {
        if (family != AF_INET6 && family != AF_NETLINK) {
            add_if_low(b, b->deny, "socket", 0, LOW_WORD, family);
        }
    }
    const struct scmp_arg_cmp beyond = SCMP_CMP64(0, SCMP_CMP_GE, AF_MAX, 0);
    add(b, b->deny, number_of("socket"), 1, &beyond);
    /* Routes are what a name is looked up with. */
    const struct scmp_arg_cmp netlink[] = {
        SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW_WORD, AF_NETLINK),
        SCMP_CMP64(2, SCMP_CMP_NE, 0, 0),
    };
    add(b, SCMP_ACT_ERRNO(EPROTONOSUPPORT), number_of("socket"), 2, netlink);
}

static void add_default(struct build *b)
{
    size_t count;
    const struct sandbox_call *calls = sandbox_default_denied(&count);
    add_table(b, b->deny, calls, count, is_allowed);
    add_spec(b, b->deny, &b->spec->deny);
    hide_clone3(b);
    deny_families(b);
    for (uint64_t bit = 1; bit <= NAMESPACES && !is_allowed(b, "clone"); bit <<= 1) {
        if ((NAMESPACES & bit) != 0) {
            add_if_low(b, b->deny, "clone", 0, bit, bit);
        }
    }
    if (!is_allowed(b, "ioctl")) {
        /* Keys pressed on the operator's terminal. */
        add_if_low(b, b->deny, "ioctl", 1, LOW_WORD, TIOCSTI);
        add_if_low(b, b->deny, "ioctl", 1, LOW_WORD, TIOCLINUX);
    }
    if (!is_allowed(b, "prlimit64")) {
        const struct scmp_arg_cmp other = SCMP_CMP64(0, SCMP_CMP_NE, 0, 0);
        add(b, b->deny, number_of("prlimit64"), 1, &other);
    }
}

static void allow_families(struct build *b)
{
    static const uint64_t families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        add_if_low(b, SCMP_ACT_ALLOW, "socket", 0, LOW_WORD, families[i]);
    }
    const struct scmp_arg_cmp netlink[] = {
        SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW_WORD, AF_NETLINK),
        SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, LOW_WORD, 0),
    };
    add(b, SCMP_ACT_ALLOW, number_of("socket"), 2, netlink);
    add_if_low(b, SCMP_ACT_ALLOW, "socketpair", 1, SOCK_TYPE_MASK, SOCK_STREAM);
    if (is_allowed(b, SANDBOX_LOCAL_SOCKETS)) {
        add_if_low(b, SCMP_ACT_ALLOW, "socket", 0, LOW_WORD, AF_UNIX);
    }
    refuse_local_sockets(b);
}

static void allow_some(struct build *b, const char *name, unsigned arg, const uint64_t *values,
                       size_t count)
{
    for (size_t i = 0; i < count && !is_allowed(b, name) && !is_denied(b, name); i++) {
        add_if_low(b, SCMP_ACT_ALLOW, name, arg, LOW_WORD, values[i]);
    }
}

/* The program is started through its open file; another one cannot be, unless execve is allowed. */
static void allow_start(struct build *b)
{
    if (is_allowed(b, "execve")) {
        add_name(b, SCMP_ACT_ALLOW, "execveat");
        return;
    }
    const struct scmp_arg_cmp start[] = {
        SCMP_CMP64(0, SCMP_CMP_EQ, 4, 0),
        SCMP_CMP64(4, SCMP_CMP_MASKED_EQ, LOW_WORD, AT_EMPTY_PATH),
    };
    add(b, SCMP_ACT_ALLOW, number_of("execveat"), ARRAY_LEN(start), start);
}

static void add_strict(struct build *b)
{
    static const uint64_t terminal[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
    static const uint64_t signals[] = {SIGABRT, SIGNAL_CANCEL, SIGNAL_SETXID};
    static const uint64_t self[] = {0};
    size_t count;
    const struct sandbox_call *calls = sandbox_strict_allowed(&count);
    add_table(b, SCMP_ACT_ALLOW, calls, count, is_denied);
    for (size_t i = 0; i < b->spec->allow.count; i++) {
        const char *name = b->spec->allow.items[i];
        if (is_allowed(b, name) && !str_eq(name, SANDBOX_LOCAL_SOCKETS) && !str_eq(name, "clone")) {
            add_name(b, SCMP_ACT_ALLOW, name);
        }
    }
    hide_clone3(b);
    allow_start(b);
    allow_families(b);
    allow_some(b, "ioctl", 1, terminal, ARRAY_LEN(terminal));
    allow_some(b, "tgkill", 2, signals, ARRAY_LEN(signals));
    allow_some(b, "prlimit64", 0, self, ARRAY_LEN(self));
    uint64_t mask = is_allowed(b, "clone") ? NAMESPACES : NAMESPACES | CLONE_THREAD;
    add_if_low(b, SCMP_ACT_ALLOW, "clone", 0, mask, mask & CLONE_THREAD);
}

/* ---- the program ---- */

static const struct sock_filter unknown_calls[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SANDBOX_FIRST_UNKNOWN, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
};

/* libseccomp writes to descriptors alone. */
static int take_program(scmp_filter_ctx ctx, struct sock_fprog *ret)
{
    AUTO_FD int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int rc = seccomp_export_bpf(ctx, fd);
    off_t size = lseek(fd, 0, SEEK_CUR);
    if (rc != 0 || size <= 0) {
        return rc != 0 ? rc : -EIO;
    }
    size_t count = (size_t)size / sizeof(struct sock_filter);
    struct sock_filter *program =
        mem_grow(NULL, ARRAY_LEN(unknown_calls) + count, sizeof(*program));
    memcpy(program, unknown_calls, sizeof(unknown_calls));
    if (pread(fd, program + ARRAY_LEN(unknown_calls), (size_t)size, 0) != size) {
        free(program);
        return -EIO;
    }
    *ret = (struct sock_fprog){
        .len = (unsigned short)(ARRAY_LEN(unknown_calls) + count),
        .filter = program,
    };
    return 0;
}

static int make_program(const struct sandbox_spec *spec, uint32_t deny, struct sock_fprog *ret)
{
    bool strict = spec->profile == SANDBOX_STRICT;
    struct build b = {
        .spec = spec,
        .deny = deny,
        .ctx = seccomp_init(strict ? deny : SCMP_ACT_ALLOW),
    };
    if (b.ctx == NULL) {
        return -EINVAL;
    }
    b.failed = seccomp_attr_set(b.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A tree instead of a list; libseccomp before 2.5 has none. */
    (void)seccomp_attr_set(b.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    (strict ? add_strict : add_default)(&b);
    int rc = b.failed != 0 ? b.failed : take_program(b.ctx, ret);
    seccomp_release(b.ctx);
    return rc;
}

/* ---- made once ---- */

struct cached {
    char *key;
    struct sandbox_filter filter;
    struct cached *next;
};

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cached *cache;

static char *make_key(const struct sandbox_spec *spec)
{
    struct str key = STR_INIT;
    str_appendf(&key, "%d", (int)spec->profile);
    for (size_t i = 0; i < spec->allow.count; i++) {
        str_appendf(&key, " +%s", spec->allow.items[i]);
    }
    for (size_t i = 0; i < spec->deny.count; i++) {
        str_appendf(&key, " -%s", spec->deny.items[i]);
    }
    return str_take(&key);
}

/* Linux before 5.0, and a process that is in somebody's filter already, where a listener may be. */
static bool may_lack_listener(void)
{
    uint32_t action = SECCOMP_RET_USER_NOTIF;
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_DISABLED ||
           syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0;
}

static int make(const struct sandbox_spec *spec, char **key_take, struct err *err)
{
    struct sandbox_filter filter = {.notify = {.len = 0}};
    int rc = make_program(spec, SCMP_ACT_NOTIFY, &filter.notify);
    if (rc == 0 && may_lack_listener()) {
        rc = make_program(spec, SCMP_ACT_KILL_PROCESS, &filter.kill);
    }
    if (rc != 0) {
        free(filter.notify.filter);
        return err_fail(err, ERR_FAILED,
                        "cannot make the sandbox profile '%s': %s\n"
                        "HINT: it needs libseccomp 2.5 and Linux 5.0 or newer",
                        sandbox_profile_name(spec->profile), strerror(-rc));
    }
    struct cached *made = mem_alloc(sizeof(*made));
    *made = (struct cached){.key = TAKE(*key_take), .filter = filter, .next = cache};
    cache = made;
    return 0;
}

int sandbox_filter_get(const struct sandbox_spec *spec, const struct sandbox_filter **ret,
                       struct err *err)
{
    AUTO_FREE char *key = make_key(spec);
    int rc = 0;
    pthread_mutex_lock(&cache_lock);
    const struct cached *c = cache;
    while (c != NULL && !str_eq(c->key, key)) {
        c = c->next;
    }
    if (c == NULL) {
        rc = make(spec, &key, err);
        c = cache;
    }
    if (rc == 0) {
        *ret = &c->filter;
    }
    pthread_mutex_unlock(&cache_lock);
    return rc;
}
