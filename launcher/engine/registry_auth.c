#include "launcher/engine/registry_auth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/foreign.h"
#include "launcher/base/json.h"
#include "launcher/base/proc.h"
#include "launcher/engine/base64.h"
#include "launcher/engine/docker_config.h"

#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/" /* under which the CLI keeps it */
#define HELPER_MS 60000
#define HELPER_MAX ((size_t)1 << 20)

char *registry_host(const char *ref)
{
    size_t len = strcspn(ref, "/");
    AUTO_FREE char *first = mem_strndup(ref, len);

    if (ref[len] != '/' || (strpbrk(first, ".:") == NULL && !str_eq(first, "localhost")) ||
        str_eq(first, "index.docker.io")) {
        return mem_strdup(HUB);
    }
    return TAKE(first);
}

static const char *key_of(const char *host)
{
    return str_eq(host, HUB) ? HUB_KEY : host;
}

/* "https://reg:5000/v2/" → "reg:5000": older clients wrote whole addresses. */
static bool is_of(const char *key, const char *host)
{
    const char *at = str_starts_with(key, "https://")  ? key + 8
                     : str_starts_with(key, "http://") ? key + 7
                                                       : key;
    size_t len = strcspn(at, "/");
    AUTO_FREE char *bare = mem_strndup(at, len);

    return str_eq(bare, host) || (str_eq(host, HUB) && (str_eq(bare, "index.docker.io") ||
                                                        str_eq(bare, "registry-1.docker.io")));
}

/* ---- what one entry says ---- */

struct login {
    struct secret user, password, identity_token, registry_token;
};

static void login_free(struct login *l)
{
    secret_free(&l->user);
    secret_free(&l->password);
    secret_free(&l->identity_token);
    secret_free(&l->registry_token);
}

static bool login_is_empty(const struct login *l)
{
    return l->user.len == 0 && l->identity_token.len == 0 && l->registry_token.len == 0;
}

static void take(struct secret *s, const char *text, size_t len, bool hide)
{
    secret_set(s, text, len);
    if (hide && len > 0) {
        foreign_hide(text, len);
    }
}

static void take_text(struct secret *s, const json_t *entry, const char *key)
{
    const char *text = json_text(entry, key, "");

    if (text[0] != '\0') {
        take(s, text, strlen(text), !str_eq(key, "username"));
    }
}

static int read_entry(const json_t *entry, const char *host, struct login *ret, struct err *err)
{
    AUTO_STR struct str pair = STR_INIT;
    const char *auth = json_text(entry, "auth", "");

    take_text(&ret->user, entry, "username");
    take_text(&ret->password, entry, "password");
    take_text(&ret->identity_token, entry, "identitytoken");
    take_text(&ret->registry_token, entry, "registrytoken");
    if (auth[0] == '\0') {
        return 0;
    }
    int rc = base64_decode(auth, &pair);
    const char *colon = rc == 0 ? strchr(str_get(&pair), ':') : NULL;
    if (colon != NULL) {
        take(&ret->user, pair.data, (size_t)(colon - pair.data), false);
        take(&ret->password, colon + 1, strlen(colon + 1), true);
    }
    secret_wipe(pair.data, pair.len);
    if (colon == NULL) {
        return err_fail(err, ERR_CONFIG,
                        "the entry 'auth' of the registry '%s' is not base64 of USER:PASSWORD\n"
                        "HINT: log in again: docker login %s",
                        host, host);
    }
    return 0;
}

/* Of a document with "auths"; an entry that is there and empty tells nothing. */
static int read_auths(const json_t *config, const char *host, struct login *ret, struct err *err)
{
    const char *key;
    json_t *entry;

    json_object_foreach (json_object_get(config, "auths"), key, entry) {
        if (is_of(key, host)) {
            return read_entry(entry, host, ret, err);
        }
    }
    return 0;
}

/* ---- helper programs ---- */

struct helper_output {
    struct str out, complaint;
};

static enum proc_answer note_line(void *arg, enum proc_stream stream, const char *line, size_t len)
{
    struct helper_output *o = arg;
    struct str *to = stream == PROC_STDOUT ? &o->out : &o->complaint;

    if (to->len + len < HELPER_MAX) {
        str_append_n(to, line, len);
    }
    return PROC_GO_ON;
}

static char *find_helper(const char *name)
{
    const char *path = getenv("PATH");
    const char *at = path != NULL ? path : "";

    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        return NULL;
    }
    while (*at != '\0') {
        size_t len = strcspn(at, ":");
        AUTO_FREE char *file = mem_printf("%.*s/docker-credential-%s", (int)len, at, name);
        if (at[0] == '/' && access(file, X_OK) == 0) {
            return TAKE(file);
        }
        at += len + (at[len] == ':');
    }
    return NULL;
}

static int read_helper_answer(struct helper_output *o, const char *name, struct login *ret,
                              struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    struct err ignored = ERR_INIT; /* it could quote */

    if (json_parse(str_get(&o->out), o->out.len, "its answer", &answer, &ignored) < 0) {
        return err_fail(err, ERR_CONFIG,
                        "the credential helper 'docker-credential-%s' answered something that is "
                        "not JSON\nHINT: run 'docker login' again",
                        name);
    }
    const char *user = json_text(answer, "Username", "");
    if (str_eq(user, "<token>")) {
        take_text(&ret->identity_token, answer, "Secret");
    } else {
        take(&ret->user, user, strlen(user), false);
        take_text(&ret->password, answer, "Secret");
    }
    return 0;
}

/* What it answers when it knows no such registry is fixed by its protocol. */
static bool says_unknown(const struct helper_output *o)
{
    return strstr(str_get(&o->out), "credentials not found") != NULL ||
           strstr(str_get(&o->complaint), "credentials not found") != NULL;
}

static int run_helper(const char *name, const char *key, struct helper_output *o, struct login *ret,
                      struct err *err)
{
    AUTO_FREE char *program = find_helper(name);
    struct proc_result result = {.exit_code = 0};

    if (program == NULL) {
        return err_fail(err, ERR_CONFIG,
                        "the credential helper 'docker-credential-%s' is not in PATH\n"
                        "HINT: install it, or take it out of the docker CLI's config.json",
                        name);
    }
    const char *const argv[] = {program, "get", NULL};
    const struct proc_spec spec = {
        .path = program,
        .argv = argv,
        .envp = (const char *const *)environ,
        .input = key,
        .input_len = strlen(key),
        .timeout_ms = HELPER_MS,
        .stop_on_signal = true,
        .on_line = note_line,
        .arg = o,
    };
    if (proc_run(&spec, &result, err) < 0) {
        return -1;
    }
    if (result.exit_code == 0 && !result.timed_out && !result.stopped) {
        return read_helper_answer(o, name, ret, err);
    }
    if (says_unknown(o)) {
        return 0;
    }
    const char *words = o->complaint.len > 0 ? str_get(&o->complaint) : str_get(&o->out);
    AUTO_FREE char *line = foreign_line(words, 200);
    return err_fail(err, ERR_CONFIG,
                    "the credential helper 'docker-credential-%s' %s%s%s\n"
                    "HINT: run it by hand: echo %s | docker-credential-%s get",
                    name, result.timed_out ? "does not end" : "failed", line[0] != '\0' ? ": " : "",
                    line, key, name);
}

static int ask_helper(const char *name, const char *key, struct login *ret, struct err *err)
{
    struct helper_output o = {.out = STR_INIT, .complaint = STR_INIT};
    int rc = run_helper(name, key, &o, ret, err);

    secret_wipe(o.out.data, o.out.len);
    str_free(&o.out);
    str_free(&o.complaint);
    return rc;
}

/* ---- the order ---- */

static int find_login(const char *host, struct login *ret, struct err *err)
{
    const char *given = getenv("DOCKER_AUTH_CONFIG");
    AUTO_JSON json_t *variable = NULL;
    AUTO_JSON json_t *config = NULL;

    if (given != NULL && given[0] != '\0') {
        if (json_parse(given, strlen(given), "DOCKER_AUTH_CONFIG", &variable, err) < 0) {
            err->kind = ERR_CONFIG;
            return -1;
        }
        if (read_auths(variable, host, ret, err) < 0 || !login_is_empty(ret)) {
            return login_is_empty(ret) ? -1 : 0;
        }
    }
    if (docker_config_read(&config, err) < 0) {
        return -1;
    }
    const json_t *helpers = json_object_get(config, "credHelpers");
    const char *helper = json_string_value(json_object_get(helpers, key_of(host)));
    helper = helper != NULL ? helper : json_string_value(json_object_get(helpers, host));
    helper = helper != NULL ? helper : json_text(config, "credsStore", NULL);
    if (helper != NULL && helper[0] != '\0' &&
        (ask_helper(helper, key_of(host), ret, err) < 0 || !login_is_empty(ret))) {
        return login_is_empty(ret) ? -1 : 0;
    }
    return read_auths(config, host, ret, err);
}

static void put(json_t *object, const char *key, const struct secret *s)
{
    if (s->len > 0) {
        json_put(object, key, json_from_text(s->bytes));
    }
}

int registry_auth_find(const char *ref, struct secret *ret, struct err *err)
{
    AUTO_FREE char *host = registry_host(ref);
    CLEANUP(login_free) struct login login = {.user = SECRET_INIT};
    AUTO_STR struct str header = STR_INIT;

    if (find_login(host, &login, err) < 0) {
        return err_wrap(err, "cannot find out who we are to the registry '%s'", host);
    }
    if (login_is_empty(&login)) {
        return 0;
    }
    AUTO_JSON json_t *document = json_object();
    put(document, "username", &login.user);
    put(document, "password", &login.password);
    put(document, "identitytoken", &login.identity_token);
    put(document, "registrytoken", &login.registry_token);
    json_put_text(document, "serveraddress", key_of(host));
    char *text = json_compact(document);
    str_reserve(&header, strlen(text) * 2);
    base64_encode_url(text, strlen(text), &header);
    secret_wipe(text, strlen(text));
    free(text);
    take(ret, header.data, header.len, true);
    secret_wipe(header.data, header.len);
    return 0;
}
