/* Whether anybody writes heartbeats into a database that is to be replaced: then an OMS runs on it,
 * on whatever host and under whatever name, and what it writes would be lost. */
#include <string.h>

#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

/* What the newest heartbeats of a database are; "" where it has none. */
static int read_beats(struct conn *c, const char *database, struct str *ret, struct err *err)
{
    static const char *const queries[][2] = {
        {"SELECT host_ip, task_name, MAX(gmt_modified) FROM ", "heart_beat"},
        {"SELECT MAX(id), MAX(gmt_modified), COUNT(*) > 0 FROM ", "heatbeat_sequence"},
    };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        AUTO_STR struct str sql = STR_INIT;
        AUTO_ROWS struct rows rows = ROWS_INIT;
        struct err e = ERR_INIT;
        str_append(&sql, queries[i][0]);
        sql_table(&sql, database, queries[i][1]);
        str_append(&sql, i == 0 ? " GROUP BY host_ip, task_name ORDER BY host_ip, task_name" : "");
        if (conn_query(c, str_get(&sql), &rows, &e) < 0) {
            if (e.kind == ERR_NOT_FOUND) {
                continue;
            }
            *err = e;
            return -1;
        }
        while (rows_next(&rows)) {
            str_appendf(ret, "%s|%s|%s\n", rows_text(&rows, 0, ""), rows_text(&rows, 1, ""),
                        rows_text(&rows, 2, ""));
        }
    }
    return 0;
}

int restore_note_beats(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        str_reset(&r->dbs[i].beats);
        if (read_beats(&r->lead, r->dbs[i].target, &r->dbs[i].beats, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int restore_check_beats(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        AUTO_STR struct str now = STR_INIT;
        if (read_beats(&r->lead, r->dbs[i].target, &now, err) < 0) {
            return -1;
        }
        if (strcmp(str_get(&now), str_get(&r->dbs[i].beats)) != 0) {
            return err_fail(err, ERR_REFUSED,
                            "the heartbeats in '%s' moved while the backup was being loaded: an "
                            "OMS runs on these databases\n"
                            "HINT: nothing was replaced; stop that OMS, on every node, and try "
                            "again",
                            r->dbs[i].target);
        }
    }
    return 0;
}
