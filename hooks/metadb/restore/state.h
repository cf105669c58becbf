/* A backup on its way back: shared by the files of this folder. Everything is loaded into staging
 * databases beside the real ones and compared with the manifest; only then the tables change
 * places, in one RENAME. docs/metadb.md, "Restore". */
#ifndef OMSLAUNCH_METADB_RESTORE_STATE_H
#define OMSLAUNCH_METADB_RESTORE_STATE_H

#include <pthread.h>

#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/model/names.h"
#include "hooks/metadb/model/split.h"
#include "hooks/metadb/restore/restore.h"
#include "hooks/metadb/restore/rows.h"
#include "hooks/metadb/wire/conn.h"

/* Rows of the marker (names.h) beside one for each frame: its number. */
enum restore_note {
    NOTE_BACKUP = -1,    /* text: the manifest's digest (owned_make()) */
    NOTE_TABLES = -2,    /* all tables are made */
    NOTE_EMPTIED = -3,   /* the target's old tables are in quarantine */
    NOTE_QUARANTINE = -4 /* text: its name; of a target that held something */
};

struct restore_deferred {
    char *table, *keys; /* ALTER TABLE `table` KEYS */
    size_t database;
    size_t pieces_left; /* atomic */
    bool done;
};

struct restore_db {
    const json_t *entry; /* of the manifest */
    const char *name;    /* in the backup */
    char *target, *staging, *quarantine;
    char *scratch, *scratch_to; /* restore_try_rename() */
    char *file;
    int fd;
    bool compressed;
    bool resumed;
    bool quarantined;              /* something was there, and is in the quarantine now */
    struct strv earlier;           /* quarantines that this run had filled before */
    struct schema *schema;         /* of the staging database; NULL: all rows come by INSERT */
    struct restore_rows *prepared; /* one for each of its tables */
    json_t *table_bytes;           /* bytes of SQL of each table */
    struct strv session;           /* SET statements of the backup */
    uint64_t rows;
    struct str beats;   /* of the target, when the restore began */
    json_t *uncompared; /* names, as keys, of what is not made, or made otherwise; NULL: none */
};

/* A frame; those of one piece are loaded one after the other, in the order of the key. */
struct restore_task {
    size_t database, frame;
    const json_t *entry;
    int64_t piece, offset;
    uint64_t table_bytes;
};

struct restore {
    const struct request *request;
    const char *run;
    const char *folder;
    int folder_fd;
    json_t *manifest;
    bool rehearse; /* into scratch databases that are dropped at the end */
    unsigned workers;
    struct restore_db *dbs;
    size_t count;
    struct name_map to_staging, to_target;
    struct conn lead;
    struct conn *conns;
    struct rows_sender *senders; /* one for each connection */
    size_t *conn_database;       /* which one each connection uses; SIZE_MAX: none */
    struct restore_task *tasks;  /* sorted */
    size_t task_count;
    size_t *pieces; /* where in `tasks` each piece begins, and their end */
    size_t piece_count;
    struct restore_deferred *deferred;
    size_t deferred_count;
    uint64_t done, total; /* bytes of SQL; `done` is atomic */
    bool emptied;         /* the tables that were there are in quarantine, none is in place */
    bool stale;           /* what a killed run left cannot be completed: start over */
    json_t *warnings;
    json_t
        *findings; /* definitions alone are tried: what does not come back. Borrowed; else NULL */
};

/* verify.c: every byte of the files, before any of it is used. ERR_STATE. */
int restore_verify(struct restore *r, struct err *err) MUST_USE;

/* staging.c */
int restore_use(struct conn *c, const char *database, struct err *err) MUST_USE;
int restore_note(struct restore *r, size_t database, long long id, const char *text,
                 struct err *err) MUST_USE;
/* The note's text, of before or after the swap. Caller frees *ret; NULL when there is none. */
int restore_noted(struct restore *r, size_t database, bool swapped, long long id, char **ret,
                  struct err *err) MUST_USE;
/* Has the swap of an earlier, killed run happened? */
int restore_is_swapped(struct restore *r, bool *ret, struct err *err) MUST_USE;
/* Makes the staging database of database `i`, or takes up what an earlier run left of this backup.
 */
int restore_open_staging(struct restore *r, size_t i, struct err *err) MUST_USE;
/* Tries in scratch databases whether the server moves a table from one database to another, as the
 * swap will have to: nothing but trying tells. ERR_FAILED or what the server says. */
int restore_try_rename(struct restore *r, size_t database, struct err *err) MUST_USE;
/* Drops the staging databases. */
int restore_drop_staging(struct restore *r, struct err *err) MUST_USE;

/* Out of what has failed with `e`: -1 with `err` when nothing can go on, else a warning and 0. */
int restore_soften(struct restore *r, const struct err *e, struct err *err);

/* kept.c */
/* Is it of a kind after which nothing can go on? */
bool restore_is_over(const struct err *err);
/* The text of a table or view in the backup; "" when there is none. Caller frees. */
char *restore_text_of(const struct restore_db *db, const char *name);
void restore_warn(struct restore *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void restore_find(struct restore *r, size_t database, const char *name, const struct err *why);
/* `name` cannot be made (`settings`: the SET statements before it, each ended by a NUL, empty at
 * the end; or NULL): a warning, and its text in a file of the backup's folder; in a rehearsal the
 * warning, or finding, alone. */
void restore_keep_text(struct restore *r, size_t database, const char *kind, const char *name,
                       const char *settings, const char *text, const struct err *why);

/* Appends a statement to the file of the backup's folder. False: it cannot be written. */
bool restore_keep_sql(struct restore *r, size_t database, const char *comment, const char *settings,
                      const char *sql);
void restore_skip_compare(struct restore *r, size_t database, const char *name);

/* broken.c: the backup's broken views, in a database that holds none of the tables they name.
 * Fails only when nothing can go on. */
int restore_make_broken(struct restore *r, size_t database, const char *where,
                        struct err *err) MUST_USE;
/* Are all of them there as they are in the backup? */
int restore_has_broken(struct restore *r, bool *ret, struct err *err) MUST_USE;

/* views.c: of all databases, in the staging or the real ones. In the latter they are gone by then.
 * Fails only when nothing can go on. */
int restore_make_views(struct restore *r, bool in_staging, struct err *err) MUST_USE;
/* triggers.c: the same with triggers, and the routines and events that a backup may hold. */
int restore_make_triggers(struct restore *r, bool in_staging, struct err *err) MUST_USE;

/* frames.c */
/* Gives the statements of all frames of `kind` to `fn`. */
int restore_read_frames(struct restore *r, size_t database, const char *kind, split_fn fn,
                        void *arg, struct err *err) MUST_USE;
int restore_read_session(struct restore *r, size_t database, struct err *err) MUST_USE;
/* Runs the statements of one frame as `worker`, who uses the right database. *ret_again becomes
 * true when it was a prepared statement that failed: the rows are still to be tried by INSERT, once
 * the transaction is undone. */
int restore_run_frame(struct restore *r, size_t database, unsigned worker, const json_t *entry,
                      bool *ret_again, struct err *err) MUST_USE;
/* Runs those of all frames of `kind` on the lead, inside database `where`. */
int restore_run_frames(struct restore *r, size_t database, const char *kind, const char *where,
                       struct err *err) MUST_USE;
/* Bytes of SQL that `table` has in the backup. */
uint64_t restore_raw_bytes(struct restore_db *db, const char *table);

/* Did another transaction stand in the way? */
bool restore_may_retry(const struct conn *c);

/* tables.c: makes all tables and sequences in the staging databases. */
int restore_make_tables(struct restore *r, struct err *err) MUST_USE;

/* alive.c: nobody may write heartbeats into the targets between the two. ERR_REFUSED. */
int restore_note_beats(struct restore *r, struct err *err) MUST_USE;
int restore_check_beats(struct restore *r, struct err *err) MUST_USE;

/* load.c: brings a worker's connection into a staging database, in the session of its backup; */
int restore_switch(struct restore *r, unsigned worker, size_t database, struct err *err) MUST_USE;
/* staging databases made, filled, indexed and compared. */
int restore_load(struct restore *r, struct err *err) MUST_USE;

/* code.c: views and triggers of what is there, which RENAME cannot move, are kept as text in the
 * quarantine; the triggers, which RENAME cannot do with, are dropped, once it was tried on a copy
 * of their table that they can be made again. */
int restore_put_code_aside(struct restore *r, const struct restore_db *db, const struct strv *views,
                           struct err *err) MUST_USE;
/* After the swap: drops the views that are kept, and those that the backup will make. */
int restore_drop_views(struct restore *r, const struct restore_db *db, bool broken,
                       struct err *err) MUST_USE;
/* Notes in the quarantine which tables are about to be moved there. */
int restore_note_moved(struct restore *r, const struct restore_db *db, const struct strv *tables,
                       struct err *err) MUST_USE;
/* Back where they were, when the swap has failed. What cannot be made stays kept as text; its names
 * are added to `lost`. */
void restore_put_code_back(struct restore *r, const struct restore_db *db, struct strv *lost);
/* On the tables in quarantine. What cannot be made there stays kept as text. */
void restore_remake_code(struct restore *r, const struct restore_db *db);

/* try.c */
int restore_try_definitions(struct restore *r, struct err *err) MUST_USE;

/* swap.c: the staging tables take the place of the real ones. */
int restore_swap(struct restore *r, struct err *err) MUST_USE;

#endif
