/* As much of JSON Schema as contrib/hooks/state.schema.json is written in. What it does not know
 * fails, so that the schema cannot say something that is not looked at. */
#ifndef OMSLAUNCH_TESTS_SCHEMA_H
#define OMSLAUNCH_TESTS_SCHEMA_H

#include "tests/unit/unit.h"

#include <string.h>

#include "launcher/base/json.h"

static bool schema_fits(const json_t *root, const json_t *schema, const json_t *value,
                        const char *path);

static inline bool schema_says(const char *path, const char *what)
{
    print_message("%s: %s\n", path, what);
    return false;
}

static inline bool schema_is_type(const json_t *value, const char *type)
{
    return (str_eq(type, "object") && json_is_object(value)) ||
           (str_eq(type, "array") && json_is_array(value)) ||
           (str_eq(type, "string") && json_is_string(value)) ||
           (str_eq(type, "integer") && json_is_integer(value)) ||
           (str_eq(type, "boolean") && json_is_boolean(value)) ||
           (str_eq(type, "null") && json_is_null(value));
}

static inline bool schema_has_type(const json_t *value, const json_t *types)
{
    bool found = json_is_string(types) && schema_is_type(value, json_string_value(types));
    for (size_t i = 0; i < json_array_size(types); i++) {
        found = found || schema_is_type(value, json_string_value(json_array_get(types, i)));
    }
    return found;
}

static inline bool schema_is_one_of(const json_t *value, const json_t *choices)
{
    for (size_t i = 0; i < json_array_size(choices); i++) {
        if (json_equal(value, json_array_get(choices, i))) {
            return true;
        }
    }
    return false;
}

static inline bool schema_fits_object(const json_t *root, const json_t *schema, const json_t *value,
                                      const char *path)
{
    const json_t *required = json_object_get(schema, "required");
    const json_t *properties = json_object_get(schema, "properties");
    const char *key;
    json_t *item;
    bool fits = true;
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (json_object_get(value, name) == NULL) {
            fits = schema_says(path, name);
        }
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        AUTO_FREE char *below = mem_printf("%s.%s", path, key);
        const json_t *part = json_object_get(properties, key);
        fits = part != NULL ? schema_fits(root, part, item, below) && fits
                            : schema_says(below, "is not in the schema");
    }
    return fits;
}

static bool schema_fits(const json_t *root, const json_t *schema, const json_t *value,
                        const char *path)
{
    const char *key;
    json_t *rule;
    bool fits = true;
    json_object_foreach ((json_t *)(uintptr_t)schema, key, rule) {
        bool good = true;
        if (str_eq(key, "type")) {
            good = schema_has_type(value, rule);
        } else if (str_eq(key, "const")) {
            good = json_equal(value, rule) != 0;
        } else if (str_eq(key, "enum")) {
            good = schema_is_one_of(value, rule);
        } else if (str_eq(key, "minimum")) {
            good = json_integer_value(value) >= json_integer_value(rule);
        } else if (str_eq(key, "maximum")) {
            good = json_integer_value(value) <= json_integer_value(rule);
        } else if (str_eq(key, "items")) {
            for (size_t i = 0; i < json_array_size(value); i++) {
                good = schema_fits(root, rule, json_array_get(value, i), path) && good;
            }
        } else if (str_eq(key, "$ref")) {
            assert_string_equal(json_string_value(rule), "#/$defs/container");
            good = schema_fits(root, json_walk(root, "$defs.container"), value, path);
        } else if (str_eq(key, "properties")) {
            good = !json_is_object(value) || schema_fits_object(root, schema, value, path);
        } else if (!str_eq(key, "required") && !str_eq(key, "description") &&
                   !str_eq(key, "title") && !str_eq(key, "$schema") && !str_eq(key, "$defs")) {
            good = str_eq(key, "additionalProperties") && json_is_false(rule);
        }
        fits = good ? fits : schema_says(path, key);
    }
    return fits;
}

#endif
