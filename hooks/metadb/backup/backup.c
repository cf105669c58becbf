#include "hooks/metadb/backup/backup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/digest.h"
#include "launcher/base/fs.h"

#define MANIFEST_MAX (1024UL * 1024 * 1024)

int backup_open_folder(const char *folder, bool create, int *ret_fd, struct err *err)
{
    if (*folder != '/') {
        return err_fail(err, ERR_USAGE, "the backup folder '%s' is no absolute path", folder);
    }
    if (create && fs_make_dirs(folder, err) < 0) {
        return -1;
    }
    AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        err_fail(err, ERR_NOT_FOUND, "there is no backup folder '%s'", folder);
        return err_hint(err, "`omslaunch backups` lists those that are there");
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return err_fail(err, ERR_STATE, "the backup folder '%s' cannot be opened: %m", folder);
    }
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        err_fail(err, ERR_STATE,
                 "the backup folder '%s' belongs to another user, or others may "
                 "write to it",
                 folder);
        return err_hint(err, "a backup holds everything in the MetaDB: chown it to yourself and "
                             "chmod it to 700");
    }
    *ret_fd = fd;
    fd = -1;
    return 0;
}

char *backup_file_name(const char *database, bool compressed)
{
    struct str name = STR_INIT;
    for (const char *p = database; *p; p++) {
        bool plain =
            isalnum((unsigned char)*p) || *p == '_' || *p == '-' || (*p == '.' && p != database);
        if (plain) {
            str_append_c(&name, *p);
        } else {
            str_appendf(&name, "%%%02X", (unsigned char)*p);
        }
    }
    str_append(&name, compressed ? ".sql.zst" : ".sql");
    return str_take(&name);
}

static void digest_manifest(const json_t *manifest, char *hex)
{
    AUTO_JSON json_t *bare = json_copy((json_t *)(uintptr_t)manifest);
    json_object_del(bare, "digest");
    AUTO_FREE char *text = json_canonical(bare);
    digest_of(text, strlen(text), hex);
}

static int write_fail(const char *folder, struct err *err)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    err_fail(err, ERR_STATE, "'%s/" BACKUP_MANIFEST "' cannot be written: %m", folder);
    return full ? err_hint(err, "make room on that file system") : -1;
}

int backup_write_manifest(int folder_fd, const char *folder, json_t *manifest, struct err *err)
{
    static const char part[] = BACKUP_MANIFEST ".part";
    char hex[DIGEST_HEX_MAX];
    digest_manifest(manifest, hex);
    json_put_text(manifest, "digest", hex);
    AUTO_FREE char *text = json_compact(manifest);
    size_t len = strlen(text);
    text[len] = '\n';
    (void)unlinkat(folder_fd, part, 0);
    AUTO_FD int fd =
        openat(folder_fd, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fs_write_all(fd, text, len + 1) < 0 || fsync(fd) < 0 || fsync(folder_fd) < 0 ||
        renameat(folder_fd, part, folder_fd, BACKUP_MANIFEST) < 0 || fsync(folder_fd) < 0) {
        write_fail(folder, err);
        (void)unlinkat(folder_fd, part, 0);
        return -1;
    }
    return 0;
}

static int damaged(const char *folder, const char *how, struct err *err)
{
    err_fail(err, ERR_STATE, "'%s/" BACKUP_MANIFEST "' %s", folder, how);
    return err_hint(err, "this backup cannot be trusted: take another one");
}

static int read_text(int folder_fd, const char *folder, struct str *ret, struct err *err)
{
    AUTO_FD int fd = openat(folder_fd, BACKUP_MANIFEST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        err_fail(err, ERR_NOT_FOUND,
                 "'%s' has no " BACKUP_MANIFEST ": the backup was never "
                 "finished",
                 folder);
        return err_hint(err, "take the backup again");
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return damaged(folder, "cannot be read", err);
    }
    char buf[65536];
    ssize_t n;
    while ((n = read(fd, buf, sizeof(buf))) > 0 && ret->len < MANIFEST_MAX) {
        str_append_n(ret, buf, (size_t)n);
    }
    return n == 0 ? 0 : damaged(folder, "cannot be read to its end", err);
}

int backup_read_manifest(int folder_fd, const char *folder, json_t **ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *manifest = NULL;
    struct err e = ERR_INIT;
    char hex[DIGEST_HEX_MAX];
    if (read_text(folder_fd, folder, &text, err) < 0) {
        return -1;
    }
    if (json_parse(str_get(&text), text.len, BACKUP_MANIFEST, &manifest, &e) < 0) {
        return damaged(folder, "is no whole JSON document", err);
    }
    int64_t schema = json_int(manifest, "schema", 0);
    if (schema != BACKUP_SCHEMA) {
        return damaged(folder, "is of a format that this version does not know", err);
    }
    digest_manifest(manifest, hex);
    if (!str_eq(json_text(manifest, "digest", NULL), hex)) {
        return damaged(folder, "was changed after it was written", err);
    }
    if (!json_is_array(json_walk(manifest, "databases"))) {
        return damaged(folder, "names no databases", err);
    }
    *ret = TAKE(manifest);
    return 0;
}

size_t backup_count_tables(const json_t *database)
{
    size_t count = 0, i;
    json_t *table;
    json_array_foreach (json_walk(database, "tables"), i, table) {
        count += json_object_get(table, "rows") != NULL;
    }
    return count;
}

void backup_put_verdict(json_t *result, const json_t *manifest, const char *against)
{
    json_int_t bytes = 0, rows = 0, tables = 0;
    size_t i, k;
    json_t *database, *table;
    json_array_foreach (json_walk(manifest, "databases"), i, database) {
        bytes += json_int(database, "bytes", 0);
        tables += (json_int_t)backup_count_tables(database);
        json_array_foreach (json_walk(database, "tables"), k, table) {
            rows += json_int(table, "rows", 0);
        }
    }
    json_put(result, "whole", json_true());
    json_put_text(result, "against", against);
    json_put(result, "bytes", json_integer(bytes));
    json_put(result, "tables", json_integer(tables));
    json_put(result, "rows", json_integer(rows));
    json_put_text(result, "digest", json_text(manifest, "digest", ""));
}
