#include "launcher/upgrade/survey_part.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/yaml.h"
#include "launcher/spec/spec.h"

#define VERSION_TABLE_MAX (1024U * 1024)

/* ---- the table of versions ---- */

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

int survey_load_versions(const struct survey_request *request, struct version_table *ret,
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

/* ---- facts of the new containers ---- */

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

void survey_judge(const struct survey_request *request, const struct version_table *versions,
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
        .from_tag = request->from != NULL ? request->from : first->old_image_tag,
        .to_tag = s->target_tag,
        .versions = versions,
        .unkeepable = facts.unkeepable,
        .new_sources = facts.sources,
        .new_tls = facts.tls,
        .already_there = s->already_there,
        .metadb_error = s->metadb_silent ? &s->metadb_error : NULL,
        .now_ms = clock_wall_ms(),
        .waivers = request->waivers,
    };
    input.state_free_known =
        request->state != NULL && free_space(request->state, &input.state_free_bytes);
    policy_judge(&input, &s->findings);
}

int survey_check(const struct survey *s, struct err *err)
{
    if (findings_check(&s->findings, err) == 0) {
        return 0;
    }
    if (err->kind == ERR_UNREACHABLE && s->metadb_silent) {
        *err = s->metadb_error;
    }
    return -1;
}
