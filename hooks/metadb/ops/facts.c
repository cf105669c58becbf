/* `facts`: everything that policy and plan want to know about the MetaDB, by reading alone.
 * Tables: domain page, "The MetaDB". Thin versions lack some of them; their part is then empty. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/ops/ha.h"
#include "hooks/metadb/ops/privileges.h"
#include "hooks/metadb/wire/sql.h"

/* Runs `sql`; what does not exist in this version gives no rows instead of an error. */
static int query_if_there(struct conn *c, const char *sql, struct rows *ret, struct err *err)
{
    struct err e = ERR_INIT;
    if (conn_query(c, sql, ret, &e) == 0) {
        return 1;
    }
    if (e.kind == ERR_NOT_FOUND) {
        return 0;
    }
    *err = e;
    return -1;
}

static json_t *text_or_null(const struct rows *rows, unsigned column)
{
    const char *text = rows_text(rows, column, NULL);
    return text != NULL ? json_from_bytes(text, rows->len[column]) : json_null();
}

static int read_server(struct conn *c, json_t *facts, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (conn_query(c,
                   "SELECT VERSION(), @@version_comment, "
                   "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED), @@max_allowed_packet, "
                   "@@character_set_server",
                   &rows, err) < 0) {
        return -1;
    }
    if (!rows_next(&rows)) {
        return err_fail(err, ERR_FAILED, "the MetaDB does not tell its version");
    }
    json_put(facts, "server",
             json_make(
                 "{s:o, s:s, s:I, s:I, s:o}", "version", text_or_null(&rows, 0), "flavor",
                 conn_flavor_name(conn_flavor_of(rows_text(&rows, 0, ""), rows_text(&rows, 1, ""))),
                 "now_ms", (json_int_t)rows_u64(&rows, 2, 0), "max_allowed_packet",
                 (json_int_t)rows_u64(&rows, 3, 0), "character_set", text_or_null(&rows, 4)));
    return 0;
}

/* One row of information_schema for `database`; 1 when there is one. */
static int read_schema_row(struct conn *c, const char *sql_head, const char *database,
                           struct rows *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, sql_head);
    sql_text(&sql, database, strlen(database));
    if (conn_query(c, str_get(&sql), ret, err) < 0) {
        return -1;
    }
    return rows_next(ret) ? 1 : 0;
}

static int read_database(struct conn *c, const char *role, const char *name, json_t *list,
                         struct err *err)
{
    AUTO_ROWS struct rows schema = ROWS_INIT, tables = ROWS_INIT;
    int exists = read_schema_row(c,
                                 "SELECT default_character_set_name, default_collation_name "
                                 "FROM information_schema.schemata WHERE schema_name = ",
                                 name, &schema, err);
    if (exists < 0 ||
        read_schema_row(c,
                        "SELECT COUNT(*), COALESCE(SUM(data_length + index_length), 0) "
                        "FROM information_schema.tables WHERE table_schema = ",
                        name, &tables, err) < 0) {
        return -1;
    }
    json_add(list, json_make("{s:s, s:s, s:b, s:I, s:I, s:o, s:o}", "role", role, "name", name,
                             "exists", exists, "tables", (json_int_t)rows_u64(&tables, 0, 0),
                             "data_bytes", (json_int_t)rows_u64(&tables, 1, 0), "charset",
                             exists ? text_or_null(&schema, 0) : json_null(), "collation",
                             exists ? text_or_null(&schema, 1) : json_null()));
    return 0;
}

static int read_databases(struct conn *c, json_t *facts, struct err *err)
{
    const struct request *r = c->request;
    AUTO_JSON json_t *list = json_array();
    if ((r->rm_db && read_database(c, "rm", r->rm_db, list, err) < 0) ||
        (r->cm_db && read_database(c, "cm", r->cm_db, list, err) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < r->heartbeat_dbs.count; i++) {
        if (read_database(c, "heartbeat", r->heartbeat_dbs.items[i], list, err) < 0) {
            return -1;
        }
    }
    json_put(facts, "databases", TAKE(list));
    return 0;
}

static bool is_true(const char *text)
{
    return strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0 || strcmp(text, "\x01") == 0;
}

/* What is read of a database that is not there would be refused as if a privilege were missing. */
static bool is_there(const json_t *facts, const char *name)
{
    const json_t *list = json_object_get(facts, "databases");
    for (size_t i = 0; name && i < json_array_size(list); i++) {
        const json_t *database = json_array_get(list, i);
        if (strcmp(json_text(database, "name", ""), name) == 0) {
            return json_bool(database, "exists", false);
        }
    }
    return false;
}

static int read_regions(struct conn *c, json_t *facts, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    AUTO_JSON json_t *list = json_array();
    if (is_there(facts, c->request->rm_db)) {
        str_append(&sql, "SELECT region, code, cm_url, is_default_cm FROM ");
        sql_table(&sql, c->request->rm_db, "cluster_info");
        str_append(&sql, " ORDER BY code");
        int rc = query_if_there(c, str_get(&sql), &rows, err);
        if (rc < 0) {
            return -1;
        }
        while (rc > 0 && rows_next(&rows)) {
            const char *code = rows_text(&rows, 1, "");
            struct err no_number;
            uint64_t value = 0;
            bool number = str_to_u64(code, 0, INT64_MAX, "code", &value, &no_number) == 0;
            json_add(list, json_make("{s:o, s:o, s:o, s:b}", "region", text_or_null(&rows, 0),
                                     "code", number ? json_integer((json_int_t)value) : json_null(),
                                     "cm_url", text_or_null(&rows, 2), "default",
                                     is_true(rows_text(&rows, 3, "0"))));
        }
    }
    json_put(facts, "regions", TAKE(list));
    return 0;
}

/* A host's region is the name of its resource group, which is the region's code. */
static int read_hosts(struct conn *c, json_t *facts, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    AUTO_JSON json_t *list = json_array();
    if (is_there(facts, c->request->cm_db)) {
        str_append(&sql, "SELECT h.ip, h.host_status, g.name FROM ");
        sql_table(&sql, c->request->cm_db, "host");
        str_append(&sql, " h LEFT JOIN ");
        sql_table(&sql, c->request->cm_db, "resource_group");
        str_append(&sql, " g ON g.id = h.resource_group_id ORDER BY h.ip");
        int rc = query_if_there(c, str_get(&sql), &rows, err);
        if (rc < 0) {
            return -1;
        }
        while (rc > 0 && rows_next(&rows)) {
            json_add(list, json_make("{s:o, s:o, s:o}", "ip", text_or_null(&rows, 0), "status",
                                     text_or_null(&rows, 1), "region", text_or_null(&rows, 2)));
        }
    }
    json_put(facts, "hosts", TAKE(list));
    return 0;
}

struct projects {
    json_int_t total, running;
    struct strv names;
};

static int read_project_table(struct conn *c, const char *table, struct projects *p,
                              struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SELECT project_name, project_status FROM ");
    sql_table(&sql, c->request->rm_db, table);
    str_append(&sql, " WHERE project_status IS NULL OR project_status <> 'DELETED'");
    int rc = query_if_there(c, str_get(&sql), &rows, err);
    while (rc > 0 && rows_next(&rows)) {
        p->total++;
        p->running += strcasecmp(rows_text(&rows, 1, ""), "RUNNING") == 0;
        if (rows_text(&rows, 0, NULL)) {
            strv_add(&p->names, rows_text(&rows, 0, ""));
        }
    }
    return rc < 0 ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No two projects may share a name, whichever of the two tables they are in: domain page, "Which
 * version may go to which". */
static json_t *duplicates(struct strv *names)
{
    json_t *list = json_array();
    if (names->count > 1) {
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    }
    for (size_t i = 1; i < names->count; i++) {
        bool same = strcmp(names->items[i], names->items[i - 1]) == 0;
        bool said = i > 1 && strcmp(names->items[i], names->items[i - 2]) == 0;
        json_t *name = same && !said ? json_from_text(names->items[i]) : NULL;
        if (name) {
            json_add(list, name);
        }
    }
    return list;
}

static int read_projects(struct conn *c, json_t *facts, struct err *err)
{
    struct projects p = {.names = STRV_INIT};
    int rc = 0;
    if (is_there(facts, c->request->rm_db)) {
        rc = read_project_table(c, "oms_project", &p, err);
        if (rc == 0) {
            rc = read_project_table(c, "oms_sync_project", &p, err);
        }
    }
    if (rc == 0) {
        json_put(facts, "projects",
                 json_make("{s:I, s:I, s:o}", "total", p.total, "running", p.running,
                           "duplicate_names", duplicates(&p.names)));
    }
    strv_free(&p.names);
    return rc;
}

static int read_ha(struct conn *c, json_t *facts, struct err *err)
{
    AUTO_FREE char *text = NULL;
    struct err e = ERR_INIT;
    if (is_there(facts, c->request->rm_db) && ha_read(c, &text, &e) < 0 &&
        e.kind != ERR_NOT_FOUND) {
        *err = e;
        return -1;
    }
    json_put_text(facts, "ha_config", text);
    return 0;
}

static int read_privileges(struct conn *c, json_t *facts, struct err *err)
{
    json_t *privileges = NULL;
    if (privileges_read(c, &privileges, err) < 0) {
        return -1;
    }
    json_put(facts, "privileges", privileges);
    return 0;
}

int facts_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_JSON json_t *facts = json_object();
    if (conn_open(request, &c, err) < 0 || read_server(&c, facts, err) < 0 ||
        read_databases(&c, facts, err) < 0 || read_ha(&c, facts, err) < 0 ||
        read_regions(&c, facts, err) < 0 || read_hosts(&c, facts, err) < 0 ||
        read_projects(&c, facts, err) < 0 || read_privileges(&c, facts, err) < 0) {
        return -1;
    }
    *ret = TAKE(facts);
    return 0;
}
