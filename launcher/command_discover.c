/* discover: from one node to the file that lists them all. */
#include <stdlib.h>
#include <string.h>

#include "inspect/deployment.h"
#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/base/parallel.h"
#include "launcher/command.h"
#include "launcher/deployment_file.h"
#include "launcher/exit_code.h"
#include "launcher/metadb_access.h"
#include "launcher/print.h"
#include "launcher/session.h"

#define HOLE "{ip}"

struct discovery {
    struct session session;
    struct metadb_access access;
    struct node node; /* the one that is known */
    struct metadb_facts facts;
    struct node_addresses found;
    char **notes; /* what is not as it should be, one for each found node; NULL: nothing */
};

static void discovery_free(struct discovery *d)
{
    for (size_t i = 0; d->notes != NULL && i < d->found.count; i++) {
        free(d->notes[i]);
    }
    free(d->notes);
    node_addresses_free(&d->found);
    metadb_facts_free(&d->facts);
    node_free(&d->node);
    metadb_access_free(&d->access);
    session_free(&d->session);
}

static int look(struct discovery *d, const char *container, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *answer = NULL;
    const struct engine_options options = {.endpoint = d->session.endpoint, .read_only = true};
    if (engine_open(&options, &engine, err) != 0 ||
        node_observe(engine, container, &d->node, err) != 0 ||
        metadb_access_open(&d->session, container, NULL, &d->access, err) != 0 ||
        metadb_access_ask(&d->access, "facts", NULL, NULL, &answer, err) != 0) {
        return -1;
    }
    return metadb_facts_from_json(answer, &d->facts, err);
}

static void add(struct discovery *d, const char *ip, const char *pattern)
{
    for (size_t i = 0; i < d->found.count; i++) {
        if (str_eq(d->found.items[i].ip, ip)) {
            return;
        }
    }
    struct node_address a = {.ip = mem_strdup(ip), .container = mem_strdup(d->node.old.name)};
    const char *hole = pattern == NULL ? NULL : strstr(pattern, HOLE);
    if (str_eq(ip, d->node.host_ip)) {
        a.endpoint = mem_strdup(d->session.endpoint);
    } else if (hole != NULL) {
        a.endpoint = mem_printf(strchr(ip, ':') != NULL ? "%.*s[%s]%s" : "%.*s%s%s",
                                (int)(hole - pattern), pattern, ip, hole + strlen(HOLE));
    }
    node_addresses_add_take(&d->found, &a);
}

/* Whoever any source names: what is wrong with one of them, the person who reads the file sees. */
static int list(struct discovery *d, const char *pattern, struct err *err)
{
    if (pattern != NULL && strstr(pattern, HOLE) == NULL) {
        return err_fail(err, ERR_USAGE,
                        "--endpoint '%s' has no " HOLE " for the address of a node\n"
                        "HINT: for example --endpoint 'ssh://root@" HOLE "'",
                        pattern);
    }
    if (d->node.host_ip != NULL) {
        add(d, d->node.host_ip, pattern);
    }
    for (size_t i = 0; i < d->node.config.cm_nodes.count; i++) {
        add(d, d->node.config.cm_nodes.items[i], pattern);
    }
    for (size_t i = 0; i < d->facts.host_count; i++) {
        add(d, d->facts.hosts[i].ip, pattern);
    }
    for (size_t i = 0; i < d->found.count; i++) {
        if (d->found.items[i].endpoint == NULL) {
            return err_fail(err, ERR_USAGE,
                            "the deployment has %zu nodes, and nothing tells where the engine of "
                            "'%s' is\n"
                            "HINT: say how all of them are reached: --endpoint 'ssh://root@" HOLE
                            "'",
                            d->found.count, d->found.items[i].ip);
        }
    }
    return 0;
}

/* A container of that name is right; else the only OMS that runs there is. */
static char *choose_container(const json_t *containers, const char *name, struct err *err)
{
    CLEANUP(neighbours_free) struct neighbours all = {.items = NULL};
    AUTO_STR struct str seen = STR_INIT;
    const char *only = NULL;
    size_t running = 0;
    neighbours_from_list(containers, NULL, &all);
    for (size_t i = 0; i < all.count; i++) {
        if (str_eq(all.items[i].name, name)) {
            return mem_strdup(name);
        }
        if (all.items[i].is_oms && all.items[i].running) {
            only = all.items[i].name;
            running++;
        }
    }
    if (running == 1) {
        return mem_strdup(only);
    }
    neighbours_describe_oms(&all, &seen);
    err_fail(err, ERR_NOT_FOUND, "there is no container '%s'; OMS containers there: %s", name,
             seen.len > 0 ? str_get(&seen) : "none");
    return NULL;
}

static void ask(void *arg, size_t i)
{
    struct discovery *d = arg;
    struct node_address *a = &d->found.items[i];
    struct err err = ERR_INIT;
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *containers = NULL;
    const struct engine_options options = {.endpoint = a->endpoint, .read_only = true};
    if (engine_open(&options, &engine, &err) != 0 ||
        engine_container_list(engine, NULL, &containers, &err) != 0) {
        d->notes[i] = mem_strdup(err.text);
        return;
    }
    char *chosen = choose_container(containers, a->container, &err);
    if (chosen == NULL) {
        d->notes[i] = mem_strdup(err.text);
        return;
    }
    free(a->container);
    a->container = chosen;
}

static void print(const struct discovery *d)
{
    AUTO_STR struct str text = STR_INIT;
    str_appendf(&text, "# The deployment of '%s', found by omslaunch discover.\n",
                d->node.old.name);
    deployment_file_write(&d->found, &text);
    print_text(str_get(&text));
    for (size_t i = 0; i < d->found.count; i++) {
        if (d->notes[i] != NULL) {
            log_warn("node '%s': %s", d->found.items[i].ip, d->notes[i]);
        }
    }
}

static json_t *to_json(const struct discovery *d)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < d->found.count; i++) {
        const struct node_address *a = &d->found.items[i];
        json_add(nodes,
                 json_make("{s:o, s:o, s:o, s:o}", "ip", json_from_text(a->ip), "endpoint",
                           json_from_text(a->endpoint), "container", json_from_text(a->container),
                           "note", json_from_text(d->notes[i])));
    }
    return json_make("{s:o}", "nodes", nodes);
}

int command_discover(const struct options *options)
{
    struct err err = ERR_INIT;
    CLEANUP(discovery_free) struct discovery d = {.notes = NULL};
    if (session_open(options, &d.session, &err) != 0 ||
        look(&d, options->arguments.items[1], &err) != 0 ||
        list(&d, options->node_endpoint, &err) != 0) {
        return answer_fail(options, &err);
    }
    d.notes = mem_alloc((d.found.count + 1) * sizeof(*d.notes));
    parallel_each(d.found.count, 0, ask, &d);
    if (answer_is_json(options)) {
        return answer_done(options, to_json(&d));
    }
    print(&d);
    return EXIT_DONE;
}
