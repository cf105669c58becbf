#include "launcher/upgrade/plan.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/spec/spec.h"
#include "launcher/spec/spec_fields.h"
#include "launcher/spec/spec_secret.h"
#include "launcher/upgrade/steps.h"

static void node_free_members(struct plan_node *n)
{
    free(n->name);
    free(n->endpoint);
    free(n->engine_id);
    free(n->old.id);
    free(n->old.name);
    free(n->old.image);
    free(n->old.image_id);
    plan_health_free(&n->old.health);
    json_decref(n->old.restart_policy);
    free(n->new.image_id);
    plan_health_free(&n->new.health);
    strv_free(&n->new.secrets_given);
    container_free(&n->new.desired);
    json_decref(n->changes);
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->node_count; i++) {
        node_free_members(&p->nodes[i]);
    }
    free(p->nodes);
    free(p->rows);
    hook_list_free(&p->hooks);
    free(p->calls);
    free(p->tool);
    free(p->deployment);
    free(p->from.tag);
    free(p->from.version);
    free(p->to.tag);
    free(p->to.version);
    free(p->metadb.host);
    free(p->metadb.user);
    free(p->metadb.rm);
    free(p->metadb.cm);
    strv_free(&p->metadb.heartbeat);
    json_decref(p->waived);
    json_decref(p->findings);
    free(p->load_file);
    *p = (struct plan)PLAN_INIT;
}

const char *plan_version_text(const struct plan_version *v)
{
    return v->version != NULL ? v->version : v->tag;
}

/* ---- rows ---- */

void plan_add_row(struct plan *p, enum step_id step, struct subject subject)
{
    p->rows = mem_grow(p->rows, p->row_count + 1, sizeof(*p->rows));
    p->rows[p->row_count++] = (struct plan_row){.step = step, .subject = subject};
}

static bool shares_file(const struct deployment *d, size_t node)
{
    const struct oms_config *config = &d->nodes[node].config;
    for (size_t before = 0; before < node; before++) {
        const struct oms_config *other = &d->nodes[before].config;
        if (other->cm_location == config->cm_location && str_eq(other->digest, config->digest)) {
            return true;
        }
    }
    return false;
}

/* Nodes of a region that share one configuration file are initialised once; nodes with a file of
 * their own, once each (domain, "The runbook", step 5). The default region comes first. */
static void add_init_rows(struct plan *p, const struct deployment *d)
{
    for (int is_default = 1; is_default >= 0; is_default--) {
        for (size_t i = 0; i < d->node_count; i++) {
            if ((int)d->nodes[i].config.cm_is_default == is_default && !shares_file(d, i)) {
                plan_add_row(p, STEP_INIT_METADATA, subject_node((int)i));
            }
        }
    }
}

static void add_rows_of_step(struct plan *p, const struct step *step, const struct deployment *d)
{
    if (step->rows == STEP_ROWS_OF_INIT) {
        add_init_rows(p, d);
    } else if (step->rows == STEP_ROW_OF_ALL) {
        plan_add_row(p, step->id, subject_deployment());
    } else {
        for (size_t node = 0; node < d->node_count; node++) {
            plan_add_row(p, step->id, subject_node((int)node));
        }
    }
}

static void add_rows(struct plan *p, const struct deployment *d)
{
    size_t count;
    const struct step *const *steps = steps_forward(&count);
    for (size_t i = 0; i < count; i++) {
        plan_add_hook_rows(p, steps[i]->id, false);
        /* What a hook backs up, it prepares itself. */
        if (steps[i]->id != STEP_PREPARE_BACKUP || plan_hook(p, HOOK_BACKUP) == NULL) {
            add_rows_of_step(p, steps[i], d);
        }
        plan_add_hook_rows(p, steps[i]->id, true);
    }
}

/* ---- nodes ---- */

static char *dup(const char *text)
{
    return text == NULL ? NULL : mem_strdup(text);
}

/* Variables that the user set anew: if they look like secrets, their values are nowhere to be read
 * when the new container is created. */
static void list_secrets_given(const struct container *old, const struct container *desired,
                               struct strv *ret)
{
    const json_t *env = json_object_get(desired->config, "Env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *entry = json_string_value(json_array_get(env, i));
        AUTO_FREE char *name = mem_strndup(entry, strcspn(entry, "="));
        if (spec_is_secret(name) && !str_eq(spec_env_get(env, name), container_env(old, name))) {
            strv_add(ret, name);
        }
    }
}

static void add_old(const struct deployment *d, const struct node *n, struct plan_old *ret)
{
    json_t *restart = json_object_get(n->old.host_config, "RestartPolicy");
    *ret = (struct plan_old){
        .id = mem_strdup(n->old.id),
        .name = mem_strdup(n->old.name),
        .image = mem_strdup(n->old.image_ref),
        .image_id = mem_strdup(n->old.image_id),
        .running = n->old.running,
        .restart_policy = json_is_object(restart) ? json_deep_copy(restart) : NULL,
    };
    plan_health_of_old(d, n, &ret->health);
}

static void add_new(const struct plan_request *r, size_t i, struct plan_new *ret)
{
    const struct node *n = &r->deployment->nodes[i];
    const struct container *desired = &r->desired[i];
    *ret = (struct plan_new){.image_id = dup(r->images[i].id)};
    plan_health_of_new(n, desired, r->to, &ret->health);
    container_copy(desired, &ret->desired);
    spec_secrets_hide(ret->desired.config, ret->desired.host_config);
    list_secrets_given(&n->old, desired, &ret->secrets_given);
}

static void add_node(const struct plan_request *r, size_t i, struct plan *p)
{
    const struct node *n = &r->deployment->nodes[i];
    struct plan_node *node = &p->nodes[p->node_count++];
    *node = (struct plan_node){
        .name = mem_strdup(n->name),
        .endpoint = mem_strdup(n->endpoint),
        .engine_id = dup(n->host.id),
        .region = n->config.cm_location,
        .changes = spec_diff(&n->old, n->old_image, &r->desired[i], r->new_image_configs[i]),
    };
    add_old(r->deployment, n, &node->old);
    add_new(r, i, &node->new);
}

/* ---- the whole ---- */

static struct plan_version version_of(const struct oms_version *v, const char *tag)
{
    char text[OMS_VERSION_TEXT_MAX];
    return (struct plan_version){
        .tag = mem_strdup(tag),
        .version = v == NULL ? NULL : mem_strdup(oms_version_format(v, text)),
    };
}

static void add_metadb(const struct deployment *d, struct plan_metadb *ret)
{
    const struct oms_config *config = &d->nodes[0].config;
    *ret = (struct plan_metadb){
        .host = mem_strdup(config->meta_host),
        .user = mem_strdup(config->meta_user),
        .rm = mem_strdup(config->rm_db),
        .cm = mem_strdup(config->cm_db),
        .port = config->meta_port,
    };
    for (size_t i = 0; i < d->node_count; i++) {
        const char *name = d->nodes[i].config.heartbeat_db;
        if (!strv_has(&ret->heartbeat, name)) {
            strv_add(&ret->heartbeat, name);
        }
    }
}

static json_t *list_waived(const struct findings *findings)
{
    json_t *waived = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (f->verdict == VERDICT_WAIVED) {
            json_add(waived, json_make("{s:s, s:s?, s:s, s:s?}", "rule", f->rule, "node", f->node,
                                       "text", f->text, "reason", f->waiver_reason));
        }
    }
    return waived;
}

void plan_make(const struct plan_request *r, struct plan *ret)
{
    const struct deployment *d = r->deployment;
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;
    image_ref_split(r->desired[0].image_ref, &repository, &tag);
    struct plan p = {
        .tool = mem_strdup("omslaunch " OMSLAUNCH_VERSION),
        .deployment = mem_strdup(d->nodes[0].old.name),
        .from = version_of(r->from, d->nodes[0].old_image_tag),
        .to = version_of(r->to, tag),
        .nodes = mem_grow(NULL, d->node_count, sizeof(*p.nodes)),
        .options = r->options,
        .load_file = dup(r->options.load_file),
        .waived = list_waived(r->findings),
        .findings = findings_to_json(r->findings),
    };
    p.options.load_file = p.load_file;
    add_metadb(d, &p.metadb);
    for (size_t i = 0; i < d->node_count; i++) {
        add_node(r, i, &p);
    }
    plan_take_hooks(&p, r->hooks);
    add_rows(&p, d);
    plan_sign(&p);
    *ret = p;
}
