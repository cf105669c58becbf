/* Whoever answers on the MetaDB's port: a rogue server that asks for what it must not get. */
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hooks/metadb/wire/conn.h"

#define PASSWORD "s3cret-of-the-metadb"

struct rogue {
    int listener;
    const char *method;
    char got[65536]; /* of all connections */
    size_t len;
};

static void send_packet(int fd, unsigned char number, const char *payload, size_t len)
{
    const unsigned char head[] = {(unsigned char)len, 0, 0, number};
    assert_int_equal(send(fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
    assert_int_equal(send(fd, payload, len, MSG_NOSIGNAL), len);
}

static bool receive(struct rogue *r, int fd)
{
    ssize_t n = recv(fd, r->got + r->len, sizeof(r->got) - r->len, 0);
    r->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void *serve(void *arg)
{
    static const char greeting[] = "\x0a"
                                   "10.11.0-MariaDB\0"
                                   "\1\0\0\0"
                                   "abcdefgh\0"
                                   "\x01\x82\x21\x02\0\0\0\x15"
                                   "\0\0\0\0\0\0"
                                   "\0\0\0\0"
                                   "ijklmnopqrst";
    struct rogue *r = arg;
    for (int fd; (fd = accept(r->listener, NULL, NULL)) >= 0; close(fd)) {
        char ask[64];
        int len = snprintf(ask, sizeof(ask), "\xfe%s", r->method) + 1;
        ask[len++] = '\0';
        send_packet(fd, 0, greeting, sizeof(greeting));
        if (receive(r, fd)) {
            send_packet(fd, 2, ask, (size_t)len);
        }
        while (receive(r, fd)) {
        }
    }
    return NULL;
}

static void gets_no_password(const char *method)
{
    struct rogue r = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .method = method};
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof(a);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(r.listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(r.listener, 4), 0);
    assert_int_equal(getsockname(r.listener, (struct sockaddr *)&a, &size), 0);
    struct request request = {
        .host = (char[]){"127.0.0.1"}, .port = ntohs(a.sin_port), .user = (char[]){"u"}};
    secret_set(&request.password, PASSWORD, strlen(PASSWORD));
    struct conn c = CONN_INIT;
    struct err err = ERR_INIT;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &r), 0);
    assert_fails(conn_open(&request, &c, &err));
    shutdown(r.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(r.listener);
    secret_free(&request.password);
    assert_true(r.len > 0);
    assert_null(memmem(r.got, r.len, PASSWORD, strlen(PASSWORD)));
    AUTO_FREE char *expected = mem_printf(
        "the MetaDB at '127.0.0.1:%u' wants the password of user 'u' in a way that would give it "
        "away (error 5010)\nHINT: see that this is the database server, and let the user log in by "
        "mysql_native_password, caching_sha2_password or ed25519",
        request.port);
    assert_err(&err, ERR_REFUSED, expected);
}

static void a_server_that_wants_the_password_in_clear_gets_none(void **state)
{
    (void)state;
    gets_no_password("mysql_clear_password");
    gets_no_password("dialog");
    gets_no_password("sha256_password");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_wants_the_password_in_clear_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
