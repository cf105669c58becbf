/* One table says which members a JSON object has, and reads, checks, writes and frees the struct
 * that holds them: what is written and what is accepted cannot drift apart. */
#ifndef OMSLAUNCH_BASE_JSON_FIELDS_H
#define OMSLAUNCH_BASE_JSON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"

enum json_field_type {
    JSON_FIELD_TEXT,   /* char *, owned */
    JSON_FIELD_TEXTS,  /* struct strv; an array of texts */
    JSON_FIELD_NUMBER, /* int64_t */
    JSON_FIELD_MS,     /* uint64_t; any whole number that is not negative */
    JSON_FIELD_BOOL,   /* bool */
    JSON_FIELD_OBJECT, /* json_t *, owned */
    JSON_FIELD_ARRAY,  /* json_t *, owned */
    JSON_FIELD_TYPE_MAX
};

enum json_field_presence {
    JSON_FIELD_NEEDED,
    JSON_FIELD_NULLABLE, /* is always written; null and missing are NULL, or 0 */
    JSON_FIELD_OPTIONAL, /* is written unless it is NULL, 0 or false */
    JSON_FIELD_PRESENCE_MAX
};

struct json_field {
    const char *name;
    enum json_field_type type;
    enum json_field_presence presence;
    size_t offset; /* of the member in the struct */
};

struct json_fields {
    const struct json_field *items; /* in the order in which they are written */
    size_t count;
    bool allows_others; /* members that the table does not know are passed over */
};

#define JSON_FIELDS(table)                             \
    {                                                  \
        .items = (table), .count = ARRAY_LEN((table)), \
    }

/* Fills in the members of `ret`, which must be zeroed. ERR_STATE names `what`, the member, and what
 * is wrong: it is missing, is not of its type, or is one that the table does not know. Whatever was
 * read must be freed also then. */
int json_fields_read(const struct json_fields *fields, const json_t *object, const char *what,
                     void *ret, struct err *err) MUST_USE;
/* Adds the members to `object`. */
void json_fields_write(const struct json_fields *fields, const void *from, json_t *object);
/* Frees what the members own, and zeroes them. */
void json_fields_free(const struct json_fields *fields, void *of);

#endif
