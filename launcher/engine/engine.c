#include "launcher/engine/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/base/clock.h"
#include "launcher/engine/call.h"
#include "launcher/net/endpoint.h"

#define DEFAULT_CONNECT_MS 10000
#define DEFAULT_ANSWER_MS 60000
#define PING_MS 10000 /* what has not answered a ping by then will not answer anything */
#define WORK_FACTOR 5
#define MAX_QUOTE 300 /* bytes of an engine's words that are not in its own JSON */
#define API_TEXT_MAX 16
#define ID_DIGITS 64
#define ID_SHORT 12

#define API_RANGE "1.24 to 1.52" /* ENGINE_API_OLDEST to ENGINE_API_NEWEST */
#define SOCKET_HINT "give the engine's own socket, usually " ENDPOINT_DEFAULT

struct engine {
    struct endpoint endpoint;
    struct http *http;
    bool read_only;
    uint64_t answer_timeout_ms;
    int api; /* 1041: version 1.41 */
    char api_text[API_TEXT_MAX];
    char offered[API_TEXT_MAX]; /* the engine's newest */
    json_t *names;              /* of containers, by ID */
    char short_id[ID_SHORT + 1];
};

const char *engine_endpoint(const struct engine *e)
{
    return e->endpoint.text;
}

const char *engine_endpoint_shown(const struct engine *e)
{
    return e->endpoint.shown;
}

bool engine_is_local(const struct engine *e)
{
    return endpoint_is_local(&e->endpoint, http_peer(e->http));
}

const char *engine_api_version(const struct engine *e)
{
    return e->api_text;
}

uint64_t engine_answer_timeout_ms(const struct engine *e)
{
    return e->answer_timeout_ms;
}

uint64_t engine_work_timeout_ms(const struct engine *e)
{
    return e->answer_timeout_ms * WORK_FACTOR;
}

bool engine_has_api(const struct engine *e, unsigned minor)
{
    return e->api >= 1000 + (int)minor;
}

void engine_free(struct engine *e)
{
    if (e == NULL) {
        return;
    }
    http_free(e->http);
    json_decref(e->names);
    endpoint_free(&e->endpoint);
    free(e);
}

void engine_free_ptr(struct engine **e)
{
    engine_free(*e);
}

/* ---- names of containers ---- */

void engine_learn_name(struct engine *e, const char *id, const char *name)
{
    if (e->names == NULL) {
        e->names = json_object();
    }
    if (strlen(id) == ID_DIGITS && name[0] != '\0') {
        json_put_text(e->names, id, name[0] == '/' ? name + 1 : name);
    }
}

const char *engine_shown(struct engine *e, const char *id)
{
    const char *name = json_string_value(json_object_get(e->names, id));

    if (name != NULL) {
        return name;
    }
    if (strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdef") != ID_DIGITS) {
        return id;
    }
    memcpy(e->short_id, id, ID_SHORT);
    e->short_id[ID_SHORT] = '\0';
    return e->short_id;
}

/* ---- errors ---- */

void engine_append_words(struct str *s, const char *text)
{
    size_t from = s->len;

    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (!isspace(c) && (c >= 0x80 || isprint(c))) {
            str_append_c(s, *p);
        } else if (s->len > from && s->data[s->len - 1] != ' ') {
            str_append_c(s, ' ');
        }
    }
    while (s->len > from && strchr(" :", s->data[s->len - 1]) != NULL) {
        s->data[--s->len] = '\0';
    }
}

/* The engine's own words: "message" of its JSON, or the text of a page without its marks. */
static void answer_words(const struct http_answer *a, struct str *ret)
{
    const char *body = str_get(&a->body);
    struct err ignored = ERR_INIT;
    AUTO_JSON json_t *json = NULL;
    AUTO_STR struct str text = STR_INIT;

    if (body[0] == '{' && json_parse(body, a->body.len, "error", &json, &ignored) == 0) {
        engine_append_words(ret, json_text(json, "message", ""));
        return;
    }
    for (const char *p = body; *p != '\0' && text.len < MAX_QUOTE; p++) {
        const char *end = *p == '<' ? strchr(p, '>') : NULL;
        /* Of a page not even the encoding is known; errors must stay UTF-8. */
        char c = (unsigned char)*p < 0x80 ? *p : '?';
        str_append_c(&text, end != NULL ? ' ' : c);
        p = end != NULL ? end : p;
    }
    engine_append_words(ret, str_get(&text));
}

static bool has_words(const char *text, const char *words)
{
    return strcasestr(text, words) != NULL;
}

/* The engine's oldest version may be above our newest ("Minimum supported API version is 1.60"). */
static int fail_too_new(const struct engine *e, const char *words, struct err *err)
{
    const char *at = strcasestr(words, "version is ");
    int len = at != NULL ? (int)strspn(at + 11, "0123456789.") : 0;

    len -= len > 0 && at[11 + len - 1] == '.' ? 1 : 0;
    return err_fail(err, ERR_UNREACHABLE,
                    "the Docker Engine at '%s' speaks API versions %.*s to %s; this program "
                    "speaks " API_RANGE "\n"
                    "HINT: use a newer omslaunch, or lower the engine's minimum "
                    "(DOCKER_MIN_API_VERSION in the environment of dockerd)",
                    e->endpoint.shown, len > 0 ? len : 8, len > 0 ? at + 11 : "a higher",
                    e->offered);
}

static void add_hint(const struct engine *e, const struct http_answer *a, const char *words,
                     struct err *err)
{
    if (has_words(words, "no such container")) {
        err_hint(err, "'docker ps --all' lists the containers of '%s'", e->endpoint.shown);
    } else if (has_words(words, "no such image")) {
        err_hint(err, "'docker images' lists the images of '%s'; load it first", e->endpoint.shown);
    } else if (has_words(words, "already in use")) {
        err_hint(err, "rename or remove the container that has this name");
    } else if (has_words(words, "is paused")) {
        err_hint(err, "resume it with 'docker unpause'");
    } else if (has_words(words, "is not running")) {
        err_hint(err, "'docker logs' says why it ended");
    } else if (has_words(words, "no space left on device")) {
        err_hint(err, "free space under the engine's root folder ('docker info' names it)");
    } else if (has_words(words, "logging driver does not support")) {
        err_hint(err, "the container's log driver keeps its log elsewhere");
    } else if (a->status == 403 || a->status == 401) {
        err_hint(err, "something in front of the engine forbids this call: a socket proxy or an "
                      "authorization plugin; allow it there");
    } else if (a->status >= 500) {
        err_hint(err, "look at the engine's log with 'journalctl -u docker'");
    }
}

static int call_wrap(struct engine *e, const struct engine_call *call, struct err *err)
{
    if (call->thing == NULL) {
        return err_wrap(err, "cannot %s", call->doing);
    }
    return err_wrap(err, "cannot %s '%s'", call->doing, engine_shown(e, call->thing));
}

/* The engine repeats the ID that it was asked for. */
static void show_thing(struct engine *e, const char *thing, struct str *words)
{
    const char *shown = thing == NULL ? NULL : engine_shown(e, thing);
    AUTO_STR struct str text = STR_INIT;
    const char *from = str_get(words);

    if (shown == NULL || str_eq(shown, thing) || thing[0] == '\0') {
        return;
    }
    for (const char *at = strstr(from, thing); at != NULL; at = strstr(from, thing)) {
        str_append_n(&text, from, (size_t)(at - from));
        str_append(&text, shown);
        from = at + strlen(thing);
    }
    str_append(&text, from);
    str_free(words);
    *words = text;
    text = (struct str)STR_INIT;
}

/* The error of an answer that is none of the good ones; returns -1. */
static int fail_answer(struct engine *e, const struct engine_call *call,
                       const struct http_answer *a, struct err *err)
{
    AUTO_STR struct str words = STR_INIT;
    enum err_kind kind = ERR_FAILED;

    answer_words(a, &words);
    show_thing(e, call->thing, &words);
    const char *said = str_get(&words);
    /* The engine itself answers JSON (but nothing to HEAD); a router without such a path does not.
     */
    bool own = str_get(&a->body)[0] == '{' || str_eq(call->http.method, "HEAD");
    bool none = a->status == 404 || a->status == 405 || a->status == 501;
    if (a->status == 400 && has_words(said, "minimum supported api version")) {
        fail_too_new(e, said, err);
    } else if (none && !own) {
        err_fail(err, ERR_FAILED,
                 "the engine at '%s' does not offer this call (%s %s)%s%s\n"
                 "HINT: is it a Docker Engine? Other engines offer only part of its API",
                 e->endpoint.shown, call->http.method, call->path, said[0] != '\0' ? ": " : "",
                 said);
    } else {
        if (a->status == 404) {
            kind = ERR_NOT_FOUND;
        } else if (a->status == 409) {
            kind = ERR_CONFLICT;
        } else if (a->status == 401 || a->status == 403) {
            kind = ERR_PERMISSION;
        }
        if (said[0] != '\0') {
            err_fail(err, kind, "%s", said);
        } else {
            err_fail(err, kind, "the engine refused (HTTP status %d) and gave no reason",
                     a->status);
        }
        add_hint(e, a, said, err);
    }
    return call_wrap(e, call, err);
}

/* ---- calls ---- */

int engine_call(struct engine *e, const struct engine_call *call, struct http_answer *ret,
                struct err *err)
{
    struct engine_call sent = *call;
    AUTO_FREE char *path = mem_printf("/v%s%s", e->api_text, call->path);
    AUTO_FREE char *body = call->json != NULL ? json_compact(call->json) : NULL;

    if (sent.http.method == NULL) {
        sent.http.method = "GET";
    }
    if (e->read_only && !call->only_looks && !str_eq(sent.http.method, "GET") &&
        !str_eq(sent.http.method, "HEAD")) {
        err_fail(err, ERR_REFUSED, "this command only reads, and %s %s may change something",
                 sent.http.method, call->path);
        return call_wrap(e, call, err);
    }
    sent.http.path = path;
    if (body != NULL) {
        sent.http.body = body;
        sent.http.body_len = strlen(body);
        sent.http.content_type = "application/json";
    }
    if (http_run(e->http, &sent.http, ret, err) < 0) {
        return call_wrap(e, call, err);
    }
    bool good = (ret->status >= 200 && ret->status <= 299) || ret->status == 304;
    return good ? 0 : fail_answer(e, &sent, ret, err);
}

int engine_call_json(struct engine *e, const struct engine_call *call, json_t **ret,
                     struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;

    if (engine_call(e, call, &answer, err) < 0) {
        return -1;
    }
    if (json_parse(str_get(&answer.body), answer.body.len, "the engine's answer", ret, err) < 0) {
        err_hint(err, "is '%s' the socket of a Docker Engine?", e->endpoint.shown);
        return call_wrap(e, call, err);
    }
    return 0;
}

/* ---- opening ---- */

int engine_api_parse(const char *text)
{
    const char *dot = strchr(text, '.');
    struct err ignored = ERR_INIT;
    uint64_t major = 0, minor = 0;

    if (dot == NULL || strlen(dot + 1) > 3) {
        return -1;
    }
    AUTO_FREE char *first = mem_strndup(text, (size_t)(dot - text));
    if (str_to_u64(first, 1, 9, "version", &major, &ignored) < 0 ||
        str_to_u64(dot + 1, 0, 999, "version", &minor, &ignored) < 0) {
        return -1;
    }
    return (int)(major * 1000 + minor);
}

static void set_api(struct engine *e, int api)
{
    e->api = api;
    (void)snprintf(e->api_text, sizeof(e->api_text), "%d.%d", api / 1000, api % 1000);
}

static int fail_no_engine(const struct engine *e, const struct http_answer *a, struct err *err)
{
    const char *type = http_answer_header(a, "Content-Type");
    AUTO_STR struct str words = STR_INIT;

    answer_words(a, &words);
    if (has_words(str_get(&words), "to an HTTPS server")) {
        return err_fail(err, ERR_UNREACHABLE,
                        "the Docker Engine at '%s' speaks TLS, and was asked in clear text\n"
                        "HINT: --tlsverify, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
                        e->endpoint.shown);
    }
    return err_fail(err, ERR_UNREACHABLE,
                    "what answers at '%s' is no Docker Engine: /_ping gave status %d, %s and no "
                    "API version%s%.60s\n"
                    "HINT: " SOCKET_HINT,
                    e->endpoint.shown, a->status, type != NULL ? type : "no content type",
                    words.len > 0 ? ": " : "", str_get(&words));
}

/* What the user wants spoken, or 0. */
static int wanted_api(int *ret, struct err *err)
{
    const char *text = getenv("DOCKER_API_VERSION");

    *ret = text != NULL && text[0] != '\0' ? engine_api_parse(text) : 0;
    if (*ret != 0 && (*ret < ENGINE_API_OLDEST || *ret > ENGINE_API_NEWEST)) {
        return err_fail(err, ERR_USAGE,
                        "DOCKER_API_VERSION is '%s', and this program speaks " API_RANGE "\n"
                        "HINT: unset it: the version is agreed on with the engine",
                        text);
    }
    return 0;
}

/* The newest version that both know, unless the user wants another. */
static int settle(struct engine *e, int offered, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer again = HTTP_ANSWER_INIT;
    int wanted = 0;

    if (wanted_api(&wanted, err) < 0) {
        return -1;
    }
    if (wanted > offered) {
        return err_fail(
            err, ERR_USAGE,
            "DOCKER_API_VERSION is '%d.%d', and the Docker Engine at '%s' speaks API "
            "versions up to %s\nHINT: unset it: the version is agreed on with the engine",
            wanted / 1000, wanted % 1000, e->endpoint.shown, e->offered);
    }
    int newest = offered <= ENGINE_API_NEWEST ? offered : ENGINE_API_NEWEST;
    set_api(e, wanted != 0 ? wanted : newest);
    if (offered <= ENGINE_API_NEWEST && wanted == 0) {
        return 0;
    }
    const struct engine_call check = {.doing = "agree on an API version", .path = "/_ping"};
    return engine_call(e, &check, &again, err);
}

/* Asks what the engine speaks. An engine newer than all we know is asked a second time, by the
 * version we mean to use, because only then it says that it has become too new for that. */
static int negotiate(struct engine *e, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    const uint64_t patience_ms = e->answer_timeout_ms < PING_MS ? e->answer_timeout_ms : PING_MS;
    const struct http_request ping = {.method = "GET",
                                      .path = "/_ping",
                                      .answer_timeout_ms = patience_ms,
                                      .idle_timeout_ms = patience_ms};

    if (http_run(e->http, &ping, &answer, err) < 0) {
        if (err->kind == ERR_TIMEOUT) {
            err->kind = ERR_UNREACHABLE;
        }
        return -1;
    }
    const char *text = http_answer_header(&answer, "Api-Version");
    int api = text != NULL ? engine_api_parse(text) : -1;
    if (api < 0 && (answer.status == 401 || answer.status == 403)) {
        return err_fail(err, ERR_PERMISSION,
                        "what answers at '%s' forbids us even to ask for /_ping\n"
                        "HINT: allow it in the socket proxy, or " SOCKET_HINT,
                        e->endpoint.shown);
    }
    if (api < 0) {
        return fail_no_engine(e, &answer, err);
    }
    if (answer.status != 200) {
        const struct engine_call call = {
            .doing = "ping the engine", .path = "/_ping", .http = ping};
        return fail_answer(e, &call, &answer, err);
    }
    (void)snprintf(e->offered, sizeof(e->offered), "%d.%d", api / 1000, api % 1000);
    if (api < ENGINE_API_OLDEST) {
        return err_fail(err, ERR_UNREACHABLE,
                        "the Docker Engine at '%s' is too old: it speaks API versions up to %s; "
                        "this program speaks " API_RANGE "\n"
                        "HINT: upgrade the engine to 1.12 or newer",
                        e->endpoint.shown, e->offered);
    }
    return settle(e, api, err);
}

int engine_open(const struct engine_options *options, struct engine **ret, struct err *err)
{
    const char *endpoint = options->endpoint != NULL ? options->endpoint : ENDPOINT_DEFAULT;
    AUTO_ENGINE struct engine *e = mem_alloc(sizeof(*e));

    if (endpoint_parse(endpoint, &e->endpoint, err) < 0) {
        return -1;
    }
    e->read_only = options->read_only;
    e->answer_timeout_ms =
        options->answer_timeout_ms != 0 ? options->answer_timeout_ms : DEFAULT_ANSWER_MS;
    const struct http_options http = {
        .endpoint = &e->endpoint,
        .connect_timeout_ms =
            options->connect_timeout_ms != 0 ? options->connect_timeout_ms : DEFAULT_CONNECT_MS,
        .answer_timeout_ms = e->answer_timeout_ms,
    };
    if (http_new(&http, &e->http, err) < 0 || negotiate(e, err) < 0) {
        return -1;
    }
    *ret = TAKE(e);
    return 0;
}

int engine_info(struct engine *e, json_t **ret, struct err *err)
{
    const struct engine_call call = {.doing = "ask the engine about itself", .path = "/info"};

    return engine_call_json(e, &call, ret, err);
}
