/* What is looked at beside the steps: that nobody moved what they stand on. */
#include "launcher/upgrade/step_impl.h"

#include "inspect/container.h"

/* Once the old container was stopped, it must stay so: beside the new one it would write to the
 * same databases and disks, and behind the backup's back. */
int run_check_old_rests(struct run *r, struct err *err)
{
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        AUTO_JSON json_t *old = NULL;
        const json_t *stopped = run_evidence(r, STEP_STOP_OLD, (int)i);
        if (stopped == NULL) {
            continue;
        }
        if (engine_container_inspect(r->nodes[i].engine, r->nodes[i].old_id, &old, err) != 0) {
            return -1;
        }
        bool running = json_bool(old, "State.Running", false);
        const char *then = json_text(stopped, "started_at", "");
        const char *now = json_text(old, "State.StartedAt", "");
        if (running || !str_eq(then, now)) {
            r->asks_person = run_begun_anywhere(r, STEP_START_NEW);
            return err_fail(err, ERR_FAILED,
                            "the old container '%s' %s since it was stopped, and omslaunch did not "
                            "start it: what it wrote is not in the backup\n"
                            "HINT: go back with 'omslaunch rollback %s', then upgrade again",
                            json_text(old, "Name", "/?") + 1, running ? "runs again" : "has run",
                            r->id);
        }
    }
    return 0;
}

/* A step that only spoke to the MetaDB does not notice that the engine went down behind it. */
int run_check_serves(struct run *r, bool new_ones, struct err *err)
{
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        AUTO_CONTAINER struct container c = CONTAINER_INIT;
        const char *id = new_ones ? r->nodes[i].new_id : r->nodes[i].old_id;
        if (!new_ones && !json_bool(plan_node(r->plan, (int)i), "old.running", false)) {
            continue;
        }
        if (run_inspect(r, (int)i, id, &c, err) != 0) {
            return -1;
        }
        if (!c.running) {
            return err_fail(err, ERR_FAILED,
                            "the container '%s' was healthy, and has stopped since, with exit code "
                            "%d\nHINT: 'docker logs %s' may say why; 'omslaunch resume %s' starts "
                            "it again",
                            c.name, c.exit_code, c.name, r->id);
        }
    }
    return 0;
}
