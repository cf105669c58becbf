/* inspect: what is known of a container. */

#include "launcher/answer.h"
#include "launcher/base/parallel.h"
#include "launcher/command.h"
#include "launcher/print.h"
#include "launcher/session.h"

static json_t *mounts_to_json(const struct container *c)
{
    json_t *mounts = json_array();
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];
        json_add(mounts, json_make("{s:s, s:s, s:s, s:b}", "type", m->type, "source", m->source,
                                   "destination", m->destination, "read_only", (int)m->read_only));
    }
    return mounts;
}

static json_t *node_to_json(const struct node *n)
{
    struct oms_version version;
    struct err ignored;
    char text[OMS_VERSION_TEXT_MAX];
    bool known = oms_version_parse(n->old_image_tag, &version, &ignored) == 0;
    return json_make(
        "{s:s, s:s, s:s, s:s?, s:s, s:s?, s:o, s:{s:s, s:i, s:s, s:s, s:s, s:s}, s:{s:i, s:s?}}",
        "container", n->old.name, "id", n->old.id, "image", n->old.image_ref, "version",
        known ? oms_version_format(&version, text) : NULL, "status",
        n->old.status != NULL ? n->old.status : "", "host_ip", n->host_ip, "mounts",
        mounts_to_json(&n->old), "metadb", "host", n->config.meta_host, "port",
        (int)n->config.meta_port, "user", n->config.meta_user, "rm", n->config.rm_db, "cm",
        n->config.cm_db, "heartbeat", n->config.heartbeat_db, "region", "code",
        (int)n->config.cm_location, "name", n->config.cm_region);
}

static void print_node(const json_t *node)
{
    print_line("container  %s (%s), %s", json_text(node, "container", ""),
               json_text(node, "status", ""), json_text(node, "image", ""));
    print_line("version    %s", json_text(node, "version", "not told by the image's tag"));
    print_line("host IP    %s", json_text(node, "host_ip", "(OMS_HOST_IP is not set)"));
    print_line("region     %d %s", (int)json_int(node, "region.code", 0),
               json_text(node, "region.name", ""));
    print_line("MetaDB     %s:%d as %s", json_text(node, "metadb.host", ""),
               (int)json_int(node, "metadb.port", 0), json_text(node, "metadb.user", ""));
    print_line("databases  %s, %s, %s", json_text(node, "metadb.rm", ""),
               json_text(node, "metadb.cm", ""), json_text(node, "metadb.heartbeat", ""));
    const json_t *mounts = json_object_get(node, "mounts");
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *m = json_array_get(mounts, i);
        print_line("%-10s %s → %s%s", i == 0 ? "mounts" : "", json_text(m, "source", ""),
                   json_text(m, "destination", ""),
                   json_bool(m, "read_only", false) ? " (ro)" : "");
    }
}

/* ---- all nodes of the deployment ---- */

struct look {
    const struct node_address *address;
    struct node node;
    int rc;
    struct err err;
};

struct looks {
    struct look *items;
    size_t count;
};

static void looks_free(struct looks *l)
{
    for (size_t i = 0; i < l->count; i++) {
        node_free(&l->items[i].node);
    }
    free(l->items);
}

static void observe(void *arg, size_t i)
{
    struct look *look = &((struct looks *)arg)->items[i];
    AUTO_ENGINE struct engine *engine = NULL;
    const struct engine_options options = {.endpoint = look->address->endpoint, .read_only = true};
    look->rc = engine_open(&options, &engine, &look->err);
    if (look->rc == 0) {
        look->rc = node_observe(engine, look->address->container, &look->node, &look->err);
    }
    if (look->rc != 0) {
        session_suggest_container(look->address->endpoint, look->address->container, &look->err);
    }
}

static int show(const struct options *options, const struct looks *looks)
{
    AUTO_JSON json_t *all = json_array();
    for (size_t i = 0; i < looks->count; i++) {
        json_t *document = node_to_json(&looks->items[i].node);
        json_add(all, document);
        if (!answer_is_json(options)) {
            print_text(i > 0 ? "\n" : "");
            print_node(document);
        }
    }
    return answer_done(options, looks->count == 1 ? json_incref(json_array_get(all, 0))
                                                  : json_make("{s:O}", "nodes", all));
}

int command_inspect(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    CLEANUP(looks_free) struct looks looks = {.items = NULL};
    if (session_open(options, &session, &err) != 0) {
        return answer_fail(options, &err);
    }
    looks.count = session.nodes.count;
    looks.items = mem_alloc(looks.count * sizeof(struct look));
    for (size_t i = 0; i < looks.count; i++) {
        looks.items[i] = (struct look){.address = &session.nodes.items[i], .err = ERR_INIT};
    }
    parallel_each(looks.count, 0, observe, &looks);
    for (size_t i = 0; i < looks.count; i++) {
        if (looks.items[i].rc != 0) {
            err = looks.items[i].err;
            if (looks.count > 1) {
                err_wrap(&err, "node '%s'", session.nodes.items[i].ip);
            }
            return answer_fail(options, &err);
        }
    }
    return show(options, &looks);
}
