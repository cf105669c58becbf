#include "launcher/upgrade/survey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect/oms_version.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/yaml.h"
#include "launcher/engine/image_archive.h"
#include "launcher/upgrade/spec.h"

#define FACTS_TIMEOUT_MS 60000U
/* An OMS that serves answers at once. */
#define HEALTH_TIMEOUT_MS 5000U
#define VERSION_TABLE_MAX (1024U * 1024)

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
    free(s->metadb_error);
    strv_free(&s->heartbeat_dbs);
    findings_free(&s->findings);
    plan_free(&s->plan);
    deployment_free(&s->deployment);
}

static int load_table(const char *path, struct version_table *ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *yaml = NULL;
    if (fs_read(path, VERSION_TABLE_MAX, false, &text, err) != 0) {
        err->kind = ERR_CONFIG;
        return err_wrap(err, "the table of OMS versions");
    }
    if (yaml_parse(str_get(&text), text.len, path, &yaml, err) != 0) {
        return -1;
    }
    return version_table_from_yaml_json(yaml, path, ret, err);
}

static int load_versions(const struct survey_request *request, struct version_table *ret,
                         struct err *err)
{
    AUTO_VERSION_TABLE struct version_table table = {.rows = NULL};
    AUTO_VERSION_TABLE struct version_table own = {.rows = NULL};
    if (load_table(request->version_table, &table, err) != 0 ||
        (request->own_version_table != NULL &&
         load_table(request->own_version_table, &own, err) != 0)) {
        return -1;
    }
    version_table_merge_take(&table, &own);
    *ret = table;
    table = (struct version_table){.rows = NULL};
    return 0;
}

/* Was the container made from an image's ID, whole or shortened? That names no repository. */
static bool is_made_from_id(const struct container *c)
{
    const char *hex = strncmp(c->image_id, "sha256:", 7) == 0 ? c->image_id + 7 : c->image_id;
    const char *ref = strncmp(c->image_ref, "sha256:", 7) == 0 ? c->image_ref + 7 : c->image_ref;
    return ref[0] != '\0' && strncmp(hex, ref, strlen(ref)) == 0;
}

static int choose_target(const struct survey_request *request, struct survey *s, struct err *err)
{
    const struct node *first = &s->deployment.nodes[0];
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *own_tag = NULL;
    image_ref_split(first->old.image_ref, &repository, &own_tag);
    if (request->repository == NULL && (repository[0] == '\0' || is_made_from_id(&first->old))) {
        return err_fail(err, ERR_USAGE,
                        "the old container was made from '%s', which names no repository\n"
                        "HINT: name the one of the new image: --image REPOSITORY",
                        first->old.image_ref);
    }
    const char *chosen = request->repository != NULL ? request->repository : repository;
    s->target_ref = mem_printf("%s:%s", chosen, request->tag);
    s->target_tag = mem_strdup(request->tag);
    struct err ignored;
    s->has_from = oms_version_parse(first->old_image_tag, &s->from, &ignored) == 0;
    s->has_to = oms_version_parse(request->tag, &s->to, &ignored) == 0;
    return 0;
}

/* What will be loaded takes the place of what the engine has under that name. */
static void look_into_archive(struct target_image *image)
{
    AUTO_IMAGE_CONTENT struct image_content content;
    AUTO_STR struct str names = STR_INIT;
    image_content_read(image->will_load_file, image->ref, &content);
    if (content.has_ref && content.architecture != NULL) {
        char *before = (char *)(uintptr_t)image->architecture;
        free(before);
        image->architecture = TAKE(content.architecture);
    }
    if (!content.known || content.has_ref) {
        return;
    }
    for (size_t i = 0; i < content.names.count; i++) {
        str_appendf(&names, "%s'%s'", i > 0 ? ", " : "", content.names.items[i]);
    }
    image->archive_holds =
        content.names.count > 0 ? str_take(&names) : mem_strdup("nothing with a name");
}

static int look_at_image(struct engine *e, const struct survey_request *request, struct survey *s,
                         size_t node, struct err *err)
{
    struct target_image *image = &s->images[node];
    image->ref = s->target_ref;
    image->will_load_file = request->options.load_file;
    AUTO_JSON json_t *answer = NULL;
    if (engine_image_inspect(e, s->target_ref, &answer, err) == 0) {
        const char *architecture = json_text(answer, "Architecture", NULL);
        image->present = true;
        image->id = mem_strdup(json_text(answer, "Id", ""));
        image->architecture = architecture == NULL ? NULL : mem_strdup(architecture);
        s->new_image_configs[node] = json_incref(json_walk(answer, "Config"));
    } else if (err->kind != ERR_NOT_FOUND) {
        return -1;
    }
    struct stat archive;
    if (image->will_load_file != NULL && stat(image->will_load_file, &archive) == 0) {
        image->load_bytes = (uint64_t)archive.st_size;
        look_into_archive(image);
    }
    return 0;
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
        s->metadb_error_kind = failure.kind;
        s->metadb_error = mem_strdup(failure.text);
        return 0;
    }
    return metadb_facts_from_json(answer, &s->deployment.metadb, err);
}

/* The MetaDB is asked by a program of its own, which takes a while: meanwhile the old OMS is. */
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

static int ask_both(const struct survey_request *request, struct survey *s, struct err *err)
{
    struct metadb_inquiry inquiry = {.request = request, .survey = s, .err = ERR_INIT};
    pthread_t thread;
    bool aside = pthread_create(&thread, NULL, inquire, &inquiry) == 0;
    if (!aside) {
        inquire(&inquiry);
    }
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

/* What policy wants to know of the new containers besides what they are, one each a node. */
struct new_facts {
    size_t count;
    const json_t **unkeepable;
    struct mount_facts *sources;
    struct tls_facts *tls;
};

static void new_facts_free(struct new_facts *f)
{
    for (size_t i = 0; i < f->count; i++) {
        json_decref((json_t *)(uintptr_t)f->unkeepable[i]);
        mount_facts_free(&f->sources[i]);
        tls_facts_free(&f->tls[i]);
    }
    free(f->unkeepable);
    free(f->sources);
    free(f->tls);
}

static void look_at_new(const struct survey *s, struct new_facts *ret)
{
    const size_t count = s->deployment.node_count;
    *ret = (struct new_facts){
        .count = count,
        .unkeepable = mem_alloc(count * sizeof(json_t *)),
        .sources = mem_alloc(count * sizeof(struct mount_facts)),
        .tls = mem_alloc(count * sizeof(struct tls_facts)),
    };
    for (size_t i = 0; i < count; i++) {
        const struct node *n = &s->deployment.nodes[i];
        struct err ignored;
        ret->unkeepable[i] = spec_unkeepable(&n->old);
        mount_facts_of_desired(&s->desired[i], n->host.local, &ret->sources[i]);
        if (n->host.local) {
            (void)!tls_facts_observe(NULL, &s->desired[i], true, &ret->tls[i], &ignored);
        }
    }
}

/* The folder need not be there yet: then it is the file system that it will be made on. */
static bool free_space(const char *path, uint64_t *ret_bytes)
{
    AUTO_FREE char *at = mem_strdup(path);
    struct err ignored;
    while (!fs_exists(at)) {
        char *slash = strrchr(at, '/');
        if (slash == NULL || at[1] == '\0') {
            return false;
        }
        slash[slash == at] = '\0';
    }
    return fs_free_space(at, ret_bytes, &ignored) == 0;
}

static void judge(const struct survey_request *request, const struct version_table *versions,
                  struct survey *s)
{
    CLEANUP(new_facts_free) struct new_facts facts;
    look_at_new(s, &facts);
    const struct node *first = &s->deployment.nodes[0];
    struct policy_input input = {
        .deployment = &s->deployment,
        .desired = s->desired,
        .images = s->images,
        .from = s->has_from ? &s->from : NULL,
        .to = s->has_to ? &s->to : NULL,
        .from_tag = first->old_image_tag,
        .to_tag = s->target_tag,
        .versions = versions,
        .unkeepable = facts.unkeepable,
        .new_sources = facts.sources,
        .new_tls = facts.tls,
        .already_there = s->already_there,
        .metadb_error = s->metadb_error,
        .now_ms = clock_wall_ms(),
        .waivers = request->waivers,
    };
    input.state_free_known =
        request->state != NULL && free_space(request->state, &input.state_free_bytes);
    policy_judge(&input, &s->findings);
}

/* The same tag of the same repository, and the engine does not hold another image under it now. */
static bool is_already_there(const struct survey *s)
{
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        const struct container *old = &s->deployment.nodes[i].old;
        const struct target_image *image = &s->images[i];
        if (!str_eq(old->image_ref, s->target_ref) ||
            (image->present && !str_eq(image->id, old->image_id))) {
            return false;
        }
    }
    return true;
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
    if (s->target_ref == NULL && choose_target(request, s, err) != 0) {
        return -1;
    }
    if (look_at_image(e, request, s, count - 1, err) != 0) {
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
    if (load_versions(request, &versions, err) != 0 || engine_open(&options, &e, err) != 0 ||
        survey_node(e, request, &s, err) != 0) {
        return -1;
    }
    s.already_there = is_already_there(&s);
    if (!s.already_there && ask_both(request, &s, err) != 0) {
        return -1;
    }
    judge(request, &versions, &s);
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

int survey_check(const struct survey *s, struct err *err)
{
    if (findings_check(&s->findings, err) == 0) {
        return 0;
    }
    if (err->kind == ERR_UNREACHABLE && s->metadb_error != NULL) {
        return err_fail(err, s->metadb_error_kind, "%s", s->metadb_error);
    }
    return -1;
}
