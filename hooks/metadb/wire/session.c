#include "hooks/metadb/wire/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hooks/metadb/wire/sql.h"

#define NO_LIMIT "18446744073709551615"
/* What servers that count with a sign take for it. */
#define NO_LIMIT_SIGNED "9223372036854775807"
#define DAY_US "86400000000"

/* Servers' words for: there is no such variable, it is the whole server's alone, it is fixed. */
enum { NO_SUCH_VARIABLE = 1193, GLOBAL_VARIABLE = 1229, READ_ONLY_VARIABLE = 1238, FIXED = 1621 };

struct setting {
    const char *name;
    const char *want; /* as it is read back */
    const char *also; /* another spelling of it, or NULL */
    const char *sql;  /* NULL: 'want' */
    unsigned least;   /* a number that will do where the server grants no other; 0: none will */
};

#define NUMBER(name, value)         \
    {                               \
        name, value, NULL, value, 0 \
    }
#define WISH(name, value, least)        \
    {                                   \
        name, value, NULL, value, least \
    }
#define ON(name)                \
    {                           \
        name, "1", "ON", "1", 0 \
    }
#define OFF(name)                \
    {                            \
        name, "0", "OFF", "0", 0 \
    }
#define TEXT(name, value)          \
    {                              \
        name, value, NULL, NULL, 0 \
    }

/* In the order in which they are set. Those of all families of servers; a server's own
 * documentation has each under its name. Waits for locks are short: who must wait longer says so
 * afterwards. */
static const struct setting settings[] = {
    /* How many rows there are. */
    NUMBER("sql_select_limit", NO_LIMIT),
    NUMBER("max_join_size", NO_LIMIT),
    ON("sql_big_selects"),
    OFF("sql_safe_updates"),
    OFF("sql_auto_is_null"),
    TEXT("system_versioning_asof", "DEFAULT"),
    TEXT("ob_read_consistency", "STRONG"),
    /* How long it may last, how much it may take. */
    NUMBER("max_statement_time", "0"),
    NUMBER("max_execution_time", "0"),
    WISH("lock_wait_timeout", "60", 1),
    WISH("innodb_lock_wait_timeout", "60", 1),
    WISH("net_read_timeout", "3600", 30),
    WISH("net_write_timeout", "3600", 30),
    WISH("wait_timeout", "86400", 600),
    NUMBER("idle_transaction_timeout", "0"),
    NUMBER("idle_readonly_transaction_timeout", "0"),
    NUMBER("idle_write_transaction_timeout", "0"),
    NUMBER("ob_query_timeout", DAY_US),
    NUMBER("ob_trx_timeout", DAY_US),
    NUMBER("ob_trx_idle_timeout", DAY_US),
    NUMBER("max_session_mem_used", NO_LIMIT_SIGNED),
    NUMBER("tmp_disk_table_size", NO_LIMIT),
    NUMBER("wsrep_sync_wait", "0"), /* it would wait for what the backup's own lock holds up */
    /* What is said and shown. */
    TEXT("sql_mode", ""),
    TEXT("time_zone", "+00:00"),
    TEXT("character_set_client", "utf8mb4"),
    TEXT("character_set_connection", "utf8mb4"),
    TEXT("character_set_results", "utf8mb4"),
    ON("sql_quote_show_create"),
    NUMBER("group_concat_max_len", "1048576"),
    NUMBER("div_precision_increment", "4"),
    NUMBER("information_schema_stats_expiry", "0"),
    /* What becomes of what is written. */
    ON("autocommit"),
    {"completion_type", "NO_CHAIN", "0", "0", 0},
    OFF("tx_read_only"),
    OFF("transaction_read_only"),
    ON("foreign_key_checks"),
    ON("unique_checks"),
    ON("explicit_defaults_for_timestamp"),
    NUMBER("auto_increment_increment", "1"),
    NUMBER("auto_increment_offset", "1"),
    OFF("innodb_compression_default"),
    {"enforce_storage_engine", "", NULL, "NULL", 0},
    OFF("sql_if_exists"),
    OFF("sql_generate_invisible_primary_key"),
    TEXT("alter_algorithm", "DEFAULT"),
};

struct session {
    struct conn *conn;
    bool there[ARRAY_LEN(settings)];
    bool wrong[ARRAY_LEN(settings)]; /* or not known */
    bool shown;                      /* what is there was told by the server */
};

static bool as_number(const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

bool session_value_is(const char *want, const char *found)
{
    static const double no_limit = 9223372036854775807.0;
    double a, b;
    if (as_number(want, &a) && as_number(found, &b)) {
        return a >= no_limit ? b >= no_limit : a == b;
    }
    return strcasecmp(want, found) == 0;
}

static bool is_right(const struct setting *s, const char *found)
{
    return session_value_is(s->want, found) || (s->also && session_value_is(s->also, found));
}

static bool will_do(const struct setting *s, const char *found)
{
    double number;
    return is_right(s, found) || (s->least && as_number(found, &number) && number >= s->least);
}

static void append_value(struct str *sql, const struct setting *s)
{
    if (s->sql) {
        str_appendf(sql, "%s=%s", s->name, s->sql);
    } else {
        str_appendf(sql, "%s='%s'", s->name, s->want);
    }
}

/* A statement that a server may refuse; only a lost connection is an error. */
static int try_set(struct conn *c, const char *sql, unsigned *ret_number, struct err *err)
{
    struct err e = ERR_INIT;
    *ret_number = conn_exec(c, sql, strlen(sql), &e) == 0 ? 0 : conn_errno(c);
    if (*ret_number != 0 && e.kind == ERR_UNREACHABLE) {
        *err = e;
        return -1;
    }
    return 0;
}

/* Before anything is asked: a limit on rows would hide variables, too. */
static int set_first(struct conn *c, struct err *err)
{
    static const char mode[] = "SET SESSION sql_mode=''";
    static const char *const limits[] = {"SET SESSION sql_select_limit=" NO_LIMIT,
                                         "SET SESSION sql_select_limit=" NO_LIMIT_SIGNED};
    unsigned number;
    if (conn_exec(c, mode, sizeof(mode) - 1, err) < 0 || try_set(c, limits[0], &number, err) < 0) {
        return -1;
    }
    return number != 0 ? try_set(c, limits[1], &number, err) : 0;
}

static const struct setting *find_setting(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (strcasecmp(settings[i].name, name) == 0) {
            return &settings[i];
        }
    }
    return NULL;
}

/* A server that does not show what it has is asked to set all of them. */
static void expect_all(struct session *s)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        s->there[i] = s->wrong[i] = true;
    }
}

static int look(struct session *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    struct err e = ERR_INIT;
    str_append(&sql, "SHOW SESSION VARIABLES WHERE Variable_name IN (");
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        str_appendf(&sql, "%s'%s'", i ? "," : "", settings[i].name);
    }
    str_append_c(&sql, ')');
    if (conn_query(s->conn, str_get(&sql), &rows, &e) < 0) {
        if (e.kind == ERR_UNREACHABLE) {
            *err = e;
            return -1;
        }
        expect_all(s);
        return 0;
    }
    while (rows_next(&rows)) {
        const char *name = rows_text(&rows, 0, "");
        const struct setting *setting = find_setting(name);
        if (strcasecmp(name, "time_zone") == 0) {
            (void)snprintf(s->conn->given_zone, sizeof(s->conn->given_zone), "%s",
                           rows_text(&rows, 1, ""));
        }
        if (setting) {
            s->there[setting - settings] = true;
            s->wrong[setting - settings] = !is_right(setting, rows_text(&rows, 1, ""));
        }
    }
    /* First in the table: had this server kept its limit, it might have shown too little. */
    s->shown = s->there[0];
    if (!s->shown) {
        expect_all(s);
    }
    return 0;
}

static int set_each(struct session *s, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        AUTO_STR struct str sql = STR_INIT;
        unsigned number = 0;
        str_append(&sql, "SET SESSION ");
        append_value(&sql, &settings[i]);
        if (s->wrong[i] && try_set(s->conn, str_get(&sql), &number, err) < 0) {
            return -1;
        }
        /* What no session can have otherwise is as the server was started, and as OMS has it. */
        bool absent = number == NO_SUCH_VARIABLE && !s->shown;
        s->there[i] = s->there[i] && !absent && number != GLOBAL_VARIABLE &&
                      number != READ_ONLY_VARIABLE && number != FIXED;
    }
    return 0;
}

static int set_wrong(struct session *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    unsigned number = 0;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (s->wrong[i]) {
            str_append(&sql, sql.len ? ", " : "SET SESSION ");
            append_value(&sql, &settings[i]);
        }
    }
    if (sql.len && try_set(s->conn, str_get(&sql), &number, err) < 0) {
        return -1;
    }
    return number != 0 ? set_each(s, err) : 0;
}

static int fail_setting(const struct conn *c, const struct setting *s, const char *found,
                        struct err *err)
{
    err_fail(err, ERR_REFUSED,
             "the MetaDB at '%s:%u' keeps session variable '%s' at '%s', but it has to be '%s'",
             c->request->host, c->request->port, s->name, found, s->want);
    return err_hint(err, "set it so for all (SET GLOBAL), or let user '%s' set it for a session",
                    c->request->user);
}

static int read_back(const struct session *s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (s->there[i]) {
            str_appendf(&sql, "%s@@%s", sql.len ? ", " : "SELECT ", settings[i].name);
        }
    }
    if (!sql.len || conn_query(s->conn, str_get(&sql), &rows, err) < 0) {
        return sql.len ? -1 : err_fail(err, ERR_FAILED, "the MetaDB takes no session variables");
    }
    if (!rows_next(&rows)) {
        return err_fail(err, ERR_FAILED, "the MetaDB does not tell its session variables");
    }
    unsigned column = 0;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const char *found = s->there[i] ? rows_text(&rows, column++, "") : NULL;
        if (found && !will_do(&settings[i], found)) {
            return fail_setting(s->conn, &settings[i], found, err);
        }
    }
    return 0;
}

int session_open(struct conn *c, struct err *err)
{
    struct session s = {.conn = c};
    return set_first(c, err) < 0 || look(&s, err) < 0 || set_wrong(&s, err) < 0
               ? -1
               : read_back(&s, err);
}

int session_use_given_zone(struct conn *c, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, "SET SESSION time_zone = ");
    if (c->given_zone[0] != '\0') {
        sql_text(&sql, c->given_zone, strlen(c->given_zone));
    } else {
        str_append(&sql, "@@GLOBAL.time_zone");
    }
    return conn_exec(c, str_get(&sql), sql.len, err);
}
