/* unix:///path */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/base/str.h"
#include "launcher/net/transport.h"

static int parse(const char *rest, struct endpoint *e, struct err *err)
{
    return transport_parse_socket(rest, e, err);
}

static int connect_unix(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                        struct err *err)
{
    (void)timeout_ms;
    (void)err;
    *ret_socket = e->path;
    return 0;
}

/* A connection to the socket, or -1 with errno. */
static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int number = errno;
        (void)close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

/* libcurl says only that it does not come about, so this tries again and looks. */
static int explain(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                   struct err *err)
{
    AUTO_FD int fd = open_socket(e->path);
    int number = fd < 0 ? errno : 0;
    struct stat st;

    (void)fault;
    (void)detail;
    if (number == ENOENT || number == ENOTDIR) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': no such file\n"
                        "HINT: is the engine running ('systemctl status docker')? --host names "
                        "another endpoint",
                        e->shown);
    }
    if (number == EACCES || number == EPERM) {
        return err_fail(err, ERR_PERMISSION,
                        "cannot reach the Docker Engine at '%s': permission denied\n"
                        "HINT: run as root, or as a member of the group that owns the socket "
                        "(usually 'docker')",
                        e->shown);
    }
    if (stat(e->path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': this is no socket\n"
                        "HINT: give the path of the engine's socket, usually " ENDPOINT_DEFAULT,
                        e->shown);
    }
    if (number == ECONNREFUSED) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': nobody listens on this socket\n"
                        "HINT: the engine is not running; start it with 'systemctl start docker'",
                        e->shown);
    }
    return err_fail(err, ERR_UNREACHABLE,
                    "cannot reach the Docker Engine at '%s': %s\n"
                    "HINT: look at the engine's log with 'journalctl -u docker'",
                    e->shown, number != 0 ? strerror(number) : "it takes no connection");
}

bool endpoint_is_local(const struct endpoint *e, int peer)
{
    static const char *const forwarders[] = {"ssh\n", "sshd\n", "socat\n", "autossh\n"};
    AUTO_FREE char *path = mem_printf("/proc/%d/comm", peer);
    AUTO_STR struct str name = STR_INIT;
    struct err ignored = ERR_INIT;

    if (e->transport->local && peer > 0 && fs_read(path, 64, false, &name, &ignored) == 0) {
        for (size_t i = 0; i < ARRAY_LEN(forwarders); i++) {
            if (str_eq(str_get(&name), forwarders[i])) {
                return false;
            }
        }
    }
    return e->transport->local;
}

const struct transport transport_unix = {
    .scheme = "unix://",
    .local = true,
    .parse = parse,
    .connect = connect_unix,
    .explain = explain,
};
