#include "launcher/plugin.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/mem.h"
#include "launcher/base/str.h"

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
    puts("{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"omslaunch\",\"Version\":\"" OMSLAUNCH_VERSION
         "\",\"ShortDescription\":\"Upgrade OceanBase Migration Service where it runs\"}");
    return true;
}

char **plugin_arguments(int argc, char *const *argv, int *ret_argc)
{
    char **mine = mem_grow(NULL, (size_t)argc + 2, sizeof(*mine));
    int count = 0;
    int at = 1;
    mine[count++] = argv[0];
    while (at < argc && !str_eq(argv[at], PLUGIN_NAME)) {
        bool host = str_eq(argv[at], "-H") || str_eq(argv[at], "--host");
        if (host && at + 1 < argc) {
            mine[count++] = argv[at++];
            mine[count++] = argv[at];
        } else if (str_starts_with(argv[at], "--host=")) {
            mine[count++] = argv[at];
        }
        at++;
    }
    for (at++; at < argc; at++) {
        mine[count++] = argv[at];
    }
    mine[count] = NULL;
    *ret_argc = count;
    return mine;
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
