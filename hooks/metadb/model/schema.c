#include "hooks/metadb/model/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/trigger.h"
#include "hooks/metadb/model/view.h"

static const char *const type_names[] = {
    [SCHEMA_TABLE] = "table", [SCHEMA_VIEW] = "view", [SCHEMA_SEQUENCE] = "sequence"};
_Static_assert(ARRAY_LEN(type_names) == SCHEMA_TYPE_MAX, "a type has no name");

const char *schema_type_name(enum schema_type type)
{
    return type_names[type];
}

static void table_free(struct schema_table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        free(t->columns[i].name);
        free(t->columns[i].collation);
    }
    free(t->columns);
    strv_free(&t->all_columns);
    free(t->key);
    free(t->name);
    free(t->create);
    free(t->charset);
    free(t->collation);
    free(t->where);
}

void schema_free(struct schema *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->table_count; i++) {
        table_free(&s->tables[i]);
    }
    free(s->tables);
    free(s->name);
    free(s->charset);
    free(s->collation);
    free(s->create);
    json_decref(s->triggers);
    free(s);
}

void schema_free_ptr(struct schema **s)
{
    schema_free(*s);
}

struct schema_table *schema_find(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (strcmp(s->tables[i].name, name) == 0) {
            return &s->tables[i];
        }
    }
    return NULL;
}

void schema_append_columns(struct str *sql, const struct schema_table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        str_append(sql, i ? "," : "");
        sql_name(sql, t->columns[i].name);
    }
}

/* FLOAT is shown with 6 digits, as a double with all that matter; the index of an ENUM or SET is
 * fetched by CAST, which unlike "+0" is no floating-point sum. */
void schema_append_select(struct str *sql, const struct schema_table *t)
{
    str_append(sql, t->all_generated ? "SELECT 1" : "SELECT ");
    for (size_t i = 0; i < t->column_count && !t->all_generated; i++) {
        const struct schema_column *column = &t->columns[i];
        str_append(sql, i ? "," : "");
        str_append(sql, column->type.as_number ? "CAST(" : "");
        sql_name(sql, column->name);
        str_append(sql, column->type.as_number ? " AS UNSIGNED)" : "");
        str_append(sql, column->type.kind == LITERAL_FLOAT ? "*1e0" : "");
    }
    str_append(sql, " FROM ");
    sql_table(sql, t->schema->name, t->name);
    str_append(sql, t->history ? " FOR SYSTEM_TIME ALL" : "");
}

static void append_plain(struct str *out, const char *create)
{
    static const char mark[] = " AUTO_INCREMENT=";
    const char *options = strrchr(create, '\n');
    const char *at = options ? strstr(options, mark) : NULL;
    if (!at) {
        str_append(out, create);
        return;
    }
    const char *digits = at + sizeof(mark) - 1;
    str_append_n(out, create, (size_t)(at - create));
    str_append(out, digits + strspn(digits, "0123456789"));
}

bool schema_same_create(const char *a, const char *b)
{
    AUTO_STR struct str x = STR_INIT, y = STR_INIT;
    append_plain(&x, a);
    append_plain(&y, b);
    return strcmp(str_get(&x), str_get(&y)) == 0;
}

static int read_database(struct conn *c, struct schema *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows defaults = ROWS_INIT, create = ROWS_INIT;
    str_append(&sql, "SELECT default_character_set_name, default_collation_name "
                     "FROM information_schema.schemata WHERE schema_name = ");
    sql_text(&sql, s->name, strlen(s->name));
    if (conn_query(c, str_get(&sql), &defaults, err) < 0) {
        return -1;
    }
    if (!rows_next(&defaults)) {
        err_fail(err, ERR_NOT_FOUND, "the MetaDB at '%s:%u' has no database '%s'", c->request->host,
                 c->request->port, s->name);
        return err_hint(err,
                        "compare drc_rm_db, drc_cm_db and drc_cm_heartbeat_db in config.yaml "
                        "with the databases that are there, and what user '%s' may see",
                        c->request->user);
    }
    s->charset = mem_strdup(rows_text(&defaults, 0, "utf8mb4"));
    s->collation = mem_strdup(rows_text(&defaults, 1, ""));
    str_reset(&sql);
    str_append(&sql, "SHOW CREATE DATABASE ");
    sql_name(&sql, s->name);
    if (conn_query(c, str_get(&sql), &create, err) < 0) {
        return -1;
    }
    s->create = mem_strdup(rows_next(&create) ? rows_text(&create, 1, "") : "");
    /* From here SHOW CREATE VIEW leaves this database's own name out. */
    str_reset(&sql);
    str_append(&sql, "USE ");
    sql_name(&sql, s->name);
    return conn_exec(c, str_get(&sql), sql.len, err);
}

static int type_of(const char *name, const char *type, struct schema_table *t, struct err *err)
{
    t->transactional = true;
    if (strcasecmp(type, "BASE TABLE") == 0 || strcasecmp(type, "SYSTEM VERSIONED") == 0) {
        t->type = SCHEMA_TABLE;
    } else if (strcasecmp(type, "VIEW") == 0) {
        t->type = SCHEMA_VIEW;
    } else if (strcasecmp(type, "SEQUENCE") == 0) {
        t->type = SCHEMA_SEQUENCE;
    } else {
        return err_fail(err, ERR_FAILED, "'%s' in database '%s' is a '%s', which is not known here",
                        name, t->schema->name, type);
    }
    return 0;
}

static int show_tables(struct conn *c, const struct schema *s, struct rows *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "SHOW FULL TABLES FROM ");
    sql_name(&sql, s->name);
    return conn_query(c, str_get(&sql), ret, err);
}

static int read_table_names(struct conn *c, struct schema *s, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (show_tables(c, s, &rows, err) < 0) {
        return -1;
    }
    size_t count = (size_t)mysql_num_rows(rows.result);
    s->tables = mem_alloc((count + 1) * sizeof(*s->tables));
    while (rows_next(&rows)) {
        struct schema_table *t = &s->tables[s->table_count];
        const char *name = rows_text(&rows, 0, "");
        t->schema = s;
        if (type_of(name, rows_text(&rows, 1, "BASE TABLE"), t, err) < 0) {
            return -1;
        }
        t->name = mem_strdup(name);
        s->table_count++;
    }
    return 0;
}

static bool is_transactional(const char *engine)
{
    static const char *const engines[] = {"InnoDB", "ROCKSDB", "TokuDB", "OceanBase", "SEQUENCE"};
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (strcasecmp(engine, engines[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Estimates, for progress and for cutting big tables: a server that gives none is no obstacle. */
static int read_status(struct conn *c, struct schema *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SHOW TABLE STATUS FROM ");
    sql_name(&sql, s->name);
    if (conn_query(c, str_get(&sql), &rows, &e) < 0) {
        if (e.kind == ERR_UNREACHABLE) {
            *err = e;
            return -1;
        }
        return 0;
    }
    unsigned engine = rows_find(&rows, "Engine"), count = rows_find(&rows, "Rows");
    unsigned bytes = rows_find(&rows, "Data_length");
    while (rows_next(&rows)) {
        struct schema_table *t = schema_find(s, rows_text(&rows, 0, ""));
        if (t && t->type == SCHEMA_TABLE) {
            t->rows_estimate = rows_u64(&rows, count, 0);
            t->bytes_estimate = rows_u64(&rows, bytes, 0);
            t->transactional = is_transactional(rows_text(&rows, engine, "InnoDB"));
        }
    }
    return 0;
}

static int read_create(struct conn *c, struct schema_table *t, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_appendf(&sql, "SHOW CREATE %s ", t->type == SCHEMA_TABLE ? "TABLE" : "SEQUENCE");
    sql_table(&sql, t->schema->name, t->name);
    int rc = t->type == SCHEMA_VIEW ? view_show(c, t->schema->name, t->name, &rows, err)
                                    : conn_query(c, str_get(&sql), &rows, err);
    if (rc < 0) {
        return err_wrap(err, "reading how '%s' in '%s' is made", t->name, t->schema->name);
    }
    if (!rows_next(&rows) || !rows_text(&rows, 1, NULL)) {
        return err_fail(err, ERR_FAILED, "the MetaDB does not tell how '%s' in '%s' is made",
                        t->name, t->schema->name);
    }
    t->create = mem_strndup(rows.row[1], rows.len[1]);
    if (t->type == SCHEMA_VIEW) {
        t->charset = mem_strdup(rows_text(&rows, 2, "utf8mb4"));
        t->collation = mem_strdup(rows_text(&rows, 3, "utf8mb4_general_ci"));
    }
    return 0;
}

/* Whether the table's options, and not somebody's comment, say so. */
static bool is_versioned(const char *create)
{
    static const char mark[] = " WITH SYSTEM VERSIONING";
    const char *p = strstr(create, "\n) ");
    for (bool quoted = false; p && *p; p++) {
        if (*p == '\'') {
            quoted = !quoted; /* a doubled one turns twice */
        } else if (*p == '\\' && quoted && p[1]) {
            p++;
        } else if (!quoted && strncmp(p, mark, sizeof(mark) - 1) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a system-versioned table's past can be written back: MariaDB from 10.11 on. */
static int knows_history(struct conn *c, bool *ret, struct err *err)
{
    AUTO_FREE char *value = NULL;
    struct err e = ERR_INIT;
    *ret = conn_query_text(c, "SELECT @@system_versioning_insert_history", &value, &e) == 0;
    if (!*ret && e.kind == ERR_UNREACHABLE) {
        *err = e;
        return -1;
    }
    return 0;
}

static int read_table(struct conn *c, struct schema_table *t, bool history, struct err *err)
{
    if (read_create(c, t, err) < 0) {
        return -1;
    }
    t->history = history && t->type == SCHEMA_TABLE && is_versioned(t->create);
    if (schema_read_columns(c, t, err) < 0) {
        return -1;
    }
    schema_find_key(t);
    return 0;
}

/* True: it is not of the kind after which nothing can go on, and is told. */
static bool note_problem(json_t *problems, const struct schema_table *t, const struct err *e)
{
    if (problems == NULL || e->kind == ERR_UNREACHABLE) {
        return false;
    }
    AUTO_FREE char *text = mem_printf("%s.%s: %s", t->schema->name, t->name, e->text);
    json_add(problems, json_from_text(text));
    return true;
}

int schema_read_what_can_be(struct conn *c, const char *database, json_t *problems,
                            struct schema **ret, struct err *err)
{
    AUTO_SCHEMA struct schema *s = mem_alloc(sizeof(*s));
    bool history = false;
    s->name = mem_strdup(database);
    if (read_database(c, s, err) < 0 || read_table_names(c, s, err) < 0 ||
        read_status(c, s, err) < 0 || knows_history(c, &history, err) < 0 ||
        trigger_read(c, database, &s->triggers, err) < 0) {
        return -1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->table_count; i++) {
        struct schema_table *t = &s->tables[i];
        struct err e = ERR_INIT;
        if (read_table(c, t, history, &e) == 0) {
            s->tables[kept++] = *t;
        } else if (note_problem(problems, t, &e)) {
            table_free(t);
        } else {
            *err = e;
            return -1;
        }
    }
    s->table_count = kept;
    *ret = TAKE(s);
    return 0;
}

int schema_read(struct conn *c, const char *database, struct schema **ret, struct err *err)
{
    return schema_read_what_can_be(c, database, NULL, ret, err);
}

int schema_same_tables(struct conn *c, const struct schema *s, bool *ret, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (show_tables(c, s, &rows, err) < 0) {
        return -1;
    }
    size_t count = 0;
    bool same = true;
    for (; rows_next(&rows); count++) {
        struct schema_table now = {.schema = s};
        const char *name = rows_text(&rows, 0, "");
        const struct schema_table *t = schema_find(s, name);
        if (type_of(name, rows_text(&rows, 1, "BASE TABLE"), &now, err) < 0) {
            return -1;
        }
        same = same && t && t->type == now.type;
    }
    *ret = same && count == s->table_count;
    return 0;
}

/* What a view looks like depends on what it refers to, and not on its own text alone. */
static bool same_view(const struct schema_table *a, const struct schema_table *b)
{
    bool same = str_eq(a->charset, b->charset) && str_eq(a->collation, b->collation) &&
                a->broken == b->broken && a->all_columns.count == b->all_columns.count;
    for (size_t i = 0; same && i < a->all_columns.count; i++) {
        same = strcmp(a->all_columns.items[i], b->all_columns.items[i]) == 0;
    }
    return same;
}

static int refresh_table(struct conn *c, struct schema_table *t, bool *ret_same, struct err *err)
{
    struct schema_table now = {.schema = t->schema, .name = t->name, .type = t->type};
    int rc = read_create(c, &now, err);
    bool view = t->type == SCHEMA_VIEW;
    if (rc == 0 && view) {
        rc = schema_read_columns(c, &now, err);
    }
    if (rc == 0) {
        *ret_same = schema_same_create(t->create, now.create) && (!view || same_view(t, &now));
        free(t->create);
        t->create = TAKE(now.create);
    }
    now.name = NULL; /* borrowed */
    table_free(&now);
    return rc;
}

int schema_refresh(struct conn *c, struct schema *s, bool *ret_same, struct err *err)
{
    bool same;
    AUTO_FREE char *create = TAKE(s->create);
    free(TAKE(s->charset));
    free(TAKE(s->collation));
    json_decref(TAKE(s->triggers));
    if (read_database(c, s, err) < 0 || trigger_read(c, s->name, &s->triggers, err) < 0 ||
        schema_same_tables(c, s, &same, err) < 0) {
        return -1;
    }
    same = same && str_eq(create, s->create);
    for (size_t i = 0; same && i < s->table_count; i++) {
        if (refresh_table(c, &s->tables[i], &same, err) < 0) {
            return -1;
        }
    }
    *ret_same = same;
    return 0;
}
