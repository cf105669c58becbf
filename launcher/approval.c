#include "launcher/approval.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/spec/spec_secret.h"

#define FILE_MAX (64U * 1024 * 1024)
#define DIGEST_MIN 12
#define DIFFERENCES_MAX 12

/* ---- the options that lead to a plan ---- */

struct request_row {
    const char *option;
    enum option_kind kind;
    size_t offset; /* in struct options */
};

static const struct request_row request_rows[] = {
    {"tag", OPTION_TEXT, offsetof(struct options, tag)},
    {"from", OPTION_TEXT, offsetof(struct options, from)},
    {"image", OPTION_TEXT, offsetof(struct options, image)},
    {"load", OPTION_TEXT, offsetof(struct options, load)},
    {"name", OPTION_TEXT, offsetof(struct options, new_name)},
    {"host-ip", OPTION_TEXT, offsetof(struct options, host_ip)},
    {"https-crt", OPTION_TEXT, offsetof(struct options, https_crt)},
    {"https-key", OPTION_TEXT, offsetof(struct options, https_key)},
    {"version-table", OPTION_TEXT, offsetof(struct options, version_table)},
    {"config", OPTION_TEXT, offsetof(struct options, config)},
    {"stop-timeout", OPTION_DURATION, offsetof(struct options, stop_timeout_ms)},
    {"health-timeout", OPTION_DURATION, offsetof(struct options, health_timeout_ms)},
    {"refetch-reserve", OPTION_NUMBER, offsetof(struct options, refetch_reserve_min)},
    {"perceive-checkpoint", OPTION_FLAG, offsetof(struct options, perceive_checkpoint)},
    {"set-env", OPTION_LIST, offsetof(struct options, set_env)},
    {"accept", OPTION_LIST, offsetof(struct options, accept)},
};

static json_t *list_to_json(const struct strv *list, bool is_env)
{
    json_t *items = json_array();
    for (size_t i = 0; i < list->count; i++) {
        AUTO_FREE char *name = mem_strndup(list->items[i], strcspn(list->items[i], "="));
        json_add(items, json_from_text(is_env && spec_is_secret(name) ? name : list->items[i]));
    }
    return items;
}

static json_t *request_to_json(const struct session *s)
{
    const struct options *o = s->options;
    json_t *request = json_object();
    for (size_t i = 0; i < ARRAY_LEN(request_rows); i++) {
        const struct request_row *row = &request_rows[i];
        const void *slot = (const char *)o + row->offset;
        if (row->kind == OPTION_TEXT) {
            json_put_text(request, row->option, *(const char *const *)slot);
        } else if (row->kind == OPTION_LIST) {
            json_put(request, row->option, list_to_json(slot, slot == &o->set_env));
        } else if (row->kind == OPTION_FLAG) {
            json_put(request, row->option, json_boolean(*(const bool *)slot));
        } else {
            json_put(request, row->option, json_integer((json_int_t) * (const uint64_t *)slot));
        }
    }
    json_put_text(request, "load", s->load_file);
    return request;
}

int approval_write(const char *path, const struct session *s, const struct plan *plan,
                   struct err *err)
{
    AUTO_JSON json_t *document = plan_to_json(plan);
    json_put(document, "request", request_to_json(s));
    AUTO_FREE char *text = json_pretty(document);
    AUTO_FREE char *lines = mem_printf("%s\n", text);
    return fs_write_atomic(path, lines, strlen(lines), err);
}

/* ---- read ---- */

void approval_free(struct approval *a)
{
    json_decref(a->document);
    plan_free(&a->plan);
    strv_free(&a->options.set_env);
    strv_free(&a->options.accept);
    *a = (struct approval){.document = NULL};
}

static void copy_list(const struct strv *from, struct strv *ret)
{
    *ret = (struct strv)STRV_INIT;
    for (size_t i = 0; i < from->count; i++) {
        strv_add(ret, from->items[i]);
    }
}

/* The variable is in the list already, with a value of its own. */
static bool has_variable(const struct strv *list, const char *entry)
{
    size_t len = strcspn(entry, "=");
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], entry, len) == 0 && list->items[i][len] == '=') {
            return true;
        }
    }
    return false;
}

static int add_variables(const json_t *list, struct strv *ret, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        if (entry == NULL || has_variable(ret, entry)) {
            continue;
        }
        if (strchr(entry, '=') == NULL) {
            return err_fail(err, ERR_USAGE,
                            "the plan sets the variable '%s', whose value is not stored\n"
                            "HINT: give it again: --set-env %s=…",
                            entry, entry);
        }
        strv_add(ret, entry);
    }
    return 0;
}

static void add_reasons(const json_t *list, struct strv *ret)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        if (entry != NULL && !has_variable(ret, entry)) {
            strv_add(ret, entry);
        }
    }
}

/* What the command line says stays; if it says something else, the plans will differ. */
static int fill_in(const json_t *request, struct options *o, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(request_rows); i++) {
        const struct request_row *row = &request_rows[i];
        void *slot = (char *)o + row->offset;
        if (row->kind == OPTION_LIST || options_is_given(o, row->offset)) {
            continue;
        }
        if (row->kind == OPTION_TEXT) {
            *(const char **)slot = json_text(request, row->option, NULL);
        } else if (row->kind == OPTION_FLAG) {
            *(bool *)slot = json_bool(request, row->option, false);
        } else {
            *(uint64_t *)slot =
                (uint64_t)json_int(request, row->option, (json_int_t) * (const uint64_t *)slot);
        }
    }
    add_reasons(json_object_get(request, "accept"), &o->accept);
    return add_variables(json_object_get(request, "set-env"), &o->set_env, err);
}

static int read_document(const char *path, json_t **ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_FREE char *quoted = mem_printf("'%s'", path);
    AUTO_JSON json_t *document = NULL;
    if (fs_read(path, FILE_MAX, false, &text, err) != 0 ||
        json_parse(str_get(&text), text.len, quoted, &document, err) != 0) {
        err->kind = ERR_USAGE;
        return err_hint(err, "--plan takes a file that 'omslaunch plan … --out FILE' wrote");
    }
    /* The answer of `plan --output json` is a plan, too, with words around it. */
    static const char *const around[] = {"command", "run",   "result",
                                         "exit",    "error", "nothing_to_do"};
    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        json_object_del(document, around[i]);
    }
    if (!json_is_array(json_object_get(document, "rows"))) {
        return err_fail(err, ERR_USAGE,
                        "'%s' is not a plan\n"
                        "HINT: --plan takes a file that 'omslaunch plan … --out FILE' wrote",
                        path);
    }
    *ret = TAKE(document);
    return 0;
}

int approval_read(const struct options *given, struct approval *ret, struct err *err)
{
    AUTO_APPROVAL struct approval a = {.options = *given};
    copy_list(&given->set_env, &a.options.set_env);
    copy_list(&given->accept, &a.options.accept);
    if (read_document(given->plan, &a.document, err) != 0) {
        return -1;
    }
    json_t *request = json_incref(json_object_get(a.document, "request"));
    json_object_del(a.document, "request");
    int rc = plan_from_json(a.document, given->plan, &a.plan, err);
    json_object_set_new(a.document, "request", request != NULL ? request : json_object());
    if (rc != 0 || fill_in(json_object_get(a.document, "request"), &a.options, err) != 0) {
        return -1;
    }
    if (a.options.tag == NULL) {
        a.options.tag = json_text(a.document, "to.tag", NULL);
    }
    const char *name = json_text(a.document, "deployment", "");
    if (!str_eq(name, given->arguments.items[1])) {
        return err_fail(err, ERR_USAGE,
                        "the plan '%s' is for '%s', not for '%s'\n"
                        "HINT: omslaunch upgrade %s --plan %s",
                        given->plan, name, given->arguments.items[1], name, given->plan);
    }
    *ret = a;
    memset(&a, 0, sizeof(a));
    return 0;
}

/* ---- compared ---- */

struct differences {
    struct str text;
    size_t count;
};

static void note(struct differences *d, const char *path, const json_t *was, const json_t *is)
{
    if (d->count++ >= DIFFERENCES_MAX) {
        return;
    }
    AUTO_FREE char *before = was == NULL ? mem_strdup("(not set)") : json_compact(was);
    AUTO_FREE char *after = is == NULL ? mem_strdup("(not set)") : json_compact(is);
    str_appendf(&d->text, "\n  %s: %.200s → %.200s", path, before, after);
}

/* Words for people, and what was found out on the way, are no part of what is done. */
static bool counts(const char *path)
{
    static const char *const words[] = {"digest", "findings", "request", "nothing_to_do", "tool"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(path, words[i])) {
            return false;
        }
    }
    return !str_ends_with(path, ".text") && !str_ends_with(path, ".title");
}

static void compare(struct differences *d, const char *path, const json_t *was, const json_t *is);

static void compare_key(struct differences *d, const char *path, const char *key, const json_t *was,
                        const json_t *is)
{
    AUTO_FREE char *below = mem_printf("%s%s%s", path, path[0] != '\0' ? "." : "", key);
    if (counts(below)) {
        compare(d, below, was, is);
    }
}

static void compare_objects(struct differences *d, const char *path, const json_t *was,
                            const json_t *is)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)was, key, value) {
        compare_key(d, path, key, value, json_object_get(is, key));
    }
    json_object_foreach ((json_t *)(uintptr_t)is, key, value) {
        if (json_object_get(was, key) == NULL) {
            compare_key(d, path, key, NULL, value);
        }
    }
}

static void compare(struct differences *d, const char *path, const json_t *was, const json_t *is)
{
    if (json_is_object(was) && json_is_object(is)) {
        compare_objects(d, path, was, is);
    } else if (json_is_array(was) && json_is_array(is) &&
               json_array_size(was) == json_array_size(is)) {
        for (size_t i = 0; i < json_array_size(was); i++) {
            AUTO_FREE char *index = mem_printf("%zu", i);
            compare_key(d, path, index, json_array_get(was, i), json_array_get(is, i));
        }
    } else if (!json_equal(was, is)) {
        note(d, path, was, is);
    }
}

static int refuse(const struct approval *a, const struct plan *now, struct err *err)
{
    AUTO_JSON json_t *document = plan_to_json(now);
    struct differences d = {.text = STR_INIT};
    compare(&d, "", a->document, document);
    if (d.count > DIFFERENCES_MAX) {
        str_appendf(&d.text, "\n  and %zu more", d.count - DIFFERENCES_MAX);
    }
    (void)err_fail(err, ERR_REFUSED,
                   "the plan of now, %.16s, is not the one that was approved, %.16s:%s\n"
                   "HINT: nothing was changed; look at it with 'omslaunch plan', and approve it "
                   "anew with --out",
                   now->digest, a->plan.digest, str_get(&d.text));
    str_free(&d.text);
    return -1;
}

static int check_digest(const char *digest, const struct plan *now, struct err *err)
{
    if (strlen(digest) < DIGEST_MIN || strspn(digest, "0123456789abcdef") != strlen(digest)) {
        return err_fail(err, ERR_USAGE,
                        "--plan-digest '%s' is not the digest of a plan\n"
                        "HINT: 'omslaunch plan' prints it in its last line; at least the first %d "
                        "digits are needed",
                        digest, DIGEST_MIN);
    }
    if (!str_starts_with(now->digest, digest)) {
        return err_fail(err, ERR_REFUSED,
                        "the plan of now has the digest %.16s, not %s\n"
                        "HINT: nothing was changed; look at it with 'omslaunch plan'. With 'plan "
                        "--out FILE' and 'upgrade --plan FILE' the text would say what differs",
                        now->digest, digest);
    }
    return 0;
}

int approval_check(const struct options *options, const struct approval *a, const struct plan *now,
                   struct err *err)
{
    if (options->plan_digest != NULL && check_digest(options->plan_digest, now, err) != 0) {
        return -1;
    }
    return a != NULL && !str_eq(a->plan.digest, now->digest) ? refuse(a, now, err) : 0;
}
