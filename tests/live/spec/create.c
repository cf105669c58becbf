/* create ENDPOINT CONTAINER TAG METADB_PROGRAM VERSION_TABLE: what an upgrade does until the new
 * container is created and compared, by the product's own survey and steps, and nothing after that.
 * Prints {"plan":…,"id":…,"name":…}, or the error, with exit code 1. The caller removes the
 * container. */
#include <stdio.h>
#include <string.h>

#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/engine/engine.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/survey.h"

#define RUN_ID "spec"

static int fail(const struct err *err)
{
    AUTO_FREE char *text = err_join(err);
    fprintf(stderr, "%s\n", text);
    return 1;
}

/* As the run does it, but without a journal. */
static int take_step(struct run *r, enum step_id id, struct err *err)
{
    const struct step_call call = {.run = r, .subject = subject_node(0)};
    AUTO_RECORD struct record done = {.type = RECORD_OUTCOME,
                                      .wall_ms = 1,
                                      .step = id,
                                      .subject = call.subject,
                                      .ok = true,
                                      .evidence = {.step = id}};
    if (step_get(id)->apply(&call, &done.evidence, err) != 0) {
        return -1;
    }
    ledger_apply_take(&r->ledger, &done);
    return 0;
}

static int create(const struct survey *survey, const char *endpoint, json_t **ret, struct err *err)
{
    static char id[] = RUN_ID;
    const struct engine_options options = {.endpoint = endpoint};
    struct run_node node = {.engine = NULL};
    struct run r = {.id = id, .plan = &survey->plan, .nodes = &node};
    if (engine_open(&options, &node.engine, err) != 0) {
        return -1;
    }
    wave_init(&r.wave);
    int rc = take_step(&r, STEP_LOAD_IMAGE, err);
    rc = rc == 0 ? take_step(&r, STEP_CREATE_NEW, err) : rc;
    if (rc == 0) {
        const struct evidence *e = run_evidence(&r, STEP_CREATE_NEW, subject_node(0));
        *ret = json_make("{s:o, s:s, s:s}", "plan", plan_to_json(&survey->plan), "id",
                         e->created.new_id, "name", e->created.name);
    }
    ledger_free(&r.ledger);
    wave_free(&r.wave);
    engine_free(node.engine);
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
