/* Files and folders that must survive a crash, and must not be led astray by links. */
#ifndef OMSLAUNCH_BASE_FS_H
#define OMSLAUNCH_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

/* Creates each missing folder of `path` (0700) and syncs its parent. An existing last component
 * must be a folder of ours (or root's), not a link. ERR_STATE. */
int fs_make_dirs(const char *path, struct err *err) MUST_USE;
/* "a/b" from "a" and "b". Caller frees. */
char *fs_join(const char *folder, const char *name);

/* Whole file, at most `max` bytes, through no link in the last component when `nofollow`.
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_FAILED. */
int fs_read(const char *path, size_t max, bool nofollow, struct str *ret, struct err *err) MUST_USE;
/* Beside, sync, rename, sync of the folder: the old or the new content, never a mix. 0600.
 * ERR_STATE. */
int fs_write_atomic(const char *path, const char *bytes, size_t len, struct err *err) MUST_USE;
/* Opens for appending, 0600, creating it only if `create` (then O_EXCL); syncs the folder.
 * ERR_STATE. */
int fs_open_append(const char *path, bool create, int *ret_fd, struct err *err) MUST_USE;
/* One write, then fdatasync; a short write is an error. ERR_STATE. */
int fs_append_synced(int fd, const char *path, const char *bytes, size_t len,
                     struct err *err) MUST_USE;
/* All of it, whatever EINTR and short writes do. */
int fs_write_all(int fd, const char *bytes, size_t len) MUST_USE;
int fs_sync_folder(const char *folder, struct err *err) MUST_USE;
bool fs_exists(const char *path);
/* A folder of ours with all that is in it, through no link and onto no other file system.
 * ERR_STATE.
 */
int fs_remove_tree(const char *path, struct err *err) MUST_USE;
/* Bytes an unprivileged writer may still use below `path`. */
int fs_free_space(const char *path, uint64_t *ret_bytes, struct err *err) MUST_USE;

/* flock() on a file that is created if missing; the descriptor is the lock. ERR_LOCKED when held by
 * another (then `ret_holder` has the file's text if not NULL), ERR_STATE. */
int fs_lock(const char *path, struct str *ret_holder, int *ret_fd, struct err *err) MUST_USE;

#endif
