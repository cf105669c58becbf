/* trim_heartbeats, prepare_backup and backup_metadb. */
#include "launcher/upgrade/step_impl.h"

#include <errno.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/state/state.h"

#define MINUTE_MS 60000U
#define TRIM_TIMEOUT_MS (60U * MINUTE_MS)
#define PREPARE_TIMEOUT_MS (60U * MINUTE_MS)
#define BACKUP_TIMEOUT_MS (24ULL * 60 * MINUTE_MS)

/* ---- trim_heartbeats (domain, "The MetaDB": heatbeat_sequence) ---- */

STEP_APPLY(trim_apply)
{
    (void)node, (void)prepared;
    AUTO_JSON json_t *databases = NULL;
    /* Before the outage, so OMS still writes. */
    json_t *request = json_make("{s:b}", "live", 1);
    if (run_metadb(r, "trim", request, TRIM_TIMEOUT_MS, &databases, err) != 0) {
        return -1;
    }
    json_int_t deleted = 0;
    for (size_t i = 0; i < json_array_size(databases); i++) {
        deleted += json_int(json_array_get(databases, i), "deleted", 0);
    }
    AUTO_FREE char *summary = mem_printf("%lld old rows cleared", (long long)deleted);
    *ret = json_make("{s:s, s:I}", "summary", summary, "deleted", deleted);
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
    return json_make("{s:s, s:s, s:b, s:{s:s, s:s}}", "folder", folder, "sequence", "newest",
                     "prepare", (int)prepare, "labels", "deployment",
                     json_text(r->plan->json, "deployment", ""), "endpoint",
                     json_text(plan_node(r->plan, 0), "endpoint", ""));
}

STEP_APPLY(prepare_backup_apply)
{
    (void)node, (void)prepared;
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    if (drop_cut_off(folder, err) != 0) {
        return -1;
    }
    AUTO_JSON json_t *parameters = dump_request(r, folder, true);
    const struct metadb_request request =
        run_metadb_request(r, "dump", parameters, PREPARE_TIMEOUT_MS);
    metadb_waiting_free(TAKE(r->backup));
    if (metadb_prepare(&r->metadb, &request, &r->backup, err) != 0) {
        return -1;
    }
    const json_t *ready = metadb_prepared(r->backup);
    AUTO_STR struct str summary = STR_INIT;
    str_appendf(&summary, "%lld tables, about ", (long long)json_int(ready, "tables", 0));
    str_append_size(&summary, (uint64_t)json_int(ready, "raw_bytes_estimate", 0));
    *ret = json_make("{s:s, s:O}", "summary", str_get(&summary), "prepared", ready);
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

STEP_APPLY(backup_apply)
{
    (void)node, (void)prepared;
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    AUTO_JSON json_t *answer = NULL;
    if (dump(r, folder, &answer, err) != 0) {
        return -1;
    }
    AUTO_STR struct str summary = STR_INIT;
    str_appendf(&summary, "%lld tables, %lld rows, ", (long long)json_int(answer, "tables", 0),
                (long long)json_int(answer, "rows", 0));
    str_append_size(&summary, (uint64_t)json_int(answer, "bytes", 0));
    str_appendf(&summary, " in %s", folder);
    *ret = json_make("{s:s, s:s, s:O}", "summary", str_get(&summary), "folder", folder, "dump",
                     answer);
    return 0;
}
