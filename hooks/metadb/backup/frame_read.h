/* Frames of a backup, read back: every byte is hashed on the way, whatever it is used for. */
#ifndef OMSLAUNCH_METADB_FRAME_READ_H
#define OMSLAUNCH_METADB_FRAME_READ_H

#include "launcher/base/json.h"

/* A piece of the frame's SQL. Return non-zero to stop. */
typedef int (*frame_fn)(void *arg, const char *sql, size_t len, struct err *err);

/* Reads the frame that `entry` of the manifest describes from `fd`. The pieces come before the hash
 * is known: what is made of them must be undone when this fails. ERR_STATE when the bytes are not
 * those that were written. `file` is for messages. */
int frame_read(int fd, const char *file, const json_t *entry, bool compressed, frame_fn fn,
               void *arg, struct err *err) MUST_USE;

#endif
