#include "launcher/upgrade/containers.h"

#include <stdlib.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/run_impl.h"

#define PATIENCE_MS 30000U
#define BACKOFF_FIRST_MS 100U
#define BACKOFF_MAX_MS 2000U

/* A change of one container. */
struct change {
    struct run *run;
    int node;
    struct engine *engine; /* filled in when it is made */
    const char *id;
    const json_t *policy;
    const char *name;
    uint64_t timeout_ms;
    int (*make)(const struct change *c, struct err *err);
    /* `now` is NULL when it is gone. */
    bool (*holds)(const struct change *c, const struct container *now);
};

/* What moves in a container by itself. */
static char *describe(const struct container *c)
{
    return mem_printf("%s %s %s", c->status, c->started_at, c->finished_at);
}

struct look {
    bool gone;
    bool holds;
    bool moved; /* since the last look */
};

/* That it cannot be looked at says nothing. */
static void look(const struct change *c, char **last, struct look *ret)
{
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    struct err err = ERR_INIT;
    *ret = (struct look){.gone = false};
    if (run_inspect(c->run, c->node, c->id, &now, &err) != 0) {
        ret->gone = err.kind == ERR_NOT_FOUND;
        ret->holds = ret->gone && c->holds(c, NULL);
        return;
    }
    char *state = describe(&now);
    ret->holds = c->holds(c, &now);
    ret->moved = *last != NULL && !str_eq(*last, state);
    free(*last);
    *last = state;
}

static bool is_passing(const struct err *err)
{
    return err->kind == ERR_CONFLICT || err->kind == ERR_UNREACHABLE || err->kind == ERR_TIMEOUT;
}

/* An engine that was silent may answer by now. */
static int try(struct change *c, struct err *err)
{
    return run_engine(c->run, c->node, &c->engine, err) != 0 ? -1 : c->make(c, err);
}

static int make_change(struct change *c, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(PATIENCE_MS);
    uint64_t backoff_ms = BACKOFF_FIRST_MS;
    AUTO_FREE char *last = NULL;
    struct look at;
    look(c, &last, &at);
    while (try(c, err) != 0) {
        look(c, &last, &at);
        if (at.holds) {
            return 0;
        }
        bool again = !at.gone && (at.moved || is_passing(err));
        if (!again || clock_passed(deadline_ms) || stop_requested()) {
            return -1;
        }
        clock_sleep_ms(backoff_ms);
        backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
    }
    return 0;
}

/* ---- restart policy ---- */

static int make_policy(const struct change *c, struct err *err)
{
    return engine_container_set_restart_policy(c->engine, c->id, c->policy, err);
}

static bool has_policy(const struct change *c, const struct container *now)
{
    return now != NULL && str_eq(container_restart_policy(now),
                                 json_string_value(json_object_get(c->policy, "Name")));
}

int container_set_policy(struct run *r, int node, const char *id, const json_t *policy,
                         struct err *err)
{
    struct change c = {.run = r,
                       .node = node,
                       .id = id,
                       .policy = policy,
                       .make = make_policy,
                       .holds = has_policy};
    return make_change(&c, err);
}

int container_never_restart(struct run *r, int node, const char *id, struct err *err)
{
    AUTO_JSON json_t *never = json_make("{s:s, s:i}", "Name", "no", "MaximumRetryCount", 0);
    return container_set_policy(r, node, id, never, err);
}

/* ---- stop, start ---- */

static int make_stop(const struct change *c, struct err *err)
{
    return engine_container_stop(c->engine, c->id, c->timeout_ms, err);
}

static bool is_stopped(const struct change *c, const struct container *now)
{
    (void)c;
    return now != NULL && !now->running && !now->restarting;
}

int container_stop(struct run *r, int node, const char *id, uint64_t timeout_ms, struct err *err)
{
    struct change c = {.run = r,
                       .node = node,
                       .id = id,
                       .timeout_ms = timeout_ms,
                       .make = make_stop,
                       .holds = is_stopped};
    return make_change(&c, err);
}

static int make_start(const struct change *c, struct err *err)
{
    return engine_container_start(c->engine, c->id, err);
}

static bool is_running(const struct change *c, const struct container *now)
{
    (void)c;
    return now != NULL && now->running && !now->restarting;
}

int container_start(struct run *r, int node, const char *id, struct err *err)
{
    struct change c = {.run = r, .node = node, .id = id, .make = make_start, .holds = is_running};
    return make_change(&c, err);
}

/* ---- name, removal ---- */

static int make_name(const struct change *c, struct err *err)
{
    return engine_container_rename(c->engine, c->id, c->name, err);
}

static bool has_name(const struct change *c, const struct container *now)
{
    return now != NULL && str_eq(now->name, c->name);
}

int container_rename(struct run *r, int node, const char *id, const char *name, struct err *err)
{
    AUTO_CONTAINER struct container now = CONTAINER_INIT;
    struct change c = {
        .run = r, .node = node, .id = id, .name = name, .make = make_name, .holds = has_name};
    if (run_inspect(r, node, id, &now, err) != 0) {
        return -1;
    }
    return str_eq(now.name, name) ? 0 : make_change(&c, err);
}

static int make_removal(const struct change *c, struct err *err)
{
    return engine_container_remove_created(c->engine, c->id, err);
}

static bool is_gone(const struct change *c, const struct container *now)
{
    (void)c;
    return now == NULL;
}

int container_remove_unused(struct run *r, int node, const char *id, struct err *err)
{
    struct change c = {.run = r, .node = node, .id = id, .make = make_removal, .holds = is_gone};
    return make_change(&c, err);
}
