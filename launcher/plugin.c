#include "launcher/plugin.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/print.h"

#define PLUGIN_NAME "omslaunch"
#define PLUGIN_PROGRAM "docker-omslaunch"

bool plugin_is_called(const char *program)
{
    const char *base = strrchr(program, '/');
    return str_eq(base == NULL ? program : base + 1, PLUGIN_PROGRAM);
}

bool plugin_answer_metadata(int argc, char *const *argv)
{
    if (argc < 2 || !str_eq(argv[1], "docker-cli-plugin-metadata")) {
        return false;
    }
    print_text(
        "{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"omslaunch\",\"Version\":\"" OMSLAUNCH_VERSION
        "\",\"ShortDescription\":\"Upgrade OceanBase Migration Service where it runs\"}\n");
    return true;
}

/* ---- the docker command line ---- */

/* Options of `docker` itself, which stand before our name, and what they are here; NULL: nothing.
 * Each that docker knows must be listed: a value could be taken for our name. */
static const struct global {
    const char *name;
    char letter;
    bool has_value;
    const char *ours;
} globals[] = {
    {"config", '\0', true, NULL}, /* ours is another one; see take_global() */
    {"context", 'c', true, "context"},      {"debug", 'D', false, "log-level=debug"},
    {"help", 'h', false, "help"},           {"host", 'H', true, "host"},
    {"log-level", 'l', true, "log-level"},  {"tls", '\0', false, "tls"},
    {"tlscacert", '\0', true, "tlscacert"}, {"tlscert", '\0', true, "tlscert"},
    {"tlskey", '\0', true, "tlskey"},       {"tlsverify", '\0', false, "tlsverify"},
    {"version", 'v', false, "version"},
};

static const struct global *find_global(const char *name, size_t len, char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(globals); i++) {
        const struct global *g = &globals[i];
        if (name != NULL ? strlen(g->name) == len && strncmp(g->name, name, len) == 0
                         : g->letter != '\0' && g->letter == letter) {
            return g;
        }
    }
    return NULL;
}

static void take_global(const struct global *g, const char *value, struct strv *ret)
{
    if (str_eq(g->name, "config") && value != NULL) {
        (void)setenv("DOCKER_CONFIG", value, 1);
    } else if (str_eq(g->name, "log-level") && value != NULL) {
        /* docker knows one more. */
        strv_addf(ret, "--log-level=%s", str_eq(value, "fatal") ? "error" : value);
    } else if (g->has_value && value != NULL) {
        strv_addf(ret, "--%s=%s", g->ours, value);
    } else if (!g->has_value && (value == NULL || str_eq(value, "true") || str_eq(value, "1"))) {
        strv_addf(ret, "--%s", g->ours);
    }
}

/* "-DH HOST", "-DHHOST", "-H=HOST": letters in a row, the last of which may take what follows. */
static int take_letters(const char *word, const char *next, struct strv *ret)
{
    for (const char *p = word + 1; *p != '\0'; p++) {
        const struct global *g = find_global(NULL, 0, *p);
        const char *rest = p[1] == '=' ? p + 2 : p + 1;
        if (g != NULL && g->has_value) {
            take_global(g, p[1] != '\0' ? rest : next, ret);
            return p[1] != '\0' ? 0 : 1;
        }
        if (g != NULL) {
            take_global(g, NULL, ret);
        }
    }
    return 0;
}

/* How many further words this one takes. */
static int take_word(const char *word, const char *next, struct strv *ret)
{
    if (word[0] != '-' || word[1] != '-') {
        return word[0] == '-' ? take_letters(word, next, ret) : 0;
    }
    size_t len = strcspn(word + 2, "=");
    const struct global *g = find_global(word + 2, len, '\0');
    const char *value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    if (g == NULL) {
        return 0;
    }
    bool takes_next = g->has_value && value == NULL;
    take_global(g, takes_next ? next : value, ret);
    return takes_next ? 1 : 0;
}

void plugin_arguments(int argc, char *const *argv, struct strv *ret)
{
    int at = 1;
    strv_add(ret, argv[0]);
    while (at < argc && !str_eq(argv[at], PLUGIN_NAME)) {
        at += 1 + take_word(argv[at], at + 1 < argc ? argv[at + 1] : NULL, ret);
    }
    for (at++; at < argc; at++) {
        strv_add(ret, argv[at]);
    }
}

static void *wait_for_end(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char byte;
    while (read(fd, &byte, 1) > 0) {
    }
    close(fd);
    kill(getpid(), SIGTERM);
    return NULL;
}

void plugin_watch_socket(void)
{
    const char *name = getenv("DOCKER_CLI_PLUGIN_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof(address.sun_path)) {
        return;
    }
    memcpy(address.sun_path, name, strlen(name));
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (name[0] == '@') {
        address.sun_path[0] = '\0'; /* a name of the kernel's, not of the file system's */
    } else {
        len++;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, len) != 0 ||
        pthread_create(&thread, NULL, wait_for_end, (void *)(intptr_t)fd) != 0) {
        fd_close_ptr(&fd);
        return;
    }
    pthread_detach(thread);
}
