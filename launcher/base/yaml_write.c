#include "launcher/base/yaml.h"

#include <ctype.h>
#include <string.h>

#define STEP 2

/* A word that reads as nothing but itself. */
static bool is_plain_key(const char *key)
{
    size_t len = strlen(key);
    if (!isalpha((unsigned char)key[0]) || str_eq(key, "y") || str_eq(key, "n")) {
        return false;
    }
    static const char *const other[] = {"yes", "no", "on", "off", "true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        if (strcasecmp(key, other[i]) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)key[i]) && strchr("_.-", key[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* What JSON calls a text is one in YAML, too. */
static void write_scalar(const json_t *value, struct str *s)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    str_append(s, text != NULL ? text : "null");
    free(text);
}

static void write_text(const char *text, struct str *s)
{
    AUTO_JSON json_t *value = json_from_text(text);
    write_scalar(value, s);
}

static void write_value(const json_t *value, size_t indent, bool in_list, struct str *s);

static void write_object(const json_t *object, size_t indent, bool in_list, struct str *s)
{
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        str_appendf(s, "%*s", first && in_list ? 0 : (int)indent, "");
        first = false;
        if (is_plain_key(key)) {
            str_append(s, key);
        } else {
            write_text(key, s);
        }
        str_append_c(s, ':');
        write_value(value, indent + STEP, false, s);
    }
}

static void write_array(const json_t *array, size_t indent, struct str *s)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        str_appendf(s, "%*s-", (int)indent, "");
        write_value(json_array_get(array, i), indent + STEP, true, s);
    }
}

static void write_value(const json_t *value, size_t indent, bool in_list, struct str *s)
{
    if (json_object_size(value) > 0) {
        str_append_c(s, in_list ? ' ' : '\n');
        write_object(value, indent, in_list, s);
    } else if (json_array_size(value) > 0) {
        str_append_c(s, '\n');
        write_array(value, indent, s);
    } else {
        str_append_c(s, ' ');
        write_scalar(value, s);
        str_append_c(s, '\n');
    }
}

void yaml_write(const json_t *document, struct str *ret)
{
    write_object(document, 0, false, ret);
}
