/* In front of a Docker Engine: forwards everything, but lets the Nth request that changes something
 * fail. One request a connection, which is how omslaunch asks.
 *
 *   proxy LISTEN UPSTREAM LOG [refuse|lose|drop|kill|late N]
 *
 *   refuse: the engine never sees it, the answer is status 500
 *   lose:   the engine carries it out, but the answer is lost
 *   drop:   the engine never sees it, the connection is closed without an answer
 *   kill:   who asked is killed once the engine has it
 *   late:   who asked is killed, and the engine gets it when the file LOG.go is there */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_MAX 65536

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return address;
}

static int dial(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        _exit(0); /* the client sees a closed connection, as if the engine were gone */
    }
    return fd;
}

static void put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0) {
            _exit(0);
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* What the client sends first: at least the headers. */
static size_t read_head(int fd, char *head)
{
    size_t len = 0;
    while (len < HEAD_MAX - 1) {
        ssize_t n = read(fd, head + len, HEAD_MAX - 1 - len);
        if (n <= 0) {
            _exit(0);
        }
        len += (size_t)n;
        head[len] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL) {
            break;
        }
    }
    return len;
}

/* Both ways, until one side closes. `deaf`: the answer goes nowhere, and its end is the end. */
static void relay(int client, int engine, int deaf)
{
    static char buffer[65536];
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = engine, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0) {
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents == 0) {
                continue;
            }
            ssize_t n = read(fds[i].fd, buffer, sizeof(buffer));
            if (n <= 0 || (i == 1 && deaf)) {
                return;
            }
            put(fds[1 - i].fd, buffer, (size_t)n);
        }
    }
}

static void refuse(int client)
{
    static const char answer[] =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
        "Content-Length: 38\r\nConnection: close\r\n\r\n{\"message\":\"the test made this fail\"} "
        " ";
    put(client, answer, sizeof(answer) - 1);
}

static void kill_client(int client)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.pid <= 1) {
        _exit(1);
    }
    (void)kill(peer.pid, SIGKILL);
}

/* Nobody waits for the answer; LOG.done says that there was one, to its end. */
static void deliver_late(const char *upstream, const char *head, size_t len, const char *log_path)
{
    static char buffer[65536];
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s.go", log_path);
    while (access(path, F_OK) != 0) {
        (void)usleep(20000);
    }
    int engine = dial(upstream);
    put(engine, head, len);
    (void)shutdown(engine, SHUT_WR);
    while (read(engine, buffer, sizeof(buffer)) > 0) {
    }
    (void)snprintf(path, sizeof(path), "%s.done", log_path);
    FILE *done = fopen(path, "w");
    if (done != NULL) {
        (void)fclose(done);
    }
}

static void serve(int client, const char *upstream, FILE *log, const char *log_path,
                  atomic_long *count, const char *mode, long fails)
{
    static char head[HEAD_MAX];
    size_t len = read_head(client, head);
    int changes = strncmp(head, "POST", 4) == 0 || strncmp(head, "DELETE", 6) == 0;
    long n = changes ? atomic_fetch_add(count, 1) + 1 : 0;
    int chosen = changes && n == fails;
    if (changes) {
        (void)fprintf(log, "%ld%s %.*s\n", n, chosen ? " FAILS" : "", (int)strcspn(head, "\r\n"),
                      head);
        (void)fflush(log);
    }
    if (chosen && strcmp(mode, "drop") == 0) {
        return;
    }
    if (chosen && strcmp(mode, "refuse") == 0) {
        refuse(client);
        return;
    }
    if (chosen && strcmp(mode, "late") == 0) {
        kill_client(client);
        deliver_late(upstream, head, len, log_path);
        return;
    }
    int engine = dial(upstream);
    put(engine, head, len);
    if (chosen && strcmp(mode, "kill") == 0) {
        kill_client(client);
    }
    relay(client, engine, chosen);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 6) {
        return 64;
    }
    struct sockaddr_un address = address_of(argv[1]);
    FILE *log = fopen(argv[3], "a");
    atomic_long *count =
        mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)unlink(argv[1]);
    if (log == NULL || count == MAP_FAILED ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 64) != 0) {
        perror("proxy");
        return 1;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            continue;
        }
        if (fork() == 0) {
            close(listener);
            serve(client, argv[2], log, argv[3], count, argc == 6 ? argv[4] : "",
                  argc == 6 ? strtol(argv[5], NULL, 10) : 0);
            _exit(0);
        }
        close(client);
    }
}
