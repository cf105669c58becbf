/* `dump`: from the request to the renamed manifest. */
#include "hooks/metadb/dump/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"

#define WORKERS_MAX 16
#define SEQUENCE "heatbeat_sequence" /* so spelled: domain page, "The MetaDB" */

static int parse_level(const char *compress, int *ret, struct err *err)
{
    if (strcmp(compress, "none") == 0) {
        *ret = 0;
        return 0;
    }
    uint64_t level = 1;
    if (strcmp(compress, "zstd") != 0 &&
        (!str_starts_with(compress, "zstd:") ||
         str_to_u64(compress + 5, 1, 19, "the zstd level", &level, err) < 0)) {
        return err_fail(err, ERR_USAGE, "compression '%s' is none of none, zstd, zstd:1 to zstd:19",
                        compress);
    }
    *ret = (int)level;
    return 0;
}

static int read_options(const json_t *p, struct dump_options *o, struct err *err)
{
    *o = (struct dump_options){
        .folder = json_text(p, "folder", NULL),
        .compress = json_text(p, "compress", "zstd:1"),
        .triggers = json_bool(p, "triggers", false),
        .routines = json_bool(p, "routines", false),
        .events = json_bool(p, "events", false),
        .newest_only = str_eq(json_text(p, "sequence", "all"), "newest"),
        .prepare = json_bool(p, "prepare", false),
        .definitions = json_bool(p, "definitions", false),
    };
    if (!o->folder) {
        return err_fail(err, ERR_USAGE, "dump wants a \"folder\"");
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t workers = json_int(p, "workers", 0);
    workers = workers > 0 ? workers : cores > 2 ? cores : 2;
    o->workers = (unsigned)(workers < WORKERS_MAX ? workers : WORKERS_MAX);
    return parse_level(o->compress, &o->level, err);
}

static int read_server(struct conn *c, struct dump_server *s, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (conn_query(c, "SELECT VERSION(), @@max_allowed_packet", &rows, err) < 0) {
        return -1;
    }
    if (!rows_next(&rows)) {
        return err_fail(err, ERR_FAILED, "the MetaDB does not tell its version");
    }
    s->version = mem_strdup(rows_text(&rows, 0, "unknown"));
    s->flavor = c->flavor;
    s->packet_max = rows_u64(&rows, 1, 4 * 1024 * 1024);
    if (s->packet_max < 16 * 1024) {
        err_fail(err, ERR_REFUSED,
                 "the server takes statements of %zu bytes at most "
                 "(max_allowed_packet)",
                 s->packet_max);
        return err_hint(err, "set max_allowed_packet to 16M or more");
    }
    return 0;
}

/* A folder holds one backup for ever. What an attempt left that was never finished is replaced. */
static int open_folder(struct dump *d, struct err *err)
{
    d->made_folder = !fs_exists(d->options.folder);
    if (backup_open_folder(d->options.folder, true, &d->folder_fd, err) < 0) {
        return -1;
    }
    if (faccessat(d->folder_fd, BACKUP_MANIFEST, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        err_fail(err, ERR_STATE, "'%s' already holds a backup", d->options.folder);
        return err_hint(err, "backups are never overwritten: name another folder");
    }
    return 0;
}

static int read_schemas(struct dump *d, struct err *err)
{
    AUTO_STRV struct strv names = STRV_INIT;
    request_databases(d->request, &names);
    if (names.count == 0) {
        return err_fail(err, ERR_USAGE, "the request names no database");
    }
    d->problems = d->options.definitions ? json_array() : NULL;
    d->schemas = mem_alloc(names.count * sizeof(*d->schemas));
    for (size_t i = 0; i < names.count; i++) {
        if (schema_read_what_can_be(&d->lead, names.items[i], d->problems, &d->schemas[i], err) <
            0) {
            return -1;
        }
        d->database_count++;
    }
    return 0;
}

static void choose_rows(struct dump *d)
{
    for (size_t i = 0; d->options.newest_only && i < d->request->heartbeat_dbs.count; i++) {
        for (size_t k = 0; k < d->database_count; k++) {
            struct schema_table *t =
                strcmp(d->schemas[k]->name, d->request->heartbeat_dbs.items[i]) == 0
                    ? schema_find(d->schemas[k], SEQUENCE)
                    : NULL;
            if (t && t->type == SCHEMA_TABLE && !t->where) {
                AUTO_STR struct str where = STR_INIT;
                str_append(&where, "`id` = (SELECT MAX(`id`) FROM ");
                sql_table(&where, d->schemas[k]->name, SEQUENCE);
                str_append_c(&where, ')');
                t->where = str_take(&where);
                t->bytes_estimate = 0;
            }
        }
    }
}

static void make_table(struct dump *d, size_t database, const struct schema_table *t)
{
    struct dump_table *dt = &d->tables[d->table_count++];
    AUTO_STR struct str insert = STR_INIT, select = STR_INIT;
    str_append(&insert, "INSERT INTO ");
    sql_name(&insert, t->name);
    str_append(&insert, " (");
    schema_append_columns(&insert, t);
    str_append(&insert, ") VALUES\n");
    schema_append_select(&select, t);
    *dt = (struct dump_table){.table = t,
                              .file = d->files[database],
                              .insert = str_take(&insert),
                              .select = str_take(&select)};
    d->raw_estimate += t->bytes_estimate;
}

static void make_tables(struct dump *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->database_count; i++) {
        count += d->schemas[i]->table_count;
    }
    d->tables = mem_alloc((count + 1) * sizeof(*d->tables));
    for (size_t i = 0; i < d->database_count; i++) {
        for (size_t k = 0; k < d->schemas[i]->table_count; k++) {
            const struct schema_table *t = &d->schemas[i]->tables[k];
            if (t->type != SCHEMA_VIEW && t->column_count > 0) {
                make_table(d, i, t);
            }
        }
    }
}

static void forget_tables(struct dump *d)
{
    dump_forget_pieces(d);
    for (size_t i = 0; i < d->table_count; i++) {
        free(d->tables[i].insert);
        free(d->tables[i].select);
    }
    free(TAKE(d->tables));
    d->table_count = 0;
    d->raw_estimate = 0;
}

/* From what the schemas say now to pieces of work. */
static int plan(struct dump *d, struct err *err)
{
    forget_tables(d);
    choose_rows(d);
    make_tables(d);
    return dump_plan(d, err);
}

static int make_files(struct dump *d, struct err *err)
{
    d->files = mem_alloc(d->database_count * sizeof(*d->files));
    for (size_t i = 0; i < d->database_count; i++) {
        AUTO_FREE char *name = backup_file_name(d->schemas[i]->name, d->options.level > 0);
        if (frame_file_create(d->folder_fd, d->options.folder, name, &d->files[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int write_heads(struct dump *d, struct frame_writer *w, struct err *err)
{
    for (size_t i = 0; i < d->database_count; i++) {
        if (dump_write_head(d, i, w, err) < 0) {
            return -1;
        }
    }
    return frame_flush(w, err);
}

static int write_tails(struct dump *d, struct frame_writer *w, struct err *err)
{
    for (size_t i = 0; i < d->database_count; i++) {
        if (dump_write_tail(d, i, w, err) < 0 || dump_write_code(d, i, w, err) < 0) {
            return -1;
        }
    }
    return frame_flush(w, err);
}

static int write_all(struct dump *d, struct err *err)
{
    struct frame_writer w;
    if (frame_writer_init(&w, d->options.level, err) < 0) {
        return -1;
    }
    int rc = write_heads(d, &w, err);
    if (rc == 0) {
        rc = dump_work(d, err);
    }
    if (rc == 0) {
        rc = write_tails(d, &w, err);
    }
    frame_writer_free(&w);
    for (size_t i = 0; rc == 0 && i < d->database_count; i++) {
        rc = frame_file_finish(d->files[i], err);
    }
    return rc;
}

static json_t *make_result(const struct dump *d)
{
    json_t *files = json_array();
    json_int_t bytes = 0, raw = 0;
    for (size_t i = 0; i < d->database_count; i++) {
        const struct frame_file *f = d->files[i];
        json_add(files, json_make("{s:s, s:s, s:I}", "database", d->schemas[i]->name, "file",
                                  f->name, "bytes", (json_int_t)f->size));
        bytes += (json_int_t)f->size;
        raw += (json_int_t)f->raw_size;
    }
    AUTO_FREE char *manifest = fs_join(d->options.folder, BACKUP_MANIFEST);
    return json_make(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:i, s:o}", "manifest", manifest, "bytes", bytes,
        "raw_bytes", raw, "rows", (json_int_t)d->rows_done, "tables", (json_int_t)d->table_count,
        "duration_ms", (json_int_t)(clock_mono_ms() - d->started_ms), "snapshot",
        dump_snapshot_name(d->snapshot), "workers", (int)d->options.workers, "files", files);
}

/* All that does not depend on the moment. */
static int prepare(struct dump *d, struct err *err)
{
    if (read_options(d->request->parameters, &d->options, err) < 0 || open_folder(d, err) < 0 ||
        conn_open(d->request, &d->lead, err) < 0 || read_server(&d->lead, &d->server, err) < 0 ||
        read_schemas(d, err) < 0 || make_files(d, err) < 0) {
        return -1;
    }
    if (d->options.definitions) {
        return 0;
    }
    return dump_open_workers(d, err) < 0 ? -1 : plan(d, err);
}

/* At one moment for all that is read from here on. */
static int take_moment(struct dump *d, struct err *err)
{
    bool changed = false, changed_late;
    if ((d->options.prepare && dump_wait(d, &changed, err) < 0) ||
        dump_take_snapshot(d, &changed_late, err) < 0) {
        return -1;
    }
    return changed || changed_late ? plan(d, err) : 0;
}

static int dump(struct dump *d, json_t **ret, struct err *err)
{
    if (prepare(d, err) < 0 || (!d->options.definitions && take_moment(d, err) < 0) ||
        write_all(d, err) < 0) {
        return -1;
    }
    AUTO_JSON json_t *manifest = dump_manifest(d);
    if (backup_write_manifest(d->folder_fd, d->options.folder, manifest, err) < 0) {
        return -1;
    }
    *ret = make_result(d);
    if (d->problems != NULL) {
        json_put(*ret, "problems", json_incref(d->problems));
    }
    return 0;
}

static void dump_free(struct dump *d)
{
    forget_tables(d);
    for (size_t i = 0; i < d->database_count; i++) {
        if (d->files) {
            frame_file_free(d->files[i]);
        }
        schema_free(d->schemas[i]);
    }
    for (unsigned i = 0; d->conns && i < d->options.workers; i++) {
        conn_close(&d->conns[i]);
    }
    free(d->files);
    free(d->schemas);
    free(d->conns);
    free(d->server.version);
    json_decref(d->position);
    json_decref(d->problems);
    conn_close(&d->lead);
    fd_close_ptr(&d->folder_fd);
}

int dump_run(const struct request *request, json_t **ret, struct err *err)
{
    struct dump d = {.request = request,
                     .folder_fd = -1,
                     .started_ms = clock_mono_ms(),
                     .started_wall_ms = clock_wall_ms(),
                     .pieces = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    int rc = dump(&d, ret, err);
    dump_free(&d);
    if (rc < 0 && d.made_folder) {
        (void)rmdir(d.options.folder); /* only if nothing is in it */
    }
    return rc;
}
