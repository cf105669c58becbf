/* ssh://[user@]host[:port][/socket]: one ssh of the user's own for each endpoint and process, which
 * forwards a socket of ours to the engine's. Agents, jump hosts, known_hosts and ~/.ssh/config work
 * because it is their program; the host needs no docker CLI; many connections share one of ssh. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/proc.h"
#include "launcher/base/stop.h"
#include "launcher/base/str.h"
#include "launcher/net/transport.h"

#define REMOTE_SOCKET "/var/run/docker.sock"
#define LOOK_MS 20
#define WORDS_MAX 300
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Lives until the process ends: engines come and go, and logging in is slow. */
struct tunnel {
    struct tunnel *next;
    char *key; /* what the endpoint comes down to */
    char *folder, *socket;
    char **argv;
    bool running; /* its ssh is there; it may not be through yet */
    bool was_up;
    int tty;                   /* the terminal that it may ask on; -1: none */
    char words[WORDS_MAX + 1]; /* the last that it said */
    struct err start_error;    /* when it could not even be started */
    bool not_started;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tunnel *tunnels; /* of this process */

/* ---- endpoint ---- */

static int parse(const char *rest, struct endpoint *e, struct err *err)
{
    size_t len = strcspn(rest, "/");
    AUTO_FREE char *where = mem_strndup(rest, len);

    if (strpbrk(rest, "?#") != NULL) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' is followed by something that ssh:// does not "
                        "take\nHINT: options of ssh go into ~/.ssh/config",
                        e->shown);
    }
    if (transport_parse_host(where, e, err) < 0) {
        return -1;
    }
    bool has_path = rest[len] == '/' && rest[len + 1] != '\0';
    return transport_parse_socket(has_path ? rest + len : REMOTE_SOCKET, e, err);
}

/* ---- the process ---- */

static char *find_ssh(void)
{
    const char *path = getenv("PATH");
    const char *at = path != NULL && path[0] != '\0' ? path : DEFAULT_PATH;

    while (*at != '\0') {
        size_t len = strcspn(at, ":");
        AUTO_FREE char *file = mem_printf("%.*s/ssh", (int)len, at);
        if (at[0] == '/' && access(file, X_OK) == 0) {
            return TAKE(file);
        }
        at += len + (at[len] == ':');
    }
    return NULL;
}

/* Without a terminal it must not wait for an answer that nobody gives. */
static bool may_ask(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

static void set_argv(struct tunnel *t, const struct endpoint *e, const char *ssh)
{
    AUTO_STRV struct strv v = STRV_INIT;

    strv_add(&v, ssh);
    /* No command, no terminal, no X11, no agent there; what ~/.ssh/config starts or shares for this
     * host would outlive us or be somebody else's. */
    strv_add(&v, "-NTxa");
    static const char *const options[] = {
        "ControlMaster=no",         "ControlPath=none",       "PermitLocalCommand=no",
        "RemoteCommand=none",       "ServerAliveInterval=15", "ServerAliveCountMax=4",
        "StreamLocalBindMask=0177", "ConnectTimeout=15",
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        strv_addf(&v, "-o%s", options[i]);
    }
    strv_add(&v, t->tty >= 0 ? "-oBatchMode=no" : "-oBatchMode=yes");
    strv_addf(&v, "-L%s:%s", t->socket, e->path);
    if (e->user != NULL) {
        strv_addf(&v, "-l%s", e->user);
    }
    if (e->port != 0) {
        strv_addf(&v, "-p%u", e->port);
    }
    strv_add(&v, "--");
    strv_add(&v, e->host);
    t->argv = v.items;
    v = (struct strv)STRV_INIT;
}

/* ssh is the leader of a group of its own, which must be in front to ask on the terminal. */
static int step_forward(void *arg)
{
    const struct tunnel *t = arg;
    sigset_t out, old;

    if (t->tty < 0) {
        return 0;
    }
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    sigemptyset(&out);
    sigaddset(&out, SIGTTOU);
    (void)sigprocmask(SIG_BLOCK, &out, &old);
    (void)tcsetpgrp(fd, getpid());
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    return 0;
}

static void step_back(struct tunnel *t)
{
    sigset_t out, old;

    if (t->tty < 0) {
        return;
    }
    sigemptyset(&out);
    sigaddset(&out, SIGTTOU);
    (void)pthread_sigmask(SIG_BLOCK, &out, &old);
    (void)tcsetpgrp(t->tty, getpgrp());
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void)close(t->tty);
    t->tty = -1;
}

static enum proc_answer note_words(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct tunnel *t = arg;
    size_t n = 0;

    (void)stream;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < len && n < WORDS_MAX; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c >= 0x20 && c < 0x7f && (n > 0 || c != ' ')) {
            t->words[n++] = (char)c;
        }
    }
    if (n > 0) { /* an empty line says less than the one before */
        t->words[n] = '\0';
    }
    pthread_mutex_unlock(&lock);
    return PROC_GO_ON;
}

/* The thread that started a child must live as long as the child (PR_SET_PDEATHSIG). */
static void *run_ssh(void *arg)
{
    struct tunnel *t = arg;
    struct proc_result result = {.exit_code = 0};
    struct err err = ERR_INIT;
    const struct proc_spec spec = {
        .path = t->argv[0],
        .argv = (const char *const *)t->argv,
        .envp = (const char *const *)environ,
        .on_line = note_words,
        .child_setup = step_forward,
        .arg = t,
    };

    int rc = proc_run(&spec, &result, &err);
    pthread_mutex_lock(&lock);
    t->not_started = rc < 0;
    t->start_error = err;
    t->running = false;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void remove_files(void)
{
    for (const struct tunnel *t = tunnels; t != NULL; t = t->next) {
        (void)unlink(t->socket);
        (void)rmdir(t->folder);
    }
}

/* Under the lock. */
static int start(struct tunnel *t, const struct endpoint *e, struct err *err)
{
    AUTO_FREE char *ssh = find_ssh();
    pthread_t thread;

    if (ssh == NULL) {
        return err_fail(
            err, ERR_UNREACHABLE,
            "cannot reach the Docker Engine at '%s': there is no program 'ssh' in PATH\n"
            "HINT: install it (Debian: openssh-client)",
            e->shown);
    }
    (void)unlink(t->socket);
    strv_free(&(struct strv){.items = t->argv});
    t->tty = may_ask() ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (t->tty >= 0 && tcgetpgrp(t->tty) != getpgrp()) {
        (void)close(t->tty); /* we are in the background ourselves */
        t->tty = -1;
    }
    set_argv(t, e, ssh);
    t->words[0] = '\0';
    t->was_up = t->not_started = false;
    t->running = true;
    if (pthread_create(&thread, NULL, run_ssh, t) != 0) {
        t->running = false;
        return err_fail(err, ERR_FAILED, "cannot start a thread: %m");
    }
    pthread_detach(thread);
    return 0;
}

/* Under the lock: the tunnel of this endpoint, made if there is none. */
static struct tunnel *find(const struct endpoint *e, struct err *err)
{
    AUTO_FREE char *key = endpoint_format(e);
    char folder[] = "/tmp/omslaunch-ssh.XXXXXX";

    for (struct tunnel *t = tunnels; t != NULL; t = t->next) {
        if (str_eq(t->key, key)) {
            return t;
        }
    }
    if (mkdtemp(folder) == NULL) {
        err_fail(err, ERR_FAILED, "cannot make a folder for the socket of ssh in /tmp: %m");
        return NULL;
    }
    if (tunnels == NULL) {
        (void)atexit(remove_files);
    }
    struct tunnel *t = mem_alloc(sizeof(*t));
    t->key = TAKE(key);
    t->folder = mem_strdup(folder);
    t->socket = mem_printf("%s/s", folder);
    t->tty = -1;
    t->next = tunnels;
    tunnels = t;
    return t;
}

/* ---- reaching it ---- */

/* ssh listens once it has logged in. */
static bool is_up(const struct tunnel *t)
{
    struct stat st;

    return stat(t->socket, &st) == 0 && S_ISSOCK(st.st_mode);
}

static const char *hint_for(const char *words)
{
    static const struct {
        const char *word, *hint;
    } rows[] = {
        {"Host key verification failed",
         "its key is not in known_hosts, or has changed: log in once by hand with 'ssh'"},
        {"Permission denied", "it takes none of your keys: is ssh-agent running, and is the public "
                              "key in authorized_keys there?"},
        {"Could not resolve", "is it spelled right? ~/.ssh/config may know it by another name"},
        {"onnection refused", "does sshd run there, on this port?"},
        {"imed out", "is the host up, and does a firewall let ssh through?"},
        {"open failed",
         "is the engine running there, may this user use its socket (group 'docker'), "
         "and does sshd allow to forward it (AllowStreamLocalForwarding)? "
         "ssh://HOST/path names another socket"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strstr(words, rows[i].word) != NULL) {
            return rows[i].hint;
        }
    }
    return "see what 'ssh' says by hand, with -v";
}

/* Under the lock. */
static int fail_ended(const struct tunnel *t, const struct endpoint *e, struct err *err)
{
    if (t->not_started) {
        *err = t->start_error;
        return err_wrap(err, "cannot reach the Docker Engine at '%s'", e->shown);
    }
    enum err_kind kind =
        strstr(t->words, "Permission denied") != NULL ? ERR_PERMISSION : ERR_UNREACHABLE;
    return err_fail(err, kind, "cannot reach the Docker Engine at '%s': ssh ended: %s\nHINT: %s",
                    e->shown, t->words[0] != '\0' ? t->words : "it says nothing",
                    hint_for(t->words));
}

static int wait_until_up(struct tunnel *t, const struct endpoint *e, uint64_t deadline_ms,
                         struct err *err)
{
    for (;;) {
        bool up = is_up(t);
        pthread_mutex_lock(&lock);
        bool running = t->running;
        t->was_up = t->was_up || up;
        if (up || !running) {
            step_back(t);
        }
        int rc = up && running ? 0 : running ? 1 : fail_ended(t, e, err);
        pthread_mutex_unlock(&lock);
        if (rc <= 0) {
            return rc;
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED,
                            "stopped by a signal while waiting for ssh to '%s'", e->shown);
        }
        /* Who is asked for a password may take their time. */
        if (t->tty < 0 && clock_passed(deadline_ms)) {
            return err_fail(err, ERR_UNREACHABLE,
                            "cannot reach the Docker Engine at '%s': ssh is not through in time\n"
                            "HINT: is the host up, and does a firewall let ssh through?",
                            e->shown);
        }
        clock_sleep_ms(LOOK_MS);
    }
}

static int connect_ssh(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                       struct err *err)
{
    uint64_t deadline_ms = clock_deadline(timeout_ms + timeout_ms / 2);

    pthread_mutex_lock(&lock);
    struct tunnel *t = find(e, err);
    int rc = t == NULL || (!t->running && start(t, e, err) < 0) ? -1 : 0;
    pthread_mutex_unlock(&lock);
    if (rc < 0 || wait_until_up(t, e, deadline_ms, err) < 0) {
        return -1;
    }
    *ret_socket = t->socket;
    return 0;
}

/* "channel 3: open failed: …": the number says nothing to people. */
static const char *without_channel(const char *words)
{
    const char *colon = str_starts_with(words, "channel ") ? strstr(words, ": ") : NULL;

    return colon != NULL ? colon + 2 : words;
}

/* The socket is ours, so it always takes the connection; ssh says on stderr what became of it. */
static int explain(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                   struct err *err)
{
    (void)fault;
    (void)detail;
    clock_sleep_ms(2 * (uint64_t)LOOK_MS); /* its words may come a moment later */
    pthread_mutex_lock(&lock);
    const struct tunnel *t = find(e, err);
    if (t != NULL && !t->running) {
        (void)fail_ended(t, e, err);
    } else if (t != NULL) {
        const char *words = without_channel(t->words);
        (void)err_fail(
            err, ERR_UNREACHABLE,
            "cannot reach the Docker Engine at '%s': ssh got through to '%s', but not to "
            "'%s' there%s%s\nHINT: %s",
            e->shown, e->host, e->path, words[0] != '\0' ? ": " : "", words,
            hint_for("open failed"));
    }
    pthread_mutex_unlock(&lock);
    return -1;
}

const struct transport transport_ssh = {
    .scheme = "ssh://",
    .parse = parse,
    .connect = connect_ssh,
    .explain = explain,
};
