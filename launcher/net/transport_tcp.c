/* tcp://host[:port][?TLS] */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/certificate.h"
#include "launcher/base/fs.h"
#include "launcher/base/str.h"
#include "launcher/net/transport.h"

#define PORT_CLEAR 2375 /* as the docker CLI has it */
#define PORT_TLS 2376
#define PEM_MAX ((size_t)1 << 20)

#define CLEAR_HINT                                                                           \
    "use TLS (--tlsverify, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), or ssh://HOST; in a " \
    "network that you trust with root on that host, --insecure-tcp"

/* ---- reading ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char lower[] = {c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c, '\0'};
    const char *at = c != '\0' ? strstr(digits, lower) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

static int decode(const char *text, size_t len, char **ret)
{
    AUTO_STR struct str s = STR_INIT;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0 || high * 16 + low < 0x20) {
                return -1;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        str_append_c(&s, c);
    }
    *ret = str_take(&s);
    return 0;
}

/* Files of a folder as the docker CLI keeps it; what is not there is not used. */
static void take_folder(struct endpoint *e, const char *folder)
{
    static const char *const names[] = {"ca.pem", "cert.pem", "key.pem"};
    char **slots[] = {&e->ca, &e->cert, &e->key};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path = fs_join(folder, names[i]);
        if (access(path, F_OK) == 0 || i == 0) {
            free(*slots[i]);
            *slots[i] = TAKE(path);
        }
    }
}

static int parse_part(const char *part, size_t len, struct endpoint *e, struct err *err)
{
    size_t name = strcspn(part, "=&");
    AUTO_FREE char *value = NULL;
    bool has_value = name < len;

    if (has_value && decode(part + name + 1, len - name - 1, &value) < 0) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' has a '%%' that is not followed by two "
                        "hexadecimal digits",
                        e->shown);
    }
    const struct {
        const char *name;
        char **slot;
    } rows[] = {{"ca", &e->ca}, {"cert", &e->cert}, {"key", &e->key}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].name) == name && strncmp(part, rows[i].name, name) == 0 && has_value) {
            free(*rows[i].slot);
            *rows[i].slot = TAKE(value);
            e->tls = true;
            return 0;
        }
    }
    if (name == 3 && strncmp(part, "tls", 3) == 0) {
        e->tls = true;
        if (has_value) {
            take_folder(e, value);
        }
        return 0;
    }
    if (name == 8 && strncmp(part, "insecure", 8) == 0 && !has_value) {
        e->insecure = true;
        return 0;
    }
    return err_fail(err, ERR_USAGE,
                    "the engine's endpoint '%s' is followed by '?%.*s', which is not known\n"
                    "HINT: tls=FOLDER, or ca=, cert= and key=FILE, and insecure are",
                    e->shown, (int)len, part);
}

static int parse(const char *rest, struct endpoint *e, struct err *err)
{
    size_t len = strcspn(rest, "?");
    AUTO_FREE char *where = mem_strndup(rest, len);

    if (len > 0 && where[len - 1] == '/') {
        where[len - 1] = '\0';
    }
    if (transport_parse_host(where, e, err) < 0) {
        return -1;
    }
    if (e->user != NULL) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' names a user, which tcp:// does not know\n"
                        "HINT: TLS knows its clients by their certificates; ssh:// takes a user",
                        e->shown);
    }
    const char *part = rest[len] == '?' ? rest + len + 1 : "";
    while (*part != '\0') {
        size_t n = strcspn(part, "&");
        if (parse_part(part, n, e, err) < 0) {
            return -1;
        }
        part += n + (part[n] == '&');
    }
    if (!e->tls && !e->insecure) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' is clear text: whoever sees or changes it on "
                        "its way is root on that host\nHINT: " CLEAR_HINT,
                        e->shown);
    }
    if ((e->cert == NULL) != (e->key == NULL)) {
        return err_fail(err, ERR_USAGE,
                        "the engine's endpoint '%s' has a %s for TLS, but no %s\n"
                        "HINT: --tlscert and --tlskey go together",
                        e->shown, e->cert != NULL ? "certificate" : "private key",
                        e->cert != NULL ? "private key" : "certificate");
    }
    e->port = e->port != 0 ? e->port : e->tls ? PORT_TLS : PORT_CLEAR;
    return 0;
}

/* ---- our files: what libcurl says of them is dark ---- */

static int read_pem(const struct endpoint *e, const char *what, const char *path, struct str *ret,
                    struct err *err)
{
    if (path == NULL || fs_read(path, PEM_MAX, false, ret, err) == 0) {
        return 0;
    }
    err_wrap(err, "cannot speak TLS to '%s': the %s", e->shown, what);
    return err_hint(err,
                    "--tlscacert, --tlscert and --tlskey, or DOCKER_CERT_PATH, name the files");
}

static int fail_pem(const struct endpoint *e, const char *path, const char *why, const char *hint,
                    struct err *err)
{
    return err_fail(err, ERR_CONFIG, "cannot speak TLS to '%s': '%s' %s\nHINT: %s", e->shown, path,
                    why, hint);
}

static int check_files(const struct endpoint *e, struct err *err)
{
    AUTO_STR struct str ca = STR_INIT;
    AUTO_STR struct str cert = STR_INIT;
    AUTO_STR struct str key = STR_INIT;
    struct certificate_pair pair = {.match = true};
    struct certificate_pair root = {.match = true};

    if (read_pem(e, "authority's certificate", e->ca, &ca, err) < 0 ||
        read_pem(e, "certificate", e->cert, &cert, err) < 0 ||
        read_pem(e, "private key", e->key, &key, err) < 0) {
        secret_wipe(key.data, key.cap);
        return -1;
    }
    certificate_pair_read(str_get(&ca), ca.len, "", 0, &root);
    certificate_pair_read(str_get(&cert), cert.len, str_get(&key), key.len, &pair);
    secret_wipe(key.data, key.cap);
    if (e->ca != NULL && !root.certificate_ok) {
        return fail_pem(e, e->ca, "holds no certificate in PEM",
                        "give the certificate of the authority that signed the engine's", err);
    }
    if (e->cert == NULL) {
        return 0;
    }
    if (!pair.certificate_ok) {
        return fail_pem(e, e->cert, "holds no certificate in PEM", "give our certificate", err);
    }
    if (pair.key_encrypted) {
        return fail_pem(e, e->key, "needs a pass phrase", "store it without one, mode 0600", err);
    }
    if (!pair.key_ok) {
        return fail_pem(e, e->key, "holds no private key in PEM", "give our private key", err);
    }
    if (!pair.match) {
        AUTO_FREE char *why = mem_printf("is not the private key of '%s'", e->cert);
        return fail_pem(e, e->key, why, "give the pair that was made together", err);
    }
    return 0;
}

static int connect_tcp(const struct endpoint *e, uint64_t timeout_ms, const char **ret_socket,
                       struct err *err)
{
    (void)e;
    (void)timeout_ms;
    (void)err;
    *ret_socket = NULL;
    return 0;
}

/* ---- why not ---- */

static int explain(const struct endpoint *e, enum endpoint_fault fault, const char *detail,
                   struct err *err)
{
    static const struct {
        enum err_kind kind;
        const char *what, *hint;
    } rows[] = {
        [FAULT_CONNECT] = {ERR_UNREACHABLE, "it takes no connection",
                           "does an engine listen there, and does a firewall let it through? "
                           "'systemctl status docker' on that host tells"},
        [FAULT_NAME] = {ERR_UNREACHABLE, "its host name is not known",
                        "is it spelled right? 'getent hosts' asks the same resolver"},
        [FAULT_CERTIFICATE] = {ERR_UNREACHABLE, "its certificate is not to be trusted",
                               "--tlscacert names the authority that signed it; the name in the "
                               "endpoint must be one of the certificate"},
        [FAULT_OWN_FILES] = {ERR_CONFIG, "our own certificate or key cannot be used",
                             "--tlscacert, --tlscert and --tlskey name files in PEM"},
        [FAULT_OWN_REFUSED] = {ERR_UNREACHABLE,
                               "it closed the connection behind the TLS handshake, as an engine "
                               "does that does not take our certificate",
                               "--tlscert and --tlskey, or DOCKER_CERT_PATH, name a pair that the "
                               "engine's authority has signed"},
        [FAULT_TLS] = {ERR_UNREACHABLE, "it does not speak TLS 1.2 or newer there",
                       "is this the port for TLS (usually 2376), and does dockerd run with "
                       "--tlsverify?"},
        [FAULT_CLOSED] = {ERR_UNREACHABLE, "it closed the connection without an answer",
                          "did the engine stop? Look at 'journalctl -u docker' on that host"},
    };

    if (fault == FAULT_OWN_FILES && check_files(e, err) < 0) {
        return -1;
    }
    err_fail(err, rows[fault].kind, "cannot reach the Docker Engine at '%s': %s%s%s%s", e->shown,
             rows[fault].what, detail[0] != '\0' ? " (" : "", detail, detail[0] != '\0' ? ")" : "");
    return err_hint(err, "%s", rows[fault].hint);
}

const struct transport transport_tcp = {
    .scheme = "tcp://",
    .parse = parse,
    .connect = connect_tcp,
    .explain = explain,
};
