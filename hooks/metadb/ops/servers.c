/* `servers`: is every OMS server online, and does its supervisor still write heartbeats? */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/session.h"
#include "hooks/metadb/wire/sql.h"

/* The entry of `ip`, made when it is not there yet. Borrowed from `hosts`. */
static json_t *host_entry(json_t *hosts, const char *ip)
{
    size_t i;
    json_t *host;
    json_array_foreach (hosts, i, host) {
        if (str_eq(json_text(host, "ip", NULL), ip)) {
            return host;
        }
    }
    host = json_make("{s:s, s:n, s:n, s:n}", "ip", ip, "status", "heartbeat_age_ms", "heartbeat");
    json_add(hosts, host);
    return host;
}

static int read_status(struct conn *c, json_t *hosts, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SELECT ip, host_status FROM ");
    sql_table(&sql, c->request->cm_db, "host");
    str_append(&sql, " WHERE ip IS NOT NULL ORDER BY ip");
    if (conn_query(c, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        json_put_text(host_entry(hosts, rows_text(&rows, 0, "")), "status",
                      rows_text(&rows, 1, NULL));
    }
    return 0;
}

/* The age is taken by the server's own clock, in SQL, in the session time zone the server gives. */
static int read_heartbeats(struct conn *c, const char *database, json_t *hosts, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_append(&sql, "SELECT host_ip, FLOOR(TIMESTAMPDIFF(MICROSECOND, MAX(gmt_modified), NOW(6)) "
                     "/ 1000), MAX(gmt_modified) FROM ");
    sql_table(&sql, database, "heart_beat");
    str_append(&sql, " WHERE task_name = 'supervisor' AND host_ip IS NOT NULL GROUP BY host_ip");
    struct err e = ERR_INIT;
    if (conn_query(c, str_get(&sql), &rows, &e) < 0) {
        if (e.kind == ERR_NOT_FOUND) {
            return 0; /* before its first start a region has no such table */
        }
        *err = e;
        return -1;
    }
    while (rows_next(&rows)) {
        json_t *host = host_entry(hosts, rows_text(&rows, 0, ""));
        const char *age = rows_text(&rows, 1, NULL);
        json_t *old = json_walk(host, "heartbeat_age_ms");
        if (age && (!old || json_integer_value(old) > strtoll(age, NULL, 10))) {
            json_put(host, "heartbeat_age_ms", json_integer(strtoll(age, NULL, 10)));
            json_put_text(host, "heartbeat", rows_text(&rows, 2, NULL));
        }
    }
    return 0;
}

int servers_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_JSON json_t *hosts = json_array();
    AUTO_FREE char *now = NULL;
    if (!request->cm_db) {
        return err_fail(err, ERR_USAGE, "the request names no cm database");
    }
    if (conn_open(request, &c, err) < 0 || session_use_given_zone(&c, err) < 0 ||
        conn_query_text(&c, "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)", &now, err) <
            0 ||
        read_status(&c, hosts, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < request->heartbeat_dbs.count; i++) {
        if (read_heartbeats(&c, request->heartbeat_dbs.items[i], hosts, err) < 0) {
            return -1;
        }
    }
    *ret = json_make("{s:I, s:o}", "now_ms", (json_int_t)(now ? strtoll(now, NULL, 10) : 0),
                     "hosts", TAKE(hosts));
    return 0;
}
