/* stop_old, swap_names, start_new, keep_running: from the old container to the new one. */
#include <string.h>

#include "inspect/container.h"
#include "launcher/base/clock.h"
#include "launcher/upgrade/containers.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_impl.h"

/* What the engine reports of a container that did not stop in time. */
#define KILLED_BY_ENGINE 137

/* ---- stop_old ---- */

static uint64_t stop_timeout_ms(const struct run *r, const struct container *old)
{
    uint64_t ours = r->plan->options.stop_timeout_ms;
    json_int_t seconds = json_integer_value(json_object_get(old->config, "StopTimeout"));
    uint64_t own = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return ours > own ? ours : own;
}

/* `started_at` tells later whether it has run again in between. */
static void tell_stopped(uint64_t t1_ms, uint64_t took_ms, const struct container *c,
                         struct evidence *ret)
{
    AUTO_STR struct str summary = STR_INIT;
    str_append(&summary, "stopped in ");
    str_append_duration(&summary, took_ms);
    if (c->exit_code == KILLED_BY_ENGINE) {
        str_append(&summary, ", killed: it did not stop in time (--stop-timeout)");
    }
    ret->summary = str_take(&summary);
    ret->stopped.t1_ms = t1_ms;
    ret->stopped.exit_code = c->exit_code;
    ret->stopped.started_at = mem_strdup(c->started_at);
}

int stop_old_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const char *id = run_old_id(r, call->node);
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    AUTO_CONTAINER struct container stopped = CONTAINER_INIT;
    /* First the restart policy: a restart of the daemon must not wake it beside the new one. */
    if (run_inspect(r, call->node, id, &old, err) != 0 ||
        container_never_restart(r, call->node, id, err) != 0) {
        return -1;
    }
    uint64_t t1_ms = clock_wall_ms();
    uint64_t begun_ms = clock_mono_ms();
    if (container_stop(r, call->node, id, stop_timeout_ms(r, &old), err) != 0 ||
        run_inspect(r, call->node, id, &stopped, err) != 0) {
        return -1;
    }
    if (stopped.running) {
        return err_fail(err, ERR_FAILED,
                        "the container '%s' still runs after it was stopped\n"
                        "HINT: something starts it again; find out what, before going on",
                        old.name);
    }
    tell_stopped(t1_ms, clock_mono_ms() - begun_ms, &stopped, ret);
    return 0;
}

int stop_old_probe(const struct step_call *call, enum step_answer *ret,
                   struct evidence *ret_evidence, struct err *err)
{
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    uint64_t finished_ms = 0;
    if (run_inspect(call->run, call->node, run_old_id(call->run, call->node), &old, err) != 0) {
        return -1;
    }
    bool never = str_eq(container_restart_policy(&old), "no");
    if (old.running || !never || clock_parse(old.finished_at, &finished_ms) != 0) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    tell_stopped(finished_ms, 0, &old, ret_evidence);
    return 0;
}

/* ---- swap_names ---- */

int swap_names_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const char *final_name = run_node_plan(r, call->node)->new.desired.name;
    AUTO_FREE char *old_name = run_container_name(r, call->node, "old");
    if (container_rename(r, call->node, run_old_id(r, call->node), old_name, err) != 0 ||
        container_rename(r, call->node, run_new_id(r, call->node), final_name, err) != 0) {
        return -1;
    }
    ret->summary = mem_printf("the old one is '%s' now", old_name);
    ret->names.old_name = TAKE(old_name);
    ret->names.new_name = mem_strdup(final_name);
    return 0;
}

/* ---- start_new ---- */

static void tell_started(const struct step_call *call, uint64_t started_ms, struct evidence *ret)
{
    const char *name = run_node_plan(call->run, call->node)->new.desired.name;
    ret->summary = mem_printf("'%s' runs", name);
    ret->started.started_ms = started_ms;
}

int start_new_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    uint64_t started_ms = clock_wall_ms();
    if (container_start(r, call->node, run_new_id(r, call->node), err) != 0) {
        return -1;
    }
    tell_started(call, started_ms, ret);
    return 0;
}

int start_new_probe(const struct step_call *call, enum step_answer *ret,
                    struct evidence *ret_evidence, struct err *err)
{
    AUTO_CONTAINER struct container new = CONTAINER_INIT;
    uint64_t started_ms = 0;
    if (run_inspect(call->run, call->node, run_new_id(call->run, call->node), &new, err) != 0) {
        return -1;
    }
    if (!new.running || clock_parse(new.started_at, &started_ms) != 0) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    tell_started(call, started_ms, ret_evidence);
    return 0;
}

/* ---- keep_running ---- */

int keep_running_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    struct run *r = call->run;
    const struct container *desired = &run_node_plan(r, call->node)->new.desired;
    const json_t *policy = json_object_get(desired->host_config, "RestartPolicy");
    if (policy != NULL &&
        container_set_policy(r, call->node, run_new_id(r, call->node), policy, err) != 0) {
        return -1;
    }
    ret->summary =
        mem_printf("restart policy '%s', as on the old one", container_restart_policy(desired));
    return 0;
}
