#include "inspect/neighbour.h"

#include <stdlib.h>

#include "inspect/container.h"

void neighbours_free(struct neighbours *n)
{
    if (!n) {
        return;
    }
    for (size_t i = 0; i < n->count; i++) {
        free(n->items[i].name);
        strv_free(&n->items[i].sources);
    }
    free(n->items);
    *n = (struct neighbours){0};
}

static bool is_oms_bind(const char *destination)
{
    return str_eq(destination, OMS_PATH_CONFIG) || str_eq(destination, OMS_PATH_LOGS) ||
           str_eq(destination, OMS_PATH_STORE) || str_eq(destination, OMS_PATH_RUN);
}

static void read_mounts(const json_t *mounts, struct neighbour *n)
{
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *j = json_array_get(mounts, i);
        const bool volume = str_eq(json_text(j, "Type", ""), "volume");
        const char *source = json_text(j, volume ? "Name" : "Source", "");
        AUTO_FREE char *clean = path_clean(source);
        AUTO_FREE char *destination = path_clean(json_text(j, "Destination", ""));

        if (*source) {
            strv_add(&n->sources, volume ? source : clean);
        }
        if (is_oms_bind(destination)) {
            n->is_oms = true;
        }
    }
}

void neighbours_from_list(const json_t *list, const char *but, struct neighbours *ret)
{
    const size_t count = json_array_size(list);

    *ret = (struct neighbours){0};
    if (count == 0) {
        return;
    }
    ret->items = mem_alloc(count * sizeof(*ret->items));
    for (size_t i = 0; i < count; i++) {
        const json_t *j = json_array_get(list, i);
        const json_t *names = json_object_get(j, "Names");
        const char *name = json_string_value(json_array_get(names, 0));
        struct neighbour *n = &ret->items[ret->count];

        if (but && str_eq(json_text(j, "Id", ""), but)) {
            continue;
        }
        if (!name) {
            name = json_text(j, "Id", "");
        }
        n->name = mem_strdup(name[0] == '/' ? name + 1 : name);
        n->running = str_eq(json_text(j, "State", ""), "running");
        read_mounts(json_object_get(j, "Mounts"), n);
        ret->count++;
    }
}

void neighbours_describe_oms(const struct neighbours *n, struct str *ret)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->items[i].is_oms) {
            str_appendf(ret, "%s%s (%s)", ret->len ? ", " : "", n->items[i].name,
                        n->items[i].running ? "running" : "stopped");
        }
    }
}
