/* `fingerprint`: one digest over the definitions of all tables and views of the deployment's
 * databases. Two equal ones tell that no schema migration happened in between; what rows hold is
 * not in it. */
#include "hooks/metadb/model/fingerprint.h"

#include <string.h>

#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/digest.h"

/* " AUTO_INCREMENT=123" moves with each row that is written, and says nothing of the schema. */
static void digest_definition(struct digest *d, const char *text)
{
    static const char counter[] = " AUTO_INCREMENT=";
    const char *at = strstr(text, counter);
    if (at == NULL) {
        digest_update(d, text, strlen(text) + 1);
        return;
    }
    const char *after = at + strlen(counter);
    after += strspn(after, "0123456789");
    digest_update(d, text, (size_t)(at - text));
    digest_update(d, after, strlen(after) + 1);
}

static int list_tables(struct conn *c, const char *database, struct strv *ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SHOW TABLES FROM ");
    sql_name(&sql, database);
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        strv_add(ret, rows_text(&rows, 0, ""));
    }
    return 0;
}

static int digest_table(struct conn *c, const char *database, const char *table, struct digest *d,
                        struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err broken = ERR_INIT;
    str_append(&sql, "SHOW CREATE TABLE ");
    sql_table(&sql, database, table);
    digest_update(d, table, strlen(table) + 1);
    if (conn_query(c, str_get(&sql), &rows, &broken) < 0) {
        if (broken.kind == ERR_UNREACHABLE || broken.kind == ERR_TIMEOUT) {
            *err = broken;
            return -1;
        }
        return 0; /* a view whose tables are gone: its name is all that can be had */
    }
    if (rows_next(&rows)) {
        digest_definition(d, rows_text(&rows, 1, ""));
    }
    return 0;
}

static int digest_database(struct conn *c, const char *database, struct digest *d, struct err *err)
{
    AUTO_STRV struct strv tables = STRV_INIT;
    if (list_tables(c, database, &tables, err) < 0) {
        return -1;
    }
    digest_update(d, database, strlen(database) + 1);
    for (size_t i = 0; i < tables.count; i++) {
        if (digest_table(c, database, tables.items[i], d, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int fingerprint_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_STRV struct strv databases = STRV_INIT;
    if (conn_open(request, &c, err) < 0) {
        return -1;
    }
    request_databases(request, &databases);
    struct digest *d = digest_new();
    for (size_t i = 0; i < databases.count; i++) {
        if (digest_database(&c, databases.items[i], d, err) < 0) {
            digest_free(d);
            return -1;
        }
    }
    char hex[DIGEST_HEX_MAX];
    digest_finish_take(d, hex);
    *ret = json_make("{s:s}", "fingerprint", hex);
    return 0;
}
