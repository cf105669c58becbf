/* Triggers, and the routines and events of a backup that holds them: made last, so that none fires
 * at a row that is restored. What cannot be made is told and kept as text. */
#include <string.h>

#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/model/trigger.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"

static int make_triggers(struct restore *r, size_t i, bool in_staging, struct err *err)
{
    const struct restore_db *db = &r->dbs[i];
    bool as_given = !in_staging && strcmp(db->name, db->target) == 0;
    size_t k;
    json_t *trigger;
    json_array_foreach (json_walk(db->entry, "triggers"), k, trigger) {
        struct err e = ERR_INIT;
        if (trigger_make(&r->lead, in_staging ? db->staging : db->target, trigger, as_given, &e) ==
            0) {
            continue;
        }
        if (restore_is_over(&e)) {
            *err = e;
            return -1;
        }
        AUTO_FREE char *text = definition_of(trigger, "create");
        AUTO_STR struct str settings = STR_INIT;
        trigger_append_session(&settings, trigger, text);
        str_append_n(&settings, "", 1);
        restore_keep_text(r, i, "trigger", json_text(trigger, "name", ""), str_get(&settings), text,
                          &e);
    }
    return 0;
}

struct code {
    struct restore *r;
    size_t database;
    char name[256]; /* of what was last dropped, to be made anew */
};

static void note_name(struct code *c, const char *drop)
{
    const char *p = strchr(drop, '`');
    size_t len = p != NULL ? (size_t)(sql_skip_quoted(p) - p) : 0;
    (void)snprintf(c->name, sizeof(c->name), "%.*s", len > 2 ? (int)len - 2 : 0,
                   p != NULL ? p + 1 : "");
}

static int run_code(void *arg, const char *sql, size_t len, struct err *err)
{
    struct code *c = arg;
    struct err e = ERR_INIT;
    AUTO_FREE char *text = mem_strndup(sql, len);
    if (str_starts_with(text, "DROP ")) {
        note_name(c, text);
    }
    if (conn_exec(&c->r->lead, sql, len, &e) == 0) {
        return 0;
    }
    if (restore_is_over(&e)) {
        *err = e;
        return -1;
    }
    restore_keep_text(c->r, c->database, "definition", c->name, NULL, text, &e);
    return 0;
}

int restore_make_triggers(struct restore *r, bool in_staging, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct restore_db *db = &r->dbs[i];
        struct code code = {.r = r, .database = i};
        if (!in_staging && (restore_use(&r->lead, db->target, err) < 0 ||
                            restore_read_frames(r, i, "code", run_code, &code, err) < 0)) {
            return -1;
        }
        if (make_triggers(r, i, in_staging, err) < 0) {
            return -1;
        }
    }
    return 0;
}
