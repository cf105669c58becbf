/* A backup on its way back: shared by the files of this folder. Everything is loaded into staging
 * databases beside the real ones and compared with the manifest; only then the tables change
 * places, in one RENAME. docs/metadb.md, "Restore". */
#ifndef OMSLAUNCH_METADB_RESTORE_STATE_H
#define OMSLAUNCH_METADB_RESTORE_STATE_H

#include <pthread.h>

#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/restore/restore.h"
#include "hooks/metadb/restore/rows.h"
#include "hooks/metadb/wire/conn.h"

/* In each staging database: what of the work is done, so that it can be taken up again. The swap
 * renames it together with the tables, which tells whether the swap has happened. */
#define RESTORE_MARKER "omslaunch_restore"
#define RESTORE_SWAPPED "omslaunch_restore_swapped"
/* Rows of the marker beside one for each frame: its number. */
enum restore_note {
    NOTE_BACKUP = -1,    /* text: the manifest's digest */
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
    char *scratch_from, *scratch_to; /* restore_try_rename() */
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
    bool stale;           /* what a killed run left cannot be completed: start over */
    json_t *warnings;
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
int restore_try_rename(struct restore *r, struct err *err) MUST_USE;
/* Drops the staging databases. */
int restore_drop_staging(struct restore *r, struct err *err) MUST_USE;

/* frames.c */
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

/* load.c: staging databases made, filled, indexed and compared. */
int restore_load(struct restore *r, struct err *err) MUST_USE;

/* code.c: views and triggers of what is there, which RENAME cannot move. Kept as text in
 * the quarantine, then dropped. */
int restore_put_code_aside(struct restore *r, const struct restore_db *db, const struct strv *views,
                           struct err *err) MUST_USE;
/* Notes in the quarantine which tables are about to be moved there. */
int restore_note_moved(struct restore *r, const struct restore_db *db, const struct strv *tables,
                       struct err *err) MUST_USE;
/* Back where they were, when the swap has failed. What cannot be made stays kept as text. */
void restore_put_code_back(struct restore *r, const struct restore_db *db);
/* On the tables in quarantine. What cannot be made there stays kept as text. */
void restore_remake_code(struct restore *r, const struct restore_db *db);

/* swap.c: the staging tables take the place of the real ones. */
int restore_swap(struct restore *r, struct err *err) MUST_USE;

#endif
