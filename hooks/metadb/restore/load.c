/* Into the staging databases: tables, rows on all connections at once, then the indexes, then every
 * row read back and compared with the manifest. */
#include <stdlib.h>
#include <string.h>

#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/wire/pool.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/stop.h"

#define RETRIES_MAX 5
/* A commit waits for the disk; what is not committed has to be undone when something fails. */
#define COMMIT_BYTES (16UL * 1024 * 1024)

/* Preparing costs more than reading the rows of smaller tables. */
#define PREPARE_FROM_BYTES (256 * 1024)

enum { SERVER_DUPLICATE_KEY_NAME = 1061, SERVER_LOCK_TIMEOUT = 1205, SERVER_DEADLOCK = 1213 };

static int open_database(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    if (restore_open_staging(r, i, err) < 0 || restore_read_session(r, i, err) < 0 ||
        restore_run_frames(r, i, "session", db->staging, err) < 0) {
        return -1;
    }
    return r->rehearse ? restore_make_broken(r, i, db->staging, err) : 0;
}

/* ---- the data -------------------------------------------------------------------------------- */

int restore_switch(struct restore *r, unsigned worker, size_t database, struct err *err)
{
    struct conn *c = &r->conns[worker];
    const struct restore_db *db = &r->dbs[database];
    if (r->conn_database[worker] == database) {
        return 0;
    }
    r->conn_database[worker] = SIZE_MAX;
    if (restore_use(c, db->staging, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < db->session.count; i++) {
        if (conn_exec(c, db->session.items[i], strlen(db->session.items[i]), err) < 0) {
            return -1;
        }
    }
    r->conn_database[worker] = database;
    return 0;
}

/* Some frames of one piece are one transaction, and the notes of them are part of that. */
static int load_once(struct restore *r, unsigned worker, size_t from, size_t to, bool *ret_again,
                     struct err *err)
{
    struct conn *c = &r->conns[worker];
    if (conn_execf(c, err, "START TRANSACTION") < 0) {
        return -1;
    }
    for (size_t i = from; i < to; i++) {
        const struct restore_task *t = &r->tasks[i];
        if (restore_run_frame(r, t->database, worker, t->entry, ret_again, err) < 0 ||
            conn_execf(c, err, "INSERT INTO " NAMES_MARKER " VALUES (%zu, 'frame')", t->frame) <
                0) {
            return -1;
        }
    }
    return conn_execf(c, err, "COMMIT");
}

bool restore_may_retry(const struct conn *c)
{
    unsigned number = conn_errno(c);
    return number == SERVER_DEADLOCK || number == SERVER_LOCK_TIMEOUT;
}

static int load_frames(struct restore *r, unsigned worker, size_t from, size_t to, struct err *err)
{
    const struct restore_task *t = &r->tasks[from];
    struct conn *c = &r->conns[worker];
    if (restore_switch(r, worker, t->database, err) < 0) {
        return -1;
    }
    bool again = false;
    for (int i = 0; load_once(r, worker, from, to, &again, err) < 0; i++, again = false) {
        struct err ignored = ERR_INIT;
        if (i == RETRIES_MAX || (!restore_may_retry(c) && !again)) {
            return err_wrap(err, "restoring '%s.%s'", r->dbs[t->database].name,
                            json_text(t->entry, "table", ""));
        }
        (void)!conn_execf(c, &ignored, "ROLLBACK");
    }
    return 0;
}

static uint64_t raw_of(const struct restore_task *t)
{
    return (uint64_t)json_int(t->entry, "raw", 0);
}

static int add_keys(struct restore *r, unsigned worker, struct restore_deferred *d, struct err *err)
{
    struct conn *c = &r->conns[worker];
    AUTO_STR struct str sql = STR_INIT;
    if (restore_switch(r, worker, d->database, err) < 0) {
        return -1;
    }
    str_append(&sql, "ALTER TABLE ");
    sql_name(&sql, d->table);
    str_appendf(&sql, " %s", d->keys);
    if (conn_exec(c, str_get(&sql), sql.len, err) < 0 &&
        conn_errno(c) != SERVER_DUPLICATE_KEY_NAME) {
        return err_wrap(err, "building the indexes of '%s.%s'", r->dbs[d->database].name, d->table);
    }
    d->done = true;
    return 0;
}

/* Whoever loads the last piece of a table builds its indexes, while the others load other tables.
 */
static int finish_piece(struct restore *r, unsigned worker, size_t index, struct err *err)
{
    const struct restore_task *t = &r->tasks[r->pieces[index]];
    for (size_t i = 0; i < r->deferred_count; i++) {
        struct restore_deferred *d = &r->deferred[i];
        if (d->database == t->database && str_eq(d->table, json_text(t->entry, "table", NULL))) {
            return __atomic_sub_fetch(&d->pieces_left, 1, __ATOMIC_ACQ_REL) == 0
                       ? add_keys(r, worker, d, err)
                       : 0;
        }
    }
    return 0;
}

/* Tables whose pieces were all there already. */
static int add_missed_keys(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct restore *r = arg;
    return r->deferred[index].done ? 0 : add_keys(r, worker, &r->deferred[index], err);
}

static int load_piece(void *arg, unsigned worker, size_t index, struct err *err)
{
    struct restore *r = arg;
    size_t end = r->pieces[index + 1];
    for (size_t from = r->pieces[index], to; from < end; from = to) {
        uint64_t bytes = raw_of(&r->tasks[from]);
        for (to = from + 1; to < end && bytes + raw_of(&r->tasks[to]) <= COMMIT_BYTES; to++) {
            bytes += raw_of(&r->tasks[to]);
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
        }
        if (load_frames(r, worker, from, to, err) < 0) {
            return -1;
        }
        uint64_t done = __atomic_add_fetch(&r->done, bytes, __ATOMIC_RELAXED);
        report_progress("restoring", done, r->total, true);
    }
    return finish_piece(r, worker, index, err);
}

/* Big tables first, their pieces in the order of the key: what comes in order is cheap to insert.
 */
static int by_piece(const void *a, const void *b)
{
    const struct restore_task *x = a, *y = b;
    if (x->table_bytes != y->table_bytes) {
        return x->table_bytes > y->table_bytes ? -1 : 1;
    }
    if (x->piece != y->piece) {
        return x->piece < y->piece ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool same_piece(const struct restore_task *a, const struct restore_task *b)
{
    return a->database == b->database && a->piece == b->piece;
}

static void sort_frames(struct restore *r)
{
    if (r->task_count > 1) {
        qsort(r->tasks, r->task_count, sizeof(*r->tasks), by_piece);
    }
    r->pieces = mem_alloc((r->task_count + 1) * sizeof(*r->pieces));
    for (size_t i = 0; i < r->task_count; i++) {
        if (i == 0 || !same_piece(&r->tasks[i - 1], &r->tasks[i])) {
            r->pieces[r->piece_count++] = i;
        }
    }
    r->pieces[r->piece_count] = r->task_count;
    for (size_t i = 0; i < r->piece_count; i++) {
        const struct restore_task *t = &r->tasks[r->pieces[i]];
        for (size_t k = 0; k < r->deferred_count; k++) {
            r->deferred[k].pieces_left +=
                r->deferred[k].database == t->database &&
                str_eq(r->deferred[k].table, json_text(t->entry, "table", NULL));
        }
    }
}

static int plan_frames(struct restore *r, size_t database, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    AUTO_ROWS struct rows rows = ROWS_INIT;
    const json_t *frames = json_walk(r->dbs[database].entry, "frames");
    size_t count = json_array_size(frames), i;
    AUTO_FREE bool *done = mem_alloc(count + 1);
    json_t *frame;
    str_append(&sql, "SELECT id FROM ");
    sql_table(&sql, r->dbs[database].staging, NAMES_MARKER);
    str_append(&sql, " WHERE id >= 0");
    if (conn_query(&r->lead, str_get(&sql), &rows, err) < 0) {
        return -1;
    }
    while (rows_next(&rows)) {
        uint64_t id = rows_u64(&rows, 0, UINT64_MAX);
        if (id < count) {
            done[id] = true;
        }
    }
    json_array_foreach (frames, i, frame) {
        if (!str_eq(json_text(frame, "kind", NULL), "data")) {
            continue;
        }
        r->total += (uint64_t)json_int(frame, "raw", 0);
        if (done[i]) {
            r->done += (uint64_t)json_int(frame, "raw", 0);
            continue;
        }
        r->tasks = mem_grow(r->tasks, r->task_count + 1, sizeof(*r->tasks));
        r->tasks[r->task_count++] = (struct restore_task){
            .database = database,
            .frame = i,
            .entry = frame,
            .piece = json_int(frame, "piece", 0),
            .offset = json_int(frame, "offset", 0),
            .table_bytes = restore_raw_bytes(&r->dbs[database], json_text(frame, "table", ""))};
    }
    return 0;
}

static int open_workers(struct restore *r, struct err *err)
{
    r->conns = mem_alloc(r->workers * sizeof(*r->conns));
    r->senders = mem_alloc(r->workers * sizeof(*r->senders));
    r->conn_database = mem_alloc(r->workers * sizeof(*r->conn_database));
    for (unsigned i = 0; i < r->workers; i++) {
        r->conn_database[i] = SIZE_MAX;
        if (conn_open(r->request, &r->conns[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Where it was tried that the bytes come back exactly so: MariaDB and MySQL. */
static int may_prepare(struct restore *r, bool *ret, struct err *err)
{
    AUTO_ROWS struct rows packet = ROWS_INIT;
    if (conn_query(&r->lead, "SELECT @@max_allowed_packet", &packet, err) < 0) {
        return -1;
    }
    *ret = r->lead.flavor != FLAVOR_OCEANBASE && rows_next(&packet) &&
           rows_u64(&packet, 0, 0) >= ROWS_PACKET_MIN;
    return 0;
}

static int prepare_rows(struct restore *r, size_t i, struct err *err)
{
    struct restore_db *db = &r->dbs[i];
    bool may;
    if (may_prepare(r, &may, err) < 0) {
        return -1;
    }
    if (!may) {
        return 0;
    }
    if (schema_read(&r->lead, db->staging, &db->schema, err) < 0) {
        return -1;
    }
    db->prepared = mem_alloc((db->schema->table_count + 1) * sizeof(*db->prepared));
    uint64_t least = (uint64_t)json_int(r->request->parameters, "prepare_from", PREPARE_FROM_BYTES);
    for (size_t k = 0; k < db->schema->table_count; k++) {
        const struct schema_table *t = &db->schema->tables[k];
        if (restore_raw_bytes(db, t->name) < least || !restore_rows_init(&db->prepared[k], t)) {
            db->prepared[k].table = NULL;
        }
    }
    return 0;
}

/* ---- comparison ------------------------------------------------------------------------------ */

static int refuse_findings(struct restore *r, const json_t *findings, struct err *err)
{
    size_t count = json_array_size(findings);
    if (count == 0) {
        return 0;
    }
    for (size_t i = 0; i < r->count; i++) {
        r->stale = r->stale || r->dbs[i].resumed;
    }
    err_fail(err, ERR_STATE,
             "what was restored from '%s' is not what was backed up (%zu findings): "
             "%s",
             r->folder, count, json_string_value(json_array_get(findings, 0)));
    return err_hint(err, "nothing was put in place. If the server is of another version than the "
                         "one backed up, restore by hand: zstd -dc FILE | mysql DATABASE");
}

static int compare_staging(struct restore *r, struct err *err)
{
    AUTO_FREE struct compare_database *list = mem_alloc(r->count * sizeof(*list));
    AUTO_JSON json_t *findings = r->findings ? json_incref(r->findings) : json_array();
    uint64_t count;
    for (size_t i = 0; i < r->count; i++) {
        list[i] =
            (struct compare_database){.entry = r->dbs[i].entry,
                                      .database = r->dbs[i].staging,
                                      .called = r->findings ? r->dbs[i].name : NULL,
                                      .ignore_views = !r->rehearse,
                                      .uncompared = r->dbs[i].uncompared,
                                      .no_rows = r->findings != NULL,
                                      .view_findings = r->findings ? r->findings : r->warnings,
                                      .names = &r->to_staging};
    }
    if (compare_run(r->request, r->workers, list, r->count, findings, &count, err) < 0) {
        return -1;
    }
    return r->findings ? 0 : refuse_findings(r, findings, err);
}

static void warn_of_refused(struct restore *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct restore_db *db = &r->dbs[i];
        for (size_t k = 0; db->prepared && k < db->schema->table_count; k++) {
            if (db->prepared[k].table && db->prepared[k].refused) {
                restore_warn(r,
                             "the server did not take the rows of '%s.%s' as values of prepared "
                             "statements; they came by INSERT, which is slower",
                             db->target, db->schema->tables[k].name);
            }
        }
    }
}

int restore_load(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        if (open_database(r, i, err) < 0) {
            return -1;
        }
    }
    if (open_workers(r, err) < 0 || restore_make_tables(r, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (restore_note(r, i, NOTE_TABLES, "made", err) < 0 || plan_frames(r, i, err) < 0 ||
            (r->findings == NULL && prepare_rows(r, i, err) < 0)) {
            return -1;
        }
        size_t k;
        json_t *table;
        json_array_foreach (json_walk(r->dbs[i].entry, "tables"), k, table) {
            r->dbs[i].rows += (uint64_t)json_int(table, "rows", 0);
        }
    }
    sort_frames(r);
    if (pool_run(r->workers, r->piece_count, load_piece, r, err) < 0 ||
        pool_run(r->workers, r->deferred_count, add_missed_keys, r, err) < 0) {
        return -1;
    }
    warn_of_refused(r);
    /* Views and triggers need the real databases; here they are only tried. */
    if (r->rehearse &&
        (restore_make_views(r, true, err) < 0 || restore_make_triggers(r, true, err) < 0)) {
        return -1;
    }
    return compare_staging(r, err);
}
