#include "launcher/upgrade/survey_part.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/oms_version.h"
#include "launcher/base/parallel.h"
#include "launcher/spec/spec.h"

#define FACTS_TIMEOUT_MS 60000U
/* Of a great many tables. */
#define PROBE_TIMEOUT_MS 600000U
/* They wait more than they work: nodes that do not answer cost one timeout together. */
#define LOOKS_AT_ONCE 0
/* An OMS that serves answers at once. */
#define HEALTH_TIMEOUT_MS 5000U

void survey_free(struct survey *s)
{
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        if (s->desired != NULL) {
            container_free(&s->desired[i]);
        }
        if (s->new_image_configs != NULL) {
            json_decref(s->new_image_configs[i]);
        }
        if (s->images != NULL) {
            char *id = (char *)(uintptr_t)s->images[i].id;
            char *architecture = (char *)(uintptr_t)s->images[i].architecture;
            char *holds = (char *)(uintptr_t)s->images[i].archive_holds;
            char *same_tag = (char *)(uintptr_t)s->images[i].same_tag;
            char *wrong = (char *)(uintptr_t)s->images[i].archive_error;
            char *hint = (char *)(uintptr_t)s->images[i].archive_hint;
            free(id);
            free(architecture);
            free(holds);
            free(same_tag);
            free(wrong);
            free(hint);
        }
    }
    free(s->desired);
    free(s->new_image_configs);
    free(s->images);
    free(s->target_ref);
    free(s->target_tag);
    strv_free(&s->heartbeat_dbs);
    findings_free(&s->findings);
    plan_free(&s->plan);
    deployment_free(&s->deployment);
}

static int desire(const struct survey_request *request, struct survey *s, size_t node,
                  const struct node_address *address, struct err *err)
{
    const struct node *n = &s->deployment.nodes[node];
    const struct spec_request spec = {
        .old = &n->old,
        .old_image = n->old_image,
        .image_ref = s->target_ref,
        .name = request->new_name != NULL ? request->new_name : n->old.name,
        .host_ip = address->host_ip,
        .is_upgrade = !s->has_to || oms_version_at_least(&s->to, 3, 3, 1),
        .https_crt = request->https_crt,
        .https_key = request->https_key,
        .set_env = request->set_env,
    };
    return spec_desired(&spec, &s->desired[node], err);
}

void survey_metadb(const struct survey *s, const char *program, struct metadb *ret)
{
    const struct oms_config *config = &s->deployment.nodes[0].config;
    *ret = (struct metadb){
        .program = program,
        .host = config->meta_host,
        .port = config->meta_port,
        .user = config->meta_user,
        .password = &config->meta_password,
        .rm_db = config->rm_db,
        .cm_db = config->cm_db,
        .heartbeat_dbs = &s->heartbeat_dbs,
    };
}

/* May the account make databases, as far as the server tells? */
static bool may_try(const struct metadb_facts *f)
{
    for (size_t i = 0; i < f->database_count; i++) {
        if (!f->databases[i].exists) {
            return false;
        }
    }
    return f->missing_count == 0;
}

/* What goes wrong as a whole is a finding, too; but an account that may not is one of another rule,
 * and who is at it now will be over soon. */
static int try_restore(struct survey *s, const struct metadb *db, struct err *err)
{
    struct metadb_facts *facts = &s->deployment.metadb;
    const struct metadb_request probe = {
        .command = "probe", .timeout_ms = PROBE_TIMEOUT_MS, .stop_on_signal = true};
    AUTO_JSON json_t *answer = NULL;
    struct err failure = ERR_INIT;
    if (!may_try(facts)) {
        facts->not_tried = mem_strdup("databases or privileges are missing");
        return 0;
    }
    if (metadb_call(db, &probe, &answer, &failure) == 0) {
        metadb_facts_add_probe(answer, facts);
        return 0;
    }
    if (failure.kind == ERR_INTERRUPTED) {
        *err = failure;
        return -1;
    }
    if (failure.kind == ERR_PERMISSION || failure.kind == ERR_LOCKED) {
        facts->not_tried = mem_strdup(failure.text);
        return 0;
    }
    facts->tried = true;
    strv_add(&facts->not_restorable, failure.text);
    return 0;
}

/* A MetaDB that does not answer is a finding, so that the other findings are shown with it. */
static int ask_metadb(const struct survey_request *request, struct survey *s, struct err *err)
{
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        const char *name = s->deployment.nodes[i].config.heartbeat_db;
        if (!strv_has(&s->heartbeat_dbs, name)) {
            strv_add(&s->heartbeat_dbs, name);
        }
    }
    struct metadb db;
    survey_metadb(s, request->metadb_program, &db);
    const struct metadb_request facts = {
        .command = "facts", .timeout_ms = FACTS_TIMEOUT_MS, .stop_on_signal = true};
    AUTO_JSON json_t *answer = NULL;
    struct err failure = ERR_INIT;
    if (metadb_call(&db, &facts, &answer, &failure) != 0) {
        if (failure.kind == ERR_INTERRUPTED) {
            *err = failure;
            return -1;
        }
        s->metadb_silent = true;
        s->metadb_error = failure;
        return 0;
    }
    if (metadb_facts_from_json(answer, &s->deployment.metadb, err) != 0) {
        return -1;
    }
    if (request->try_restore && try_restore(s, &db, err) != 0) {
        return -1;
    }
    return survey_watch_heartbeats(&db, s, err);
}

/* The MetaDB is asked by a program of its own, which takes a while: meanwhile the old OMS is asked,
 * and the ports are looked at. */
struct metadb_inquiry {
    const struct survey_request *request;
    struct survey *survey;
    int rc;
    struct err err;
};

static void *inquire(void *arg)
{
    struct metadb_inquiry *i = arg;
    i->rc = ask_metadb(i->request, i->survey, &i->err);
    return NULL;
}

static void look_at_ports(void *arg, size_t i)
{
    struct survey *s = arg;
    node_look_at_ports(&s->deployment.nodes[i]);
}

static void ask_old(void *arg, size_t i)
{
    struct survey *s = arg;
    struct node *n = &s->deployment.nodes[i];
    look_at_ports(s, i);
    if (n->host.local) {
        node_ask_health(NULL, n, HEALTH_TIMEOUT_MS);
    }
}

static int ask_all(const struct survey_request *request, struct survey *s, struct err *err)
{
    struct metadb_inquiry inquiry = {.request = request, .survey = s, .err = ERR_INIT};
    pthread_t thread;
    bool aside = pthread_create(&thread, NULL, inquire, &inquiry) == 0;
    if (!aside) {
        inquire(&inquiry);
    }
    parallel_each(s->deployment.node_count, LOOKS_AT_ONCE, ask_old, s);
    if (aside) {
        pthread_join(thread, NULL);
    }
    if (inquiry.rc != 0) {
        *err = inquiry.err;
    }
    return inquiry.rc;
}

/* ---- the nodes ---- */

/* One for each listed node, those that do not answer too. */
struct look {
    const struct node_address *address;
    struct engine *engine;
    struct node node;
    int rc;
    struct err err;
};

struct looks {
    const struct survey_request *request;
    struct survey *survey;
    struct look *items;
    size_t count;
};

static void looks_free(struct looks *l)
{
    for (size_t i = 0; i < l->count; i++) {
        engine_free(l->items[i].engine);
        node_free(&l->items[i].node);
    }
    free(l->items);
}

static void observe(void *arg, size_t i)
{
    struct look *look = &((struct looks *)arg)->items[i];
    const struct engine_options options = {.endpoint = look->address->endpoint, .read_only = true};
    look->rc = engine_open(&options, &look->engine, &look->err);
    if (look->rc == 0) {
        look->rc = node_observe(look->engine, look->address->container, &look->node, &look->err);
    }
    if (look->rc == 0) {
        node_look_at_config(look->engine, &look->node);
        if (!look->node.host.local) {
            node_ask_health(look->engine, &look->node, HEALTH_TIMEOUT_MS);
        }
    }
}

/* What findings call it. */
static const char *name_of(const struct node_address *a)
{
    return a->ip != NULL ? a->ip : a->endpoint != NULL ? a->endpoint : "the default engine";
}

/* The engines of nodes that were found move to the front, in the order of the nodes. */
static int sort_looks(struct looks *looks, struct err *err)
{
    struct deployment *d = &looks->survey->deployment;
    for (size_t i = 0; i < looks->count; i++) {
        struct look *look = &looks->items[i];
        const struct node_address *address = look->address;
        if (look->rc != 0 && (looks->count == 1 || look->err.kind == ERR_INTERRUPTED)) {
            *err = look->err;
            return -1;
        }
        if (look->rc != 0) {
            deployment_add_lost(d, name_of(address), address->ip, &look->err);
            continue;
        }
        if (address->ip != NULL) {
            free(look->node.name);
            look->node.name = mem_strdup(address->ip);
            look->node.listed_ip = mem_strdup(address->ip);
        }
        struct look *found = &looks->items[d->node_count];
        deployment_add_take(d, &look->node);
        if (found != look) {
            engine_free(found->engine);
            found->engine = TAKE(look->engine);
            found->address = address;
            found->rc = 0;
        }
    }
    if (d->node_count == 0) {
        *err = d->lost[0].err;
        return err_wrap(err, "none of the %zu nodes can be looked at; '%s'", looks->count,
                        d->lost[0].name);
    }
    return 0;
}

static void look_at_image(void *arg, size_t i)
{
    struct looks *looks = arg;
    struct look *look = &looks->items[i];
    look->rc = survey_look_at_image(look->engine, looks->survey, i, &look->err);
}

static void make_room(struct survey *s)
{
    const size_t count = s->deployment.node_count;
    s->desired = mem_alloc(count * sizeof(*s->desired));
    s->images = mem_alloc(count * sizeof(*s->images));
    s->new_image_configs = mem_alloc(count * sizeof(json_t *));
    for (size_t i = 0; i < count; i++) {
        s->desired[i] = (struct container)CONTAINER_INIT;
    }
}

static int survey_nodes(const struct survey_request *request, struct survey *s, struct err *err)
{
    const size_t count = request->nodes->count;
    CLEANUP(looks_free)
    struct looks looks = {.request = request,
                          .survey = s,
                          .items = mem_alloc(count * sizeof(struct look)),
                          .count = count};
    for (size_t i = 0; i < count; i++) {
        looks.items[i] = (struct look){.address = &request->nodes->items[i], .err = ERR_INIT};
    }
    parallel_each(count, LOOKS_AT_ONCE, observe, &looks);
    if (sort_looks(&looks, err) != 0) {
        return -1;
    }
    make_room(s);
    if (survey_choose_target(request, s, err) != 0) {
        return -1;
    }
    parallel_each(s->deployment.node_count, LOOKS_AT_ONCE, look_at_image, &looks);
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        if (looks.items[i].rc != 0) {
            *err = looks.items[i].err;
            return count == 1 ? -1 : err_wrap(err, "node '%s'", s->deployment.nodes[i].name);
        }
        if (desire(request, s, i, looks.items[i].address, err) != 0) {
            return -1;
        }
    }
    survey_look_into_archive(request, s);
    return 0;
}

int survey_make(const struct survey_request *request, struct survey *ret, struct err *err)
{
    AUTO_SURVEY struct survey s = {.heartbeat_dbs = STRV_INIT};
    deployment_init(&s.deployment);
    AUTO_VERSION_TABLE struct version_table versions = {.rows = NULL};
    if (survey_load_versions(request, &versions, err) != 0 || survey_nodes(request, &s, err) != 0) {
        return -1;
    }
    s.already_there = survey_is_already_there(&s);
    if (s.already_there) {
        parallel_each(s.deployment.node_count, LOOKS_AT_ONCE, look_at_ports, &s);
    } else if (ask_all(request, &s, err) != 0) {
        return -1;
    }
    survey_judge(request, &versions, &s);
    const struct plan_request plan = {
        .deployment = &s.deployment,
        .desired = s.desired,
        .images = s.images,
        .new_image_configs = s.new_image_configs,
        .from = s.has_from ? &s.from : NULL,
        .to = s.has_to ? &s.to : NULL,
        .findings = &s.findings,
        .hooks = request->hooks,
        .options = request->options,
    };
    plan_make(&plan, &s.plan);
    *ret = s;
    memset(&s, 0, sizeof(s));
    return 0;
}
