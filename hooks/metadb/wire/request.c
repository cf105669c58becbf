#include "hooks/metadb/wire/request.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX (1024 * 1024)
#define WHAT "the request on stdin"

/* Jansson copies the password on its way through the lexer: every block is wiped when given back.
 */
static void free_wiping(void *p)
{
    if (p) {
        secret_wipe(p, malloc_usable_size(p));
        free(p);
    }
}

/* An empty line, for a caller who keeps stdin open to say more. */
static bool is_ended(const struct str *text)
{
    return text->len >= 2 && memcmp(text->data + text->len - 2, "\n\n", 2) == 0;
}

static int read_all(int fd, struct str *text, struct err *err)
{
    char buf[16384];
    /* Enough from the start: a growing buffer would leave copies behind. */
    str_reserve(text, INPUT_MAX + 1);
    while (!is_ended(text)) {
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_fail(err, ERR_USAGE, WHAT " cannot be read: %m");
        }
        if (n == 0) {
            break;
        }
        if (text->len + (size_t)n > INPUT_MAX) {
            secret_wipe(buf, sizeof(buf));
            return err_fail(err, ERR_USAGE, WHAT " is longer than 1 MiB");
        }
        str_append_n(text, buf, (size_t)n);
    }
    secret_wipe(buf, sizeof(buf));
    return 0;
}

/* The client library takes a host like "h;local-infile=1" for a string of several options. */
static int check_host(const char *host, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-:[]%";
    if (host[strspn(host, allowed)] == '\0') {
        return 0;
    }
    return err_fail(err, ERR_USAGE,
                    WHAT ": metadb.host is neither an address nor the name of a host");
}

static int check_name(const char *what, const char *name, struct err *err)
{
    for (const char *p = name; p && *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return err_fail(err, ERR_USAGE, WHAT ": %s holds a control character", what);
        }
    }
    return 0;
}

static int check_names(const struct request *r, struct err *err)
{
    if (check_host(r->host, err) < 0 || check_name("metadb.user", r->user, err) < 0 ||
        check_name("metadb.databases.rm", r->rm_db, err) < 0 ||
        check_name("metadb.databases.cm", r->cm_db, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->heartbeat_dbs.count; i++) {
        if (check_name("metadb.databases.heartbeat", r->heartbeat_dbs.items[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static char *text_or_null(const json_t *j, const char *path)
{
    const char *text = json_text(j, path, NULL);
    return text ? mem_strdup(text) : NULL;
}

static int take_databases(const json_t *db, struct request *r, struct err *err)
{
    r->rm_db = text_or_null(db, "databases.rm");
    r->cm_db = text_or_null(db, "databases.cm");
    const json_t *list = json_walk(db, "databases.heartbeat");
    if (list && !json_is_array(list)) {
        return err_fail(err, ERR_USAGE, WHAT ": metadb.databases.heartbeat is no list");
    }
    size_t i;
    json_t *item;
    json_array_foreach (list, i, item) {
        if (!json_is_string(item) || json_string_length(item) == 0) {
            return err_fail(err, ERR_USAGE,
                            WHAT ": metadb.databases.heartbeat holds something that is no name");
        }
        if (!strv_has(&r->heartbeat_dbs, json_string_value(item))) {
            strv_add(&r->heartbeat_dbs, json_string_value(item));
        }
    }
    return 0;
}

static int take_document(const json_t *doc, struct request *r, struct err *err)
{
    if (json_int(doc, "schema", 0) != 1) {
        return err_fail(err, ERR_USAGE,
                        WHAT " does not say \"schema\": 1, the only one known here");
    }
    const json_t *db = json_walk(doc, "metadb");
    const char *host, *user, *password;
    if (json_need_text(doc, "metadb.host", WHAT, &host, err) < 0 ||
        json_need_text(doc, "metadb.user", WHAT, &user, err) < 0 ||
        json_need_text(doc, "metadb.password", WHAT, &password, err) < 0) {
        err->kind = ERR_USAGE;
        return -1;
    }
    int64_t port = json_int(db, "port", 0);
    if (port < 1 || port > 65535) {
        return err_fail(err, ERR_USAGE, WHAT ": metadb.port is no number from 1 to 65535");
    }
    r->run = text_or_null(doc, "run");
    r->host = mem_strdup(host);
    r->port = (uint16_t)port;
    r->user = mem_strdup(user);
    secret_set(&r->password, password, strlen(password));
    int64_t timeout_ms = json_int(doc, "timeout_ms", 0);
    r->timeout_ms = timeout_ms > 0 ? (uint64_t)timeout_ms : 0;
    json_t *parameters = json_walk(doc, "request");
    r->parameters = parameters ? json_deep_copy(parameters) : json_object();
    if (!json_is_object(r->parameters)) {
        return err_fail(err, ERR_USAGE, WHAT ": \"request\" is no object");
    }
    return take_databases(db, r, err) < 0 ? -1 : check_names(r, err);
}

int request_parse(const char *text, size_t len, struct request *ret, struct err *err)
{
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(malloc, free_wiping);
    struct request r = {.run = NULL, .password = SECRET_INIT, .heartbeat_dbs = STRV_INIT};
    json_t *doc = NULL;
    int rc = json_parse(text, len, WHAT, &doc, err);
    if (rc < 0) {
        err->kind = ERR_USAGE;
    } else {
        rc = take_document(doc, &r, err);
    }
    json_decref(doc);
    json_set_alloc_funcs(old_malloc, old_free);
    if (rc < 0) {
        request_free(&r);
        return -1;
    }
    *ret = r;
    return 0;
}

int request_read(int fd, struct request *ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    int rc = read_all(fd, &text, err);
    if (rc == 0) {
        rc = request_parse(str_get(&text), text.len, ret, err);
    }
    secret_wipe(text.data, text.len);
    return rc;
}

void request_free(struct request *r)
{
    free(r->run);
    free(r->host);
    free(r->user);
    free(r->rm_db);
    free(r->cm_db);
    secret_free(&r->password);
    strv_free(&r->heartbeat_dbs);
    json_decref(r->parameters);
    *r = (struct request){.run = NULL};
}

void request_databases(const struct request *r, struct strv *ret)
{
    if (r->rm_db) {
        strv_add(ret, r->rm_db);
    }
    if (r->cm_db && !strv_has(ret, r->cm_db)) {
        strv_add(ret, r->cm_db);
    }
    for (size_t i = 0; i < r->heartbeat_dbs.count; i++) {
        if (!strv_has(ret, r->heartbeat_dbs.items[i])) {
            strv_add(ret, r->heartbeat_dbs.items[i]);
        }
    }
}
