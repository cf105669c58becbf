/* A backup in the making: shared by the files dump_*.c. */
#ifndef OMSLAUNCH_METADB_DUMP_H
#define OMSLAUNCH_METADB_DUMP_H

#include <pthread.h>

#include "hooks/metadb/conn.h"
#include "hooks/metadb/frame.h"
#include "hooks/metadb/schema.h"

struct dump_options {
    const char *folder;   /* absolute; borrowed */
    const char *compress; /* "zstd:1", "none": as given. Borrowed */
    int level;            /* of zstd; 0 for none */
    unsigned workers;
    bool triggers, routines, events;
    bool newest_only; /* of heatbeat_sequence only the newest row */
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
    bool checked; /* that it still is what the schema says */
};

/* A piece of work: a range of a table's rows, or a table that has yet to be cut into ranges. */
struct dump_piece {
    struct dump_table *table;
    char *where; /* NULL: all rows */
    bool plan;
    uint64_t weight; /* estimated bytes */
    uint64_t number; /* pieces of a table are numbered in the order of its key */
};

struct dump_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct dump_piece *pieces; /* a stack: the last is taken first */
    size_t count;
    uint64_t numbers;  /* given so far */
    unsigned planning; /* workers that may still add pieces */
    bool failed;
    struct err err; /* the first failure */
};

struct dump {
    const struct request *request;
    struct dump_options options;
    struct dump_server server;
    struct conn lead; /* schema, locks */
    int folder_fd;
    struct schema **schemas; /* one for each file */
    struct frame_file **files;
    size_t database_count;
    struct dump_table *tables;
    size_t table_count;
    struct conn *conns; /* one for each worker */
    enum dump_snapshot snapshot;
    json_t *position; /* of the binary log, or NULL */
    struct dump_queue queue;
    uint64_t raw_done, rows_done; /* atomic */
    uint64_t raw_estimate;
    uint64_t piece_bytes; /* that a big table is cut into */
    uint64_t started_ms, started_wall_ms;
};

/* dump_snapshot.c: opens the workers' connections (fewer when only one can see the moment) and
 * brings them to one moment. */
int dump_open_snapshot(struct dump *d, struct err *err) MUST_USE;
const char *dump_snapshot_name(enum dump_snapshot s);

/* dump_text.c: the frames before and after the data. */
int dump_write_head(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;
int dump_write_tail(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;
/* dump_code.c: triggers, routines and events, as asked for. */
int dump_write_code(struct dump *d, size_t database, struct frame_writer *w,
                    struct err *err) MUST_USE;

/* dump_plan.c: cuts a table into ranges of its primary key and puts them on the queue. */
int dump_plan(struct dump *d, struct conn *c, struct dump_table *t, struct err *err) MUST_USE;
void dump_queue_add(struct dump_queue *q, struct dump_table *t, char *where_take, bool plan,
                    uint64_t weight);

/* dump_rows.c: writes one piece. */
int dump_rows(struct dump *d, struct conn *c, struct frame_writer *frame,
              const struct dump_piece *piece, struct err *err) MUST_USE;

/* dump_work.c: runs the workers until the queue is empty. */
int dump_work(struct dump *d, struct err *err) MUST_USE;
bool dump_failed(struct dump *d);

/* manifest.c: what is written beside the files. Caller owns. */
json_t *dump_manifest(struct dump *d);

#endif
