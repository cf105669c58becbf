/* `probe`: tries what a restore will have to do, in scratch databases beside the real ones, before
 * the outage that would need it. A backup of the definitions alone goes through the restore's own
 * code; what would not come back is the result. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb/dump/dump.h"
#include "hooks/metadb/model/names.h"
#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/ops/privileges.h"
#include "hooks/metadb/restore/restore.h"

/* Making a table is waiting for the disk. */
#define WORKERS 8
#define FOLDER "omslaunch-probe-XXXXXX"

/* A folder of our own for as long as it takes. */
static int make_folder(char **ret, struct err *err)
{
    const char *under = getenv("TMPDIR");
    AUTO_FREE char *path = mem_printf("%s/" FOLDER, under && *under == '/' ? under : "/tmp");
    if (mkdtemp(path) == NULL) {
        err_fail(err, ERR_STATE, "no folder can be made for the definitions of a rehearsal: %m");
        return err_hint(err, "see that '%s' can be written, or set TMPDIR", path);
    }
    *ret = TAKE(path);
    return 0;
}

static void drop_folder(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(path);
}

/* Whatever the server's words are: what was tried, and what would help. */
static int say_what_it_was_for(const struct request *request, struct err *err)
{
    AUTO_STRV struct strv databases = STRV_INIT;
    err_wrap(err, "what a restore would need was tried in scratch databases");
    if (err->kind != ERR_PERMISSION) {
        return -1;
    }
    AUTO_STR struct str grants = STR_INIT;
    request_databases(request, &databases);
    for (size_t i = 0; i < databases.count; i++) {
        AUTO_STR struct str pattern = STR_INIT;
        AUTO_FREE char *head = names_head(databases.items[i]);
        privileges_escape(&pattern, head);
        str_appendf(&grants, "%s`%s%%`.*", i ? ", " : "", str_get(&pattern));
    }
    /* In place of the connection's own: a better one is known here. */
    err->hint[0] = '\0';
    return err_hint(err,
                    "as an administrator: GRANT ALL ON each of %s TO the user '%s'; or go on "
                    "without a way back: --accept metadb.privileges=REASON",
                    str_get(&grants), request->user);
}

static int probe(const struct request *request, const char *folder, json_t *findings,
                 struct err *err)
{
    AUTO_JSON json_t *parameters = json_make("{s:s, s:s, s:b, s:i}", "folder", folder, "compress",
                                             "none", "definitions", 1, "workers", WORKERS);
    AUTO_JSON json_t *dumped = NULL;
    struct request definitions = *request;
    definitions.parameters = parameters;
    if (dump_run(&definitions, &dumped, err) < 0 || restore_try(&definitions, findings, err) < 0) {
        return -1;
    }
    (void)json_array_extend(findings, json_object_get(dumped, "problems"));
    return 0;
}

int probe_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_FREE char *folder = NULL;
    AUTO_JSON json_t *findings = json_array();
    if (make_folder(&folder, err) < 0) {
        return -1;
    }
    int rc = probe(request, folder, findings, err);
    drop_folder(folder);
    if (rc < 0) {
        return say_what_it_was_for(request, err);
    }
    *ret = json_make("{s:O}", "findings", findings);
    return 0;
}
