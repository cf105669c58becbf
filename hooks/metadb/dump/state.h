/* A backup in the making: shared by the files of this folder. */
#ifndef OMSLAUNCH_METADB_DUMP_STATE_H
#define OMSLAUNCH_METADB_DUMP_STATE_H

#include <pthread.h>

#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/backup/frame.h"
#include "hooks/metadb/model/schema.h"

struct dump_options {
    const char *folder;   /* absolute; borrowed */
    const char *compress; /* "zstd:1", "none": as given. Borrowed */
    int level;            /* of zstd; 0 for none */
    unsigned workers;
    bool triggers, routines, events;
    bool newest_only; /* of heatbeat_sequence only the newest row */
    bool definitions; /* no rows: for a rehearsal */
    bool prepare;     /* say when all is prepared, and wait for the word to go */
};

/* How it came about that all workers see one moment; the first that the server grants. */
enum dump_snapshot {
    SNAPSHOT_GLOBAL_LOCK,
    SNAPSHOT_TABLE_LOCKS,
    SNAPSHOT_ONE_CONNECTION,
    SNAPSHOT_MAX
};

struct dump_server {
    char *version;
    enum conn_flavor flavor;
    size_t packet_max; /* max_allowed_packet */
};

/* A table being written. Its sums are changed by all workers, atomically. */
struct dump_table {
    const struct schema_table *table;
    struct frame_file *file; /* borrowed */
    char *insert;            /* "INSERT INTO `t` (…) VALUES\n" */
    char *select;
    uint64_t rows, hash;
    uint64_t piece_count, pieces_done;
    bool checked; /* that it still is what the schema says */
};

/* A piece of work: a range of a table's rows. */
struct dump_piece {
    struct dump_table *table;
    char *where;     /* NULL: all rows */
    uint64_t number; /* pieces of a table are numbered in the order of its key */
};

/* In the order in which they are taken, once dump_plan() has ended. */
struct dump_pieces {
    pthread_mutex_t lock; /* while they are made */
    struct dump_piece *items;
    size_t count;
    bool failed; /* atomic: one of them was; no other need be ended */
};

struct dump {
    const struct request *request;
    struct dump_options options;
    struct dump_server server;
    struct conn lead; /* schema, locks */
    int folder_fd;
    bool made_folder;
    struct schema **schemas; /* one for each file */
    struct frame_file **files;
    size_t database_count;
    json_t *problems; /* of a dump of definitions: what cannot be read. NULL: it is an error */
    struct dump_table *tables;
    size_t table_count;
    struct conn *conns; /* one for each worker */
    enum dump_snapshot snapshot;
    json_t *position; /* of the binary log, or NULL */
    struct dump_pieces pieces;
    uint64_t raw_done, rows_done; /* atomic */
    uint64_t raw_estimate;
    uint64_t piece_bytes;  /* that a big table is cut into */
    uint64_t walked_bytes; /* that a table holds at least whose index is walked for that */
    uint64_t started_ms, started_wall_ms;
};

/* wait.c: says that all is prepared, waits for the word to go, and brings what was prepared up
 * to date. `*ret_changed`: tables are not what they were, the schemas are read anew. */
int dump_wait(struct dump *d, bool *ret_changed, struct err *err) MUST_USE;

/* snapshot.c: the workers' connections, */
int dump_open_workers(struct dump *d, struct err *err) MUST_USE;
/* opened again if somebody closed them while nothing was asked, */
int dump_reopen_workers(struct dump *d, struct err *err) MUST_USE;
/* and brought to one moment; all but one are closed when only one can see it. */
int dump_take_snapshot(struct dump *d, bool *ret_changed, struct err *err) MUST_USE;
const char *dump_snapshot_name(enum dump_snapshot s);

/* text.c: the frames before and after the data. */
int dump_write_head(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;
int dump_write_tail(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;
/* code.c: triggers, routines and events, as asked for. */
int dump_write_code(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;

/* plan.c: cuts the big tables into ranges of their primary keys. The first and the last range
 * are open, so that all together they hold every row, whenever they are read. */
int dump_plan(struct dump *d, struct err *err) MUST_USE;
void dump_forget_pieces(struct dump *d);

/* rows.c: writes one piece. */
int dump_rows(struct dump *d, struct conn *c, struct frame_writer *frame,
              const struct dump_piece *piece, struct err *err) MUST_USE;

/* work.c: the workers write all pieces. */
int dump_work(struct dump *d, struct err *err) MUST_USE;

/* manifest.c: what is written beside the files. Caller owns. */
json_t *dump_manifest(struct dump *d);

#endif
