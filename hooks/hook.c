#include "hooks/hook.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/hook_part.h"

static const struct {
    const char *name;
    const char *text;
    enum hook_failure on_failure; /* unless the hook says something else */
} points[HOOK_POINT_MAX] = {
    [HOOK_PRE_UPGRADE] = {"pre-upgrade", "before anything is changed", HOOK_ABORT},
    [HOOK_PRE_STOP] = {"pre-stop", "before the old container is stopped", HOOK_ABORT},
    [HOOK_POST_STOP] = {"post-stop", "after the old container was stopped", HOOK_ABORT},
    [HOOK_BACKUP] = {"backup", "instead of the backup of the MetaDB", HOOK_ABORT},
    [HOOK_POST_BACKUP] = {"post-backup", "after the backup of the MetaDB", HOOK_ABORT},
    [HOOK_POST_START] = {"post-start", "after the new container was started", HOOK_ABORT},
    [HOOK_INIT] = {"init", "instead of docker_init.sh", HOOK_ABORT},
    [HOOK_POST_INIT] = {"post-init", "after docker_init.sh", HOOK_ABORT},
    [HOOK_POST_UPGRADE] = {"post-upgrade", "after a successful upgrade", HOOK_WARN},
    [HOOK_ON_FAILURE] = {"on-failure", "when a step has failed", HOOK_WARN},
    [HOOK_PRE_ROLLBACK] = {"pre-rollback", "before the way back begins", HOOK_WARN},
    [HOOK_POST_ROLLBACK] = {"post-rollback", "after the way back", HOOK_WARN},
};

static const char *const scope_names[HOOK_SCOPE_MAX] = {
    [HOOK_DEPLOYMENT] = "deployment",
    [HOOK_REGION] = "region",
    [HOOK_NODE] = "node",
};
static const char *const kind_names[HOOK_KIND_MAX] = {
    [HOOK_HOST] = "host",
    [HOOK_CONTAINER] = "container",
};
static const char *const failure_names[HOOK_FAILURE_MAX] = {
    [HOOK_ABORT] = "abort",
    [HOOK_WARN] = "warn",
};

const char *hook_point_name(enum hook_point point)
{
    return points[point].name;
}

const char *hook_point_text(enum hook_point point)
{
    return points[point].text;
}

enum hook_failure hook_point_failure(enum hook_point point)
{
    return points[point].on_failure;
}

int hook_point_from_name(const char *name)
{
    for (int i = 0; i < HOOK_POINT_MAX; i++) {
        if (str_eq(points[i].name, name)) {
            return i;
        }
    }
    return -1;
}

const char *hook_scope_name(enum hook_scope scope)
{
    return scope_names[scope];
}

const char *hook_kind_name(enum hook_kind kind)
{
    return kind_names[kind];
}

const char *hook_failure_name(enum hook_failure failure)
{
    return failure_names[failure];
}

static void hook_free(struct hook *h)
{
    free(h->name);
    free(h->origin);
    strv_free(&h->command);
    strv_free(&h->undo);
    strv_free(&h->environment);
    sandbox_spec_free(&h->sandbox);
    free(h->ports);
}

void hook_list_free(struct hook_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        hook_free(&list->items[i]);
    }
    free(list->items);
    *list = (struct hook_list)HOOK_LIST_INIT;
}

/* Behind all of its point: the order in which they were added. */
struct hook *hook_list_new(struct hook_list *list, enum hook_point point, const char *name,
                           const char *origin)
{
    size_t at = list->count;
    list->items = mem_grow(list->items, list->count + 1, sizeof(*list->items));
    while (at > 0 && list->items[at - 1].point > point) {
        list->items[at] = list->items[at - 1];
        at--;
    }
    list->count++;
    list->items[at] = (struct hook){
        .point = point,
        .on_failure = hook_point_failure(point),
        .name = mem_strdup(name),
        .origin = mem_strdup(origin),
        .timeout_ms = HOOK_TIMEOUT_MS,
        /* A backup may be of any size. */
        .sandbox = {.file_size_max = point == HOOK_BACKUP ? 0 : HOOK_FILE_SIZE_MAX},
    };
    return &list->items[at];
}

bool hook_list_has(const struct hook_list *list, enum hook_point point, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].point == point && str_eq(list->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static json_t *texts_to_json(const struct strv *texts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < texts->count; i++) {
        json_add(array, json_from_text(texts->items[i]));
    }
    return array;
}

/* Names of variables alone: their values may be nobody's business. */
static json_t *environment_to_json(const struct strv *environment)
{
    json_t *array = json_array();
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->items[i];
        AUTO_FREE char *name = mem_strndup(item, (size_t)(strchrnul(item, '=') - item));
        json_add(array, json_from_text(name));
    }
    return array;
}

static json_t *sandbox_to_json(const struct sandbox_spec *s)
{
    json_t *ports = json_array();
    for (size_t i = 0; i < s->port_count; i++) {
        json_add(ports, json_integer(s->ports[i]));
    }
    return json_make("{s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "profile",
                     sandbox_profile_name(s->profile), "allow", texts_to_json(&s->allow), "deny",
                     texts_to_json(&s->deny), "capabilities", texts_to_json(&s->capabilities),
                     "write", texts_to_json(&s->write), "ports", ports, "file_size_max",
                     (json_int_t)s->file_size_max);
}

json_t *hook_to_json(const struct hook *h)
{
    return json_make("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:b, s:b, s:o, s:o, s:s}", "point",
                     hook_point_name(h->point), "name", h->name, "scope", hook_scope_name(h->scope),
                     "kind", hook_kind_name(h->kind), "on_failure",
                     hook_failure_name(h->on_failure), "command", texts_to_json(&h->command),
                     "undo", texts_to_json(&h->undo), "timeout_ms", (json_int_t)h->timeout_ms,
                     "repeatable", (int)h->repeatable, "secrets", (int)h->secrets, "environment",
                     environment_to_json(&h->environment), "sandbox", sandbox_to_json(&h->sandbox),
                     "origin", h->origin);
}
