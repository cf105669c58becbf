#include "hooks/hook.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/hook_part.h"

static const struct {
    const char *name;
    const char *text;
    enum hook_failure on_failure; /* unless the hook says something else */
    bool has_container;           /* OMS runs then: a command can run in its container */
    bool goes_back;               /* of the way back: nothing may stop it there */
} points[HOOK_POINT_MAX] = {
    [HOOK_PRE_UPGRADE] =
        {
            .name = "pre-upgrade",
            .text = "before anything is changed",
            .on_failure = HOOK_ABORT,
            .has_container = true,
        },
    [HOOK_PRE_STOP] =
        {
            .name = "pre-stop",
            .text = "before the old container is stopped",
            .on_failure = HOOK_ABORT,
            .has_container = true,
        },
    [HOOK_POST_STOP] =
        {
            .name = "post-stop",
            .text = "after the old container was stopped",
            .on_failure = HOOK_ABORT,
        },
    [HOOK_BACKUP] =
        {
            .name = "backup",
            .text = "instead of the backup of the MetaDB",
            .on_failure = HOOK_ABORT,
        },
    [HOOK_POST_BACKUP] =
        {
            .name = "post-backup",
            .text = "after the backup of the MetaDB",
            .on_failure = HOOK_ABORT,
        },
    [HOOK_POST_START] =
        {
            .name = "post-start",
            .text = "after the new container was started",
            .on_failure = HOOK_ABORT,
            .has_container = true,
        },
    [HOOK_INIT] =
        {
            .name = "init",
            .text = "instead of docker_init.sh",
            .on_failure = HOOK_ABORT,
            .has_container = true,
        },
    [HOOK_POST_INIT] =
        {
            .name = "post-init",
            .text = "after docker_init.sh",
            .on_failure = HOOK_ABORT,
            .has_container = true,
        },
    [HOOK_POST_UPGRADE] =
        {
            .name = "post-upgrade",
            .text = "after a successful upgrade",
            .on_failure = HOOK_WARN,
            .has_container = true,
        },
    [HOOK_ON_FAILURE] =
        {
            .name = "on-failure",
            .text = "when a step has failed",
            .on_failure = HOOK_WARN,
            .goes_back = true,
        },
    [HOOK_PRE_ROLLBACK] =
        {
            .name = "pre-rollback",
            .text = "before the way back begins",
            .on_failure = HOOK_WARN,
            .goes_back = true,
        },
    [HOOK_POST_ROLLBACK] =
        {
            .name = "post-rollback",
            .text = "after the way back",
            .on_failure = HOOK_WARN,
            .has_container = true,
            .goes_back = true,
        },
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

bool hook_point_has_container(enum hook_point point)
{
    return points[point].has_container;
}

bool hook_point_goes_back(enum hook_point point)
{
    return points[point].goes_back;
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

void hook_free(struct hook *h)
{
    free(h->name);
    free(h->origin);
    strv_free(&h->command);
    strv_free(&h->undo);
    strv_free(&h->environment);
    sandbox_spec_free(&h->sandbox);
    free(h->ports);
    free(h->digest);
    free(h->undo_digest);
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

const struct hook *hook_list_find(const struct hook_list *list, enum hook_point point,
                                  const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct hook *h = &list->items[i];
        if (h->point == point && (name == NULL || str_eq(h->name, name))) {
            return h;
        }
    }
    return NULL;
}

char *hook_title(const struct hook *h)
{
    return mem_printf("%s/%s", hook_point_name(h->point), h->name);
}
