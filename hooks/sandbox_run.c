/* A sandbox around one run of a program: put on in the child, listened to in the parent. */
#include "hooks/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hooks/sandbox_confine.h"
#include "hooks/sandbox_filter.h"

/* Since Linux 4.17 and 5.5. */
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1UL << 0)
#endif

#define COMMAND_MAX 16

struct sandbox {
    enum sandbox_profile profile;
    bool trace;
    char *folder;
    struct confinement confinement;
    const struct sandbox_filter *filter; /* NULL: none */
    int channel[2]; /* [0] ours, [1] the child's: the listener comes through it */
    bool has_listener, had_listener;
    int fd; /* the channel's end, then the listener; -1 when there is nothing more to hear */
    struct strv denied;
    char command[COMMAND_MAX + 1]; /* of the first denied call's process */
};

static const char *const profile_names[SANDBOX_PROFILE_MAX] = {
    [SANDBOX_DEFAULT] = "default",
    [SANDBOX_STRICT] = "strict",
    [SANDBOX_NONE] = "none",
};

const char *sandbox_profile_name(enum sandbox_profile profile)
{
    return profile_names[profile];
}

int sandbox_profile_from_name(const char *name)
{
    for (int i = 0; i < SANDBOX_PROFILE_MAX; i++) {
        if (str_eq(profile_names[i], name)) {
            return i;
        }
    }
    return -1;
}

void sandbox_spec_free(struct sandbox_spec *spec)
{
    strv_free(&spec->allow);
    strv_free(&spec->deny);
    strv_free(&spec->capabilities);
    strv_free(&spec->write);
}

static int check_calls(const struct strv *names, bool is_deny, struct err *err)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        if (is_deny && sandbox_filter_needs(name)) {
            return err_fail(err, ERR_CONFIG,
                            "the system call '%s' cannot be denied: no hook starts without it\n"
                            "HINT: take it out of the sandbox's 'deny'",
                            name);
        }
        if (!sandbox_filter_knows(name) && (is_deny || !str_eq(name, SANDBOX_LOCAL_SOCKETS))) {
            return err_fail(err, ERR_CONFIG,
                            "'%s' is not a system call that libseccomp knows\n"
                            "HINT: write its name as in `man syscalls`%s",
                            name, is_deny ? "" : ", or " SANDBOX_LOCAL_SOCKETS);
        }
    }
    return 0;
}

int sandbox_check(const struct sandbox_spec *spec, struct err *err)
{
    if (check_calls(&spec->allow, false, err) != 0 || check_calls(&spec->deny, true, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < spec->capabilities.count; i++) {
        if (confinement_capability(spec->capabilities.items[i]) < 0) {
            return err_fail(err, ERR_CONFIG,
                            "'%s' is not a capability\n"
                            "HINT: write its name as in `man capabilities`, in small letters and "
                            "without 'CAP_': dac_read_search",
                            spec->capabilities.items[i]);
        }
    }
    return 0;
}

/* ---- making ---- */

static int open_channel(struct sandbox *s, struct err *err)
{
    int low[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0) {
        return err_fail(err, ERR_FAILED, "cannot make the channel to a hook's sandbox: %m");
    }
    /* The child's descriptors 0 to 4 are taken. */
    for (int i = 0; i < 2; i++) {
        s->channel[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
        close(low[i]);
    }
    if (s->channel[0] < 0 || s->channel[1] < 0) {
        return err_fail(err, ERR_FAILED,
                        "cannot make the channel to a hook's sandbox: too many open files\n"
                        "HINT: raise the limit of open files (ulimit -n)");
    }
    s->fd = s->channel[0];
    return 0;
}

int sandbox_new(const struct sandbox_spec *spec, struct sandbox **ret, struct err *err)
{
    AUTO_SANDBOX struct sandbox *s = mem_alloc(sizeof(*s));
    *s = (struct sandbox){
        .profile = spec->profile,
        .trace = spec->trace,
        .folder = mem_strdup(spec->folder != NULL ? spec->folder : "/"),
        .confinement = {.ruleset = -1},
        .channel = {-1, -1},
        .fd = -1,
    };
    if (sandbox_check(spec, err) != 0 || confinement_make(spec, &s->confinement, err) != 0) {
        return -1;
    }
    if (spec->profile != SANDBOX_NONE &&
        (sandbox_filter_get(spec, &s->filter, err) != 0 || open_channel(s, err) != 0)) {
        return -1;
    }
    *ret = TAKE(s);
    return 0;
}

void sandbox_free(struct sandbox *s)
{
    if (s == NULL) {
        return;
    }
    confinement_free(&s->confinement);
    fd_close_ptr(&s->channel[0]);
    fd_close_ptr(&s->channel[1]);
    if (s->has_listener) {
        fd_close_ptr(&s->fd);
    }
    strv_free(&s->denied);
    free(s->folder);
    free(s);
}

void sandbox_free_ptr(struct sandbox **s)
{
    sandbox_free(*s);
}

/* ---- in the child: async-signal-safe calls only ---- */

static int send_descriptor(int channel, int fd)
{
    char byte = 'L';
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static long load(unsigned long flags, const struct sock_fprog *program)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                   program);
}

/* There is no listener before Linux 5.0, and a second one in a process never (EBUSY): there the
 * kernel kills, and does not say for what. */
static int load_filter(const struct sandbox *s)
{
    long listener = load(SECCOMP_FILTER_FLAG_NEW_LISTENER, &s->filter->notify);
    if (listener < 0) {
        return s->filter->kill.len > 0 ? (int)load(0, &s->filter->kill) : -1;
    }
    return send_descriptor(s->channel[1], (int)listener);
}

/* The filter comes last: what precedes it is not among its calls. */
int sandbox_enter(const struct sandbox *s)
{
    if (chdir(s->folder) != 0 || confinement_limit(&s->confinement) != 0) {
        return -1;
    }
    if (s->profile == SANDBOX_NONE) {
        return 0;
    }
    return confinement_enter(&s->confinement) == 0 ? load_filter(s) : -1;
}

/* ---- in the parent ---- */

const int *sandbox_fd(const struct sandbox *s)
{
    return &s->fd;
}

const struct strv *sandbox_denied(const struct sandbox *s)
{
    return &s->denied;
}

static void take_listener(struct sandbox *s)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t n = recvmsg(s->channel[0], &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    s->fd = -1;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
        memcpy(&s->fd, CMSG_DATA(c), sizeof(s->fd));
        s->has_listener = true;
        s->had_listener = true;
    }
}

/* A program's own name for itself: shown, so without what a terminal obeys. */
static void note_command(struct sandbox *s, uint32_t pid)
{
    AUTO_FREE char *path = mem_printf("/proc/%u/comm", (unsigned)pid);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, s->command, COMMAND_MAX) : 0;
    s->command[n > 0 ? n : 0] = '\0';
    for (char *p = s->command; *p != '\0'; p++) {
        if (*p == '\n') {
            *p = '\0';
            break;
        }
        *p = *p > ' ' && *p < 0x7f ? *p : '?';
    }
}

static void note_call(struct sandbox *s, const struct seccomp_notif *call)
{
    AUTO_FREE char *name = sandbox_filter_name(call->data.nr);
    if (s->denied.count == 0) {
        note_command(s, call->pid);
    }
    if (!strv_has(&s->denied, name)) {
        strv_add(&s->denied, name);
    }
}

static void stop_listening(struct sandbox *s)
{
    fd_close_ptr(&s->fd);
    s->fd = -1;
    s->has_listener = false;
}

enum proc_answer sandbox_listen(struct sandbox *s)
{
    if (!s->has_listener) {
        take_listener(s);
        return PROC_GO_ON;
    }
    /* Readable, or only hung up because nobody is left in there: a read would then wait for ever.
     */
    struct pollfd poll_fd = {.fd = s->fd, .events = POLLIN};
    if (poll(&poll_fd, 1, 0) < 1 || (poll_fd.revents & POLLIN) == 0) {
        if ((poll_fd.revents & (POLLHUP | POLLERR)) != 0) {
            stop_listening(s);
        }
        return PROC_GO_ON;
    }
    struct seccomp_notif call = {.id = 0};
    if (ioctl(s->fd, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
        return PROC_GO_ON; /* it was killed meanwhile */
    }
    note_call(s, &call);
    if (!s->trace) {
        return PROC_KILL;
    }
    struct seccomp_notif_resp answer = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (ioctl(s->fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && errno == EINVAL) {
        return PROC_KILL; /* before Linux 5.5 it cannot go on */
    }
    return PROC_GO_ON;
}

static bool fail_call(const struct sandbox *s, const char *hook, struct err *err)
{
    const char *call = s->denied.items[0];
    err_fail(err, ERR_FAILED,
             "hook '%s': its process '%s' made the system call '%s', which the sandbox profile "
             "'%s' denies; it was killed\n"
             "HINT: if the hook needs it, write 'allow: [%s]' under 'sandbox' of this hook; "
             "'omslaunch hooks trace' shows all that a program needs",
             hook, s->command, call, profile_names[s->profile], call);
    return true;
}

bool sandbox_judge(const struct sandbox *s, const char *hook, const struct proc_result *ended,
                   struct err *err)
{
    if (s->denied.count > 0 && !s->trace) {
        return fail_call(s, hook, err);
    }
    if (ended->term_signal != SIGSYS || s->filter == NULL) {
        return false;
    }
    err_fail(err, ERR_FAILED,
             "hook '%s' was killed by the sandbox profile '%s', for a system call that the kernel "
             "does not name\n"
             "HINT: %s",
             hook, profile_names[s->profile],
             s->had_listener ? "it came by the entry of another architecture: hooks are programs "
                               "of this machine's own, not of 32 bit"
                             : "'omslaunch hooks trace' on Linux 5.5 or newer shows all that a "
                               "program needs");
    return true;
}

const char *sandbox_lacks(void)
{
    uint32_t action = SECCOMP_RET_USER_NOTIF;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
        return "seccomp notifications (Linux 5.0): a hook that is killed for a system call is not "
               "told which";
    }
    int landlock = confinement_landlock();
    if (landlock == 0) {
        return "Landlock (Linux 5.13): a hook may write wherever its user may";
    }
    return landlock < 6 ? "Landlock of Linux 6.12: a hook may send signals to other processes of "
                          "its user"
                        : NULL;
}
