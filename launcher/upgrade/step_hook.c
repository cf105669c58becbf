/* hook, back_hook and undo_hook: what a site adds. On the way back a hook stops nothing: what goes
 * wrong is a warning in its evidence. */
#include <stdlib.h>
#include <string.h>

#include "hooks/container_hook.h"
#include "hooks/hook_state.h"
#include "hooks/host_hook.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/stop.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

#define POLL_MS 1000

/* ---- what it is told ---- */

/* "hooks/pre-stop-10-drain-0" */
static char *file_name(const char *kind, const struct run_hook *h, const char *end)
{
    AUTO_FREE char *node = h->node >= 0 ? mem_printf("-%d", h->node) : mem_strdup("");
    return mem_printf("%s/%s-%s%s%s", kind, hook_point_name(h->hook->point), h->hook->name, node,
                      end);
}

/* Of all nodes, where there is more than one, it says only what they share. */
static void fill_containers(const struct run *r, const struct run_hook *h,
                            struct hook_container *old, struct hook_container *created)
{
    const struct plan *p = r->plan;
    int node = h->node >= 0 ? h->node : 0;
    const struct plan_node *n = run_node_plan(r, node);
    bool one = h->node >= 0 || p->node_count == 1;
    *old = (struct hook_container){.name = n->old.name,
                                   .id = one ? n->old.id : NULL,
                                   .image = n->old.image,
                                   .version = plan_version_text(&p->from)};
    *created = (struct hook_container){.name = n->new.desired.name,
                                       .id = one ? run_new_id(r, node) : NULL,
                                       .image = n->new.desired.image_ref,
                                       .version = plan_version_text(&p->to)};
}

/* What a hook may know of the run. Caller frees both. */
static void describe(const struct run *r, const struct run_hook *h, const char *folder,
                     json_t **ret, struct strv *ret_environment)
{
    const struct plan *p = r->plan;
    const struct plan_node *n = h->node >= 0 ? run_node_plan(r, h->node) : NULL;
    bool of_node = n != NULL && h->hook->scope == HOOK_NODE;
    AUTO_FREE char *region = n != NULL ? mem_printf("%lld", (long long)n->region) : NULL;
    AUTO_FREE char *run_folder = state_run_folder(r->state, r->id);
    AUTO_FREE char *backup = plan_hook(p, HOOK_BACKUP) == NULL
                                 ? state_backup_folder(r->state, r->id)
                                 : state_run_file(r->state, r->id, "backup");
    struct hook_container old, created;
    fill_containers(r, h, &old, &created);
    const struct hook_state s = {
        .hook = h->hook,
        .undo = h->undo,
        .undo_result = h->undo_result,
        .run = r->id,
        .deployment = p->deployment,
        .region = region,
        .node = of_node ? n->name : NULL,
        .endpoint = of_node ? n->endpoint : NULL,
        .host_ip = of_node ? n->old.health.host_ip : NULL,
        .old = &old,
        .created = &created,
        .metadb = &r->metadb,
        .run_folder = run_folder,
        .backup_folder = backup,
        .folder = folder,
        .failure = r->failure != NULL ? r->failure : r->ledger.back_reason,
    };
    *ret = hook_state_to_json(&s);
    hook_state_environment(&s, ret_environment);
}

/* The plan has the names of its variables; the site's file has their values. */
static int add_variables(const struct run *r, const struct hook *h, struct strv *ret,
                         struct err *err)
{
    const struct hook *now =
        r->request.hooks == NULL ? NULL : hook_list_find(r->request.hooks, h->point, h->name);
    for (size_t i = 0; i < h->environment.count; i++) {
        const char *name = h->environment.items[i];
        size_t len = strlen(name);
        const char *found = NULL;
        for (size_t k = 0; now != NULL && k < now->environment.count && found == NULL; k++) {
            const char *item = now->environment.items[k];
            found = strncmp(item, name, len) == 0 && item[len] == '=' ? item : NULL;
        }
        if (found == NULL) {
            return err_fail(err, ERR_CONFIG,
                            "hook '%s/%s' had a variable '%s' when the plan was made, and the "
                            "site's file does not give it now\n"
                            "HINT: put it back under 'environment' of this hook; a plan stores no "
                            "values",
                            hook_point_name(h->point), h->name, name);
        }
        strv_add(ret, found);
    }
    return 0;
}

/* ---- programs ---- */

static void on_line(void *arg, const char *line)
{
    run_say_output(arg, line);
}

static void on_event(void *arg, const json_t *event)
{
    if (str_eq(json_text(event, "event", ""), "progress")) {
        run_say_progress(arg, json_text(event, "text", ""), 0, 0, false);
    }
}

int run_host_hook(struct run *r, const struct run_hook *h, json_t **ret_result, struct err *err)
{
    AUTO_FREE char *name = file_name("hooks", h, "");
    AUTO_FREE char *folder =
        h->folder != NULL ? mem_strdup(h->folder) : state_run_file(r->state, r->id, name);
    AUTO_FREE char *log_name = file_name("logs/hook", h, h->undo ? "-undo.log" : ".log");
    AUTO_FREE char *log = state_run_file(r->state, r->id, log_name);
    AUTO_FREE char *log_folder = mem_strndup(log, (size_t)(strrchr(log, '/') - log));
    AUTO_STRV struct strv environment = STRV_INIT;
    AUTO_JSON json_t *state = NULL;
    struct hook hook = *h->hook;
    AUTO_STRV struct strv variables = STRV_INIT;
    if (fs_make_dirs(folder, err) != 0 || fs_make_dirs(log_folder, err) != 0 ||
        add_variables(r, h->hook, &variables, err) != 0) {
        return -1;
    }
    hook.environment = variables;
    describe(r, h, folder, &state, &environment);
    const struct host_hook call = {
        .hook = &hook,
        .undo = h->undo,
        .digest = h->undo ? hook.undo_digest : hook.digest,
        .state = state,
        .folder = folder,
        .log_path = log,
        .environment = &environment,
        .stop_on_signal = true,
        .on_line = on_line,
        .on_event = on_event,
        .arg = r,
    };
    AUTO_HOST_HOOK_RESULT struct host_hook_result result = {.result = NULL};
    if (host_hook_run(&call, &result, err) != 0) {
        return -1;
    }
    *ret_result = TAKE(result.result);
    return 0;
}

/* ---- commands in a container ---- */

/* Before it is stopped, and when all has gone back, OMS is the old one. */
static const char *container_of(const struct run *r, const struct run_hook *h)
{
    bool old = h->hook->point <= HOOK_PRE_STOP || hook_point_goes_back(h->hook->point);
    return old ? run_old_id(r, h->node) : run_new_id(r, h->node);
}

static struct container_hook command_of(const struct run *r, const struct run_hook *h)
{
    const struct strv *argv = h->undo ? &h->hook->undo : &h->hook->command;
    return (struct container_hook){.container = container_of(r, h),
                                   .argv = (const char *const *)argv->items,
                                   .timeout_ms = h->hook->timeout_ms};
}

static int make_exec(struct run *r, const struct run_hook *h, char **ret_id, struct err *err)
{
    struct engine *e;
    AUTO_STRV struct strv environment = STRV_INIT;
    AUTO_JSON json_t *state = NULL;
    struct container_hook command = command_of(r, h);
    if (command.container == NULL) {
        return err_fail(err, ERR_FAILED, "the container of hook '%s/%s' was never created",
                        hook_point_name(h->hook->point), h->hook->name);
    }
    if (add_variables(r, h->hook, &environment, err) != 0) {
        return -1;
    }
    describe(r, h, NULL, &state, &environment);
    strv_addf(&environment, "OMSLAUNCH_POINT=%s", hook_point_name(h->hook->point));
    strv_addf(&environment, "OMSLAUNCH_HOOK=%s", h->hook->name);
    strv_addf(&environment, "OMSLAUNCH_UNDO=%d", h->undo ? 1 : 0);
    command.env = (const char *const *)environment.items;
    return run_engine(r, h->node, &e, err) != 0 ? -1
                                                : container_hook_create(e, &command, ret_id, err);
}

static int run_exec(struct run *r, const struct run_hook *h, const char *exec_id, struct err *err)
{
    struct engine *e;
    struct container_hook command = command_of(r, h);
    int exit_code = 0;
    command.on_line = on_line;
    command.arg = r;
    if (run_engine(r, h->node, &e, err) != 0 ||
        container_hook_run(e, &command, exec_id, &exit_code, err) != 0) {
        return -1;
    }
    return exit_code == 0 ? 0
                          : err_fail(err, ERR_FAILED,
                                     "hook '%s/%s' ended with exit code %d in the container '%s'\n"
                                     "HINT: what it said is above; '%s' is its command",
                                     hook_point_name(h->hook->point), h->hook->name, exit_code,
                                     run_node_plan(r, h->node)->old.name, command.argv[0]);
}

int run_look_at_exec(struct run *r, int node, const char *exec_id, bool *ret_known,
                     struct engine_exec_state *ret, struct err *err)
{
    struct engine *e;
    *ret = (struct engine_exec_state){.exit_code = -1};
    *ret_known = false;
    if (exec_id == NULL) {
        return 0;
    }
    if (run_engine(r, node, &e, err) != 0) {
        return -1;
    }
    *ret_known = engine_exec_inspect(e, exec_id, ret, err) == 0;
    return *ret_known || err->kind == ERR_NOT_FOUND ? 0 : -1;
}

/* ---- the rows ---- */

static struct run_hook hook_of(const struct step_call *call, bool undo)
{
    const struct run *r = call->run;
    const struct evidence *done = undo ? run_evidence(r, STEP_HOOK, call->subject) : NULL;
    return (struct run_hook){
        .hook = plan_hook_of(r->plan, call->subject),
        .node = plan_node_of(r->plan, call->subject),
        .undo = undo,
        .undo_result = done != NULL ? done->hook.result : NULL,
    };
}

/* An exec is made before it is started, as docker_init.sh's (step_init.c): that of the last attempt
 * unless it has failed, or can never run any more. */
int hook_prepare(const struct step_call *call, struct prepared *ret, struct err *err)
{
    const struct run_hook h = hook_of(call, ret->step == STEP_UNDO_HOOK);
    const char *last = call->prepared != NULL ? call->prepared->hook.exec_id : NULL;
    struct engine_exec_state state;
    bool known;
    if (h.hook->kind == HOOK_HOST) {
        return 0;
    }
    if (run_look_at_exec(call->run, h.node, last, &known, &state, err) != 0) {
        return -1;
    }
    if (known && state.exit_code <= 0) {
        ret->hook.exec_id = mem_strdup(last);
        return 0;
    }
    return make_exec(call->run, &h, &ret->hook.exec_id, err);
}

int back_hook_prepare(const struct step_call *call, struct prepared *ret, struct err *err)
{
    if (hook_prepare(call, ret, err) != 0) {
        free(TAKE(ret->hook.exec_id));
    }
    return 0;
}

static int run_it(const struct step_call *call, const struct run_hook *h, json_t **ret_result,
                  struct err *err)
{
    AUTO_FREE char *own = NULL;
    const char *exec_id = call->prepared->hook.exec_id;
    if (h->hook->kind == HOOK_HOST) {
        return run_host_hook(call->run, h, ret_result, err);
    }
    if (exec_id == NULL && make_exec(call->run, h, &own, err) != 0) {
        return -1;
    }
    return run_exec(call->run, h, exec_id != NULL ? exec_id : own, err);
}

static void tell(const struct run_hook *h, uint64_t begun_ms, struct evidence *ret)
{
    AUTO_STR struct str summary = STR_INIT;
    str_appendf(&summary, "%s after ", h->undo ? "undone" : "ended well");
    str_append_duration(&summary, clock_mono_ms() - begun_ms);
    ret->summary = str_take(&summary);
}

static void warn(const struct err *why, struct evidence *ret)
{
    ret->summary = mem_printf("warning: %s", why->text);
    ret->hook.warning = err_join(why);
}

/* The run itself is at stake: it is stopped, or its journal cannot be written. */
static bool is_more_than_a_warning(const struct err *err)
{
    return err->kind == ERR_INTERRUPTED || err->kind == ERR_STATE || err->kind == ERR_LOCKED;
}

int hook_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    const struct run_hook h = hook_of(call, false);
    uint64_t begun_ms = clock_mono_ms();
    if (run_it(call, &h, &ret->hook.result, err) == 0) {
        tell(&h, begun_ms, ret);
        return 0;
    }
    /* What comes after a success fails nothing any more, but the exit code says it (12). */
    bool counts = h.hook->on_failure == HOOK_ABORT || h.hook->point == HOOK_POST_UPGRADE;
    if (counts || is_more_than_a_warning(err)) {
        return -1;
    }
    warn(err, ret);
    return 0;
}

int back_hook_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    const struct run_hook h = hook_of(call, ret->step == STEP_UNDO_HOOK);
    uint64_t begun_ms = clock_mono_ms();
    if (run_it(call, &h, &ret->hook.result, err) == 0) {
        tell(&h, begun_ms, ret);
        return 0;
    }
    if (err->kind == ERR_INTERRUPTED) {
        return -1;
    }
    warn(err, ret);
    return 0;
}

/* ---- probe ---- */

/* It goes on inside of the container when the process that started it is killed. */
static int wait_for_exec(struct run *r, const struct run_hook *h, const char *exec_id,
                         bool *ret_known, struct engine_exec_state *ret, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(h->hook->timeout_ms);
    for (;;) {
        if (run_look_at_exec(r, h->node, exec_id, ret_known, ret, err) != 0) {
            return -1;
        }
        if (!ret->running) {
            return 0;
        }
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop while hook '%s/%s' runs",
                            hook_point_name(h->hook->point), h->hook->name);
        }
        if (clock_passed(deadline_ms)) {
            return err_fail(err, ERR_TIMEOUT,
                            "hook '%s/%s' still runs from before, and its time is over\n"
                            "HINT: 'docker top %s' shows what it does",
                            hook_point_name(h->hook->point), h->hook->name,
                            run_node_plan(r, h->node)->old.name);
        }
        clock_sleep_ms(POLL_MS);
    }
}

/* It said itself that it has failed; only what was cut off may have done half. */
static bool has_failed(const struct step_call *call, enum step_id step)
{
    const struct ledger_row *row = run_row(call->run, step, call->subject);
    return row->state == ROW_UNDONE || (row->state == ROW_FAILED && row->kind != ERR_INTERRUPTED);
}

static int look_at_command(const struct step_call *call, const struct run_hook *h,
                           enum step_answer *ret, struct evidence *ret_evidence, struct err *err)
{
    struct engine_exec_state state;
    const char *exec_id = call->prepared != NULL ? call->prepared->hook.exec_id : NULL;
    bool known;
    if (wait_for_exec(call->run, h, exec_id, &known, &state, err) != 0) {
        return -1;
    }
    if (known && state.pid != 0 && state.exit_code == 0) {
        ret_evidence->summary = mem_strdup("it had ended well");
        *ret = STEP_DONE;
    } else if (!known && exec_id != NULL) {
        *ret = STEP_UNKNOWN;
    }
    return 0;
}

/* Whether it ran, and how far, nobody but itself can tell. */
static int look(const struct step_call *call, const struct run_hook *h, enum step_id step,
                enum step_answer *ret, struct evidence *ret_evidence, struct err *err)
{
    *ret = STEP_NOT_DONE;
    if (has_failed(call, step)) {
        return 0;
    }
    if (h->hook->kind == HOOK_HOST) {
        *ret = STEP_UNKNOWN;
    } else if (look_at_command(call, h, ret, ret_evidence, err) != 0) {
        return -1;
    }
    if (*ret == STEP_UNKNOWN && h->hook->repeatable) {
        *ret = STEP_NOT_DONE;
    }
    return 0;
}

int hook_probe(const struct step_call *call, enum step_answer *ret, struct evidence *ret_evidence,
               struct err *err)
{
    const struct run_hook h = hook_of(call, false);
    if (look(call, &h, STEP_HOOK, ret, ret_evidence, err) != 0) {
        return -1;
    }
    if (*ret == STEP_UNKNOWN) {
        err_fail(err, ERR_FAILED,
                 "hook '%s/%s' was begun, and nobody knows whether it has ended: did it do all it "
                 "had to?",
                 hook_point_name(h.hook->point), h.hook->name);
    }
    return 0;
}

/* Nobody is asked on the way back: what may have run is not run again. */
int back_hook_probe(const struct step_call *call, enum step_answer *ret,
                    struct evidence *ret_evidence, struct err *err)
{
    const struct run_hook h = hook_of(call, ret_evidence->step == STEP_UNDO_HOOK);
    struct err why = ERR_INIT;
    if (look(call, &h, ret_evidence->step, ret, ret_evidence, err) != 0) {
        if (err->kind == ERR_INTERRUPTED) {
            return -1;
        }
        *ret = STEP_DONE;
        warn(err, ret_evidence);
    } else if (*ret == STEP_UNKNOWN) {
        *ret = STEP_DONE;
        err_fail(&why, ERR_FAILED,
                 "hook '%s/%s' was cut off, and is not run again: see whether it did all it had to"
                 "\nHINT: 'repeatable: true' lets a hook run again",
                 hook_point_name(h.hook->point), h.hook->name);
        warn(&why, ret_evidence);
    }
    return 0;
}
