#include "hooks/metadb/ops/privileges.h"

#include <string.h>

#include "hooks/metadb/model/names.h"
#include "hooks/metadb/wire/sql.h"

/* The databases themselves: read, trimmed, written to (ha.config), and moved aside table by table
 * (RENAME wants ALTER and DROP here, CREATE and INSERT there). */
static const char *const wants_own[] = {"SELECT", "INSERT", "UPDATE", "DELETE",
                                        "CREATE", "DROP",   "ALTER",  NULL};
/* The databases that a restore makes beside them. */
static const char *const wants_beside[] = {"SELECT", "INSERT", "CREATE", "DROP",
                                           "ALTER",  "INDEX",  NULL};

/* Grants of one account: `patterns` and `names` run parallel; "" is every database. */
struct grants {
    struct strv patterns, names;
};

#define AUTO_GRANTS CLEANUP(grants_free)

static void grants_free(struct grants *g)
{
    strv_free(&g->patterns);
    strv_free(&g->names);
}

/* One character of a pattern against one of a name; *ret_step is how much of the pattern it took.
 */
static bool matches_one(const char *pattern, char c, size_t *ret_step)
{
    bool literal = pattern[0] == '\\' && pattern[1] != '\0';
    *ret_step = literal ? 2 : 1;
    return (!literal && pattern[0] == '_') || pattern[literal] == c;
}

bool privileges_cover(const char *pattern, const char *database)
{
    const char *after_star = NULL, *retry = NULL;
    while (*database) {
        size_t step;
        if (*pattern == '%') {
            after_star = ++pattern;
            retry = database;
        } else if (*pattern && matches_one(pattern, *database, &step)) {
            pattern += step;
            database++;
        } else if (after_star) {
            /* The last % takes one character more. */
            pattern = after_star;
            database = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "%")] == '\0';
}

static bool has(const struct grants *g, const char *privilege, const char *database)
{
    for (size_t i = 0; i < g->names.count; i++) {
        const char *pattern = g->patterns.items[i];
        if (str_eq(g->names.items[i], privilege) &&
            (!*pattern || (database && privileges_cover(pattern, database)))) {
            return true;
        }
    }
    return false;
}

/* 1, or 0 when the server has no such thing. */
static int query_if_there(struct conn *c, const char *sql, struct rows *ret, struct err *err)
{
    struct err e = ERR_INIT;
    if (conn_query(c, sql, ret, &e) == 0) {
        return 1;
    }
    if (e.kind == ERR_UNREACHABLE || e.kind == ERR_INTERRUPTED) {
        *err = e;
        return -1;
    }
    return 0;
}

static int read_grants(struct conn *c, const char *view, const char *schema, const char *grantee,
                       struct grants *g, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    str_appendf(&sql,
                "SELECT %s, privilege_type FROM information_schema.%s WHERE grantee = ", schema,
                view);
    sql_text(&sql, grantee, strlen(grantee));
    int rc = query_if_there(c, str_get(&sql), &rows, err);
    while (rc > 0 && rows_next(&rows)) {
        strv_add(&g->patterns, rows_text(&rows, 0, ""));
        strv_add(&g->names, rows_text(&rows, 1, ""));
    }
    return rc;
}

/* 'user'@'host' of user@host; the host has no @, a user may. */
static char *quote_account(const char *account)
{
    const char *at = strrchr(account, '@');
    return at ? mem_printf("'%.*s'@'%s'", (int)(at - account), account, at + 1)
              : mem_strdup(account);
}

static int read_role(struct conn *c, bool *ret_active, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    int rc = query_if_there(c, "SELECT CURRENT_ROLE()", &rows, err);
    const char *role = rc > 0 && rows_next(&rows) ? rows_text(&rows, 0, "NONE") : "NONE";
    *ret_active = !str_eq(role, "NONE") && !str_eq(role, "");
    return rc < 0 ? -1 : 0;
}

void privileges_escape(struct str *s, const char *name)
{
    for (; *name; name++) {
        if (*name == '_' || *name == '%') {
            str_append_c(s, '\\');
        }
        str_append_c(s, *name);
    }
}

static void add_missing(json_t *list, const struct grants *g, const char *database, bool beside)
{
    const char *const *wants = beside ? wants_beside : wants_own;
    /* Any name of that kind stands for all. */
    AUTO_FREE char *sample =
        beside ? names_of(database, NAMES_STAGING, "20261122") : mem_strdup(database);
    AUTO_STR struct str missing = STR_INIT;
    AUTO_STR struct str pattern = STR_INIT;
    for (size_t i = 0; wants[i]; i++) {
        if (!has(g, wants[i], sample)) {
            str_appendf(&missing, "%s%s", missing.len ? ", " : "", wants[i]);
        }
    }
    if (missing.len == 0) {
        return;
    }
    AUTO_FREE char *head = beside ? names_head(database) : mem_strdup(database);
    AUTO_FREE char *shown = mem_printf("%s%s", head, beside ? "%" : "");
    privileges_escape(&pattern, head);
    str_append(&pattern, beside ? "%" : "");
    json_add(list, json_make("{s:s, s:s, s:s}", "database", shown, "pattern", str_get(&pattern),
                             "privileges", str_get(&missing)));
}

static bool locks_all(const struct grants *g, const struct strv *databases)
{
    for (size_t i = 0; i < databases->count; i++) {
        if (!has(g, "LOCK TABLES", databases->items[i])) {
            return false;
        }
    }
    return true;
}

int privileges_read(struct conn *c, json_t **ret, struct err *err)
{
    AUTO_GRANTS struct grants g = {.patterns = STRV_INIT, .names = STRV_INIT};
    AUTO_STRV struct strv databases = STRV_INIT;
    AUTO_FREE char *account = NULL;
    AUTO_JSON json_t *missing = json_array();
    bool has_role = false;
    if (conn_query_text(c, "SELECT CURRENT_USER()", &account, err) < 0 ||
        read_role(c, &has_role, err) < 0) {
        return -1;
    }
    AUTO_FREE char *grantee = quote_account(account ? account : "");
    int users = read_grants(c, "user_privileges", "''", grantee, &g, err);
    int schemas =
        users < 0 ? -1 : read_grants(c, "schema_privileges", "table_schema", grantee, &g, err);
    if (schemas < 0) {
        return -1;
    }
    request_databases(c->request, &databases);
    for (size_t i = 0; i < databases.count; i++) {
        add_missing(missing, &g, databases.items[i], false);
        add_missing(missing, &g, databases.items[i], true);
    }
    bool known = users > 0 && schemas > 0 && g.names.count > 0 &&
                 (!has_role || json_array_size(missing) == 0);
    const char *snapshot = has(&g, "RELOAD", NULL)     ? "RELOAD"
                           : locks_all(&g, &databases) ? "LOCK TABLES"
                                                       : NULL;
    *ret = json_make("{s:s, s:b, s:s?, s:O}", "account", grantee, "known", (int)known, "snapshot",
                     snapshot, "missing", missing);
    return 0;
}
