/* What a run meant to do and what became of it: append-only JSON lines, one write and fdatasync
 * each.
 *
 * A record is {"seq":N,"time":"…","wall_ms":N,"type":…,…,"chain":"16 hex digits"}. The chain value
 * is a digest over the record and the one before it, so that a line that was lost, swapped or
 * edited shows. A torn last line is what a crash leaves, and is not counted; any other damage is
 * refused. */
#ifndef OMSLAUNCH_STATE_JOURNAL_H
#define OMSLAUNCH_STATE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"

struct journal;

/* The file must not exist yet. ERR_STATE. */
int journal_create(const char *path, struct journal **ret, struct err *err) MUST_USE;
/* For appending; a torn last line is cut off first. ERR_STATE naming the damaged line. */
int journal_open(const char *path, struct journal **ret, struct err *err) MUST_USE;
/* For reading only; the file is not touched. */
int journal_read(const char *path, struct journal **ret, struct err *err) MUST_USE;
/* Was a first record ever written whole? True also when the file cannot be read. */
bool journal_has_begun(const char *path);
void journal_free(struct journal *j);
void journal_free_ptr(struct journal **j);
#define AUTO_JOURNAL CLEANUP(journal_free_ptr)

/* Adds seq, time and chain to `record_take` and appends it; on the disk when it returns 0. When it
 * fails (ERR_STATE), the file is as before. */
int journal_append(struct journal *j, json_t *record_take, struct err *err) MUST_USE;

const char *journal_path(const struct journal *j);
/* Sets space aside for that many bytes of records to come, so that a disk which others fill does
 * not stop a way back; it is given back when the journal is freed or the process ends, and leaves
 * no file. ERR_STATE when there is none. */
int journal_reserve(struct journal *j, size_t bytes, struct err *err) MUST_USE;
/* From now on nothing is written any more: records are only kept. */
void journal_go_on_in_memory(struct journal *j);
bool journal_is_in_memory(const struct journal *j);

size_t journal_count(const struct journal *j);
const json_t *journal_at(const struct journal *j, size_t index); /* borrowed */

#endif
