#include "launcher/net/endpoint.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher/base/mem.h"
#include "launcher/base/str.h"

int endpoint_parse(const char *endpoint, const char **ret_socket_path, struct err *err)
{
    const struct sockaddr_un limit;

    if (!str_starts_with(endpoint, "unix://")) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' is no unix socket, and only those can be "
                        "used\n"
                        "HINT: write it as " ENDPOINT_DEFAULT,
                        endpoint);
    }
    const char *path = endpoint + strlen("unix://");
    if (path[0] != '/') {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' has no absolute path of a socket\n"
                        "HINT: write it as " ENDPOINT_DEFAULT,
                        endpoint);
    }
    if (strlen(path) >= sizeof(limit.sun_path)) {
        return err_fail(err, ERR_USAGE,
                        "the path of the engine's socket in '%s' is longer than %zu bytes, which "
                        "no unix socket can have\n"
                        "HINT: give a shorter path, for example through a symbolic link",
                        endpoint, sizeof(limit.sun_path) - 1);
    }
    *ret_socket_path = path;
    return 0;
}

int endpoint_fail(const char *endpoint, const char *socket_path, struct err *err)
{
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    int number = 0;

    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        number = errno;
    }
    if (number == ENOENT || number == ENOTDIR) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': no such file\n"
                        "HINT: is the engine running ('systemctl status docker')? --host names "
                        "another endpoint",
                        endpoint);
    }
    if (number == EACCES || number == EPERM) {
        return err_fail(err, ERR_PERMISSION,
                        "cannot reach the Docker Engine at '%s': permission denied\n"
                        "HINT: run as root, or as a member of the group that owns the socket "
                        "(usually 'docker')",
                        endpoint);
    }
    if (stat(socket_path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': this is no socket\n"
                        "HINT: give the path of the engine's socket, usually "
                        "unix:///var/run/docker.sock",
                        endpoint);
    }
    if (number == ECONNREFUSED) {
        return err_fail(err, ERR_UNREACHABLE,
                        "cannot reach the Docker Engine at '%s': nobody listens on this socket\n"
                        "HINT: the engine is not running; start it with 'systemctl start docker'",
                        endpoint);
    }
    return err_fail(err, ERR_UNREACHABLE,
                    "cannot reach the Docker Engine at '%s': %s\n"
                    "HINT: look at the engine's log with 'journalctl -u docker'",
                    endpoint, number != 0 ? strerror(number) : "it takes no connection");
}
