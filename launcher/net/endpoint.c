#include "launcher/net/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "launcher/base/str.h"
#include "launcher/net/http.h"
#include "launcher/net/transport.h"

#define FORMS                                                                                    \
    "write it as " ENDPOINT_DEFAULT ", tcp://HOST:2376 with TLS, or ssh://USER@HOST, or name a " \
    "docker context with --context"

static const struct transport *const transports[] = {&transport_unix, &transport_tcp,
                                                     &transport_ssh};

void endpoint_free(struct endpoint *e)
{
    free(e->text);
    free(e->shown);
    free(e->path);
    free(e->user);
    free(e->host);
    free(e->ca);
    free(e->cert);
    free(e->key);
    *e = (struct endpoint){.transport = NULL};
}

/* It is shown, and becomes a word of other programs' command lines. */
static bool is_clean(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

int endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
    AUTO_ENDPOINT struct endpoint e = {.transport = NULL};

    if (!is_clean(text)) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint has control characters\nHINT: " FORMS);
    }
    for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
        const char *scheme = transports[i]->scheme;
        if (!str_starts_with(text, scheme)) {
            continue;
        }
        e.transport = transports[i];
        e.text = mem_strdup(text);
        e.shown = mem_strndup(text, strcspn(text, "?"));
        if (transports[i]->parse(text + strlen(scheme), &e, err) < 0) {
            return -1;
        }
        *ret = e;
        e = (struct endpoint){.transport = NULL};
        return 0;
    }
    return err_fail(err, ERR_USAGE,
                    "the engine's endpoint '%s' is not known: it begins with none of unix://, "
                    "tcp:// and ssh://\nHINT: " FORMS,
                    text);
}

int transport_parse_socket(const char *text, struct endpoint *e, struct err *err)
{
    const struct sockaddr_un limit;

    if (text[0] != '/') {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' has no absolute path of a socket\n"
                        "HINT: write it as " ENDPOINT_DEFAULT,
                        e->shown);
    }
    if (strlen(text) >= sizeof(limit.sun_path)) {
        return err_fail(err, ERR_USAGE,
                        "the path of the engine's socket in '%s' is longer than %zu bytes, which "
                        "no unix socket can have\n"
                        "HINT: give a shorter path, for example through a symbolic link",
                        e->shown, sizeof(limit.sun_path) - 1);
    }
    e->path = mem_strdup(text);
    return 0;
}

/* ---- [user@]host[:port] ---- */

static int fail_host(const struct endpoint *e, const char *what, const char *hint, struct err *err)
{
    return err_fail(err, ERR_USAGE, "the engine's endpoint '%s' %s\nHINT: %s", e->shown, what,
                    hint);
}

/* A name that begins with '-' would be an option to ssh; anything but these is no name at all. */
static bool is_name(const char *text, const char *more)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    AUTO_FREE char *all = mem_printf("%s%s", good, more);

    return text[0] != '\0' && text[0] != '-' && strspn(text, all) == strlen(text);
}

static int parse_port(const char *text, struct endpoint *e, struct err *err)
{
    uint64_t port = 0;
    struct err ignored = ERR_INIT;

    if (str_to_u64(text, 1, 65535, "port", &port, &ignored) < 0) {
        return fail_host(e, "has no port from 1 to 65535 behind its ':'",
                         "write an IPv6 address in brackets: tcp://[::1]:2376", err);
    }
    e->port = (unsigned)port;
    return 0;
}

static int parse_user(const char *text, size_t len, struct endpoint *e, struct err *err)
{
    e->user = mem_strndup(text, len);
    if (strchr(e->user, ':') != NULL) {
        /* Not to be repeated on a screen or in a log. */
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint has a password in it\n"
                        "HINT: leave it out: ssh uses keys, or asks on a terminal");
    }
    if (!is_name(e->user, "@+\\")) {
        return fail_host(e, "has a user name that cannot be one",
                         "letters, digits, '.', '-' and '_', not beginning with '-'", err);
    }
    return 0;
}

int transport_parse_host(const char *text, struct endpoint *e, struct err *err)
{
    const char *at = strrchr(text, '@');
    const char *host = at != NULL ? at + 1 : text;
    const char *end = NULL;

    if (at != NULL && parse_user(text, (size_t)(at - text), e, err) < 0) {
        return -1;
    }
    if (host[0] == '[') {
        end = strchr(host, ']');
        e->host = mem_strndup(host + 1, end != NULL ? (size_t)(end - host - 1) : 0);
        end = end != NULL ? end + 1 : NULL;
    } else {
        end = host + strcspn(host, ":");
        e->host = mem_strndup(host, (size_t)(end - host));
    }
    if (!is_name(e->host, host[0] == '[' ? ":%" : "")) {
        return fail_host(e, "names no host that could be one",
                         "letters, digits, '.', '-' and '_', not beginning with '-'", err);
    }
    if (end == NULL || (*end != '\0' && *end != ':')) {
        return fail_host(e, "has something behind its host that is not a port",
                         "write HOST or HOST:PORT", err);
    }
    return *end == ':' ? parse_port(end + 1, e, err) : 0;
}

/* ---- text ---- */

static void append_part(struct str *s, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    str_appendf(s, "%s%s", strchr(str_get(s), '?') == NULL ? "?" : "&", name);
    if (value[0] != '\0') {
        str_append_c(s, '=');
        http_append_path(s, value);
    }
}

char *endpoint_format(const struct endpoint *e)
{
    AUTO_STR struct str s = STR_INIT;

    str_append(&s, e->transport->scheme);
    if (e->user != NULL) {
        str_appendf(&s, "%s@", e->user);
    }
    if (e->host != NULL) {
        str_appendf(&s, strchr(e->host, ':') != NULL ? "[%s]" : "%s", e->host);
    }
    if (e->port != 0) {
        str_appendf(&s, ":%u", e->port);
    }
    if (e->path != NULL) {
        str_append(&s, e->path);
    }
    append_part(&s, "ca", e->ca);
    append_part(&s, "cert", e->cert);
    append_part(&s, "key", e->key);
    bool bare = e->tls && e->ca == NULL && e->cert == NULL && e->key == NULL;
    append_part(&s, "tls", bare ? "" : NULL);
    append_part(&s, "insecure", e->insecure ? "" : NULL);
    return str_take(&s);
}

/* ---- through the table ---- */

int endpoint_connect(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                     struct err *err)
{
    return e->transport->connect(e, timeout_ms, ret_socket, err);
}

int endpoint_fail(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                  struct err *err)
{
    return e->transport->explain(e, fault, detail, err);
}
