/* What is looked at beside the steps: that nobody moved what they stand on. */
#include "inspect/container.h"
#include "inspect/neighbour.h"
#include "launcher/upgrade/run_impl.h"

/* Once the old container was stopped, it must stay so: beside the new one it would write to the
 * same databases and disks, and behind the backup's back. */
static int check_old_rests(void *arg, size_t index, struct err *err)
{
    struct run *r = arg;
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    const struct evidence *e = run_evidence(r, STEP_STOP_OLD, subject_node((int)index));
    if (e == NULL) {
        return 0;
    }
    if (run_inspect(r, (int)index, run_old_id(r, (int)index), &old, err) != 0) {
        return -1;
    }
    if (!old.running && str_eq(old.started_at, e->stopped.started_at)) {
        return 0;
    }
    err_fail(err, ERR_FAILED,
             "the old container '%s' %s since it was stopped, and omslaunch did not start it: what "
             "it wrote is not in the backup\n"
             "HINT: go back with 'omslaunch rollback %s', then upgrade again",
             old.name, old.running ? "runs again" : "has run", r->id);
    return run_has_begun(r, STEP_START_NEW) ? err_ask_person(err) : -1;
}

int run_check_old_rests(struct run *r, struct err *err)
{
    return run_each_node(r, check_old_rests, err);
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
                     other->name, disk, r->plan->deployment, r->id, r->id);
            rc = err_ask_person(err);
        }
    }
    neighbours_free(&n);
    return rc;
}

/* Two nodes may be on one engine: no container of this run is a stranger. */
static bool is_ours(const struct run *r, const char *id)
{
    for (size_t i = 0; i < r->plan->node_count; i++) {
        if (str_eq(id, run_old_id(r, (int)i)) || str_eq(id, run_new_id(r, (int)i))) {
            return true;
        }
    }
    return false;
}

int run_check_alone(struct run *r, int node, struct err *err)
{
    AUTO_CONTAINER struct container old = CONTAINER_INIT;
    AUTO_JSON json_t *list = NULL;
    AUTO_JSON json_t *others = json_array();
    struct engine *e;
    if (run_engine(r, node, &e, err) != 0 || engine_container_list(e, NULL, &list, err) != 0 ||
        run_inspect(r, node, run_old_id(r, node), &old, err) != 0) {
        return -1;
    }
    for (size_t k = 0; k < json_array_size(list); k++) {
        json_t *other = json_array_get(list, k);
        if (!is_ours(r, json_string_value(json_object_get(other, "Id")))) {
            json_add(others, json_incref(other));
        }
    }
    return refuse_neighbour(r, others, &old, err);
}

/* A step that only spoke to the MetaDB does not notice that the engine went down behind it. */
static int check_serves(struct run *r, size_t index, bool new_one, struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    const char *id = new_one ? run_new_id(r, (int)index) : run_old_id(r, (int)index);
    bool expected = new_one || r->plan->nodes[index].old.running;
    if (!expected || r->nodes[index].is_left) {
        return 0;
    }
    if (run_inspect(r, (int)index, id, &c, err) != 0) {
        return -1;
    }
    if (!c.running) {
        return err_fail(err, ERR_FAILED,
                        "the container '%s' was healthy, and has stopped since, with exit code "
                        "%d\nHINT: 'docker logs %s' may say why; 'omslaunch resume %s' starts "
                        "it again",
                        c.name, c.exit_code, c.name, r->id);
    }
    return 0;
}

static int check_new_serves(void *arg, size_t index, struct err *err)
{
    return check_serves(arg, index, true, err);
}

static int check_old_serves(void *arg, size_t index, struct err *err)
{
    return check_serves(arg, index, false, err);
}

int run_check_serves(struct run *r, bool new_ones, struct err *err)
{
    return run_each_node(r, new_ones ? check_new_serves : check_old_serves, err);
}
