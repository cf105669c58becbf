/* Any JSON is either a container with all that others rely on, or an error. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "inspect/container.h"
#include "inspect/neighbour.h"

static void check_paths(const struct container *c)
{
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];
        AUTO_FREE char *again = path_clean(m->destination);

        fuzz_need(strcmp(again, m->destination) == 0);
        fuzz_need(container_mount_at(c, m->destination) != NULL);
        fuzz_need(i == 0 || strcmp(c->mounts[i - 1].destination, m->destination) <= 0);
        fuzz_need(!strstr(m->options, "rprivate") || strlen(m->options) > strlen("rprivate"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    CLEANUP(neighbours_free) struct neighbours all = {0};
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *j = NULL;
    struct err err = ERR_INIT;

    if (json_parse((const char *)data, size, "f", &j, &err) < 0) {
        return 0;
    }
    neighbours_from_list(j, "x", &all);
    neighbours_describe_oms(&all, &text);
    if (container_from_engine(j, &c, &err) < 0) {
        fuzz_need(!c.name && err.kind == ERR_FAILED && err.text[0]);
        return 0;
    }
    fuzz_need(c.id && c.name && c.image_ref && c.image_id && c.status);
    fuzz_need(json_is_object(c.config) && json_is_object(c.host_config));
    (void)container_env(&c, "OMS_HOST_IP");
    check_paths(&c);
    return 0;
}
