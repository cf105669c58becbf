#include "policy/version_path.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA "1"

/* Where in the file we are: errors name it. */
struct place {
    const char *file;
    size_t row; /* from 1; 0: outside of the rows */
};

static int complain(const struct place *at, struct err *err, const char *problem, const char *value,
                    const char *expected)
{
    AUTO_FREE char *row = at->row ? mem_printf(", row %zu of 'paths'", at->row) : mem_strdup("");
    AUTO_FREE char *quoted = value ? mem_printf(" '%s'", value) : mem_strdup("");

    return err_fail(err, ERR_CONFIG,
                    "%s%s: %s%s, expected %s\n"
                    "HINT: the shipped version_paths.yaml describes each key at its top",
                    at->file, row, problem, quoted, expected);
}

static void row_free(struct version_row *r)
{
    free(r->from); /* NOLINT(clang-analyzer-unix.Malloc): loses the copy in
                      version_table_merge_take() */
    free(r->source);
    free(r->note);
    *r = (struct version_row){.from = NULL};
}

void version_table_free(struct version_table *t)
{
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->row_count; i++) {
        row_free(&t->rows[i]);
    }
    free(t->rows);
    *t = (struct version_table){.rows = NULL};
}

static bool same_target(const struct oms_version *a, const struct oms_version *b)
{
    return a->edition == b->edition && oms_version_compare(a, b) == 0;
}

static struct version_row *find_row(const struct version_table *t, const struct oms_version *to)
{
    for (size_t i = 0; i < t->row_count; i++) {
        if (same_target(&t->rows[i].to, to)) {
            return &t->rows[i];
        }
    }
    return NULL;
}

const struct version_row *version_table_row(const struct version_table *t,
                                            const struct oms_version *to)
{
    return find_row(t, to);
}

static void add_row_take(struct version_table *t, struct version_row *row)
{
    t->rows = mem_grow(t->rows, t->row_count + 1, sizeof(*t->rows));
    t->rows[t->row_count++] = *row;
    *row = (struct version_row){.from = NULL};
}

void version_table_merge_take(struct version_table *t, struct version_table *extra)
{
    for (size_t i = 0; i < extra->row_count; i++) {
        struct version_row *old = find_row(t, &extra->rows[i].to);

        if (!old) {
            add_row_take(t, &extra->rows[i]);
            continue;
        }
        row_free(old);
        *old = extra->rows[i];
        extra->rows[i] = (struct version_row){.from = NULL};
    }
    version_table_free(extra);
}

static int check_keys(const json_t *object, const char *const *known, const struct place *at,
                      struct err *err)
{
    AUTO_STR struct str list = STR_INIT;
    const char *key;
    json_t *value;

    for (size_t i = 0; known[i]; i++) {
        str_appendf(&list, "%s%s", i ? ", " : "", known[i]);
    }
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        size_t i = 0;

        while (known[i] && !str_eq(known[i], key)) {
            i++;
        }
        if (!known[i]) {
            return complain(at, err, "unknown key", key, str_get(&list));
        }
    }
    return 0;
}

/* A version as the table writes it: no prefix, no edition. */
static int read_version(const char *text, enum oms_edition edition, const struct place *at,
                        struct oms_version *ret, struct err *err)
{
    struct err ignored = ERR_INIT;

    if (str_starts_with(text, "feature_") || oms_version_parse(text, ret, &ignored) ||
        ret->edition != OMS_EDITION_ENTERPRISE) {
        return complain(at, err, "no version", text, "a version like 4.2.3 or 4.2.3_bp1");
    }
    ret->edition = edition;
    return 0;
}

static int read_range(const json_t *j, enum oms_edition edition, const struct place *at,
                      struct version_range *ret, struct err *err)
{
    const char *text = json_string_value(j);
    const char *dots = text ? strstr(text, "..") : NULL;
    AUTO_FREE char *first = NULL;

    if (!text) {
        return complain(at, err, "an entry of 'from' is no text", NULL, "a version or a range");
    }
    first = dots ? mem_strndup(text, (size_t)(dots - text)) : mem_strdup(text);
    if (read_version(first, edition, at, &ret->first, err) ||
        read_version(dots ? dots + 2 : first, edition, at, &ret->last, err)) {
        return -1;
    }
    if (oms_version_compare(&ret->first, &ret->last) > 0) {
        return complain(at, err, "empty range", text, "the older version first");
    }
    return 0;
}

static int read_from(const json_t *list, const struct place *at, struct version_row *row,
                     struct err *err)
{
    const size_t count = json_array_size(list);

    if (list && !json_is_array(list)) {
        return complain(at, err, "'from' is no list", NULL, "a list of versions");
    }
    if ((row->status == VERSION_DOCUMENTED) != (count > 0)) {
        return complain(at, err,
                        count > 0 ? "'from' beside a status other than documented"
                                  : "'from' is missing or empty",
                        NULL, "'from' exactly in the rows whose status is documented");
    }
    if (count == 0) {
        return 0;
    }
    row->from = mem_alloc(count * sizeof(*row->from));
    row->from_count = count;
    for (size_t i = 0; i < count; i++) {
        if (read_range(json_array_get(list, i), row->to.edition, at, &row->from[i], err)) {
            return -1;
        }
        if (oms_version_compare(&row->from[i].last, &row->to) >= 0) {
            return complain(at, err, "not older than the target",
                            json_string_value(json_array_get(list, i)), "an upgrade");
        }
    }
    return 0;
}

static int read_status(const json_t *j, const struct place *at, enum version_status *ret,
                       struct err *err)
{
    static const char *const texts[] = {[VERSION_DOCUMENTED] = "documented",
                                        [VERSION_FRESH_ONLY] = "fresh-only",
                                        [VERSION_UNKNOWN] = "unknown"};
    const char *text = json_text(j, "status", "documented");

    for (size_t i = 0; i < VERSION_STATUS_MAX; i++) {
        if (str_eq(text, texts[i])) {
            *ret = (enum version_status)i;
            return 0;
        }
    }
    return complain(at, err, "unknown 'status'", text, "documented, fresh-only or unknown");
}

static int read_row(const json_t *j, const struct place *at, struct version_row *row,
                    struct err *err)
{
    static const char *const keys[] = {"to", "edition", "from", "status", "source", "note", NULL};
    const char *to = json_text(j, "to", NULL);
    const char *edition = json_text(j, "edition", "");
    const char *source = json_text(j, "source", "");
    const char *note = json_text(j, "note", NULL);

    if (!json_is_object(j)) {
        return complain(at, err, "the row is no mapping", NULL,
                        "'to', 'edition', 'from', 'source'");
    }
    if (check_keys(j, keys, at, err)) {
        return -1;
    }
    if (!to) {
        return complain(at, err, "'to' is missing", NULL, "the target version");
    }
    if (!str_eq(edition, "ce") && !str_eq(edition, "ee")) {
        return complain(at, err, "unknown 'edition'", edition, "ce or ee");
    }
    if (!*source) {
        return complain(at, err, "'source' is missing", NULL, "who says that the upgrade works");
    }
    if (read_version(to, str_eq(edition, "ce") ? OMS_EDITION_COMMUNITY : OMS_EDITION_ENTERPRISE, at,
                     &row->to, err) ||
        read_status(j, at, &row->status, err) ||
        read_from(json_object_get(j, "from"), at, row, err)) {
        return -1;
    }
    row->source = mem_strdup(source);
    row->note = note ? mem_strdup(note) : NULL;
    return 0;
}

int version_table_from_yaml_json(const json_t *yaml, const char *name, struct version_table *ret,
                                 struct err *err)
{
    static const char *const keys[] = {"schema", "paths", NULL};
    AUTO_VERSION_TABLE struct version_table t = {.rows = NULL};
    const json_t *paths = json_object_get(yaml, "paths");
    struct place at = {.file = name};

    if (check_keys(yaml, keys, &at, err)) {
        return -1;
    }
    if (!str_eq(json_text(yaml, "schema", ""), SCHEMA)) {
        return complain(&at, err, "unknown 'schema'", json_text(yaml, "schema", ""), SCHEMA);
    }
    if (!json_is_array(paths)) {
        return complain(&at, err, "'paths' is missing or no list", NULL, "a list of rows");
    }
    for (at.row = 1; at.row <= json_array_size(paths); at.row++) {
        CLEANUP(row_free) struct version_row row = {.from = NULL};

        if (read_row(json_array_get(paths, at.row - 1), &at, &row, err)) {
            return -1;
        }
        if (find_row(&t, &row.to)) {
            return complain(&at, err, "the target has a row already", NULL,
                            "one row for each target and edition");
        }
        add_row_take(&t, &row);
    }
    *ret = t;
    t = (struct version_table){.rows = NULL};
    return 0;
}
