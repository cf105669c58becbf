#include "launcher/base/json_fields.h"

#include <stdlib.h>
#include <string.h>

static void *member_of(const struct json_field *f, void *of)
{
    return (char *)of + f->offset;
}

static const void *const_member_of(const struct json_field *f, const void *of)
{
    return (const char *)of + f->offset;
}

/* ---- reading ---- */

static int refuse_type(const struct json_field *f, const char *what, struct err *err)
{
    static const char *const types[] = {
        [JSON_FIELD_TEXT] = "a text",
        [JSON_FIELD_TEXTS] = "a list of texts",
        [JSON_FIELD_NUMBER] = "a whole number",
        [JSON_FIELD_MS] = "a whole number that is not negative",
        [JSON_FIELD_BOOL] = "true or false",
        [JSON_FIELD_OBJECT] = "an object",
        [JSON_FIELD_ARRAY] = "a list",
        [JSON_FIELD_TYPE_MAX] = "of a known type",
    };
    return err_fail(err, ERR_STATE, "%s: '%s' is not %s", what, f->name, types[f->type]);
}

static bool read_texts(const json_t *value, struct strv *ret)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (text == NULL) {
            return false;
        }
        strv_add(ret, text);
    }
    return json_is_array(value);
}

/* False when the value is not of the field's type. */
static bool read_value(const struct json_field *f, json_t *value, void *member)
{
    switch (f->type) {
    case JSON_FIELD_TEXT:
        if (json_is_string(value)) {
            *(char **)member = mem_strdup(json_string_value(value));
        }
        return json_is_string(value);
    case JSON_FIELD_TEXTS:
        return read_texts(value, member);
    case JSON_FIELD_NUMBER:
        *(int64_t *)member = json_integer_value(value);
        return json_is_integer(value);
    case JSON_FIELD_MS:
        *(uint64_t *)member = (uint64_t)json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case JSON_FIELD_BOOL:
        *(bool *)member = json_is_true(value);
        return json_is_boolean(value);
    case JSON_FIELD_OBJECT:
        *(json_t **)member = json_incref(value);
        return json_is_object(value);
    case JSON_FIELD_ARRAY:
        *(json_t **)member = json_incref(value);
        return json_is_array(value);
    case JSON_FIELD_TYPE_MAX:
    default:
        return false;
    }
}

static int refuse_unknown(const struct json_fields *fields, const json_t *object, const char *what,
                          struct err *err)
{
    const char *name;
    json_t *ignored;
    json_object_foreach ((json_t *)(uintptr_t)object, name, ignored) {
        bool known = false;
        for (size_t i = 0; i < fields->count && !known; i++) {
            known = str_eq(fields->items[i].name, name);
        }
        if (!known) {
            return err_fail(err, ERR_STATE, "%s has '%s', which this omslaunch does not know", what,
                            name);
        }
    }
    return 0;
}

int json_fields_read(const struct json_fields *fields, const json_t *object, const char *what,
                     void *ret, struct err *err)
{
    if (!json_is_object(object)) {
        return err_fail(err, ERR_STATE, "%s is not an object", what);
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct json_field *f = &fields->items[i];
        json_t *value = json_object_get(object, f->name);
        bool missing = value == NULL || json_is_null(value);
        if (missing && f->presence == JSON_FIELD_NEEDED) {
            return err_fail(err, ERR_STATE, "%s has no '%s'", what, f->name);
        }
        if (!missing && !read_value(f, value, member_of(f, ret))) {
            return refuse_type(f, what, err);
        }
    }
    return fields->allows_others ? 0 : refuse_unknown(fields, object, what, err);
}

/* ---- writing ---- */

/* NULL for one that is not there. */
static json_t *write_value(const struct json_field *f, const void *member)
{
    json_t *const *json = member;
    const struct strv *texts = member;
    json_t *list = NULL;
    switch (f->type) {
    case JSON_FIELD_TEXT:
        return *(char *const *)member == NULL ? NULL : json_from_text(*(char *const *)member);
    case JSON_FIELD_TEXTS:
        list = json_array();
        for (size_t i = 0; i < texts->count; i++) {
            json_add(list, json_from_text(texts->items[i]));
        }
        return list;
    case JSON_FIELD_NUMBER:
        return json_integer(*(const int64_t *)member);
    case JSON_FIELD_MS:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case JSON_FIELD_BOOL:
        return json_boolean(*(const bool *)member);
    case JSON_FIELD_OBJECT:
    case JSON_FIELD_ARRAY:
        return *json == NULL ? NULL : json_deep_copy(*json);
    case JSON_FIELD_TYPE_MAX:
    default:
        return NULL;
    }
}

static bool is_nothing(const json_t *value)
{
    return json_is_false(value) || (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

void json_fields_write(const struct json_fields *fields, const void *from, json_t *object)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct json_field *f = &fields->items[i];
        json_t *value = write_value(f, const_member_of(f, from));
        if (f->presence == JSON_FIELD_OPTIONAL && (value == NULL || is_nothing(value))) {
            json_decref(value);
        } else {
            json_put(object, f->name, value);
        }
    }
}

/* ---- the end ---- */

void json_fields_free(const struct json_fields *fields, void *of)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct json_field *f = &fields->items[i];
        void *member = member_of(f, of);
        switch (f->type) {
        case JSON_FIELD_TEXT:
            free(*(char **)member);
            *(char **)member = NULL;
            break;
        case JSON_FIELD_TEXTS:
            strv_free(member);
            break;
        case JSON_FIELD_OBJECT:
        case JSON_FIELD_ARRAY:
            json_decref(*(json_t **)member);
            *(json_t **)member = NULL;
            break;
        case JSON_FIELD_NUMBER:
        case JSON_FIELD_MS:
        case JSON_FIELD_BOOL:
        case JSON_FIELD_TYPE_MAX:
        default:
            break;
        }
    }
}
