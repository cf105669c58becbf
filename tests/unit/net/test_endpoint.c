/* Where an engine is: each form, and each that is not one. */
#include "launcher/net/endpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/base/str.h"
#include "tests/unit/unit.h"

static void test_forms(void **state)
{
    static const struct {
        const char *text, *again;
    } rows[] = {
        {"unix:///var/run/docker.sock", "unix:///var/run/docker.sock"},
        {"tcp://10.0.0.1:2376?tls", "tcp://10.0.0.1:2376?tls"},
        {"tcp://h?tls", "tcp://h:2376?tls"},
        {"tcp://h/?tls", "tcp://h:2376?tls"},
        {"tcp://h?insecure", "tcp://h:2375?insecure"},
        {"tcp://h?tls&insecure", "tcp://h:2376?tls&insecure"},
        {"tcp://[::1]:1?tls", "tcp://[::1]:1?tls"},
        {"tcp://[fe80::1%eth0]?insecure", "tcp://[fe80::1%eth0]:2375?insecure"},
        {"tcp://h?tls=/a%20b", "tcp://h:2376?ca=/a%20b/ca.pem"},
        {"tcp://h?ca=/c&cert=/p&key=/k", "tcp://h:2376?ca=/c&cert=/p&key=/k"},
        {"ssh://h", "ssh://h/var/run/docker.sock"},
        {"ssh://h/", "ssh://h/var/run/docker.sock"},
        {"ssh://root@oms-1.example:2222/run/e.sock", "ssh://root@oms-1.example:2222/run/e.sock"},
        {"ssh://dom\\u@h", "ssh://dom\\u@h/var/run/docker.sock"},
        {"ssh://u@realm@[::1]", "ssh://u@realm@[::1]/var/run/docker.sock"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ENDPOINT struct endpoint e = {.transport = NULL};
        AUTO_ENDPOINT struct endpoint twice = {.transport = NULL};
        struct err err = ERR_INIT;
        assert_ok(endpoint_parse(rows[i].text, &e, &err), &err);
        AUTO_FREE char *text = endpoint_format(&e);
        assert_string_equal(text, rows[i].again);
        assert_ok(endpoint_parse(text, &twice, &err), &err);
        AUTO_FREE char *same = endpoint_format(&twice);
        assert_string_equal(same, text);
        assert_null(strchr(twice.shown, '?'));
    }
}

#define NAME_HINT "HINT: letters, digits, '.', '-' and '_', not beginning with '-'"

static void test_none(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"tcp://h:2375",
         "the engine's endpoint 'tcp://h:2375' is clear text: whoever sees or changes it on its "
         "way "
         "is root on that host\nHINT: use TLS (--tlsverify, or DOCKER_TLS_VERIFY and "
         "DOCKER_CERT_PATH), or ssh://HOST; in a network that you trust with root on that host, "
         "--insecure-tcp"},
        {"tcp://-oProxyCommand=x?tls", "the engine's endpoint 'tcp://-oProxyCommand=x' names no "
                                       "host that could be one\n" NAME_HINT},
        {"ssh://-oProxyCommand=reboot",
         "the engine's endpoint 'ssh://-oProxyCommand=reboot' names no host that could be "
         "one\n" NAME_HINT},
        {"ssh://", "the engine's endpoint 'ssh://' names no host that could be one\n" NAME_HINT},
        {"ssh://a b",
         "the engine's endpoint 'ssh://a b' names no host that could be one\n" NAME_HINT},
        {"ssh://h;reboot",
         "the engine's endpoint 'ssh://h;reboot' names no host that could be one\n" NAME_HINT},
        {"ssh://[::1",
         "the engine's endpoint 'ssh://[::1' names no host that could be one\n" NAME_HINT},
        {"ssh://-l@h",
         "the engine's endpoint 'ssh://-l@h' has a user name that cannot be one\n" NAME_HINT},
        {"ssh://root:secret@h", "the engine's endpoint has a password in it\n"
                                "HINT: leave it out: ssh uses keys, or asks on a terminal"},
        {"ssh://h:0",
         "the engine's endpoint 'ssh://h:0' has no port from 1 to 65535 behind its ':'\n"
         "HINT: write an IPv6 address in brackets: tcp://[::1]:2376"},
        {"tcp://::1?tls",
         "the engine's endpoint 'tcp://::1' names no host that could be one\n" NAME_HINT},
        {"tcp://h:99999?tls",
         "the engine's endpoint 'tcp://h:99999' has no port from 1 to 65535 behind its ':'\n"
         "HINT: write an IPv6 address in brackets: tcp://[::1]:2376"},
        {"tcp://[::1]x?tls",
         "the engine's endpoint 'tcp://[::1]x' has something behind its host that is not a port\n"
         "HINT: write HOST or HOST:PORT"},
        {"tcp://u@h?tls",
         "the engine's endpoint 'tcp://u@h' names a user, which tcp:// does not know\n"
         "HINT: TLS knows its clients by their certificates; ssh:// takes a user"},
        {"tcp://h?tls&cert=/c",
         "the engine's endpoint 'tcp://h' has a certificate for TLS, but no private key\n"
         "HINT: --tlscert and --tlskey go together"},
        {"tcp://h?key=/k", "the engine's endpoint 'tcp://h' has a private key for TLS, but no "
                           "certificate\nHINT: --tlscert and --tlskey go together"},
        {"tcp://h?verify=0",
         "the engine's endpoint 'tcp://h' is followed by '?verify=0', which is not "
         "known\nHINT: tls=FOLDER, or ca=, cert= and key=FILE, and insecure are"},
        {"tcp://h?ca=/%0a", "the engine's endpoint 'tcp://h' has a '%' that is not followed by two "
                            "hexadecimal digits"},
        {"ssh://h?x",
         "the engine's endpoint 'ssh://h' is followed by something that ssh:// does not "
         "take\nHINT: options of ssh go into ~/.ssh/config"},
        {"ssh://h\nx",
         "the engine's endpoint has control characters\nHINT: write it as "
         "unix:///var/run/docker.sock, tcp://HOST:2376 with TLS, or ssh://USER@HOST, or "
         "name a docker context with --context"},
        {"npipe:////./pipe/docker_engine",
         "the engine's endpoint 'npipe:////./pipe/docker_engine' is not known: it begins with none "
         "of "
         "unix://, tcp:// and ssh://\nHINT: write it as unix:///var/run/docker.sock, "
         "tcp://HOST:2376 "
         "with TLS, or ssh://USER@HOST, or name a docker context with --context"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ENDPOINT struct endpoint e = {.transport = NULL};
        struct err err = ERR_INIT;
        assert_fails(endpoint_parse(rows[i].text, &e, &err));
        assert_err(&err, ERR_USAGE, rows[i].want);
    }
}

/* Is it, when a process of this name listens on its socket? */
static bool listened_by(const struct endpoint *e, const char *name)
{
    int named[2];
    char byte;

    assert_int_equal(pipe(named), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, name);
        (void)!write(named[1], "", 1);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(named[0], &byte, 1), 1);
    bool local = endpoint_is_local(e, (int)pid);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(named[0]);
    (void)close(named[1]);
    return local;
}

static void test_local(void **state)
{
    AUTO_ENDPOINT struct endpoint here = {.transport = NULL};
    AUTO_ENDPOINT struct endpoint far = {.transport = NULL};
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(endpoint_parse("unix:///s", &here, &err), &err);
    assert_ok(endpoint_parse("tcp://127.0.0.1?tls", &far, &err), &err);
    assert_true(endpoint_is_local(&here, 0));
    assert_true(endpoint_is_local(&here, 1));
    assert_false(endpoint_is_local(&far, 0));
    assert_false(listened_by(&here, "ssh"));
    assert_false(listened_by(&here, "socat"));
    assert_true(listened_by(&here, "dockerd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_local),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
