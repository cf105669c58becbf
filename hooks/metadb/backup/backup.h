/* A backup on disk: one folder with a file for each database and manifest.json, written last. */
#ifndef OMSLAUNCH_METADB_BACKUP_H
#define OMSLAUNCH_METADB_BACKUP_H

#include "launcher/base/json.h"

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_SCHEMA 1

/* Opens the folder, which must be ours, writable by nobody else, and no link; `create` makes it
 * (0700) when it is missing. ERR_STATE, ERR_NOT_FOUND. */
int backup_open_folder(const char *folder, bool create, int *ret_fd, struct err *err) MUST_USE;
/* "rm_331.sql.zst": no byte of the database's name can lead out of the folder. Caller frees. */
char *backup_file_name(const char *database, bool compressed);

/* Adds the digest of everything in it and writes it, by rename, as the last act. ERR_STATE. */
int backup_write_manifest(int folder_fd, const char *folder, json_t *manifest,
                          struct err *err) MUST_USE;
/* Reads and checks it: shape, and that it is as it was written. ERR_NOT_FOUND when there is none
 * (the backup was never finished), ERR_STATE when damaged. Caller owns *ret. */
int backup_read_manifest(int folder_fd, const char *folder, json_t **ret, struct err *err) MUST_USE;

/* Tables of a manifest's database, as a backup counts them: those with rows to be saved. */
size_t backup_count_tables(const json_t *database);
/* What every way to verify says of a good backup: "whole", "against" (NULL: itself), "bytes",
 * "tables", "rows" and "digest". */
void backup_put_verdict(json_t *result, const json_t *manifest, const char *against);

#endif
