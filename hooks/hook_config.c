/* Reads hooks from YAML. */
#include <stdlib.h>
#include <string.h>

#include "hooks/hook_part.h"
#include "launcher/base/fs.h"

/* One value of one hook; what it is called in an error. */
struct place {
    const char *file;
    const char *point;
    const char *hook; /* its name, or its number in the list */
    const char *key;
};

static int fail(const struct place *p, struct err *err, const char *what, const char *hint)
{
    return err_fail(err, ERR_CONFIG, "%s: hooks, %s, hook '%s': '%s' %s\nHINT: %s", p->file,
                    p->point, p->hook, p->key, what, hint);
}

/* ---- values ---- */

static int get_text(const json_t *value, const struct place *p, const char **ret, struct err *err)
{
    *ret = json_string_value(value);
    return *ret != NULL && (*ret)[0] != '\0'
               ? 0
               : fail(p, err, "is not a text", "write one word or a quoted text");
}

/* A text is a list of one. */
static int get_texts(const json_t *value, const struct place *p, struct strv *ret, struct err *err)
{
    const char *text;
    if (json_is_string(value)) {
        return get_text(value, p, &text, err) == 0 ? strv_add(ret, text), 0 : -1;
    }
    if (!json_is_array(value) || json_array_size(value) == 0) {
        return fail(p, err, "is not a list", "write [one, or, more]");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (get_text(json_array_get(value, i), p, &text, err) != 0) {
            return -1;
        }
        strv_add(ret, text);
    }
    return 0;
}

static int get_choice(const json_t *value, const struct place *p, const char *(*name_of)(int),
                      int count, int *ret, struct err *err)
{
    AUTO_STR struct str hint = STR_INIT;
    const char *text;
    if (get_text(value, p, &text, err) != 0) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (str_eq(name_of(i), text)) {
            *ret = i;
            return 0;
        }
        str_appendf(&hint, "%s%s", i > 0 ? ", " : "it takes ", name_of(i));
    }
    AUTO_FREE char *what = mem_printf("'%s' is not known", text);
    return fail(p, err, what, str_get(&hint));
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

static const char *profile_name(int i)
{
    return sandbox_profile_name((enum sandbox_profile)i);
}

static const char *yes_no(int i)
{
    return i != 0 ? "true" : "false";
}

static int get_bool(const json_t *value, const struct place *p, bool *ret, struct err *err)
{
    int chosen = 0;
    int rc = get_choice(value, p, yes_no, 2, &chosen, err);
    *ret = chosen != 0;
    return rc;
}

static int get_number(const json_t *value, const struct place *p, uint64_t max, uint64_t *ret,
                      struct err *err)
{
    const char *text;
    if (get_text(value, p, &text, err) != 0) {
        return -1;
    }
    if (str_to_u64(text, 0, max, p->key, ret, err) != 0) {
        return fail(p, err, "is not a number in its range", "write a whole number");
    }
    return 0;
}

static int get_ports(const json_t *value, const struct place *p, struct hook *h, struct err *err)
{
    AUTO_STRV struct strv texts = STRV_INIT;
    if (get_texts(value, p, &texts, err) != 0) {
        return -1;
    }
    free(h->ports);
    h->ports = mem_grow(NULL, texts.count, sizeof(*h->ports));
    for (size_t i = 0; i < texts.count; i++) {
        uint64_t port;
        if (str_to_u64(texts.items[i], 1, UINT16_MAX, p->key, &port, err) != 0) {
            return fail(p, err, "has what is not a port", "write numbers from 1 to 65535");
        }
        h->ports[i] = (uint16_t)port;
    }
    h->sandbox.ports = h->ports;
    h->sandbox.port_count = texts.count;
    return 0;
}

/* ---- keys ---- */

enum key {
    KEY_NAME,
    KEY_RUN,
    KEY_UNDO,
    KEY_SCOPE,
    KEY_KIND,
    KEY_ON_FAILURE,
    KEY_TIMEOUT,
    KEY_REPEATABLE,
    KEY_SECRETS,
    KEY_ENVIRONMENT,
    KEY_SANDBOX,
    KEY_MAX
};
static const char *const keys[KEY_MAX] = {
    [KEY_NAME] = "name",       [KEY_RUN] = "run",
    [KEY_UNDO] = "undo",       [KEY_SCOPE] = "scope",
    [KEY_KIND] = "kind",       [KEY_ON_FAILURE] = "on-failure",
    [KEY_TIMEOUT] = "timeout", [KEY_REPEATABLE] = "repeatable",
    [KEY_SECRETS] = "secrets", [KEY_ENVIRONMENT] = "environment",
    [KEY_SANDBOX] = "sandbox",
};

enum sandbox_key {
    SANDBOX_KEY_PROFILE,
    SANDBOX_KEY_ALLOW,
    SANDBOX_KEY_DENY,
    SANDBOX_KEY_CAPABILITIES,
    SANDBOX_KEY_WRITE,
    SANDBOX_KEY_PORTS,
    SANDBOX_KEY_FILE_SIZE,
    SANDBOX_KEY_MAX
};
static const char *const sandbox_keys[SANDBOX_KEY_MAX] = {
    [SANDBOX_KEY_PROFILE] = "profile",     [SANDBOX_KEY_ALLOW] = "allow",
    [SANDBOX_KEY_DENY] = "deny",           [SANDBOX_KEY_CAPABILITIES] = "capabilities",
    [SANDBOX_KEY_WRITE] = "write",         [SANDBOX_KEY_PORTS] = "ports",
    [SANDBOX_KEY_FILE_SIZE] = "file-size",
};

static int find_key(const char *const *table, int count, const char *key)
{
    for (int i = 0; i < count; i++) {
        if (str_eq(table[i], key)) {
            return i;
        }
    }
    return -1;
}

static int fail_key(const struct place *p, const char *const *table, int count, struct err *err)
{
    AUTO_STR struct str hint = STR_INIT;
    for (int i = 0; i < count; i++) {
        str_appendf(&hint, "%s%s", i > 0 ? ", " : "it takes ", table[i]);
    }
    return fail(p, err, "is not a key", str_get(&hint));
}

#define MIB_MAX (UINT64_MAX >> 21)

static int take_sandbox_key(struct hook *h, enum sandbox_key key, const json_t *value,
                            const struct place *p, struct err *err)
{
    struct sandbox_spec *s = &h->sandbox;
    int chosen = 0;
    uint64_t mib = 0;
    switch (key) {
    case SANDBOX_KEY_PROFILE:
        if (get_choice(value, p, profile_name, SANDBOX_PROFILE_MAX, &chosen, err) != 0) {
            return -1;
        }
        s->profile = (enum sandbox_profile)chosen;
        return 0;
    case SANDBOX_KEY_ALLOW:
        return get_texts(value, p, &s->allow, err);
    case SANDBOX_KEY_DENY:
        return get_texts(value, p, &s->deny, err);
    case SANDBOX_KEY_CAPABILITIES:
        return get_texts(value, p, &s->capabilities, err);
    case SANDBOX_KEY_WRITE:
        return get_texts(value, p, &s->write, err);
    case SANDBOX_KEY_PORTS:
        return get_ports(value, p, h, err);
    case SANDBOX_KEY_FILE_SIZE:
        if (get_number(value, p, MIB_MAX, &mib, err) != 0) {
            return -1;
        }
        s->file_size_max = mib << 20;
        return 0;
    case SANDBOX_KEY_MAX:
    default:
        return -1;
    }
}

static int take_sandbox(struct hook *h, const json_t *value, struct place *p, struct err *err)
{
    const char *key;
    json_t *item;
    if (!json_is_object(value)) {
        return fail(p, err, "is not a mapping", "write 'profile: strict' and the like below it");
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        int known = find_key(sandbox_keys, SANDBOX_KEY_MAX, key);
        p->key = key;
        if (known < 0) {
            return fail_key(p, sandbox_keys, SANDBOX_KEY_MAX, err);
        }
        if (take_sandbox_key(h, (enum sandbox_key)known, item, p, err) != 0) {
            return -1;
        }
    }
    if (sandbox_check(&h->sandbox, err) != 0) {
        return err_wrap(err, "%s: hooks, %s, hook '%s'", p->file, p->point, p->hook);
    }
    return 0;
}

static int take_environment(struct hook *h, const json_t *value, const struct place *p,
                            struct err *err)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value)) {
        return fail(p, err, "is not a mapping", "write NAME: value below it");
    }
    json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
        const char *text;
        if (get_text(item, p, &text, err) != 0) {
            return -1;
        }
        if (strchr(name, '=') != NULL || str_starts_with(name, "OMSLAUNCH_") ||
            str_starts_with(name, "LD_")) {
            return fail(p, err, "has a name that is not free",
                        "names with '=', and those that begin with OMSLAUNCH_ or LD_, are not");
        }
        strv_addf(&h->environment, "%s=%s", name, text);
    }
    return 0;
}

static int take_key(struct hook *h, enum key key, const json_t *value, struct place *p,
                    struct err *err)
{
    const char *text;
    int chosen = 0;
    switch (key) {
    case KEY_NAME:
        return 0; /* it has it */
    case KEY_RUN:
        return get_texts(value, p, &h->command, err);
    case KEY_UNDO:
        return get_texts(value, p, &h->undo, err);
    case KEY_SCOPE:
        if (get_choice(value, p, scope_name, HOOK_SCOPE_MAX, &chosen, err) != 0) {
            return -1;
        }
        h->scope = (enum hook_scope)chosen;
        return 0;
    case KEY_KIND:
        if (get_choice(value, p, kind_name, HOOK_KIND_MAX, &chosen, err) != 0) {
            return -1;
        }
        h->kind = (enum hook_kind)chosen;
        return 0;
    case KEY_ON_FAILURE:
        if (get_choice(value, p, failure_name, HOOK_FAILURE_MAX, &chosen, err) != 0) {
            return -1;
        }
        h->on_failure = (enum hook_failure)chosen;
        return 0;
    case KEY_TIMEOUT:
        if (get_text(value, p, &text, err) != 0) {
            return -1;
        }
        return str_to_duration_ms(text, p->key, &h->timeout_ms, err) == 0 && h->timeout_ms > 0
                   ? 0
                   : fail(p, err, "is not a time", "write a number and a unit: 90s, 15m, 2h");
    case KEY_REPEATABLE:
        return get_bool(value, p, &h->repeatable, err);
    case KEY_SECRETS:
        return get_bool(value, p, &h->secrets, err);
    case KEY_ENVIRONMENT:
        return take_environment(h, value, p, err);
    case KEY_SANDBOX:
        return take_sandbox(h, value, p, err);
    case KEY_MAX:
    default:
        return -1;
    }
}

/* ---- hooks ---- */

/* Where it runs, and what its failure may mean there. */
static int check_place(const struct hook *h, struct place *p, struct err *err)
{
    bool container = h->kind == HOOK_CONTAINER;
    p->key = "kind";
    if (container && !hook_point_has_container(h->point)) {
        return fail(p, err, "is 'container', and OMS does not run then",
                    "a hook of this point is a program: kind: host");
    }
    if (!container && h->point == HOOK_INIT) {
        return fail(p, err, "is 'host', and what takes the place of docker_init.sh runs in OMS",
                    "kind: container");
    }
    p->key = "scope";
    if (container && h->scope == HOOK_DEPLOYMENT) {
        return fail(p, err, "is 'deployment', and a deployment has no one container",
                    "a hook of kind 'container' has the scope node or region");
    }
    if (h->point == HOOK_BACKUP && h->scope != HOOK_DEPLOYMENT) {
        return fail(p, err, "is not 'deployment', and there is one MetaDB",
                    "scope: deployment, or leave it out");
    }
    p->key = "on-failure";
    if (hook_point_goes_back(h->point) && h->on_failure == HOOK_ABORT) {
        return fail(p, err, "is 'abort', and nothing stops the way back", "on-failure: warn");
    }
    bool replaces = h->point == HOOK_BACKUP || h->point == HOOK_INIT;
    if (replaces && h->on_failure == HOOK_WARN) {
        return fail(p, err, "is 'warn', and the upgrade stands on what it does",
                    "on-failure: abort");
    }
    return 0;
}

static int check_hook(const struct hook *h, struct place *p, struct err *err)
{
    p->key = "run";
    if (h->command.count == 0) {
        return fail(p, err, "is missing", "run: [/path/of/the/program, its, arguments]");
    }
    bool container = h->kind == HOOK_CONTAINER;
    const char *program = h->command.items[0];
    if (!container && program[0] != '/') {
        return fail(p, err, "is not a path from / on", "write the whole path of the program");
    }
    p->key = "undo";
    if (!container && h->undo.count > 0 && h->undo.items[0][0] != '/') {
        return fail(p, err, "is not a path from / on", "write the whole path of the program");
    }
    return check_place(h, p, err);
}

static int add_hook(struct hook_list *list, enum hook_point point, const json_t *value,
                    struct place *p, struct err *err)
{
    const char *name;
    const char *key;
    json_t *item;
    p->key = "name";
    if (!json_is_object(value)) {
        return fail(p, err, "is missing", "a hook is a mapping: {name: …, run: […]}");
    }
    if (get_text(json_object_get(value, "name"), p, &name, err) != 0) {
        return -1;
    }
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            strlen(name) ||
        name[0] == '.') {
        return fail(p, err, "is not a name", "letters, digits, '.', '_' and '-'");
    }
    p->hook = name;
    if (hook_list_find(list, point, name) != NULL) {
        return fail(p, err, "is taken by another hook", "each hook of a point has its own name");
    }
    struct hook *h = hook_list_new(list, point, name, p->file);
    /* docker_init.sh runs in a container, and so does what takes its place. */
    h->scope = point == HOOK_INIT ? HOOK_NODE : HOOK_DEPLOYMENT;
    h->kind = point == HOOK_INIT ? HOOK_CONTAINER : HOOK_HOST;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        int known = find_key(keys, KEY_MAX, key);
        p->key = key;
        if (known < 0) {
            return fail_key(p, keys, KEY_MAX, err);
        }
        if (take_key(h, (enum key)known, item, p, err) != 0) {
            return -1;
        }
    }
    return check_hook(h, p, err);
}

static int add_point(struct hook_list *list, const char *name, const json_t *value,
                     const char *file, struct err *err)
{
    int point = hook_point_from_name(name);
    if (point < 0) {
        AUTO_STR struct str hint = STR_INIT;
        for (int i = 0; i < HOOK_POINT_MAX; i++) {
            str_appendf(&hint, ", %s", hook_point_name((enum hook_point)i));
        }
        return err_fail(err, ERR_CONFIG, "%s: hooks: '%s' is not a point\nHINT: it takes folder%s",
                        file, name, str_get(&hint));
    }
    size_t count = json_is_array(value) ? json_array_size(value) : 0;
    bool replaces = point == HOOK_BACKUP || point == HOOK_INIT;
    if (count == 0 || (replaces && count > 1)) {
        return err_fail(err, ERR_CONFIG, "%s: hooks: '%s' is not a list of %s\nHINT: - name: …",
                        file, name, replaces ? "one hook" : "hooks");
    }
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *number = mem_printf("%zu", i + 1);
        struct place p = {.file = file, .point = name, .hook = number, .key = "name"};
        if (add_hook(list, (enum hook_point)point, json_array_get(value, i), &p, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int hook_list_add_section(struct hook_list *list, const json_t *section, const char *file,
                          struct err *err)
{
    const char *key;
    json_t *value;
    if (section != NULL && !json_is_object(section)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: 'hooks' is not a mapping\nHINT: docs/hooks.md has the form", file);
    }
    json_object_foreach ((json_t *)(uintptr_t)section, key, value) {
        const struct place p = {.file = file, .point = "all", .hook = "all", .key = key};
        const char *folder;
        if (!str_eq(key, "folder")) {
            if (add_point(list, key, value, file, err) != 0) {
                return -1;
            }
        } else if (get_text(value, &p, &folder, err) != 0 ||
                   hook_list_add_folder(list, folder, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int hook_list_add(struct hook_list *list, const json_t *section, const char *file, struct err *err)
{
    if (hook_list_add_section(list, section, file, err) != 0) {
        return -1;
    }
    return json_object_get(section, "folder") != NULL || !fs_exists(HOOK_FOLDER_DEFAULT)
               ? 0
               : hook_list_add_folder(list, HOOK_FOLDER_DEFAULT, err);
}
