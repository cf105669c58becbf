/* The way back: containers, names and databases. Each step is right from any state that the upgrade
 * or an interrupted rollback can have left, and deletes nothing that ever ran. */
#include <stdlib.h>
#include <string.h>

#include "inspect/container.h"
#include "launcher/base/clock.h"
#include "launcher/base/foreign.h"
#include "launcher/base/fs.h"
#include "launcher/spec/spec.h"
#include "launcher/state/restores.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/containers.h"
#include "launcher/upgrade/metadb_answer.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_health.h"
#include "launcher/upgrade/step_impl.h"

#define RESTORE_TIMEOUT_MS (24ULL * 60 * 60 * 1000)
#define LOG_MAX (64U * 1024 * 1024)

/* The new container, also when its creation was never written down. Until then nobody has renamed
 * it but an interrupted rollback; and the run's label tells it from what has only its name. */
static int find_new(struct run *r, int node, const char **ret_id, struct err *err)
{
    static const char *const kinds[] = {"new", "failed"};
    for (size_t i = 0; i < ARRAY_LEN(kinds) && run_new_id(r, node) == NULL; i++) {
        AUTO_FREE char *name = run_container_name(r, node, kinds[i]);
        AUTO_CONTAINER struct container found = CONTAINER_INIT;
        if (run_inspect(r, node, name, &found, err) != 0) {
            if (err->kind != ERR_NOT_FOUND) {
                return -1;
            }
            continue;
        }
        if (str_eq(container_label(&found, SPEC_LABEL_RUN), r->id)) {
            r->nodes[node].found_id = TAKE(found.id);
        }
    }
    *ret_id = run_new_id(r, node);
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
static void save_log(struct run *r, int node, const char *id)
{
    AUTO_STR struct str log = STR_INIT;
    struct err ignored;
    struct engine *e;
    AUTO_FREE char *name = mem_printf("logs/new-%d.log", node);
    AUTO_FREE char *path = state_run_file(r->state, r->id, name);
    if (run_engine(r, node, &e, &ignored) != 0 ||
        engine_container_logs(e, id, 0, keep_bytes, &log, &ignored) != 0 ||
        write_redacted(path, &log, &ignored) != 0) {
        run_say_progress(r, "the log of the new container could not be kept", 0, 0, false);
    }
}

int back_stop_new_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    AUTO_CONTAINER struct container stopped = CONTAINER_INIT;
    const char *id;
    if (find_new(r, call->node, &id, err) != 0) {
        return -1;
    }
    if (id == NULL) {
        ret->summary = mem_strdup("there is none");
        return 0;
    }
    if (container_never_restart(r, call->node, id, err) != 0 ||
        container_stop(r, call->node, id, r->plan->options.stop_timeout_ms, err) != 0 ||
        run_inspect(r, call->node, id, &stopped, err) != 0) {
        if (err->kind != ERR_NOT_FOUND) {
            return -1;
        }
        ret->summary = mem_strdup("somebody removed it");
        return 0;
    }
    save_log(r, call->node, id);
    ret->summary = mem_strdup("stopped; its log is kept with the run");
    if (clock_parse(stopped.finished_at, &ret->stopped_new.t3_ms) != 0) {
        ret->stopped_new.t3_ms = clock_wall_ms();
    }
    return 0;
}

/* ---- back_names ---- */

/* A container that has never run holds nothing of anybody's: it is removed. */
static int put_new_aside(struct run *r, int node, const char *id, const char *name,
                         bool *ret_never_ran, struct err *err)
{
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    if (run_inspect(r, node, id, &now, err) != 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    *ret_never_ran = str_eq(now.status, "created");
    return *ret_never_ran ? container_remove_unused(r, node, id, err)
                          : container_rename(r, node, id, name, err);
}

int back_names_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const char *old_name = run_node_plan(r, call->node)->old.name;
    AUTO_FREE char *failed_name = run_container_name(r, call->node, "failed");
    const char *id;
    bool never_ran = false;
    if (find_new(r, call->node, &id, err) != 0 ||
        (id != NULL && put_new_aside(r, call->node, id, failed_name, &never_ran, err) != 0) ||
        container_rename(r, call->node, run_old_id(r, call->node), old_name, err) != 0) {
        return -1;
    }
    ret->summary = mem_printf("'%s' is the old one again", old_name);
    ret->names_back.failed_name = TAKE(failed_name);
    ret->names_back.never_ran = never_ran;
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
        return err->kind == ERR_NOT_FOUND && id == run_new_id(r, node) ? 0 : -1;
    }
    return !c.running ? 0
                      : err_fail(err, ERR_FAILED,
                                 "'%s' runs: the databases cannot be restored under it\n"
                                 "HINT: stop it, then 'omslaunch rollback %s'",
                                 c.name, r->id);
}

static int check_all_stopped(struct run *r, struct err *err)
{
    for (size_t i = 0; i < r->plan->node_count; i++) {
        int node = (int)i;
        if (r->nodes[i].is_left) {
            continue;
        }
        if (check_stopped(r, node, run_old_id(r, node), err) != 0 ||
            check_stopped(r, node, run_new_id(r, node), err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* No new container could be started: nobody can have changed the databases. */
static bool is_new_untried(const struct run *r)
{
    bool untried = true;
    for (size_t i = 0; i < r->plan->node_count && untried; i++) {
        const struct evidence *e = run_evidence(r, STEP_BACK_NAMES, subject_node((int)i));
        untried = e != NULL && e->names_back.never_ran;
    }
    return untried;
}

static void tell_restored(const struct run *r, const json_t *answer, struct evidence *ret)
{
    AUTO_STR struct str summary = STR_INIT;
    AUTO_STRV struct strv kept = STRV_INIT;
    const json_t *warnings = json_object_get(answer, "warnings");
    restores_list_kept(answer, &kept);
    str_append(&summary, "restored and compared");
    for (size_t i = 0; i < kept.count; i++) {
        str_appendf(&summary, "%s %s", i > 0 ? "," : "; what was there is kept as", kept.items[i]);
    }
    if (kept.count > 0) {
        str_appendf(&summary, " ('omslaunch prune --databases-of %s' drops that)", r->id);
    }
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        str_appendf(&summary, "; warning: %s", json_string_value(json_array_get(warnings, i)));
    }
    ret->summary = str_take(&summary);
    ret->restored.restore = json_deep_copy(answer);
}

/* Only who has made the backup knows how to bring it back. */
static int restore_by_hook(struct run *r, const struct hook *hook, struct evidence *ret,
                           struct err *err)
{
    const struct evidence *backup = run_evidence(r, STEP_BACKUP_METADB, subject_deployment());
    AUTO_FREE char *folder = state_run_file(r->state, r->id, "backup");
    AUTO_JSON json_t *result = NULL;
    const struct run_hook h = {
        .hook = hook,
        .node = -1,
        .undo = true,
        .undo_result = backup != NULL ? json_object_get(backup->backup.dump, "result") : NULL,
        .folder = folder,
    };
    if (hook->undo.count == 0) {
        err_fail(err, ERR_FAILED,
                 "the backup was made by hook 'backup/%s', which has no 'undo': the databases are "
                 "not restored\n"
                 "HINT: restore them by hand, then 'omslaunch resume %s --answer back_metadb=done'",
                 hook->name, r->id);
        return err_ask_person(err);
    }
    if (run_host_hook(r, &h, &result, err) != 0) {
        return err_hint(err, "see what it said; 'omslaunch rollback %s' tries again", r->id);
    }
    ret->summary = mem_printf("restored by the undo of hook backup/%s", hook->name);
    ret->restored.restore = result == NULL ? NULL : json_incref(result);
    return 0;
}

/* Our own restore may be done again from any state; a hook of the site only if it says so. */
int back_metadb_probe(const struct step_call *call, enum step_answer *ret,
                      struct evidence *ret_evidence, struct err *err)
{
    (void)ret_evidence;
    struct run *r = call->run;
    const struct hook *hook = plan_hook(r->plan, HOOK_BACKUP);
    const struct ledger_row *last = run_row(r, STEP_BACK_METADB, subject_deployment());
    *ret = STEP_NOT_DONE;
    if (hook == NULL || is_new_untried(r)) {
        return 0;
    }
    bool was_cut_off = last->state == ROW_BEGUN || last->kind == ERR_INTERRUPTED;
    if (hook->undo.count == 0 || (was_cut_off && !hook->repeatable)) {
        *ret = STEP_UNKNOWN;
        err_fail(err, ERR_FAILED, "are the databases what they were at the backup of hook '%s'?",
                 hook->name);
    }
    return 0;
}

int back_metadb_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const struct hook *hook = plan_hook(r->plan, HOOK_BACKUP);
    AUTO_FREE char *folder = state_backup_folder(r->state, r->id);
    AUTO_JSON json_t *answer = NULL;
    if (is_new_untried(r)) {
        ret->summary = mem_strdup("as they were: the new version never ran");
        return 0;
    }
    if (check_all_stopped(r, err) != 0 || wait_until_left_are_silent(r, err) != 0) {
        return -1;
    }
    if (hook != NULL) {
        return restore_by_hook(r, hook, ret, err);
    }
    json_t *request = json_make("{s:s}", "folder", folder);
    if (run_metadb(r, "restore", request, RESTORE_TIMEOUT_MS, &answer, err) != 0) {
        return err_hint(err, "the backup in '%s' is whole; 'omslaunch rollback %s' tries again",
                        folder, r->id);
    }
    tell_restored(r, answer, ret);
    return 0;
}

/* ---- back_start_old ---- */

/* Never both: the new one must rest, also when somebody started it by hand meanwhile. */
static int check_new_rests(struct run *r, int node, struct err *err)
{
    AUTO_CONTAINER struct container new = CONTAINER_INIT;
    const char *id = run_new_id(r, node);
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
    const char *id = run_old_id(r, node);
    const struct ledger_row *stop = run_row(r, STEP_STOP_OLD, subject_node(node));
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    if (stop == NULL || stop->state == ROW_DONE) {
        return 0;
    }
    if (run_inspect(r, node, id, &old, err) != 0) {
        return -1;
    }
    bool was_asked_to = str_eq(container_restart_policy(&old), "no");
    if (old.running && was_asked_to &&
        container_stop(r, node, id, r->plan->options.stop_timeout_ms, err) != 0) {
        return err->kind == ERR_FAILED ? 0 : -1;
    }
    return 0;
}

int back_start_old_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const struct plan_old *old = &run_node_plan(r, call->node)->old;
    const char *policy = json_string_value(json_object_get(old->restart_policy, "Name"));
    if (check_new_rests(r, call->node, err) != 0 ||
        (old->running && end_cut_off_stop(r, call->node, err) != 0)) {
        return -1;
    }
    if (policy != NULL && policy[0] != '\0' &&
        container_set_policy(r, call->node, old->id, old->restart_policy, err) != 0) {
        return -1;
    }
    uint64_t started_ms = clock_wall_ms();
    if (old->running && container_start(r, call->node, old->id, err) != 0) {
        return -1;
    }
    ret->summary =
        mem_strdup(old->running ? "it runs, with its restart policy" : "it did not run before");
    ret->started.started_ms = started_ms;
    return 0;
}

int back_start_old_probe(const struct step_call *call, enum step_answer *ret,
                         struct evidence *ret_evidence, struct err *err)
{
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    const struct plan_old *planned = &run_node_plan(call->run, call->node)->old;
    if (run_inspect(call->run, call->node, planned->id, &old, err) != 0) {
        return -1;
    }
    bool as_before = old.running || !planned->running;
    *ret = as_before ? STEP_DONE : STEP_NOT_DONE;
    if (as_before) {
        ret_evidence->summary = mem_strdup("it runs");
        (void)!clock_parse(old.started_at, &ret_evidence->started.started_ms);
    }
    return 0;
}
