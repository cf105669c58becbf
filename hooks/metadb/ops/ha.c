/* `ha-get` and `ha-set`. An update names the text that was seen, so that somebody else's change
 * meanwhile (the console's) is never lost. */
#include "hooks/metadb/ops/ha.h"

#include <string.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/ops/ha_edit.h"
#include "hooks/metadb/wire/session.h"
#include "hooks/metadb/wire/sql.h"

int ha_read(struct conn *c, char **ret, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    const char *db = c->request->rm_db;
    str_append(&sql, "SELECT cfg_value FROM ");
    sql_table(&sql, db, "oms_normal_config");
    str_append(&sql, " WHERE cfg_name = 'ha.config'");
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    if (!rows_next(&rows) || !rows_text(&rows, 0, NULL)) {
        err_fail(err, ERR_NOT_FOUND,
                 "database '%s' has no HA settings: oms_normal_config has no row 'ha.config'", db);
        return err_hint(err, "open System Management > System Parameters in the OMS console once "
                             "and save ha.config there");
    }
    AUTO_FREE char *text = mem_strndup(rows.row[0], rows.len[0]);
    if (rows_next(&rows)) {
        return err_fail(err, ERR_FAILED,
                        "database '%s' has more than one row 'ha.config' in oms_normal_config", db);
    }
    *ret = TAKE(text);
    return 0;
}

static int open_and_read(const struct request *request, struct conn *ret_c, char **ret_text,
                         struct err *err)
{
    if (!request->rm_db) {
        return err_fail(err, ERR_USAGE, "the request names no rm database");
    }
    /* The row has the time of its change, which is the server's own. */
    if (conn_open(request, ret_c, err) < 0 || session_use_given_zone(ret_c, err) < 0) {
        return -1;
    }
    return ha_read(ret_c, ret_text, err);
}

int ha_get_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *config = NULL;
    if (open_and_read(request, &c, &text, err) < 0 ||
        json_parse(text, strlen(text), "ha.config", &config, err) < 0) {
        return -1;
    }
    *ret = json_make("{s:s, s:o}", "text", text, "config", TAKE(config));
    return 0;
}

static int changed_meanwhile(const char *database, struct err *err)
{
    err_fail(err, ERR_FAILED,
             "ha.config in database '%s' was changed by somebody else meanwhile; it was left alone",
             database);
    return err_hint(err, "look at it in the console (System Parameters), then start again");
}

/* Compared as bytes in utf8mb4, which is what ha_read() saw, whatever the column's charset. */
static int update(struct conn *c, const char *before, const char *after, struct err *err)
{
    const char *db = c->request->rm_db;
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "UPDATE ");
    sql_table(&sql, db, "oms_normal_config");
    str_append(&sql, " SET cfg_value = ");
    sql_text(&sql, after, strlen(after));
    str_append(&sql, " WHERE cfg_name = 'ha.config' AND "
                     "CAST(CONVERT(cfg_value USING utf8mb4) AS BINARY) = CAST(");
    sql_text(&sql, before, strlen(before));
    str_append(&sql, " AS BINARY)");
    if (conn_exec(c, str_get(&sql), sql.len, err) < 0) {
        return -1;
    }
    if (conn_affected(c) != 1) {
        return changed_meanwhile(db, err);
    }
    /* A column that is too short or of a poorer charset changes the text without an error. */
    AUTO_FREE char *now = NULL;
    if (ha_read(c, &now, err) < 0) {
        return -1;
    }
    if (strcmp(now, after) != 0) {
        err_fail(err, ERR_FAILED, "ha.config in database '%s' does not read back as written", db);
        return err_hint(err, "compare it with the text kept in the run's journal");
    }
    return 0;
}

static int wanted_text(const struct request *request, const char *before, struct str *after,
                       struct err *err)
{
    const json_t *set = json_walk(request->parameters, "set");
    const char *text = json_text(request->parameters, "text", NULL);
    if ((set != NULL) == (text != NULL)) {
        return err_fail(err, ERR_USAGE, "ha-set wants one of \"set\" and \"text\"");
    }
    if (text) {
        str_append(after, text);
        return 0;
    }
    return ha_edit(before, set, after, err);
}

int ha_set_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_FREE char *before = NULL;
    AUTO_STR struct str after = STR_INIT;
    const char *expect = json_text(request->parameters, "expect", NULL);
    if (open_and_read(request, &c, &before, err) < 0) {
        return -1;
    }
    if (expect && strcmp(expect, before) != 0) {
        return changed_meanwhile(request->rm_db, err);
    }
    if (wanted_text(request, before, &after, err) < 0) {
        return -1;
    }
    bool changed = strcmp(before, str_get(&after)) != 0;
    if (changed && update(&c, before, str_get(&after), err) < 0) {
        return -1;
    }
    *ret = json_make("{s:s, s:s, s:b}", "before", before, "after", str_get(&after), "changed",
                     changed);
    return 0;
}
