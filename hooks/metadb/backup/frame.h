/* Frames: independent zstd frames (or plain pieces) of SQL text, appended to one file by several
 * writers. A frame is compressed in one go and appended by a thread of its writer, while the next
 * one is filled: so neither the server nor we wait for the other. A frame that outgrows its memory
 * (rows of many megabytes) takes the file for itself and is written as it comes, so that memory
 * does not depend on the rows. */
#ifndef OMSLAUNCH_METADB_FRAME_H
#define OMSLAUNCH_METADB_FRAME_H

#include <pthread.h>

#include <zstd.h>

#include "launcher/base/digest.h"
#include "launcher/base/json.h"

/* A frame ends after the row that brings it to this many bytes of SQL. */
#define FRAME_RAW_BYTES (1536UL * 1024)
/* The most that frame_room() may be asked for. */
#define FRAME_ROOM_MAX (640UL * 1024)

/* One database's file. Written under a name of its own and renamed when whole. */
struct frame_file {
    int folder_fd; /* borrowed */
    char *folder;  /* for messages */
    char *name;
    int fd;
    pthread_mutex_t lock;
    uint64_t size, written_back; /* under the lock */
    uint64_t raw_size;
    json_t *frames; /* of the manifest, in the order of the file */
};

/* What the manifest says of a frame, beside where it is. */
struct frame_about {
    const char *kind;  /* "session", "broken", "tables", "data", "views" or "code" */
    const char *table; /* NULL unless "data" */
    const char *range; /* the piece's WHERE; NULL for a whole table */
    uint64_t piece, rows, hash;
};

/* A whole frame on its way to the file. */
struct frame_job {
    struct frame_file *file;
    char *raw;
    size_t raw_len;
    struct frame_about about;
};

struct frame_writer {
    struct frame_file *file; /* NULL between frames */
    char *raw;
    size_t raw_len;
    /* Of a frame that has outgrown its memory. */
    uint64_t raw_total, out_total;
    bool owns_file; /* holds file->lock */
    struct digest *digest;
    /* Of the thread while it is busy. */
    ZSTD_CCtx *zstd; /* NULL when not compressing */
    char *out;
    size_t out_cap;
    struct frame_job job;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool busy, quit, failed;
    struct err err; /* the first failure */
};

/* Creates NAME.part in the folder, which must not be a link; an old one is replaced. ERR_STATE. */
int frame_file_create(int folder_fd, const char *folder, const char *name, struct frame_file **ret,
                      struct err *err) MUST_USE;
/* Syncs and renames NAME.part to NAME. ERR_STATE. */
int frame_file_finish(struct frame_file *f, struct err *err) MUST_USE;
/* Removes what frame_file_finish() did not rename. */
void frame_file_free(struct frame_file *f);

/* `level` 0: no compression. Must stay where it is until it is freed. */
int frame_writer_init(struct frame_writer *w, int level, struct err *err) MUST_USE;
void frame_writer_free(struct frame_writer *w);

void frame_begin(struct frame_writer *w, struct frame_file *file);
/* At least `n` bytes to write to; NULL on failure (ERR_STATE; ERR_FAILED for more than a frame
 * holds, whoever chose that size). */
char *frame_room(struct frame_writer *w, size_t n, struct err *err) MUST_USE;
/* Everything up to `end`, in what frame_room() gave, is written. */
void frame_wrote(struct frame_writer *w, const char *end);
int frame_append(struct frame_writer *w, const char *bytes, size_t len, struct err *err) MUST_USE;
static inline uint64_t frame_raw_size(const struct frame_writer *w)
{
    return w->raw_total + w->raw_len;
}
/* What `about` points to must live until frame_flush(). May fail for an earlier frame. */
int frame_end(struct frame_writer *w, const struct frame_about *about, struct err *err) MUST_USE;
/* Forgets the open frame, if any; its file is of no more use. */
void frame_give_up(struct frame_writer *w);
/* All that was ended is in its file. */
int frame_flush(struct frame_writer *w, struct err *err) MUST_USE;

#endif
