/* The way back: containers, names and databases. Each step is right from any state that the upgrade
 * or an interrupted rollback can have left, and deletes nothing that ever ran. */
#include "launcher/upgrade/step_impl.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/foreign.h"
#include "launcher/base/fs.h"
#include "launcher/state/restores.h"
#include "launcher/spec/spec.h"
#include "launcher/state/state.h"

#define RESTORE_TIMEOUT_MS (24ULL * 60 * 60 * 1000)
#define LOG_MAX (64U * 1024 * 1024)

/* The new container, also when its creation was never written down. Until then nobody has renamed
 * it but an interrupted rollback; and the run's label tells it from what has only its name. */
static int find_new(struct run *r, int node, struct err *err)
{
    static const char *const kinds[] = {"new", "failed"};
    for (size_t i = 0; i < ARRAY_LEN(kinds) && r->nodes[node].new_id == NULL; i++) {
        AUTO_FREE char *name = run_container_name(r, node, kinds[i]);
        AUTO_JSON json_t *found = NULL;
        if (engine_container_inspect(r->nodes[node].engine, name, &found, err) != 0) {
            if (err->kind != ERR_NOT_FOUND) {
                return -1;
            }
            continue;
        }
        const json_t *labels = json_walk(found, "Config.Labels");
        if (str_eq(json_string_value(json_object_get(labels, SPEC_LABEL_RUN)), r->id)) {
            r->nodes[node].new_id = mem_strdup(json_text(found, "Id", ""));
        }
    }
    return 0;
}

/* ---- back_stop_new ---- */

static int keep_bytes(void *arg, int stream, const char *bytes, size_t len)
{
    (void)stream;
    struct str *log = arg;
    str_append_n(log, bytes, log->len + len > LOG_MAX ? LOG_MAX - log->len : len);
    return log->len >= LOG_MAX;
}

static int write_redacted(const char *path, struct str *log, struct err *err)
{
    foreign_redact(log);
    return fs_write_atomic(path, str_get(log), log->len, err);
}

/* What the failed container wrote; that it cannot be had must not stop the way back. */
static void save_log(struct run *r, int node)
{
    AUTO_STR struct str log = STR_INIT;
    struct err ignored;
    AUTO_FREE char *name = mem_printf("logs/new-%d.log", node);
    AUTO_FREE char *path = state_run_file(r->state, r->id, name);
    if (engine_container_logs(r->nodes[node].engine, r->nodes[node].new_id, 0, keep_bytes, &log,
                              &ignored) != 0 ||
        write_redacted(path, &log, &ignored) != 0) {
        run_say_progress(r, "the log of the new container could not be kept", 0, 0, false);
    }
}

static uint64_t finished_ms(const json_t *answer)
{
    uint64_t at_ms;
    return clock_parse(json_text(answer, "State.FinishedAt", ""), &at_ms) == 0 ? at_ms
                                                                               : clock_wall_ms();
}

STEP_APPLY(back_stop_new_apply)
{
    (void)prepared;
    struct engine *e = r->nodes[node].engine;
    if (find_new(r, node, err) != 0) {
        return -1;
    }
    const char *id = r->nodes[node].new_id;
    if (id == NULL) {
        *ret = json_make("{s:s}", "summary", "there is none");
        return 0;
    }
    AUTO_JSON json_t *never = json_make("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0);
    AUTO_JSON json_t *answer = NULL;
    uint64_t timeout_ms = (uint64_t)json_int(r->plan->json, "options.stop_timeout_ms", 0);
    if (engine_container_set_restart_policy(e, id, never, err) != 0 ||
        engine_container_stop(e, id, timeout_ms, err) != 0 ||
        engine_container_inspect(e, id, &answer, err) != 0) {
        if (err->kind != ERR_NOT_FOUND) {
            return -1;
        }
        *ret = json_make("{s:s}", "summary", "somebody removed it");
        return 0;
    }
    save_log(r, node);
    *ret = json_make("{s:s, s:I}", "summary", "stopped; its log is kept with the run", "t3_ms",
                     (json_int_t)finished_ms(answer));
    return 0;
}

/* ---- back_names ---- */

/* A container that has never run holds nothing of anybody's: it is removed. */
static int put_new_aside(struct run *r, int node, const char *name, bool *ret_never_ran,
                         struct err *err)
{
    const char *id = r->nodes[node].new_id;
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    if (run_inspect(r, node, id, &now, err) != 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    *ret_never_ran = str_eq(now.status, "created");
    return *ret_never_ran ? engine_container_remove_created(r->nodes[node].engine, id, err)
                          : run_rename(r, node, id, name, err);
}

STEP_APPLY(back_names_apply)
{
    (void)prepared;
    if (find_new(r, node, err) != 0) {
        return -1;
    }
    AUTO_FREE char *failed_name = run_container_name(r, node, "failed");
    const char *old_name = json_text(plan_node(r->plan, node), "old.name", "");
    bool never_ran = false;
    if (r->nodes[node].new_id != NULL &&
        put_new_aside(r, node, failed_name, &never_ran, err) != 0) {
        return -1;
    }
    if (run_rename(r, node, r->nodes[node].old_id, old_name, err) != 0) {
        return -1;
    }
    AUTO_FREE char *summary = mem_printf("'%s' is the old one again", old_name);
    *ret = json_make("{s:s, s:s, s:b}", "summary", summary, "failed_name", failed_name, "never_ran",
                     (int)never_ran);
    return 0;
}

/* ---- back_metadb ---- */

static int check_stopped(struct run *r, int node, const char *id, struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    if (id == NULL) {
        return 0;
    }
    if (run_inspect(r, node, id, &c, err) != 0) {
        /* What never ran was removed when the names were given back. */
        return err->kind == ERR_NOT_FOUND && id == r->nodes[node].new_id ? 0 : -1;
    }
    return !c.running ? 0
                      : err_fail(err, ERR_FAILED,
                                 "'%s' runs: the databases cannot be restored under it\n"
                                 "HINT: stop it, then 'omslaunch rollback %s'",
                                 c.name, r->id);
}

static int check_all_stopped(struct run *r, struct err *err)
{
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        if (check_stopped(r, (int)i, r->nodes[i].old_id, err) != 0 ||
            check_stopped(r, (int)i, r->nodes[i].new_id, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* No new container could be started: nobody can have changed the databases. */
static bool is_new_untried(const struct run *r)
{
    bool untried = true;
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        untried =
            untried && json_bool(run_evidence(r, STEP_BACK_NAMES, (int)i), "never_ran", false);
    }
    return untried;
}

STEP_APPLY(back_metadb_apply)
{
    (void)node, (void)prepared;
    if (is_new_untried(r)) {
        *ret = json_make("{s:s}", "summary", "as they were: the new version never ran");
        return 0;
    }
    if (check_all_stopped(r, err) != 0) {
        return -1;
    }
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    AUTO_JSON json_t *answer = NULL;
    json_t *request = json_make("{s:s}", "folder", folder);
    if (run_metadb(r, "restore", request, RESTORE_TIMEOUT_MS, &answer, err) != 0) {
        return err_hint(err, "the backup in '%s' is whole; 'omslaunch rollback %s' tries again",
                        folder, r->id);
    }
    AUTO_STR struct str summary = STR_INIT;
    AUTO_STRV struct strv kept = STRV_INIT;
    restores_list_kept(answer, &kept);
    str_append(&summary, "restored and compared");
    for (size_t i = 0; i < kept.count; i++) {
        str_appendf(&summary, "%s %s", i > 0 ? "," : "; what was there is kept as", kept.items[i]);
    }
    if (kept.count > 0) {
        str_appendf(&summary, " ('omslaunch prune --databases-of %s' drops that)", r->id);
    }
    size_t i;
    json_t *warning;
    json_array_foreach (json_object_get(answer, "warnings"), i, warning) {
        str_appendf(&summary, "; warning: %s", json_string_value(warning));
    }
    *ret = json_make("{s:s, s:O}", "summary", str_get(&summary), "restore", answer);
    return 0;
}

/* ---- back_start_old ---- */

/* Never both: the new one must rest, also when somebody started it by hand meanwhile. */
static int check_new_rests(struct run *r, int node, struct err *err)
{
    AUTO_CONTAINER struct container new = CONTAINER_INIT;
    const char *id = r->nodes[node].new_id;
    if (id == NULL) {
        return 0;
    }
    if (run_inspect(r, node, id, &new, err) != 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    if (new.running) {
        return err_fail(err, ERR_FAILED,
                        "the new container '%s' runs again: the old one is not started beside it\n"
                        "HINT: find out who started it, stop it, then 'omslaunch rollback %s'",
                        new.name, r->id);
    }
    return 0;
}

/* A stop that was cut off goes on inside the engine: the old one would go down right after it was
 * found running. Where it cannot be stopped at all, it serves, and the health checks will say so.
 */
static int end_cut_off_stop(struct run *r, int node, struct err *err)
{
    const char *id = r->nodes[node].old_id;
    uint64_t timeout_ms = (uint64_t)json_int(r->plan->json, "options.stop_timeout_ms", 0);
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    if (run_begun(r, STEP_STOP_OLD, node) == NULL || run_evidence(r, STEP_STOP_OLD, node) != NULL) {
        return 0;
    }
    if (run_inspect(r, node, id, &old, err) != 0) {
        return -1;
    }
    bool was_asked_to = str_eq(json_text(old.host_config, "RestartPolicy.Name", "no"), "no");
    if (old.running && was_asked_to &&
        engine_container_stop(r->nodes[node].engine, id, timeout_ms, err) != 0) {
        return err->kind == ERR_FAILED ? 0 : -1;
    }
    return 0;
}

STEP_APPLY(back_start_old_apply)
{
    (void)prepared;
    struct engine *e = r->nodes[node].engine;
    const char *id = r->nodes[node].old_id;
    const json_t *old = json_object_get(plan_node(r->plan, node), "old");
    const json_t *policy = json_object_get(old, "restart_policy");
    bool was_running = json_bool(old, "running", false);
    if (check_new_rests(r, node, err) != 0 ||
        (was_running && end_cut_off_stop(r, node, err) != 0)) {
        return -1;
    }
    if (json_is_object(policy) && json_text(policy, "Name", "")[0] != '\0' &&
        engine_container_set_restart_policy(e, id, policy, err) != 0) {
        return -1;
    }
    uint64_t started_ms = clock_wall_ms();
    if (was_running && engine_container_start(e, id, err) != 0) {
        return -1;
    }
    *ret = json_make("{s:s, s:I}", "summary",
                     was_running ? "it runs, with its restart policy" : "it did not run before",
                     "started_ms", (json_int_t)started_ms);
    return 0;
}

STEP_PROBE(back_start_old_probe)
{
    (void)prepared;
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    const json_t *node_plan = plan_node(r->plan, node);
    if (run_inspect(r, node, r->nodes[node].old_id, &old, err) != 0) {
        return -1;
    }
    bool as_before = old.running || !json_bool(node_plan, "old.running", false);
    *ret = as_before ? STEP_DONE : STEP_NOT_DONE;
    if (as_before) {
        *ret_evidence = json_make("{s:s}", "summary", "it runs");
    }
    return 0;
}
