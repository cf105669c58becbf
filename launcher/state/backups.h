/* The backups in the state folder. */
#ifndef OMSLAUNCH_STATE_BACKUPS_H
#define OMSLAUNCH_STATE_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct kept_backup {
    char *id;
    char *folder;
    bool whole;       /* it has a manifest: it was finished */
    char *deployment; /* container that was backed up; NULL if not known */
    char *endpoint;
    struct strv databases;
    uint64_t created_ms;
    uint64_t bytes, rows;
    uint64_t verified_ms; /* the last good `verify`; 0: never */
    char *verified_how;   /* "bytes", "live", "rehearsal"; NULL: never */
};

struct backup_list {
    struct kept_backup *items; /* oldest first */
    size_t count;
};

#define AUTO_BACKUPS CLEANUP(backups_free)

/* None if there is no state folder. ERR_STATE. */
int backups_read(const char *state, struct backup_list *ret, struct err *err) MUST_USE;
void backups_free(struct backup_list *l);
/* By ID, by its folder's path, or "last"; ERR_NOT_FOUND when there is none. */
int backups_find(const struct backup_list *l, const char *which, const struct kept_backup **ret,
                 struct err *err) MUST_USE;
/* Remembers beside the backup, which itself never changes, that it was found good. ERR_STATE. */
int backups_note_verified(const struct kept_backup *b, const char *how, struct err *err) MUST_USE;

/* As programs are told of it. Caller owns. */
json_t *backups_to_json(const struct kept_backup *b);

/* Which of the backups may go when `keep` of each deployment stay: never the newest, never the
 * newest that was verified, never one that a run still needs (`needed`, run IDs). Indexes; caller
 * frees. */
size_t *backups_to_prune(const struct backup_list *l, size_t keep, const struct strv *needed,
                         size_t *ret_count);
/* Deletes it, for good. ERR_STATE. */
int backups_delete(const struct kept_backup *b, struct err *err) MUST_USE;

#endif
