/* A site's hooks in a plan: where their rows stand, and what they are called. */
#include "launcher/upgrade/plan.h"

#include <stdlib.h>

#include "launcher/base/json_fields.h"
#include "launcher/upgrade/steps.h"

/* ---- where they stand ---- */

/* Of points of the way forward: around which step. `backup` and `init` take the place of one. */
static const struct {
    enum hook_point point;
    enum step_id step;
    bool after;
} places[] = {
    {HOOK_PRE_UPGRADE, STEP_LOAD_IMAGE, false}, {HOOK_PRE_STOP, STEP_STOP_OLD, false},
    {HOOK_POST_STOP, STEP_STOP_OLD, true},      {HOOK_POST_BACKUP, STEP_BACKUP_METADB, true},
    {HOOK_POST_START, STEP_START_NEW, true},    {HOOK_POST_INIT, STEP_INIT_METADATA, true},
    {HOOK_POST_UPGRADE, STEP_HA_ON, true},
};

static size_t add_call(struct plan *p, size_t hook, int node)
{
    p->calls = mem_grow(p->calls, p->call_count + 1, sizeof(*p->calls));
    p->calls[p->call_count] = (struct plan_call){.hook = hook, .node = node};
    return p->call_count++;
}

static bool is_first_of_region(const struct plan *p, size_t node)
{
    for (size_t before = 0; before < node; before++) {
        if (p->nodes[before].region == p->nodes[node].region) {
            return false;
        }
    }
    return true;
}

/* The calls of one hook: one after the other in the plan's list. */
static void add_calls(struct plan *p, size_t hook)
{
    enum hook_scope scope = p->hooks.items[hook].scope;
    if (scope == HOOK_DEPLOYMENT) {
        (void)add_call(p, hook, -1);
        return;
    }
    for (size_t node = 0; node < p->node_count; node++) {
        if (scope == HOOK_NODE || is_first_of_region(p, node)) {
            (void)add_call(p, hook, (int)node);
        }
    }
}

static void add_rows_of_point(struct plan *p, enum hook_point point)
{
    for (size_t i = 0; i < p->call_count; i++) {
        if (p->hooks.items[p->calls[i].hook].point == point) {
            plan_add_row(p, STEP_HOOK, subject_hook((int)i));
        }
    }
}

void plan_take_hooks(struct plan *p, const struct hook_list *hooks)
{
    for (size_t i = 0; hooks != NULL && i < hooks->count; i++) {
        struct err ignored;
        AUTO_JSON json_t *document = hook_to_json(&hooks->items[i]);
        p->hooks.items = mem_grow(p->hooks.items, i + 1, sizeof(*p->hooks.items));
        p->hooks.items[i] = (struct hook){.name = NULL};
        p->hooks.count = i + 1;
        int written = hook_from_json(document, "a hook", &p->hooks.items[i], &ignored);
        (void)written; /* what was written here can be read */
        add_calls(p, i);
    }
}

void plan_add_hook_rows(struct plan *p, enum step_id step, bool after)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (places[i].step == step && places[i].after == after) {
            add_rows_of_point(p, places[i].point);
        }
    }
}

const struct hook *plan_hook(const struct plan *p, enum hook_point point)
{
    return hook_list_find(&p->hooks, point, NULL);
}

const struct hook *plan_hook_of(const struct plan *p, struct subject subject)
{
    return &p->hooks.items[p->calls[subject.index].hook];
}

int plan_node_of(const struct plan *p, struct subject subject)
{
    return subject.kind == SUBJECT_NODE   ? subject.index
           : subject.kind == SUBJECT_HOOK ? p->calls[subject.index].node
                                          : -1;
}

/* ---- what they are called ---- */

const char *plan_subject_name(const struct plan *p, struct subject subject)
{
    int node = plan_node_of(p, subject);
    return node >= 0 ? p->nodes[node].name : p->deployment;
}

char *plan_row_name(const struct plan *p, const struct plan_row *row)
{
    if (row->subject.kind != SUBJECT_HOOK) {
        return mem_strdup(step_name(row->step));
    }
    AUTO_FREE char *title = hook_title(plan_hook_of(p, row->subject));
    return row->step == STEP_UNDO_HOOK ? mem_printf("undo %s", title) : TAKE(title);
}

char *plan_row_title(const struct plan *p, const struct plan_row *row)
{
    if (row->subject.kind == SUBJECT_HOOK) {
        AUTO_FREE char *title = hook_title(plan_hook_of(p, row->subject));
        return mem_printf("%s %s", step_get(row->step)->title, title);
    }
    const struct hook *instead = row->step == STEP_BACKUP_METADB   ? plan_hook(p, HOOK_BACKUP)
                                 : row->step == STEP_INIT_METADATA ? plan_hook(p, HOOK_INIT)
                                                                   : NULL;
    if (instead == NULL) {
        return mem_strdup(step_get(row->step)->title);
    }
    AUTO_FREE char *title = hook_title(instead);
    return row->step == STEP_BACKUP_METADB ? mem_printf("back up the MetaDB by hook %s", title)
                                           : mem_printf("initialise by hook %s", title);
}

void plan_list_nodes(const struct plan *p, struct strv *ret)
{
    for (size_t i = 0; i < p->node_count; i++) {
        strv_add(ret, p->nodes[i].name);
    }
}

void plan_list_calls(const struct plan *p, struct strv *ret)
{
    for (size_t i = 0; i < p->call_count; i++) {
        AUTO_FREE char *title = hook_title(&p->hooks.items[p->calls[i].hook]);
        bool of_node = p->calls[i].node >= 0 && p->node_count > 1;
        strv_addf(ret, "%s%s%s", title, of_node ? "@" : "",
                  of_node ? p->nodes[p->calls[i].node].name : "");
    }
}

/* ---- as documents ---- */

struct raw_call {
    int64_t hook, node;
};

static const struct json_field call_items[] = {
    {
        .name = "hook",
        .type = JSON_FIELD_NUMBER,
        .presence = JSON_FIELD_NEEDED,
        .offset = offsetof(struct raw_call, hook),
    },
    {
        .name = "node",
        .type = JSON_FIELD_NUMBER,
        .presence = JSON_FIELD_NEEDED,
        .offset = offsetof(struct raw_call, node),
    },
};
static const struct json_fields call_fields = JSON_FIELDS(call_items);

json_t *plan_hooks_to_json(const struct plan *p)
{
    json_t *array = p->hooks.count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < p->hooks.count; i++) {
        json_add(array, hook_to_json(&p->hooks.items[i]));
    }
    return array;
}

json_t *plan_calls_to_json(const struct plan *p)
{
    json_t *array = p->call_count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < p->call_count; i++) {
        const struct raw_call raw = {.hook = (int64_t)p->calls[i].hook, .node = p->calls[i].node};
        json_t *item = json_object();
        json_fields_write(&call_fields, &raw, item);
        json_add(array, item);
    }
    return array;
}

static int read_call(const json_t *json, const char *name, size_t number, struct plan *p,
                     struct err *err)
{
    AUTO_FREE char *what = mem_printf("call %zu of the plan '%s'", number, name);
    struct raw_call raw = {.node = -1};
    if (json_fields_read(&call_fields, json, what, &raw, err) != 0) {
        return -1;
    }
    if (raw.hook < 0 || raw.hook >= (int64_t)p->hooks.count || raw.node < -1 ||
        raw.node >= (int64_t)p->node_count) {
        return err_fail(err, ERR_STATE, "%s is of a hook or a node that the plan does not have",
                        what);
    }
    (void)add_call(p, (size_t)raw.hook, (int)raw.node);
    return 0;
}

int plan_read_hooks(const json_t *hooks, const json_t *calls, const char *name, struct plan *p,
                    struct err *err)
{
    size_t count = json_array_size(hooks);
    p->hooks.items = mem_grow(NULL, count + 1, sizeof(*p->hooks.items));
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *what = mem_printf("hook %zu of the plan '%s'", i + 1, name);
        struct hook *h = &p->hooks.items[p->hooks.count++];
        *h = (struct hook){.name = NULL};
        if (hook_from_json(json_array_get(hooks, i), what, h, err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < json_array_size(calls); i++) {
        if (read_call(json_array_get(calls, i), name, i + 1, p, err) != 0) {
            return -1;
        }
    }
    return 0;
}
