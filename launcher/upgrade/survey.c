#include "launcher/upgrade/survey_part.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/oms_version.h"
#include "launcher/spec/spec.h"

#define FACTS_TIMEOUT_MS 60000U
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
            free(id);
            free(architecture);
            free(holds);
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
                  struct err *err)
{
    const struct node *n = &s->deployment.nodes[node];
    const struct spec_request spec = {
        .old = &n->old,
        .old_image = n->old_image,
        .image_ref = s->target_ref,
        .name = request->new_name != NULL ? request->new_name : n->old.name,
        .host_ip = request->host_ip,
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
    return metadb_facts_from_json(answer, &s->deployment.metadb, err);
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

static void look_at_ports(struct survey *s)
{
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        node_look_at_ports(&s->deployment.nodes[i]);
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
    look_at_ports(s);
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        node_ask_health(&s->deployment.nodes[i], HEALTH_TIMEOUT_MS);
    }
    if (aside) {
        pthread_join(thread, NULL);
    }
    if (inquiry.rc != 0) {
        *err = inquiry.err;
    }
    return inquiry.rc;
}

static int survey_node(struct engine *e, const struct survey_request *request, struct survey *s,
                       struct err *err)
{
    AUTO_NODE struct node node = {.name = NULL};
    if (node_observe(e, request->container, &node, err) != 0) {
        return -1;
    }
    deployment_add_take(&s->deployment, &node);
    size_t count = s->deployment.node_count;
    s->desired = mem_grow(s->desired, count, sizeof(*s->desired));
    s->images = mem_grow(s->images, count, sizeof(*s->images));
    s->new_image_configs = mem_grow(s->new_image_configs, count, sizeof(json_t *));
    s->desired[count - 1] = (struct container)CONTAINER_INIT;
    s->images[count - 1] = (struct target_image){.ref = NULL};
    s->new_image_configs[count - 1] = NULL;
    if (s->target_ref == NULL && survey_choose_target(request, s, err) != 0) {
        return -1;
    }
    if (survey_look_at_image(e, request, s, count - 1, err) != 0) {
        return -1;
    }
    return desire(request, s, count - 1, err);
}

int survey_make(const struct survey_request *request, struct survey *ret, struct err *err)
{
    AUTO_SURVEY struct survey s = {.heartbeat_dbs = STRV_INIT};
    deployment_init(&s.deployment);
    AUTO_VERSION_TABLE struct version_table versions = {.rows = NULL};
    AUTO_ENGINE struct engine *e = NULL;
    const struct engine_options options = {.endpoint = request->endpoint, .read_only = true};
    if (survey_load_versions(request, &versions, err) != 0 || engine_open(&options, &e, err) != 0 ||
        survey_node(e, request, &s, err) != 0) {
        return -1;
    }
    s.already_there = survey_is_already_there(&s);
    if (s.already_there) {
        look_at_ports(&s);
    } else if (ask_all(request, &s, err) != 0) {
        return -1;
    }
    survey_judge(request, &versions, &s);
    const struct plan_request plan = {
        .deployment = &s.deployment,
        .endpoint = request->endpoint,
        .desired = s.desired,
        .images = s.images,
        .new_image_configs = s.new_image_configs,
        .from = s.has_from ? &s.from : NULL,
        .to = s.has_to ? &s.to : NULL,
        .findings = &s.findings,
        .options = request->options,
    };
    plan_make(&plan, &s.plan);
    *ret = s;
    memset(&s, 0, sizeof(s));
    return 0;
}
