#include "launcher/upgrade/metadb_answer.h"

#include <stdlib.h>
#include <strings.h>

#include "launcher/base/json_fields.h"
#include "launcher/base/mem.h"

#define FIELD(type_, presence_, name_, struct_, member)                                  \
    {                                                                                    \
        .name = (name_), .type = JSON_FIELD_##type_, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct struct_, member),                                      \
    }
/* The program may tell more than is asked for. */
#define ANSWER_FIELDS(table)                                                  \
    {                                                                         \
        .items = (table), .count = ARRAY_LEN((table)), .allows_others = true, \
    }

static int read_answer(const struct json_fields *fields, const json_t *answer, const char *command,
                       void *ret, struct err *err)
{
    AUTO_FREE char *what = mem_printf("the answer of 'omslaunch-metadb %s'", command);
    if (json_fields_read(fields, answer, what, ret, err) != 0) {
        err->kind = ERR_FAILED;
        return -1;
    }
    return 0;
}

/* ---- ha ---- */

static const struct json_field ha_items[] = {
    FIELD(TEXT, NULLABLE, "text", ha_answer, text),
    FIELD(OBJECT, NULLABLE, "config", ha_answer, config),
};
static const struct json_fields ha_fields = ANSWER_FIELDS(ha_items);

void ha_answer_free(struct ha_answer *a)
{
    json_fields_free(&ha_fields, a);
}

/* Values of ha.config may come quoted. */
static bool ha_flag(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_is_true(value) ||
           (json_is_string(value) && strcasecmp(json_string_value(value), "true") == 0);
}

static int64_t ha_number(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                 : json_integer_value(value);
}

int ha_answer_read(const json_t *answer, struct ha_answer *ret, struct err *err)
{
    if (read_answer(&ha_fields, answer, "ha-get", ret, err) != 0) {
        return -1;
    }
    ret->enabled = ha_flag(ret->config, "enable");
    ret->perceives = ha_flag(ret->config, "perceiveStoreClientCheckpoint");
    ret->interval = ha_number(ret->config, "refetchStoreIntervalMin");
    return 0;
}

struct one_text {
    char *text;
};

static int read_text(const json_t *answer, const char *command, const char *name, char **ret,
                     struct err *err)
{
    const struct json_field items[] = {FIELD(TEXT, NEEDED, name, one_text, text)};
    const struct json_fields fields = ANSWER_FIELDS(items);
    struct one_text one = {.text = NULL};
    if (read_answer(&fields, answer, command, &one, err) != 0) {
        return -1;
    }
    *ret = one.text;
    return 0;
}

int ha_answer_read_after(const json_t *answer, char **ret, struct err *err)
{
    return read_text(answer, "ha-set", "after", ret, err);
}

int fingerprint_answer_read(const json_t *answer, char **ret, struct err *err)
{
    return read_text(answer, "fingerprint", "fingerprint", ret, err);
}

/* ---- trim, dump ---- */

struct trimmed {
    int64_t deleted;
};
static const struct json_field trimmed_items[] = {
    FIELD(NUMBER, NEEDED, "deleted", trimmed, deleted),
};
static const struct json_fields trimmed_fields = ANSWER_FIELDS(trimmed_items);

int trim_answer_read(const json_t *answer, int64_t *ret_deleted, struct err *err)
{
    *ret_deleted = 0;
    for (size_t i = 0; i < json_array_size(answer); i++) {
        struct trimmed one = {.deleted = 0};
        if (read_answer(&trimmed_fields, json_array_get(answer, i), "trim", &one, err) != 0) {
            return -1;
        }
        *ret_deleted += one.deleted;
    }
    return 0;
}

static const struct json_field dump_items[] = {
    FIELD(NUMBER, NEEDED, "tables", dump_answer, tables),
    FIELD(NUMBER, NEEDED, "rows", dump_answer, rows),
    FIELD(MS, NEEDED, "bytes", dump_answer, bytes),
};
static const struct json_fields dump_fields = ANSWER_FIELDS(dump_items);

int dump_answer_read(const json_t *answer, struct dump_answer *ret, struct err *err)
{
    return read_answer(&dump_fields, answer, "dump", ret, err);
}

static const struct json_field prepared_items[] = {
    FIELD(NUMBER, NEEDED, "tables", dump_answer, tables),
    FIELD(MS, NEEDED, "raw_bytes_estimate", dump_answer, bytes),
};
static const struct json_fields prepared_fields = ANSWER_FIELDS(prepared_items);

int prepared_answer_read(const json_t *answer, struct dump_answer *ret, struct err *err)
{
    return read_answer(&prepared_fields, answer, "dump", ret, err);
}
