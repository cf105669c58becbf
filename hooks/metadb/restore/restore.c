/* `restore` and `rehearse`. */
#include "hooks/metadb/restore/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/clock.h"
#include "launcher/base/digest.h"

#define WORKERS_MAX 16
/* A server notices a dead owner only when its statement has ended. */
#define LOCK_WAIT_S 2

static int open_file(struct restore *r, struct restore_db *db, struct err *err)
{
    const char *file = json_text(db->entry, "file", "");
    struct stat st;
    db->file = mem_strdup(file);
    db->compressed = str_ends_with(file, ".zst");
    db->fd = strchr(file, '/') || !*file
                 ? -1
                 : openat(r->folder_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (db->fd < 0 || fstat(db->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        err_fail(err, ERR_STATE, "'%s/%s' cannot be opened: %s", r->folder, file, strerror(errno));
        return err_hint(err, "this backup is not whole: use another one");
    }
    if (st.st_size != json_int(db->entry, "bytes", -1)) {
        err_fail(err, ERR_STATE, "'%s/%s' has %lld bytes, the manifest says %lld", r->folder, file,
                 (long long)st.st_size, (long long)json_int(db->entry, "bytes", -1));
        return err_hint(err, "this backup is damaged: use another one");
    }
    return 0;
}

static const char *target_of(const struct restore *r, const char *name)
{
    const json_t *into = json_walk(r->request->parameters, "into");
    const char *target = json_string_value(json_object_get(into, name));
    return target ? target : name;
}

static int add_database(struct restore *r, const json_t *entry, const char *run, struct err *err)
{
    struct restore_db *db = &r->dbs[r->count];
    *db = (struct restore_db){.entry = entry, .fd = -1};
    db->name = json_text(entry, "name", NULL);
    if (!db->name) {
        return err_fail(err, ERR_STATE, "the manifest of '%s' has a database without a name",
                        r->folder);
    }
    r->count++;
    db->target = mem_strdup(target_of(r, db->name));
    db->staging = names_of(db->target, r->rehearse ? NAMES_SCRATCH : NAMES_STAGING, run);
    db->quarantine = names_of(db->target, NAMES_QUARANTINE, run);
    db->scratch = names_of(db->target, NAMES_SCRATCH, run);
    db->scratch_to = names_of(db->target, NAMES_SCRATCH_TO, run);
    strv_add(&r->to_staging.from, db->name);
    strv_add(&r->to_staging.to, db->staging);
    strv_add(&r->to_target.from, db->name);
    strv_add(&r->to_target.to, db->target);
    return open_file(r, db, err);
}

static bool is_wanted(const struct restore *r, const char *name)
{
    const json_t *only = json_walk(r->request->parameters, "databases");
    size_t i;
    json_t *item;
    json_array_foreach (only, i, item) {
        if (str_eq(json_string_value(item), name)) {
            return true;
        }
    }
    return json_array_size(only) == 0;
}

static int choose_databases(struct restore *r, const char *run, struct err *err)
{
    const json_t *list = json_walk(r->manifest, "databases");
    size_t i;
    json_t *entry;
    r->dbs = mem_alloc((json_array_size(list) + 1) * sizeof(*r->dbs));
    json_array_foreach (list, i, entry) {
        if (is_wanted(r, json_text(entry, "name", "")) && add_database(r, entry, run, err) < 0) {
            return -1;
        }
    }
    if (r->count == 0) {
        return err_fail(err, ERR_USAGE, "the backup '%s' holds none of the databases asked for",
                        r->folder);
    }
    for (size_t a = 0; a < r->count; a++) {
        for (size_t b = a + 1; b < r->count; b++) {
            if (strcmp(r->dbs[a].target, r->dbs[b].target) == 0) {
                return err_fail(err, ERR_USAGE, "'%s' and '%s' would both be restored into '%s'",
                                r->dbs[a].name, r->dbs[b].name, r->dbs[a].target);
            }
        }
    }
    return 0;
}

/* Two restores of one database at once would both be right until the swap. */
static int take_lock(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        char hex[DIGEST_HEX_MAX];
        AUTO_FREE char *got = NULL;
        struct err e = ERR_INIT;
        digest_of(r->dbs[i].target, strlen(r->dbs[i].target), hex);
        AUTO_FREE char *sql =
            mem_printf("SELECT GET_LOCK('omslaunch.%.40s', %d)", hex, LOCK_WAIT_S);
        if (conn_query_text(&r->lead, sql, &got, &e) < 0) {
            if (e.kind == ERR_UNREACHABLE) {
                *err = e;
                return -1;
            }
            continue; /* a server without such locks */
        }
        if (str_eq(got, "0")) {
            err_fail(err, ERR_LOCKED, "another restore into '%s' is under way", r->dbs[i].target);
            return err_hint(err, "wait for it, or end it");
        }
    }
    return 0;
}

static int open_restore(struct restore *r, struct err *err)
{
    const json_t *p = r->request->parameters;
    r->run = json_text(p, "name", r->request->run ? r->request->run : "manual");
    r->folder = json_text(p, "folder", NULL);
    if (!r->folder) {
        return err_fail(err, ERR_USAGE, "restore wants a \"folder\"");
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t workers = json_int(p, "workers", 0);
    workers = workers > 0 ? workers : cores > 2 ? cores : 2;
    r->workers = (unsigned)(workers < WORKERS_MAX ? workers : WORKERS_MAX);
    if (backup_open_folder(r->folder, false, &r->folder_fd, err) < 0 ||
        backup_read_manifest(r->folder_fd, r->folder, &r->manifest, err) < 0 ||
        choose_databases(r, r->run, err) < 0 || conn_open(r->request, &r->lead, err) < 0) {
        return -1;
    }
    return take_lock(r, err);
}

static void restore_free(struct restore *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct restore_db *db = &r->dbs[i];
        free(db->target);
        free(db->staging);
        free(db->quarantine);
        free(db->scratch);
        free(db->scratch_to);
        free(db->file);
        strv_free(&db->session);
        str_free(&db->beats);
        strv_free(&db->earlier);
        for (size_t k = 0; db->prepared && k < db->schema->table_count; k++) {
            restore_rows_free(&db->prepared[k]);
        }
        free(db->prepared);
        schema_free(db->schema);
        json_decref(db->table_bytes);
        json_decref(db->uncompared);
        fd_close_ptr(&db->fd);
    }
    for (unsigned i = 0; r->conns && i < r->workers; i++) {
        rows_sender_free(&r->senders[i]);
        conn_close(&r->conns[i]);
    }
    for (size_t i = 0; i < r->deferred_count; i++) {
        free(r->deferred[i].table);
        free(r->deferred[i].keys);
    }
    free(r->deferred);
    free(r->tasks);
    free(r->pieces);
    free(r->dbs);
    free(r->conns);
    free(r->senders);
    free(r->conn_database);
    strv_free(&r->to_staging.from);
    strv_free(&r->to_staging.to);
    strv_free(&r->to_target.from);
    strv_free(&r->to_target.to);
    json_decref(r->manifest);
    json_decref(r->warnings);
    conn_close(&r->lead);
    fd_close_ptr(&r->folder_fd);
}

static json_t *make_result(struct restore *r, uint64_t started_ms)
{
    json_t *list = json_array();
    json_int_t tables = 0, rows = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct restore_db *db = &r->dbs[i];
        json_int_t count = (json_int_t)backup_count_tables(db->entry);
        json_t *entry = json_make("{s:s, s:s, s:I, s:I}", "name", db->name, "target", db->target,
                                  "tables", count, "rows", (json_int_t)db->rows);
        tables += count;
        rows += (json_int_t)db->rows;
        json_put_text(entry, "quarantine", db->quarantined ? db->quarantine : NULL);
        json_t *earlier = json_array();
        for (size_t k = 0; k < db->earlier.count; k++) {
            json_add(earlier, json_from_text(db->earlier.items[k]));
        }
        json_put(entry, "earlier", earlier);
        json_add(list, entry);
    }
    return json_make("{s:s, s:o, s:I, s:I, s:I, s:I, s:O}", "folder", r->folder, "databases", list,
                     "tables", tables, "rows", rows, "raw_bytes", (json_int_t)r->total,
                     "duration_ms", (json_int_t)(clock_mono_ms() - started_ms), "warnings",
                     r->warnings);
}

static int do_restore(struct restore *r, struct err *err)
{
    bool swapped = false;
    if (open_restore(r, err) < 0) {
        return -1;
    }
    if (r->rehearse) {
        int rc = r->findings != NULL          ? restore_try_definitions(r, err)
                 : restore_verify(r, err) < 0 ? -1
                                              : restore_load(r, err);
        struct err e = ERR_INIT;
        return restore_drop_staging(r, rc < 0 ? &e : err) < 0 ? -1 : rc;
    }
    if (restore_is_swapped(r, &swapped, err) < 0 ||
        (!swapped && (restore_note_beats(r, err) < 0 || restore_try_rename(r, 0, err) < 0 ||
                      restore_verify(r, err) < 0 || restore_load(r, err) < 0))) {
        return -1;
    }
    /* After the swap the heartbeats are those of the backup. */
    if (!swapped && restore_check_beats(r, err) < 0) {
        struct err ignored = ERR_INIT;
        (void)!restore_drop_staging(r, &ignored);
        return -1;
    }
    if (restore_swap(r, err) < 0) {
        return -1;
    }
    return restore_drop_staging(r, err);
}

static int run(const struct request *request, bool rehearse, json_t **ret, struct err *err)
{
    uint64_t started_ms = clock_mono_ms();
    for (bool again = false;; again = true) {
        struct restore r = {
            .request = request, .rehearse = rehearse, .folder_fd = -1, .warnings = json_array()};
        int rc = do_restore(&r, err);
        if (rc == 0) {
            *ret = make_result(&r, started_ms);
            if (rehearse) {
                backup_put_verdict(*ret, r.manifest, "rehearsal");
            }
        }
        /* Half a frame of rows in a table without transactions, say. */
        struct err ignored = ERR_INIT;
        bool over = rc == 0 || again || !r.stale || restore_drop_staging(&r, &ignored) < 0;
        restore_free(&r);
        if (over) {
            return rc;
        }
    }
}

int restore_try(const struct request *request, json_t *findings, struct err *err)
{
    struct restore r = {.request = request,
                        .rehearse = true,
                        .folder_fd = -1,
                        .findings = findings,
                        .warnings = json_array()};
    int rc = do_restore(&r, err);
    restore_free(&r);
    return rc;
}

int restore_run(const struct request *request, json_t **ret, struct err *err)
{
    return run(request, false, ret, err);
}

int rehearse_run(const struct request *request, json_t **ret, struct err *err)
{
    return run(request, true, ret, err);
}
