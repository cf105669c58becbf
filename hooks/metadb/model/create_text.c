#include "hooks/metadb/model/create_text.h"

#include <string.h>

#include "hooks/metadb/wire/sql.h"

/* Appends the name that stands for the quoted one from `p` to `end`. */
static void append_mapped(struct str *out, const char *p, const char *end,
                          const struct name_map *names)
{
    for (size_t i = 0; i < names->from.count; i++) {
        AUTO_STR struct str quoted = STR_INIT;
        sql_name(&quoted, names->from.items[i]);
        if (quoted.len == (size_t)(end - p) && memcmp(str_get(&quoted), p, quoted.len) == 0) {
            sql_name(out, names->to.items[i]);
            return;
        }
    }
    str_append_n(out, p, (size_t)(end - p));
}

void create_map_references(struct str *out, const char *create, const struct name_map *names)
{
    static const char word[] = " REFERENCES ";
    if (!names) {
        str_append(out, create);
        return;
    }
    for (const char *p = create; *p;) {
        if (strncmp(p, word, sizeof(word) - 1) == 0 && p[sizeof(word) - 1] == '`') {
            const char *name = p + sizeof(word) - 1, *end = sql_skip_quoted(name);
            str_append(out, word);
            if (*end == '.') {
                append_mapped(out, name, end, names);
            } else {
                str_append_n(out, name, (size_t)(end - name));
            }
            p = end;
        } else {
            const char *end = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
            str_append_n(out, p, (size_t)(end - p));
            p = end;
        }
    }
}

void create_map_databases(struct str *out, const char *create, const struct name_map *names)
{
    bool after_dot = false;
    for (const char *p = create; *p;) {
        const char *end = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
        if (names && *p == '`' && *end == '.' && !after_dot) {
            append_mapped(out, p, end, names);
        } else {
            str_append_n(out, p, (size_t)(end - p));
        }
        after_dot = *p == '.';
        p = end;
    }
}

/* The end of the line at `p`, newlines inside quotes apart. */
static const char *line_end(const char *p)
{
    while (*p && *p != '\n') {
        p = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
    }
    return p;
}

static bool line_starts(const char *p, const char *word)
{
    return strncmp(p, word, strlen(word)) == 0;
}

static bool line_has(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    while (p < end) {
        if ((size_t)(end - p) >= n && memcmp(p, word, n) == 0) {
            return true;
        }
        p = *p == '`' || *p == '\'' ? sql_skip_quoted(p) : p + 1;
    }
    return false;
}

static bool is_key_line(const char *p)
{
    return line_starts(p, "  KEY `") || line_starts(p, "  UNIQUE KEY `");
}

struct outline {
    const char *counter, *counter_end; /* name of the AUTO_INCREMENT column */
    bool counter_in_primary, primary, keys, special;
};

static void look_at_line(struct outline *o, const char *p, const char *end)
{
    static const char *const special[] = {"  CONSTRAINT ", "  FOREIGN KEY", "  FULLTEXT KEY",
                                          "  SPATIAL KEY", "  PERIOD FOR"};
    if (line_starts(p, "  `")) {
        if (line_has(p, end, " AUTO_INCREMENT")) {
            o->counter = p + 2;
            o->counter_end = sql_skip_quoted(o->counter);
        }
        return;
    }
    if (line_starts(p, "  PRIMARY KEY (`")) {
        const char *name = p + strlen("  PRIMARY KEY (");
        o->primary = true;
        o->counter_in_primary =
            o->counter && strncmp(name, o->counter, (size_t)(o->counter_end - o->counter)) == 0;
    }
    o->keys = o->keys || is_key_line(p);
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        o->special = o->special || line_starts(p, special[i]);
    }
}

/* The options follow the closing bracket, on its line and those after it. */
static bool options_are_plain(const char *options)
{
    const char *end = options + strlen(options);
    return line_has(options, end, "ENGINE=InnoDB") && !line_has(options, end, "PARTITION BY") &&
           !line_has(options, end, "SYSTEM VERSIONING");
}

bool create_split_keys(const char *create, struct str *ret_create, struct str *ret_keys)
{
    struct outline o = {.counter = NULL};
    AUTO_STR struct str body = STR_INIT, keys = STR_INIT;
    const char *p = create, *end;
    for (; *(end = line_end(p)) && *p != ')'; p = end + 1) {
        look_at_line(&o, p, end);
        size_t len = (size_t)(end - p) - (end[-1] == ',');
        if (is_key_line(p)) {
            str_append(&keys, keys.len ? ", ADD " : "ADD ");
            str_append_n(&keys, p + 2, len - 2);
        } else {
            str_append(&body, p == create ? "" : str_ends_with(str_get(&body), "(") ? "\n" : ",\n");
            str_append_n(&body, p, len);
        }
    }
    if (!o.keys || !o.primary || o.special || *p != ')' || !options_are_plain(p) ||
        (o.counter && !o.counter_in_primary)) {
        return false;
    }
    str_append(ret_create, str_get(&body));
    str_append_c(ret_create, '\n');
    str_append(ret_create, p);
    str_append(ret_keys, str_get(&keys));
    return true;
}

bool create_sequence_defaults(const char *create, struct str *ret_changes)
{
    bool any = false;
    for (const char *p = create, *end; *p; p = *end ? end + 1 : end) {
        end = line_end(p);
        if (line_starts(p, "  `") &&
            (line_has(p, end, "nextval(") || line_has(p, end, "lastval("))) {
            size_t len = (size_t)(end - p) - (end[-1] == ',');
            str_append(ret_changes, any ? ", MODIFY COLUMN " : "MODIFY COLUMN ");
            str_append_n(ret_changes, p + 2, len - 2);
            any = true;
        }
    }
    return any;
}
