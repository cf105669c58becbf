/* What could not be made: told by name, and its text kept in a file beside the backup, as SQL that
 * an administrator can run. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/restore/state.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/fs.h"

#define DELIMITER "//__//"

bool restore_is_over(const struct err *err)
{
    return err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED;
}

int restore_soften(struct restore *r, const struct err *e, struct err *err)
{
    if (restore_is_over(e)) {
        *err = *e;
        return -1;
    }
    restore_warn(r, "%s", e->text);
    return 0;
}

char *restore_text_of(const struct restore_db *db, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_walk(db->entry, "tables"), i, entry) {
        if (str_eq(json_text(entry, "name", NULL), name)) {
            return definition_of(entry, "create");
        }
    }
    return mem_strdup("");
}

void restore_warn(struct restore *r, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0) {
        abort(); /* out of memory */
    }
    json_add(r->warnings, json_from_text(text));
    free(text);
}

void restore_find(struct restore *r, size_t database, const char *name, const struct err *why)
{
    AUTO_FREE char *text = mem_printf("%s.%s: %s", r->dbs[database].name, name, why->text);
    json_add(r->findings, json_from_text(text));
}

/* In the backup's folder. Caller frees. */
static char *file_name(const struct restore *r)
{
    AUTO_FREE char *plain = backup_file_name(r->run, false);
    return mem_printf("not-made-%s", plain);
}

bool restore_keep_sql(struct restore *r, size_t database, const char *comment, const char *settings,
                      const char *sql)
{
    AUTO_FREE char *file = file_name(r);
    AUTO_STR struct str text = STR_INIT;
    str_appendf(&text, "-- %.*s\nUSE ", (int)strcspn(comment, "\n"), comment);
    sql_name(&text, r->dbs[database].target);
    str_append(&text, ";\n");
    for (const char *p = settings; p != NULL && *p; p += strlen(p) + 1) {
        str_appendf(&text, "%s;\n", p);
    }
    str_appendf(&text, "DELIMITER " DELIMITER "\n%s\n" DELIMITER "\nDELIMITER ;\n", sql);
    AUTO_FD int fd =
        openat(r->folder_fd, file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0 && fs_write_all(fd, str_get(&text), text.len) == 0 && fsync(fd) == 0;
}

static void keep_in_file(struct restore *r, size_t database, const char *kind, const char *name,
                         const char *settings, const char *text, const struct err *why)
{
    bool kept = restore_keep_sql(r, database, why->text, settings, text);
    AUTO_FREE char *file = file_name(r);
    restore_warn(r, "the %s '%s.%s' was not made: %s; its text %s '%s/%s'", kind,
                 r->dbs[database].target, name, why->text,
                 kept ? "is kept in" : "could not be kept in", r->folder, file);
}

void restore_skip_compare(struct restore *r, size_t database, const char *name)
{
    struct restore_db *db = &r->dbs[database];
    if (db->uncompared == NULL) {
        db->uncompared = json_object();
    }
    json_put(db->uncompared, name, json_true());
}

void restore_keep_text(struct restore *r, size_t database, const char *kind, const char *name,
                       const char *settings, const char *text, const struct err *why)
{
    const struct restore_db *db = &r->dbs[database];
    restore_skip_compare(r, database, name);
    if (r->findings != NULL) {
        restore_find(r, database, name, why);
    } else if (r->rehearse) {
        restore_warn(r, "the %s '%s.%s' would be kept as text only: %s", kind, db->name, name,
                     why->text);
    } else {
        keep_in_file(r, database, kind, name, settings, text, why);
    }
}
