/* Hooks as documents: for people, and as a plan keeps them. */
#include "hooks/hook.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json_fields.h"

/* A hook as it lies in a document, before its words are understood. */
struct raw {
    struct hook hook;
    char *point, *scope, *kind, *on_failure;
    json_t *sandbox;
};

struct raw_sandbox {
    struct sandbox_spec spec;
    char *profile;
    json_t *ports;
};

#define F(type_, presence_, name_, struct_, member)                                      \
    {                                                                                    \
        .name = (name_), .type = JSON_FIELD_##type_, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct struct_, member),                                      \
    }

static const struct json_field hook_items[] = {
    F(TEXT, NEEDED, "point", raw, point),
    F(TEXT, NEEDED, "name", raw, hook.name),
    F(TEXT, NEEDED, "scope", raw, scope),
    F(TEXT, NEEDED, "kind", raw, kind),
    F(TEXT, NEEDED, "on_failure", raw, on_failure),
    F(TEXTS, NEEDED, "command", raw, hook.command),
    F(TEXTS, NEEDED, "undo", raw, hook.undo),
    F(MS, NEEDED, "timeout_ms", raw, hook.timeout_ms),
    F(BOOL, NEEDED, "repeatable", raw, hook.repeatable),
    F(BOOL, NEEDED, "secrets", raw, hook.secrets),
    F(TEXTS, NEEDED, "environment", raw, hook.environment),
    F(OBJECT, NEEDED, "sandbox", raw, sandbox),
    F(TEXT, NEEDED, "origin", raw, hook.origin),
    F(TEXT, OPTIONAL, "digest", raw, hook.digest),
    F(TEXT, OPTIONAL, "undo_digest", raw, hook.undo_digest),
};
static const struct json_fields hook_fields = JSON_FIELDS(hook_items);

static const struct json_field sandbox_items[] = {
    F(TEXT, NEEDED, "profile", raw_sandbox, profile),
    F(TEXTS, NEEDED, "allow", raw_sandbox, spec.allow),
    F(TEXTS, NEEDED, "deny", raw_sandbox, spec.deny),
    F(TEXTS, NEEDED, "capabilities", raw_sandbox, spec.capabilities),
    F(TEXTS, NEEDED, "write", raw_sandbox, spec.write),
    F(ARRAY, NEEDED, "ports", raw_sandbox, ports),
    F(MS, NEEDED, "file_size_max", raw_sandbox, spec.file_size_max),
};
static const struct json_fields sandbox_fields = JSON_FIELDS(sandbox_items);

/* ---- writing ---- */

/* Names of variables alone: their values may be nobody's business. */
static void list_names(const struct strv *environment, struct strv *ret)
{
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->items[i];
        AUTO_FREE char *name = mem_strndup(item, (size_t)(strchrnul(item, '=') - item));
        strv_add(ret, name);
    }
}

static json_t *sandbox_to_json(const struct sandbox_spec *s)
{
    json_t *object = json_object();
    AUTO_FREE char *profile = mem_strdup(sandbox_profile_name(s->profile));
    AUTO_JSON json_t *ports = json_array();
    for (size_t i = 0; i < s->port_count; i++) {
        json_add(ports, json_integer(s->ports[i]));
    }
    const struct raw_sandbox raw = {.spec = *s, .profile = profile, .ports = ports};
    json_fields_write(&sandbox_fields, &raw, object);
    return object;
}

json_t *hook_to_json(const struct hook *h)
{
    json_t *object = json_object();
    AUTO_STRV struct strv names = STRV_INIT;
    AUTO_FREE char *point = mem_strdup(hook_point_name(h->point));
    AUTO_FREE char *scope = mem_strdup(hook_scope_name(h->scope));
    AUTO_FREE char *kind = mem_strdup(hook_kind_name(h->kind));
    AUTO_FREE char *on_failure = mem_strdup(hook_failure_name(h->on_failure));
    AUTO_JSON json_t *sandbox = sandbox_to_json(&h->sandbox);
    struct raw raw = {.hook = *h,
                      .point = point,
                      .scope = scope,
                      .kind = kind,
                      .on_failure = on_failure,
                      .sandbox = sandbox};
    list_names(&h->environment, &names);
    raw.hook.environment = names;
    json_fields_write(&hook_fields, &raw, object);
    return object;
}

/* ---- reading ---- */

static int fail_word(const char *what, const char *member, const char *word, struct err *err)
{
    return err_fail(err, ERR_STATE,
                    "%s has a '%s' that this omslaunch does not know: '%s'\n"
                    "HINT: use the version of omslaunch that made it",
                    what, member, word);
}

static int read_ports(const json_t *ports, const char *what, struct hook *h, struct err *err)
{
    size_t count = json_array_size(ports);
    h->ports = mem_grow(NULL, count + 1, sizeof(*h->ports));
    h->sandbox.ports = h->ports;
    h->sandbox.port_count = count;
    for (size_t i = 0; i < count; i++) {
        json_int_t port = json_integer_value(json_array_get(ports, i));
        if (port < 1 || port > UINT16_MAX) {
            return err_fail(err, ERR_STATE, "%s: one of its 'ports' is not a port", what);
        }
        h->ports[i] = (uint16_t)port;
    }
    return 0;
}

static int read_sandbox(const json_t *json, const char *where, struct hook *h, struct err *err)
{
    AUTO_FREE char *what = mem_printf("%s: 'sandbox'", where);
    struct raw_sandbox raw = {.profile = NULL};
    int rc = json_fields_read(&sandbox_fields, json, what, &raw, err);
    h->sandbox = raw.spec;
    int profile = raw.profile != NULL ? sandbox_profile_from_name(raw.profile) : -1;
    if (rc == 0 && profile < 0) {
        rc = fail_word(what, "profile", raw.profile, err);
    }
    h->sandbox.profile = profile < 0 ? SANDBOX_STRICT : (enum sandbox_profile)profile;
    rc = rc == 0 ? read_ports(raw.ports, what, h, err) : rc;
    free(raw.profile);
    json_decref(raw.ports);
    return rc;
}

static int find_word(const char *(*name_of)(int), int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (str_eq(name_of(i), word)) {
            return i;
        }
    }
    return -1;
}

static const char *scope_name(int i)
{
    return hook_scope_name((enum hook_scope)i);
}

static const char *kind_name(int i)
{
    return hook_kind_name((enum hook_kind)i);
}

static const char *failure_name(int i)
{
    return hook_failure_name((enum hook_failure)i);
}

static int read_words(const struct raw *raw, const char *what, struct hook *h, struct err *err)
{
    int point = hook_point_from_name(raw->point);
    int scope = find_word(scope_name, HOOK_SCOPE_MAX, raw->scope);
    int kind = find_word(kind_name, HOOK_KIND_MAX, raw->kind);
    int failure = find_word(failure_name, HOOK_FAILURE_MAX, raw->on_failure);
    if (point < 0) {
        return fail_word(what, "point", raw->point, err);
    }
    if (scope < 0) {
        return fail_word(what, "scope", raw->scope, err);
    }
    if (kind < 0) {
        return fail_word(what, "kind", raw->kind, err);
    }
    if (failure < 0) {
        return fail_word(what, "on_failure", raw->on_failure, err);
    }
    h->point = (enum hook_point)point;
    h->scope = (enum hook_scope)scope;
    h->kind = (enum hook_kind)kind;
    h->on_failure = (enum hook_failure)failure;
    return h->command.count > 0 ? 0 : err_fail(err, ERR_STATE, "%s has an empty 'command'", what);
}

int hook_from_json(const json_t *json, const char *what, struct hook *ret, struct err *err)
{
    struct raw raw = {.point = NULL};
    int rc = json_fields_read(&hook_fields, json, what, &raw, err);
    *ret = raw.hook;
    rc = rc == 0 ? read_words(&raw, what, ret, err) : rc;
    rc = rc == 0 ? read_sandbox(raw.sandbox, what, ret, err) : rc;
    free(raw.point);
    free(raw.scope);
    free(raw.kind);
    free(raw.on_failure);
    json_decref(raw.sandbox);
    return rc;
}
