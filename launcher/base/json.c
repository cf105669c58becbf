#include "launcher/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/foreign.h"

/* What jansson refuses for want of memory, or because we used it wrongly. */
void json_broken(const char *what)
{
    (void)fprintf(stderr, "bug or out of memory: JSON: %s\n", what);
    abort();
}

void json_decref_ptr(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *err)
{
    json_error_t why;
    json_t *j = json_loadb(text ? text : "", text ? len : 0, JSON_REJECT_DUPLICATES, &why);
    if (!j) {
        /* Jansson quotes the text near the fault, and that may be a password. */
        char *quote = strstr(why.text, " near '");
        if (quote) {
            *quote = '\0';
        }
        return err_fail(err, ERR_FAILED, "%s is no valid JSON: line %d, column %d: %s", what,
                        why.line, why.column, why.text);
    }
    *ret = j;
    return 0;
}

json_t *json_walk(const json_t *j, const char *path)
{
    json_t *at = NULL;
    const json_t *in = j;
    for (const char *key = path; in && *key;) {
        size_t len = strcspn(key, ".");
        AUTO_FREE char *name = mem_strndup(key, len);
        at = json_object_get(in, name);
        in = at;
        key += len + (key[len] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

const char *json_text(const json_t *j, const char *path, const char *otherwise)
{
    const char *text = json_string_value(json_walk(j, path));
    return text ? text : otherwise;
}

int64_t json_int(const json_t *j, const char *path, int64_t otherwise)
{
    const json_t *at = json_walk(j, path);
    return json_is_integer(at) ? (int64_t)json_integer_value(at) : otherwise;
}

bool json_bool(const json_t *j, const char *path, bool otherwise)
{
    const json_t *at = json_walk(j, path);
    return json_is_boolean(at) ? json_is_true(at) : otherwise;
}

int json_need_text(const json_t *j, const char *path, const char *what, const char **ret,
                   struct err *err)
{
    const json_t *at = json_walk(j, path);
    if (!at) {
        return err_fail(err, ERR_FAILED, "%s has no '%s'", what, path);
    }
    if (!json_is_string(at)) {
        return err_fail(err, ERR_FAILED, "%s: '%s' is no text", what, path);
    }
    *ret = json_string_value(at);
    return 0;
}

static char *dump(const json_t *j, size_t flags)
{
    char *text = json_dumps(j, flags | JSON_ENCODE_ANY);
    if (!text) {
        json_broken("value cannot be written");
    }
    return text;
}

char *json_compact(const json_t *j)
{
    return dump(j, JSON_COMPACT);
}

char *json_canonical(const json_t *j)
{
    return dump(j, JSON_COMPACT | JSON_SORT_KEYS);
}

char *json_pretty(const json_t *j)
{
    return dump(j, JSON_INDENT(2));
}

json_t *json_from_bytes(const char *bytes, size_t len)
{
    AUTO_STR struct str clean = STR_INIT;
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = foreign_char(bytes + i, len - i, &c);
        bool good = n > 0 && c != 0;
        str_append_n(&clean, good ? bytes + i : "\xEF\xBF\xBD", good ? n : 3);
        i += n > 0 ? n : 1;
    }
    json_t *j = json_stringn(str_get(&clean), clean.len);
    if (j == NULL) {
        json_broken("text cannot be stored");
    }
    return j;
}

json_t *json_from_text(const char *text)
{
    return text == NULL ? json_null() : json_from_bytes(text, strlen(text));
}

void json_put(json_t *object, const char *key, json_t *value_take)
{
    AUTO_JSON json_t *name = json_from_text(key);
    if (json_object_set_new_nocheck(object, json_string_value(name),
                                    value_take != NULL ? value_take : json_null()) < 0) {
        json_broken("member cannot be stored");
    }
}

void json_put_text(json_t *object, const char *key, const char *text)
{
    json_put(object, key, json_from_text(text));
}

void json_add(json_t *array, json_t *value_take)
{
    if (json_array_append_new(array, value_take ? value_take : json_null()) < 0) {
        json_broken("item cannot be stored");
    }
}
