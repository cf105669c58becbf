#include "hooks/metadb/ops/ha_edit.h"

#include <stdlib.h>
#include <string.h>

/* Where one member of the top object stands in the text: key…colon…value. */
struct member {
    const char *key, *key_end; /* with its quotes */
    const char *value, *value_end;
};

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* `p` is at the opening quote; the text is known to be valid JSON. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1]) {
            p++;
        }
    }
    return *p ? p + 1 : p;
}

static const char *skip_value(const char *p)
{
    if (*p == '"') {
        return skip_string(p);
    }
    if (*p != '{' && *p != '[') {
        return p + strcspn(p, ",]} \t\r\n");
    }
    for (int depth = 0; *p; p++) {
        if (*p == '"') {
            p = skip_string(p) - 1;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if ((*p == '}' || *p == ']') && --depth == 0) {
            return p + 1;
        }
    }
    return p;
}

/* The member that begins at or after `p`; NULL at the end of the object, else where the next one
 * may begin. */
static const char *next_member(const char *p, struct member *ret)
{
    p = skip_space(p);
    if (*p == ',') {
        p = skip_space(p + 1);
    }
    if (*p != '"') {
        return NULL;
    }
    ret->key = p;
    ret->key_end = skip_string(p);
    p = skip_space(ret->key_end);
    if (*p != ':') {
        return NULL;
    }
    ret->value = skip_space(p + 1);
    ret->value_end = skip_value(ret->value);
    return ret->value_end;
}

/* A key may be written with escapes, so it is compared decoded. */
static bool key_is(const struct member *m, const char *key)
{
    AUTO_JSON json_t *name =
        json_loadb(m->key, (size_t)(m->key_end - m->key), JSON_DECODE_ANY, NULL);
    return name && str_eq(json_string_value(name), key);
}

/* The value's own text; in quotes when `as_string`. Caller frees. */
static char *encode(const json_t *value, bool as_string)
{
    AUTO_FREE char *plain = json_dumps(value, JSON_ENCODE_ANY);
    if (!plain) {
        abort(); /* out of memory */
    }
    return as_string && *plain != '"' ? mem_printf("\"%s\"", plain) : mem_strdup(plain);
}

/* What is to stand for the old value; NULL when the old bytes may stay. Caller frees. */
static char *replacement(const struct member *m, const json_t *value)
{
    AUTO_JSON json_t *old =
        json_loadb(m->value, (size_t)(m->value_end - m->value), JSON_DECODE_ANY, NULL);
    char *text = encode(value, json_is_string(old));
    AUTO_JSON json_t *new_value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (old && new_value && json_equal(old, new_value)) {
        free(text);
        return NULL;
    }
    return text;
}

static void append_member(struct str *out, const struct member *last, const char *last_start,
                          const char *key, const json_t *value)
{
    AUTO_JSON json_t *name = json_from_text(key);
    AUTO_FREE char *key_text = encode(name, true);
    AUTO_FREE char *value_text = encode(value, false);
    if (!last->key) {
        str_appendf(out, "%s:%s", key_text, value_text);
        return;
    }
    str_append_c(out, ',');
    str_append_n(out, last_start, (size_t)(last->key - last_start));
    str_append(out, key_text);
    str_append_n(out, last->key_end, (size_t)(last->value - last->key_end));
    str_append(out, value_text);
}

/* Sets one key in `text`, a valid object. */
static void edit_key(const char *text, const char *key, const json_t *value, struct str *ret)
{
    const char *open = skip_space(text) + 1;
    struct member m = {.key = NULL}, last = {.key = NULL};
    const char *last_start = open;
    for (const char *p = open; (p = next_member(p, &m)) != NULL;) {
        if (key_is(&m, key)) {
            AUTO_FREE char *now = replacement(&m, value);
            str_append_n(ret, text, (size_t)(m.value - text));
            if (now) {
                str_append(ret, now);
            } else {
                str_append_n(ret, m.value, (size_t)(m.value_end - m.value));
            }
            str_append(ret, m.value_end);
            return;
        }
        /* The space before a member is what follows the comma or the opening brace. */
        last_start = last.key ? strchr(last.value_end, ',') + 1 : open;
        last = m;
    }
    const char *at = last.key ? last.value_end : open;
    str_append_n(ret, text, (size_t)(at - text));
    append_member(ret, &last, last_start, key, value);
    str_append(ret, at);
}

int ha_edit(const char *text, const json_t *set, struct str *ret, struct err *err)
{
    AUTO_JSON json_t *parsed = NULL;
    if (json_parse(text, strlen(text), "ha.config", &parsed, err) < 0) {
        err->kind = ERR_FAILED;
        return err_hint(err, "repair ha.config in the OMS console (System Parameters) first");
    }
    if (!json_is_object(parsed)) {
        return err_fail(err, ERR_FAILED, "ha.config is JSON, but no object");
    }
    AUTO_STR struct str now = STR_INIT;
    str_append(&now, text);
    const char *key;
    json_t *value;
    void *at;
    for (at = json_object_iter((json_t *)(uintptr_t)set); at;
         at = json_object_iter_next((json_t *)(uintptr_t)set, at)) {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        if (!json_is_boolean(value) && !json_is_integer(value) && !json_is_string(value)) {
            return err_fail(err, ERR_USAGE,
                            "ha-set: the new value of '%s' is no boolean, whole "
                            "number or text",
                            key);
        }
        AUTO_STR struct str next = STR_INIT;
        edit_key(str_get(&now), key, value, &next);
        str_reset(&now);
        str_append(&now, str_get(&next));
    }
    str_append(ret, str_get(&now));
    return 0;
}
