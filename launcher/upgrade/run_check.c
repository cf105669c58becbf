/* What is looked at beside the steps: that nobody moved what they stand on. */
#include "launcher/upgrade/step_impl.h"

#include "inspect/container.h"
#include "inspect/neighbour.h"

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
            err_fail(err, ERR_FAILED,
                     "the old container '%s' %s since it was stopped, and omslaunch did not "
                     "start it: what it wrote is not in the backup\n"
                     "HINT: go back with 'omslaunch rollback %s', then upgrade again",
                     json_text(old, "Name", "/?") + 1, running ? "runs again" : "has run", r->id);
            return run_begun_anywhere(r, STEP_START_NEW) ? err_ask_person(err) : -1;
        }
    }
    return 0;
}

/* Is one of the old container's disks among what this one has? */
static const char *shared_disk(const struct neighbour *n, const struct container *old)
{
    static const char *const disks[] = {OMS_PATH_LOGS, OMS_PATH_STORE, OMS_PATH_RUN};
    for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
        const struct mount *m = container_mount_at(old, disks[i]);
        if (m != NULL && strv_has(&n->sources, m->source)) {
            return m->source;
        }
    }
    return NULL;
}

static int refuse_neighbour(struct run *r, const json_t *others, const struct container *old,
                            struct err *err)
{
    struct neighbours n;
    int rc = 0;
    neighbours_from_list(others, NULL, &n);
    for (size_t i = 0; i < n.count && rc == 0; i++) {
        const struct neighbour *other = &n.items[i];
        const char *disk = other->running && other->is_oms ? shared_disk(other, old) : NULL;
        if (disk != NULL) {
            err_fail(err, ERR_FAILED,
                     "the container '%s' runs on '%s', a disk of '%s', and is not of this "
                     "run\n"
                     "HINT: find out who started it, and stop it, before 'omslaunch resume "
                     "%s' or 'omslaunch rollback %s'",
                     other->name, disk, json_text(r->plan->json, "deployment", ""), r->id, r->id);
            rc = err_ask_person(err);
        }
    }
    neighbours_free(&n);
    return rc;
}

int run_check_alone(struct run *r, struct err *err)
{
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        AUTO_CONTAINER struct container old = CONTAINER_INIT;
        AUTO_JSON json_t *list = NULL;
        AUTO_JSON json_t *others = json_array();
        const struct run_node *node = &r->nodes[i];
        if (engine_container_list(node->engine, NULL, &list, err) != 0 ||
            run_inspect(r, (int)i, node->old_id, &old, err) != 0) {
            return -1;
        }
        for (size_t k = 0; k < json_array_size(list); k++) {
            json_t *other = json_array_get(list, k);
            const char *id = json_text(other, "Id", "");
            if (!str_eq(id, node->old_id) && !str_eq(id, node->new_id)) {
                json_add(others, json_incref(other));
            }
        }
        if (refuse_neighbour(r, others, &old, err) != 0) {
            return -1;
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
