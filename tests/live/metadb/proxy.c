/* A proxy in front of a MySQL server that does not know some statements, as OceanBase and its proxy
 * do not, or whose network is cut.
 *
 *   proxy PORT SERVER_PORT CUT_AFTER STATEMENT...
 *
 * Statements that begin with one of STATEMENT (any case) are answered "not supported" and never
 * reach the server; those after "prepare:" when they are to be prepared. Prepared ones after
 * "execute:" reach it all the same, but the answer is that error. To those after "steal:" the
 * answer is a request for /etc/passwd, as by a server that wants a file of its client's; what it
 * gets goes to stdout. With "oceanbase" the server says that it is one. After CUT_AFTER bytes from
 * the server (0: never) a connection is broken off. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COM_QUERY = 3, COM_STMT_PREPARE = 22, COM_STMT_EXECUTE = 23, ER_NOT_SUPPORTED_YET = 1235 };

static char **refused;
static long cut_after;
static bool oceanbase;
static bool doomed; /* the statement prepared last is to end with an error whenever it runs */
static bool late;   /* it does now */

static void send_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0) {
            _exit(0);
        }
        p += n;
        len -= (size_t)n;
    }
}

static bool begins(const uint8_t *packet, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= 5 + n && strncasecmp((const char *)packet + 5, word, n) == 0;
}

/* Is it a statement that is to be treated so? `how` is "" or ends with a colon. */
static bool is_for(const char *how, int command, const uint8_t *packet, size_t len)
{
    size_t n = strlen(how);
    if (packet[3] != 0 || len < 5 || packet[4] != command) {
        return false;
    }
    for (char **word = refused; *word; word++) {
        if (strncmp(*word, how, n) == 0 && begins(packet, len, *word + n)) {
            return true;
        }
    }
    return false;
}

/* Where the server tells its name, in its greeting or version, it is OceanBase now. */
static void rename_server(uint8_t *answer, size_t len)
{
    static const char *const names[] = {"MariaDB", "MySQL "};
    static const char other[] = "OceanBase";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint8_t *at = memmem(answer, len, names[i], strlen(names[i]));
        if (at && len - (size_t)(at - answer) >= strlen(other)) {
            memcpy(at, other, strlen(other));
        }
    }
}

/* An empty packet ends what the client sends; any answer will do then. */
static void steal(int client)
{
    static const uint8_t ask[] = "\x0c\0\0\1\xfb/etc/passwd";
    uint8_t done[] = {7, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0};
    uint8_t got[65536];
    send_all(client, ask, sizeof(ask) - 1);
    for (;;) {
        ssize_t n = recv(client, got, sizeof(got), 0);
        if (n <= 0 || write(STDOUT_FILENO, got, (size_t)n) != n) {
            _exit(0);
        }
        if (n >= 4 && got[n - 4] == 0 && got[n - 3] == 0 && got[n - 2] == 0) {
            done[3] = (uint8_t)(got[n - 1] + 1);
            break;
        }
    }
    send_all(client, done, sizeof(done));
}

static void refuse(int client, uint8_t number)
{
    static const char text[] = "#0A000Not supported feature or function";
    uint8_t packet[4 + 3 + sizeof(text) - 1] = {
        3 + sizeof(text) - 1,     0, 0, number, 0xff, ER_NOT_SUPPORTED_YET & 0xff,
        ER_NOT_SUPPORTED_YET >> 8};
    memcpy(packet + 7, text, sizeof(text) - 1);
    send_all(client, packet, sizeof(packet));
}

/* Forwards whole packets; keeps the rest for later. */
static size_t from_client(uint8_t *buf, size_t len, int client, int server)
{
    size_t at = 0;
    while (len - at >= 4) {
        size_t size = 4 + ((size_t)buf[at] | (size_t)buf[at + 1] << 8 | (size_t)buf[at + 2] << 16);
        if (len - at < size) {
            break;
        }
        if (is_for("", COM_QUERY, buf + at, size) ||
            is_for("prepare:", COM_STMT_PREPARE, buf + at, size)) {
            refuse(client, 1);
        } else if (is_for("steal:", COM_QUERY, buf + at, size)) {
            steal(client);
        } else {
            if (buf[at + 3] == 0 && size > 4 && buf[at + 4] == COM_STMT_PREPARE) {
                doomed = is_for("execute:", COM_STMT_PREPARE, buf + at, size);
            }
            late =
                late || (doomed && buf[at + 3] == 0 && size > 4 && buf[at + 4] == COM_STMT_EXECUTE);
            send_all(server, buf + at, size);
        }
        at += size;
    }
    memmove(buf, buf + at, len - at);
    return len - at;
}

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        _exit(0);
    }
    return fd;
}

static void serve(int client, int port)
{
    static uint8_t buf[18 << 20], answer[65536];
    size_t kept = 0;
    long passed = 0;
    int server = dial(port);
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0) {
        if (fds[0].revents) {
            ssize_t n = recv(client, buf + kept, sizeof(buf) - kept, 0);
            if (n <= 0) {
                break;
            }
            kept = from_client(buf, kept + (size_t)n, client, server);
        }
        if (fds[1].revents) {
            ssize_t n = recv(server, answer, sizeof(answer), 0);
            passed += n > 0 ? n : 0;
            if (n <= 0 || (cut_after > 0 && passed > cut_after)) {
                break;
            }
            if (n > 0 && oceanbase) {
                rename_server(answer, (size_t)n);
            }
            /* Short answers come in one piece. */
            if (late && n > 4) {
                refuse(client, answer[3]);
                late = false;
            } else {
                send_all(client, answer, (size_t)n);
            }
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: proxy PORT SERVER_PORT CUT_AFTER STATEMENT...\n", stderr);
        return 64;
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cut_after = atol(argv[3]);
    refused = argv + 4;
    for (char **word = refused; *word; word++) {
        oceanbase = oceanbase || strcmp(*word, "oceanbase") == 0;
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 16) < 0) {
        perror("proxy");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0 && fork() == 0) {
            close(listener);
            serve(client, atoi(argv[2]));
        }
        close(client);
    }
}
