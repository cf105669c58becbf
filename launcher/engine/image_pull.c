#include <string.h>

#include "launcher/engine/call.h"
#include "launcher/engine/engine.h"
#include "launcher/engine/image_ref.h"
#include "launcher/engine/json_stream.h"
#include "launcher/engine/registry_auth.h"

/* A registry of gigabytes may be slow; but the engine says something every second while it is. */
#define PULL_IDLE_MS (5 * 60 * 1000)

struct pull {
    engine_layer_fn fn;
    void *arg;
    struct json_stream stream;
    struct str problem;
    struct err *err;
    bool failed; /* `err` says how */
    bool ended;  /* the engine said so */
};

static void on_message(void *arg, const json_t *message)
{
    struct pull *p = arg;
    const char *problem = json_text(message, "errorDetail.message", NULL);
    const char *status = json_text(message, "status", "");
    const char *layer = json_text(message, "id", "");

    problem = problem != NULL ? problem : json_text(message, "error", NULL);
    if (problem != NULL && p->problem.len == 0) {
        engine_append_words(&p->problem, problem[0] != '\0' ? problem : "it gives no reason");
    }
    p->ended =
        p->ended || str_starts_with(status, "Status: ") || str_starts_with(status, "Digest: ");
    int64_t done = json_int(message, "progressDetail.current", 0);
    int64_t total = json_int(message, "progressDetail.total", 0);
    if (p->fn != NULL && layer[0] != '\0') {
        p->fn(p->arg, layer, status, done > 0 ? (uint64_t)done : 0,
              total > 0 ? (uint64_t)total : 0);
    }
}

static int on_bytes(void *arg, const char *bytes, size_t len)
{
    struct pull *p = arg;

    p->failed = p->failed || json_stream_feed(&p->stream, bytes, len, p->err) < 0;
    return p->failed ? -1 : 0;
}

/* ---- the registry's "no", in the engine's words ---- */

static int fail_pull(const char *words, const char *host, struct err *err)
{
    static const struct {
        const char *words;
        enum err_kind kind;
        const char *hint;
    } rows[] = {
        {"toomanyrequests", ERR_FAILED,
         "the registry limits how often it is asked: wait, or log in ('docker login')"},
        {"too many requests", ERR_FAILED,
         "the registry limits how often it is asked: wait, or log in ('docker login')"},
        {"pull access denied", ERR_PERMISSION,
         "is the name right, and do 'docker login' and its account know this repository?"},
        {"no basic auth credentials", ERR_PERMISSION, "log in to the registry with 'docker login'"},
        {"unauthorized", ERR_PERMISSION, "log in to the registry with 'docker login'"},
        {"denied", ERR_PERMISSION, "the account that 'docker login' knows may not read this image"},
        {"forbidden", ERR_PERMISSION,
         "the account that 'docker login' knows may not read this image"},
        {"manifest unknown", ERR_NOT_FOUND, "is the tag right? The registry has no such image"},
        {"not found", ERR_NOT_FOUND, "is the name right? The registry has no such image"},
        {"http response to https client", ERR_FAILED,
         "the registry speaks no TLS: name it in insecure-registries of the engine's daemon.json"},
        {"x509", ERR_FAILED,
         "put the registry's authority into /etc/docker/certs.d/REGISTRY/ca.crt on the engine's "
         "host"},
        {"no such host", ERR_UNREACHABLE, "the engine's host does not know the registry's name"},
        {"connection refused", ERR_UNREACHABLE, "does the registry run?"},
        {"no space left", ERR_FAILED,
         "free space under the engine's root folder ('docker info' names it)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcasestr(words, rows[i].words) != NULL) {
            err_fail(err, rows[i].kind, "%s", words);
            return err_hint(err, "%s", rows[i].hint);
        }
    }
    err_fail(err, ERR_FAILED, "%s", words);
    return err_hint(err, "'journalctl -u docker' on the engine's host may say more of '%s'", host);
}

static int run_pull(struct engine *e, const char *ref, struct pull *p, struct err *err)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_STR struct str path = STR_INIT;
    AUTO_SECRET struct secret login = SECRET_INIT;
    AUTO_FREE char *host = registry_host(ref);

    if (image_ref_check(ref, err) < 0 || registry_auth_find(ref, &login, err) < 0) {
        return -1;
    }
    str_append(&path, "/images/create?fromImage=");
    http_append_escaped(&path, ref);
    char *header = mem_printf("X-Registry-Auth: %s", login.len > 0 ? login.bytes : "");
    const char *const headers[] = {header, NULL};
    const struct engine_call call = {
        .doing = "pull image",
        .thing = ref,
        .path = str_get(&path),
        .http = {.method = "POST",
                 .headers = login.len > 0 ? headers : NULL,
                 .sink = on_bytes,
                 .arg = p,
                 .answer_timeout_ms = PULL_IDLE_MS,
                 .idle_timeout_ms = PULL_IDLE_MS},
    };
    int rc = engine_call(e, &call, &answer, err);
    secret_wipe(header, strlen(header));
    mem_free_ptr(&header);
    if (p->problem.len == 0 && rc < 0) {
        /* What the registry refuses at once comes as an answer of its own, with status 4xx or 500.
         */
        struct err told = *err;
        if (told.hint[0] == '\0' || answer.status >= 400) {
            fail_pull(told.text, host, err);
        }
        return -1;
    }
    if (p->problem.len > 0) {
        fail_pull(str_get(&p->problem), host, err);
    } else if (p->failed || json_stream_finish(&p->stream, err) < 0) {
        rc = -1;
    } else if (!p->ended) {
        rc = err_fail(err, ERR_UNREACHABLE, "the engine's answer ended before the image was there");
    } else {
        return 0;
    }
    return err_wrap(err, "cannot pull image '%s'", ref);
}

int engine_image_pull(struct engine *e, const char *ref, engine_layer_fn fn, void *arg,
                      struct err *err)
{
    struct pull p = {.fn = fn, .arg = arg, .problem = STR_INIT, .err = err};

    p.stream = (struct json_stream){.on_object = on_message, .arg = &p};
    int rc = run_pull(e, ref, &p, err);
    json_stream_free(&p.stream);
    str_free(&p.problem);
    return rc;
}

bool engine_image_has_digest(const json_t *image, const char *digest)
{
    const json_t *list = json_object_get(image, "RepoDigests");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const char *at = text != NULL ? strchr(text, '@') : NULL;
        if (at != NULL && str_eq(at + 1, digest)) {
            return true;
        }
    }
    return str_eq(json_text(image, "Id", ""), digest);
}
