#include "hooks/metadb/model/compare.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/model/names.h"
#include "hooks/metadb/wire/fetch.h"
#include "hooks/metadb/wire/pool.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/model/rowhash.h"
#include "hooks/metadb/model/view.h"

struct compare_task {
    const struct compare_database *in;
    const struct schema_table *table;
    const json_t *entry;
};

struct compare {
    const struct request *request;
    struct conn *conns;
    struct compare_task *tasks;
    size_t count;
    pthread_mutex_t lock;
    json_t *findings;
    uint64_t rows, total;
};

int compare_setup(struct conn *c, struct err *err)
{
    struct err ignored = ERR_INIT;
    if (conn_execf(c, &ignored, "SET character_set_results = NULL") < 0) {
        return conn_execf(c, err, "SET character_set_results = binary");
    }
    return 0;
}

int compare_rows(struct conn *c, const struct schema_table *t, const char *where,
                 uint64_t *ret_rows, uint64_t *ret_hash, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_FETCH struct fetch rows = FETCH_INIT;
    uint64_t count = 0, hash = 0;
    schema_append_select(&sql, t);
    if (where) {
        str_appendf(&sql, " WHERE %s", where);
    }
    if (fetch_open(&rows, c, str_get(&sql), sql.len, err) < 0) {
        return -1;
    }
    int rc;
    for (; (rc = fetch_next(&rows, err)) > 0; count++) {
        hash += rowhash(rows.cells, rows.lens, rows.columns);
    }
    *ret_rows = count;
    *ret_hash = hash;
    return rc;
}

bool compare_same_create(const char *a, const char *a_database, const char *b,
                         const char *b_database)
{
    AUTO_STR struct str x = STR_INIT, y = STR_INIT;
    view_append_local(&x, a, a_database);
    view_append_local(&y, b, b_database);
    return schema_same_create(str_get(&x), str_get(&y));
}

static void find(struct compare *x, const struct compare_database *in, const char *table, bool view,
                 const char *what)
{
    AUTO_FREE char *text =
        mem_printf("%s.%s: %s", in->called ? in->called : in->database, table, what);
    pthread_mutex_lock(&x->lock);
    json_add(view && in->view_findings ? in->view_findings : x->findings, json_from_text(text));
    pthread_mutex_unlock(&x->lock);
}

static int compare_task(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct compare *x = arg;
    const struct compare_task *t = &x->tasks[index];
    const char *where = t->in->live ? json_text(t->entry, "where", NULL) : NULL;
    uint64_t rows = 0, hash = 0;
    if (compare_rows(&x->conns[worker], t->table, where, &rows, &hash, err) < 0) {
        return err_wrap(err, "comparing '%s.%s'", t->in->database, t->table->name);
    }
    uint64_t expected = (uint64_t)json_int(t->entry, "rows", 0);
    AUTO_FREE char *text = mem_printf("%016llx", (unsigned long long)hash);
    if (rows != expected) {
        AUTO_FREE char *what = mem_printf("%llu rows, the backup has %llu",
                                          (unsigned long long)rows, (unsigned long long)expected);
        find(x, t->in, t->table->name, false, what);
    } else if (!str_eq(json_text(t->entry, "checksum", NULL), text)) {
        find(x, t->in, t->table->name, false, "rows differ from those of the backup");
    }
    uint64_t done = __atomic_add_fetch(&x->rows, rows, __ATOMIC_RELAXED);
    report_progress("comparing rows", done, done < x->total ? x->total : done, false);
    return 0;
}

/* Definitions at once; rows become a task. */
static void plan_table(struct compare *x, const struct compare_database *in,
                       const struct schema *schema, const json_t *entry)
{
    const char *name = json_text(entry, "name", "");
    bool view = str_eq(json_text(entry, "type", NULL), "view");
    if ((view && in->ignore_views) || json_object_get(in->uncompared, name) != NULL) {
        return;
    }
    const struct schema_table *t = schema_find(schema, name);
    if (!t) {
        find(x, in, name, view, "is missing");
        return;
    }
    AUTO_STR struct str expected = STR_INIT;
    AUTO_FREE char *create = definition_of(entry, "create");
    (view ? create_map_databases : create_map_references)(&expected, create, in->names);
    /* The names of a view's databases, its own among them, are those of here by now. */
    const char *own = view && in->names ? in->database : json_text(in->entry, "name", "");
    if (!compare_same_create(t->create, in->database, str_get(&expected), own)) {
        find(x, in, name, view, "is defined differently");
    }
    if (!view && !in->no_rows && json_walk(entry, "rows")) {
        x->tasks = mem_grow(x->tasks, x->count + 1, sizeof(*x->tasks));
        x->tasks[x->count++] = (struct compare_task){.in = in, .table = t, .entry = entry};
        x->total += (uint64_t)json_int(entry, "rows", 0);
    }
}

static void find_strangers(struct compare *x, const struct compare_database *in,
                           const struct schema *schema)
{
    for (size_t i = 0; i < schema->table_count; i++) {
        bool known = false;
        size_t k;
        json_t *entry;
        json_array_foreach (json_walk(in->entry, "tables"), k, entry) {
            known = known || str_eq(json_text(entry, "name", NULL), schema->tables[i].name);
        }
        if (!known && !names_is_own_table(schema->tables[i].name)) {
            find(x, in, schema->tables[i].name, schema->tables[i].type == SCHEMA_VIEW,
                 "is not in the backup");
        }
    }
}

static int plan(struct compare *x, const struct compare_database *in, struct schema **ret_schema,
                struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    if (conn_open(x->request, &c, err) < 0 || schema_read(&c, in->database, ret_schema, err) < 0) {
        return -1;
    }
    size_t i;
    json_t *entry;
    json_array_foreach (json_walk(in->entry, "tables"), i, entry) {
        plan_table(x, in, *ret_schema, entry);
    }
    find_strangers(x, in, *ret_schema);
    return 0;
}

static int by_rows(const void *a, const void *b)
{
    int64_t x = json_int(((const struct compare_task *)a)->entry, "rows", 0);
    int64_t y = json_int(((const struct compare_task *)b)->entry, "rows", 0);
    return x > y ? -1 : x < y;
}

int compare_run(const struct request *request, unsigned workers,
                const struct compare_database *list, size_t count, json_t *findings,
                uint64_t *ret_rows, struct err *err)
{
    struct compare x = {
        .request = request, .findings = findings, .lock = PTHREAD_MUTEX_INITIALIZER};
    AUTO_FREE struct schema **schemas = mem_alloc((count + 1) * sizeof(*schemas));
    x.conns = mem_alloc(workers * sizeof(*x.conns));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = plan(&x, &list[i], &schemas[i], err);
    }
    for (unsigned i = 0; rc == 0 && i < workers; i++) {
        rc = conn_open(request, &x.conns[i], err);
        rc = rc < 0 ? rc : compare_setup(&x.conns[i], err);
    }
    if (rc == 0) {
        if (x.count > 1) {
            qsort(x.tasks, x.count, sizeof(*x.tasks), by_rows);
        }
        rc = pool_run(workers, x.count, compare_task, &x, err);
    }
    for (unsigned i = 0; i < workers; i++) {
        conn_close(&x.conns[i]);
    }
    for (size_t i = 0; i < count; i++) {
        schema_free(schemas[i]);
    }
    free(x.conns);
    free(x.tasks);
    *ret_rows = x.rows;
    return rc;
}
