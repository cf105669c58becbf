/* stop_old, swap_names, start_new, keep_running: from the old container to the new one. */
#include "launcher/upgrade/step_impl.h"

#include <string.h>

#include "launcher/base/clock.h"

/* What the engine reports of a container that did not stop in time. */
#define KILLED_BY_ENGINE 137

/* ---- stop_old ---- */

static uint64_t stop_timeout_ms(const struct run *r, const struct container *old)
{
    uint64_t ours = (uint64_t)json_int(r->plan->json, "options.stop_timeout_ms", 0);
    uint64_t own = (uint64_t)json_int(old->config, "StopTimeout", 0) * 1000;
    return ours > own ? ours : own;
}

/* `started_at` tells later whether it has run again in between. */
static json_t *stop_evidence(uint64_t t1_ms, uint64_t took_ms, const json_t *answer)
{
    AUTO_STR struct str summary = STR_INIT;
    int exit_code = (int)json_int(answer, "State.ExitCode", 0);
    str_append(&summary, "stopped in ");
    str_append_duration(&summary, took_ms);
    if (exit_code == KILLED_BY_ENGINE) {
        str_append(&summary, ", killed: it did not stop in time (--stop-timeout)");
    }
    return json_make("{s:s, s:I, s:i, s:s}", "summary", str_get(&summary), "t1_ms",
                     (json_int_t)t1_ms, "exit_code", exit_code, "started_at",
                     json_text(answer, "State.StartedAt", ""));
}

STEP_APPLY(stop_old_apply)
{
    (void)prepared;
    struct engine *e = r->nodes[node].engine;
    const char *id = r->nodes[node].old_id;
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    AUTO_JSON json_t *never = json_make("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0);
    AUTO_JSON json_t *stopped = NULL;
    if (run_inspect(r, node, id, &old, err) != 0) {
        return -1;
    }
    /* First the restart policy: a restart of the daemon must not wake it beside the new one. */
    if (engine_container_set_restart_policy(e, id, never, err) != 0) {
        return -1;
    }
    uint64_t t1_ms = clock_wall_ms();
    uint64_t begun_ms = clock_mono_ms();
    if (engine_container_stop(e, id, stop_timeout_ms(r, &old), err) != 0 ||
        engine_container_inspect(e, id, &stopped, err) != 0) {
        return -1;
    }
    if (json_bool(stopped, "State.Running", false)) {
        return err_fail(err, ERR_FAILED,
                        "the container '%s' still runs after it was stopped\n"
                        "HINT: something starts it again; find out what, before going on",
                        old.name);
    }
    *ret = stop_evidence(t1_ms, clock_mono_ms() - begun_ms, stopped);
    return 0;
}

STEP_PROBE(stop_old_probe)
{
    (void)prepared;
    AUTO_JSON json_t *answer = NULL;
    if (engine_container_inspect(r->nodes[node].engine, r->nodes[node].old_id, &answer, err) != 0) {
        return -1;
    }
    uint64_t finished_ms = 0;
    bool never = str_eq(json_text(answer, "HostConfig.RestartPolicy.Name", "no"), "no");
    if (json_bool(answer, "State.Running", false) || !never ||
        clock_parse(json_text(answer, "State.FinishedAt", ""), &finished_ms) != 0) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    *ret_evidence = stop_evidence(finished_ms, 0, answer);
    return 0;
}

/* ---- swap_names ---- */

STEP_APPLY(swap_names_apply)
{
    (void)prepared;
    const char *final_name = json_text(plan_node(r->plan, node), "new.name", "");
    AUTO_FREE char *old_name = run_container_name(r, node, "old");
    if (run_rename(r, node, r->nodes[node].old_id, old_name, err) != 0 ||
        run_rename(r, node, r->nodes[node].new_id, final_name, err) != 0) {
        return -1;
    }
    AUTO_FREE char *summary = mem_printf("the old one is '%s' now", old_name);
    *ret = json_make("{s:s, s:s, s:s}", "summary", summary, "old_name", old_name, "new_name",
                     final_name);
    return 0;
}

/* ---- start_new ---- */

static json_t *start_evidence(const struct run *r, int node, uint64_t started_ms)
{
    AUTO_FREE char *summary =
        mem_printf("'%s' runs", json_text(plan_node(r->plan, node), "new.name", ""));
    return json_make("{s:s, s:I}", "summary", summary, "started_ms", (json_int_t)started_ms);
}

STEP_APPLY(start_new_apply)
{
    (void)prepared;
    uint64_t started_ms = clock_wall_ms();
    if (engine_container_start(r->nodes[node].engine, r->nodes[node].new_id, err) != 0) {
        return -1;
    }
    *ret = start_evidence(r, node, started_ms);
    return 0;
}

STEP_PROBE(start_new_probe)
{
    (void)prepared;
    AUTO_JSON json_t *answer = NULL;
    if (engine_container_inspect(r->nodes[node].engine, r->nodes[node].new_id, &answer, err) != 0) {
        return -1;
    }
    uint64_t started_ms = 0;
    if (!json_bool(answer, "State.Running", false) ||
        clock_parse(json_text(answer, "State.StartedAt", ""), &started_ms) != 0) {
        *ret = STEP_NOT_DONE;
        return 0;
    }
    *ret = STEP_DONE;
    *ret_evidence = start_evidence(r, node, started_ms);
    return 0;
}

/* ---- keep_running ---- */

STEP_APPLY(keep_running_apply)
{
    (void)prepared;
    const json_t *policy = json_walk(plan_node(r->plan, node), "new.host_config.RestartPolicy");
    const char *name = json_text(policy, "Name", "no");
    if (policy != NULL && engine_container_set_restart_policy(
                              r->nodes[node].engine, r->nodes[node].new_id, policy, err) != 0) {
        return -1;
    }
    AUTO_FREE char *summary = mem_printf("restart policy '%s', as on the old one", name);
    *ret = json_make("{s:s}", "summary", summary);
    return 0;
}
