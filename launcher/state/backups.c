#include "launcher/state/backups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/near.h"

#define MANIFEST_MAX (256U * 1024 * 1024)
#define NOTE_MAX 4096
#define ID_SECONDS 15 /* "20261122-101728" */

void backups_free(struct backup_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct kept_backup *b = &l->items[i];
        free(b->id);
        free(b->folder);
        free(b->deployment);
        free(b->endpoint);
        free(b->verified_how);
        strv_free(&b->databases);
    }
    free(l->items);
    *l = (struct backup_list){.items = NULL};
}

static char *note_path(const struct kept_backup *b)
{
    return mem_printf("%s.verified", b->folder);
}

static void read_note(struct kept_backup *b)
{
    AUTO_FREE char *path = note_path(b);
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *note = NULL;
    struct err ignored;
    if (fs_read(path, NOTE_MAX, true, &text, &ignored) == 0 &&
        json_parse(str_get(&text), text.len, path, &note, &ignored) == 0) {
        b->verified_ms = (uint64_t)json_int(note, "verified_ms", 0);
        b->verified_how = mem_strdup(json_text(note, "how", "bytes"));
    }
}

/* A folder without a readable manifest is a backup that was never finished; it is listed as such.
 */
static void read_backup(const char *folder, const char *id, struct kept_backup *b)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *manifest = NULL;
    struct err ignored;
    *b = (struct kept_backup){.id = mem_strdup(id), .folder = fs_join(folder, id)};
    AUTO_FREE char *path = fs_join(b->folder, "manifest.json");
    read_note(b);
    if (fs_read(path, MANIFEST_MAX, true, &text, &ignored) != 0 ||
        json_parse(str_get(&text), text.len, path, &manifest, &ignored) != 0) {
        return;
    }
    const char *deployment = json_text(manifest, "labels.deployment", NULL);
    const char *endpoint = json_text(manifest, "labels.endpoint", NULL);
    b->whole = true;
    b->deployment = deployment == NULL ? NULL : mem_strdup(deployment);
    b->endpoint = endpoint == NULL ? NULL : mem_strdup(endpoint);
    b->created_ms = (uint64_t)json_int(manifest, "created_ms", 0);
    const json_t *databases = json_object_get(manifest, "databases");
    for (size_t i = 0; i < json_array_size(databases); i++) {
        const json_t *database = json_array_get(databases, i);
        const json_t *tables = json_object_get(database, "tables");
        strv_add(&b->databases, json_text(database, "name", ""));
        b->bytes += (uint64_t)json_int(database, "bytes", 0);
        for (size_t k = 0; k < json_array_size(tables); k++) {
            b->rows += (uint64_t)json_int(json_array_get(tables, k), "rows", 0);
        }
    }
}

/* An ID begins with date and time to the second; within one second the manifest knows more. */
static int by_age(const void *a, const void *b)
{
    const struct kept_backup *x = a;
    const struct kept_backup *y = b;
    int order = strncmp(x->id, y->id, ID_SECONDS);
    if (order == 0 && x->created_ms != y->created_ms) {
        order = x->created_ms < y->created_ms ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->id, y->id);
}

int backups_read(const char *state, struct backup_list *ret, struct err *err)
{
    AUTO_FREE char *folder = fs_join(state, "backups");
    AUTO_STRV struct strv names = STRV_INIT;
    DIR *dir = opendir(folder);
    *ret = (struct backup_list){.items = NULL};
    if (dir == NULL) {
        return errno == ENOENT ? 0
                               : err_fail(err, ERR_STATE,
                                          "cannot read the folder of backups '%s': %m\n"
                                          "HINT: run as the user who makes them, or name another "
                                          "folder with --state-dir",
                                          folder);
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
            strv_add(&names, entry->d_name);
        }
    }
    closedir(dir);
    ret->items = mem_grow(NULL, names.count + 1, sizeof(*ret->items));
    for (size_t i = 0; i < names.count; i++) {
        read_backup(folder, names.items[i], &ret->items[ret->count++]);
    }
    if (ret->count > 1) {
        qsort(ret->items, ret->count, sizeof(ret->items[0]), by_age);
    }
    return 0;
}

json_t *backups_to_json(const struct kept_backup *b)
{
    char created[CLOCK_TEXT_MAX];
    json_t *databases = json_array();
    for (size_t i = 0; i < b->databases.count; i++) {
        json_add(databases, json_from_text(b->databases.items[i]));
    }
    return json_make("{s:s, s:s, s:b, s:s?, s:s?, s:s, s:I, s:I, s:o, s:s?}", "backup", b->id,
                     "folder", b->folder, "whole", (int)b->whole, "deployment", b->deployment,
                     "endpoint", b->endpoint, "created", clock_format(b->created_ms, created),
                     "bytes", (json_int_t)b->bytes, "rows", (json_int_t)b->rows, "databases",
                     databases, "verified", b->verified_how);
}

int backups_find(const struct backup_list *l, const char *which, const struct kept_backup **ret,
                 struct err *err)
{
    const char *base = strrchr(which, '/');
    const char *id = base == NULL ? which : base + 1;
    for (size_t i = l->count; i-- > 0;) {
        const struct kept_backup *b = &l->items[i];
        if (str_eq(b->id, id) || (str_eq(which, "last") && b->whole)) {
            *ret = b;
            return 0;
        }
    }
    AUTO_FREE const char **ids = mem_grow(NULL, l->count + 1, sizeof(*ids));
    for (size_t i = 0; i < l->count; i++) {
        ids[i] = l->items[i].id;
    }
    const char *near = near_find(id, ids, l->count);
    (void)err_fail(err, ERR_NOT_FOUND, "there is no backup '%s'", which);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "'omslaunch backups' lists them");
}

int backups_note_verified(const struct kept_backup *b, const char *how, struct err *err)
{
    AUTO_FREE char *path = note_path(b);
    AUTO_JSON json_t *note =
        json_make("{s:I, s:s}", "verified_ms", (json_int_t)clock_wall_ms(), "how", how);
    AUTO_FREE char *text = json_compact(note);
    return fs_write_atomic(path, text, strlen(text), err);
}

static bool is_same_deployment(const struct kept_backup *a, const struct kept_backup *b)
{
    return str_eq(a->deployment, b->deployment) && str_eq(a->endpoint, b->endpoint);
}

/* Whole backups of the same deployment that are newer; and how many of them were verified. */
static size_t count_newer(const struct backup_list *l, size_t index, size_t *ret_verified)
{
    size_t newer = 0;
    *ret_verified = 0;
    for (size_t i = index + 1; i < l->count; i++) {
        const struct kept_backup *b = &l->items[i];
        if (b->whole && is_same_deployment(b, &l->items[index])) {
            newer++;
            *ret_verified += b->verified_ms != 0;
        }
    }
    return newer;
}

size_t *backups_to_prune(const struct backup_list *l, size_t keep, const struct strv *needed,
                         size_t *ret_count)
{
    size_t *chosen = mem_grow(NULL, l->count + 1, sizeof(*chosen));
    *ret_count = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct kept_backup *b = &l->items[i];
        size_t newer_verified;
        size_t newer = count_newer(l, i, &newer_verified);
        bool last_verified = b->verified_ms != 0 && newer_verified == 0;
        if (newer >= (keep > 0 ? keep : 1) && !last_verified && !strv_has(needed, b->id)) {
            chosen[(*ret_count)++] = i;
        }
    }
    return chosen;
}

/* Only plain files stand in a backup; anything else is not ours to delete. */
int backups_delete(const struct kept_backup *b, struct err *err)
{
    AUTO_FREE char *note = note_path(b);
    DIR *dir = opendir(b->folder);
    if (dir == NULL) {
        return err_fail(err, ERR_STATE, "cannot read the backup '%s': %m", b->folder);
    }
    /* The manifest first: what is half deleted must not look whole. */
    (void)unlinkat(dirfd(dir), "manifest.json", 0);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    closedir(dir);
    if (rmdir(b->folder) != 0) {
        return err_fail(err, ERR_STATE,
                        "the backup '%s' cannot be removed: %m\n"
                        "HINT: look what else is in that folder",
                        b->folder);
    }
    (void)unlink(note);
    return 0;
}
