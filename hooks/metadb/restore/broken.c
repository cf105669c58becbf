/* Broken views: stand-in tables of all that one names, the view, the stand-ins dropped again. It
 * goes before the tables, and what fails leaves no stand-in behind. */
#include <string.h>

#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/model/view.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

struct broken {
    struct restore *r;
    size_t database;
    struct strv stand_ins; /* that are there */
    bool failed;           /* one of this view's stand-ins */
    bool dropping;
    struct err why;
};

static char *first_name(const char *sql)
{
    const char *p = strchr(sql, '`'), *end = p ? sql_skip_quoted(p) : NULL;
    return p ? mem_strndup(p, (size_t)(end - p)) : mem_strdup("");
}

static void stand_in(struct broken *b, const char *sql)
{
    AUTO_FREE char *name = first_name(sql);
    if (b->dropping) {
        b->failed = b->dropping = false;
    }
    if (conn_exec(&b->r->lead, sql, strlen(sql), &b->why) == 0) {
        strv_add(&b->stand_ins, name);
    } else {
        b->failed = true;
    }
}

static void drop_stand_in(struct broken *b, const char *sql)
{
    AUTO_FREE char *name = first_name(sql);
    struct err ignored = ERR_INIT;
    b->dropping = true;
    if (strv_has(&b->stand_ins, name)) {
        (void)!conn_exec(&b->r->lead, sql, strlen(sql), &ignored);
    }
}

static char *view_name(const char *sql)
{
    const char *p = strstr(sql, " VIEW `");
    AUTO_FREE char *quoted = first_name(p ? p : sql);
    size_t len = strlen(quoted);
    return len > 2 ? mem_strndup(quoted + 1, len - 2) : mem_strdup("");
}

static int run_broken(void *arg, const char *sql, size_t len, struct err *err)
{
    struct broken *b = arg;
    AUTO_FREE char *text = mem_strndup(sql, len);
    if (str_starts_with(text, "CREATE TABLE ")) {
        stand_in(b, text);
    } else if (str_starts_with(text, "DROP TABLE ")) {
        drop_stand_in(b, text);
    } else if (b->failed || conn_exec(&b->r->lead, text, len, &b->why) < 0) {
        if (str_starts_with(text, "CREATE ")) {
            AUTO_FREE char *name = view_name(text);
            restore_keep_text(b->r, b->database, "broken view", name, NULL, text, &b->why);
        }
    }
    if (restore_is_over(&b->why)) {
        *err = b->why;
        return -1;
    }
    return 0;
}

int restore_make_broken(struct restore *r, size_t database, const char *where, struct err *err)
{
    struct broken b = {.r = r, .database = database, .why = ERR_INIT};
    int rc = restore_use(&r->lead, where, err) < 0
                 ? -1
                 : restore_read_frames(r, database, "broken", run_broken, &b, err);
    strv_free(&b.stand_ins);
    return rc;
}

static int is_there(struct restore *r, const struct restore_db *db, const char *name, bool *ret,
                    struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    AUTO_FREE char *text = restore_text_of(db, name);
    struct err e = ERR_INIT;
    *ret = false;
    if (restore_use(&r->lead, db->target, &e) < 0 ||
        view_show(&r->lead, db->target, name, &rows, &e) < 0) {
        if (restore_is_over(&e)) {
            *err = e;
            return -1;
        }
        return 0;
    }
    *ret = rows_next(&rows) &&
           compare_same_create(rows_text(&rows, 1, ""), db->target, text, db->name);
    return 0;
}

int restore_has_broken(struct restore *r, bool *ret, struct err *err)
{
    *ret = true;
    for (size_t i = 0; i < r->count; i++) {
        size_t k;
        json_t *entry;
        json_array_foreach (json_walk(r->dbs[i].entry, "tables"), k, entry) {
            if (*ret && json_bool(entry, "broken", false) &&
                is_there(r, &r->dbs[i], json_text(entry, "name", ""), ret, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
