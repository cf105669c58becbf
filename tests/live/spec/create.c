/* create ENDPOINT CONTAINER TAG METADB_PROGRAM VERSION_TABLE: what an upgrade does until the new
 * container is created and compared, by the product's own survey and steps, and nothing after that.
 * Prints {"plan":…,"id":…,"name":…}, or the error, with exit code 1. The caller removes the
 * container. */
#include <stdio.h>
#include <string.h>

#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/engine/engine.h"
#include "launcher/upgrade/steps.h"
#include "launcher/upgrade/survey.h"

#define RUN_ID "spec"

static int fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

static int take_step(struct run *r, enum step_id id, json_t **ret, struct err *err)
{
    if (step_get(id)->apply(r, 0, NULL, ret, err) != 0) {
        return -1;
    }
    run_remember(r, id, 0, *ret);
    return 0;
}

static int create(const struct survey *survey, const char *endpoint, json_t **ret, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *loaded = NULL;
    AUTO_JSON json_t *created = NULL;
    AUTO_JSON json_t *memory = json_object();
    AUTO_JSON json_t *begun = json_object();
    const struct engine_options options = {.endpoint = endpoint};
    struct run_node node = {.old_id = survey->deployment.nodes[0].old.id};
    struct run r = {
        .id = RUN_ID, .plan = &survey->plan, .nodes = &node, .memory = memory, .begun = begun};
    if (engine_open(&options, &engine, err) != 0) {
        return -1;
    }
    node.engine = engine;
    int rc = take_step(&r, STEP_LOAD_IMAGE, &loaded, err);
    if (rc == 0) {
        rc = take_step(&r, STEP_CREATE_NEW, &created, err);
    }
    free(node.new_id);
    if (rc == 0) {
        *ret = json_make("{s:o, s:s, s:s}", "plan", plan_to_json(&survey->plan), "id",
                         json_text(created, "new_id", ""), "name", json_text(created, "name", ""));
    }
    return rc;
}

int main(int argc, char **argv)
{
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_JSON json_t *result = NULL;
    AUTO_WAIVERS struct waiver_list waivers = {.items = NULL};
    struct err err = ERR_INIT;
    if (argc != 6) {
        fputs("usage: create ENDPOINT CONTAINER TAG METADB_PROGRAM VERSION_TABLE\n", stderr);
        return 64;
    }
    struct node_address address = {.endpoint = argv[1], .container = argv[2]};
    const struct node_addresses nodes = {.items = &address, .count = 1};
    const struct survey_request request = {
        .nodes = &nodes,
        .tag = argv[3],
        .metadb_program = argv[4],
        .version_table = argv[5],
        .waivers = &waivers,
    };
    if (survey_make(&request, &survey, &err) != 0 || create(&survey, argv[1], &result, &err) != 0) {
        return fail(&err);
    }
    AUTO_FREE char *text = json_compact(result);
    puts(text);
    return 0;
}
