/* trim_heartbeats, prepare_backup and backup_metadb. */
#include <errno.h>
#include <unistd.h>

#include "hooks/host_hook.h"
#include "launcher/base/fs.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/metadb_answer.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

#define MINUTE_MS 60000U
#define TRIM_TIMEOUT_MS (60U * MINUTE_MS)
#define PREPARE_TIMEOUT_MS (60U * MINUTE_MS)
#define BACKUP_TIMEOUT_MS (24ULL * 60 * MINUTE_MS)

/* ---- trim_heartbeats (domain, "The MetaDB": heatbeat_sequence) ---- */

int trim_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    /* Before the outage, so OMS still writes. */
    json_t *request = json_make("{s:b}", "live", 1);
    if (run_metadb(call->run, "trim", request, TRIM_TIMEOUT_MS, &answer, err) != 0 ||
        trim_answer_read(answer, &ret->trim.deleted, err) != 0) {
        return -1;
    }
    ret->summary = mem_printf("%lld old rows cleared", (long long)ret->trim.deleted);
    return 0;
}

/* ---- prepare_backup, backup_metadb ---- */

/* A backup of this run that has no outcome is of an attempt that was cut off. Nobody relies on it
 * yet, and it may be older than the databases: OMS may have been started in between. */
static int drop_cut_off(const char *folder, struct err *err)
{
    AUTO_FREE char *manifest = fs_join(folder, "manifest.json");
    if (unlink(manifest) != 0 && errno != ENOENT) {
        return err_fail(err, ERR_STATE,
                        "the unfinished backup '%s' cannot be replaced: %m\n"
                        "HINT: see that the file system is writable, then go on with 'omslaunch "
                        "resume'",
                        manifest);
    }
    return 0;
}

/* Of the heartbeat sequence the newest row is all that OMS needs; what it has written since the
 * trim is not saved. */
static json_t *dump_request(const struct run *r, const char *folder, bool prepare)
{
    json_t *labels = json_make("{s:s, s:s}", "deployment", r->plan->deployment, "endpoint",
                               r->plan->nodes[0].endpoint);
    if (r->request.identity != NULL) {
        json_put_text(labels, "identity", r->request.identity);
    }
    return json_make("{s:s, s:s, s:b, s:o}", "folder", folder, "sequence", "newest", "prepare",
                     (int)prepare, "labels", labels);
}

int prepare_backup_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    struct dump_answer ready = {.tables = 0};
    if (drop_cut_off(folder, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *parameters = dump_request(r, folder, true);
    const struct metadb_request request =
        run_metadb_request(r, "dump", parameters, PREPARE_TIMEOUT_MS);
    metadb_waiting_free(TAKE(r->backup));
    if (metadb_prepare(&r->metadb, &request, &r->backup, err) != 0 ||
        prepared_answer_read(metadb_prepared(r->backup), &ready, err) != 0) {
        return -1;
    }
    AUTO_STR struct str summary = STR_INIT;
    str_appendf(&summary, "%lld tables, about ", (long long)ready.tables);
    str_append_size(&summary, ready.bytes);
    ret->summary = str_take(&summary);
    ret->ready.prepared = json_deep_copy(metadb_prepared(r->backup));
    return 0;
}

/* What was prepared may be gone: by a resume, or because somebody ended the program. */
static int dump(struct run *r, const char *folder, json_t **ret, struct err *err)
{
    struct metadb_waiting *waiting = TAKE(r->backup);
    if (waiting != NULL && metadb_waits(waiting)) {
        return metadb_go_take(waiting, BACKUP_TIMEOUT_MS, ret, err);
    }
    metadb_waiting_free(waiting);
    if (drop_cut_off(folder, err) != 0) {
        return -1;
    }
    return run_metadb(r, "dump", dump_request(r, folder, false), BACKUP_TIMEOUT_MS, ret, err);
}

/* The site's own backup: what its result names is there and on the disk. */
static int backup_by_hook(struct run *r, const struct hook *hook, struct evidence *ret,
                          struct err *err)
{
    AUTO_FREE char *folder = state_run_file(r->state, r->id, "backup");
    AUTO_JSON json_t *result = NULL;
    const struct run_hook h = {.hook = hook, .node = -1, .folder = folder};
    if (run_host_hook(r, &h, &result, err) != 0 || host_hook_check_files(hook, result, err) != 0) {
        return -1;
    }
    AUTO_FREE char *title = hook_title(hook);
    ret->summary = mem_printf("%zu files by hook %s",
                              json_array_size(json_object_get(result, "files")), title);
    ret->backup.folder = TAKE(folder);
    ret->backup.dump = json_make("{s:s, s:O}", "hook", title, "result", result);
    return 0;
}

int backup_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const struct hook *instead = plan_hook(r->plan, HOOK_BACKUP);
    if (instead != NULL) {
        return backup_by_hook(r, instead, ret, err);
    }
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    AUTO_JSON json_t *answer = NULL;
    struct dump_answer done = {.tables = 0};
    if (dump(r, folder, &answer, err) != 0 || dump_answer_read(answer, &done, err) != 0) {
        return -1;
    }
    AUTO_STR struct str summary = STR_INIT;
    str_appendf(&summary, "%lld tables, %lld rows, ", (long long)done.tables, (long long)done.rows);
    str_append_size(&summary, done.bytes);
    str_appendf(&summary, " in %s", folder);
    ret->summary = str_take(&summary);
    ret->backup.folder = TAKE(folder);
    ret->backup.dump = TAKE(answer);
    return 0;
}
