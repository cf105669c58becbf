#include "launcher/report.h"

#include "launcher/base/log.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/upgrade/state.h"

static const char *const end_texts[] = {
    [RUN_UPGRADED] = "upgraded",
    [RUN_UPGRADED_WITH_FAULT] = "upgraded, but not all is as it should be",
    [RUN_UNCHANGED] = "failed; nothing was changed",
    [RUN_ROLLED_BACK] = "failed and rolled back",
    [RUN_HELD] = "stopped midway",
    [RUN_ROLLBACK_FAILED] = "the rollback failed",
};

static const char *deployment_of(const struct run *r)
{
    return json_text(r->plan->json, "deployment", "");
}

static void append_container(struct run *r, int node, const char *id, const char *what,
                             struct str *ret)
{
    AUTO_JSON json_t *answer = NULL;
    struct err ignored;
    if (id == NULL) {
        str_appendf(ret, "  %s container: was not created\n", what);
        return;
    }
    if (engine_container_inspect(r->nodes[node].engine, id, &answer, &ignored) != 0) {
        str_appendf(ret, "  %s container: %.12s (the engine does not tell)\n", what, id);
        return;
    }
    str_appendf(ret, "  %s container: '%s', %s\n", what, json_text(answer, "Name", "/?") + 1,
                json_text(answer, "State.Status", "?"));
}

static void say_where_everything_is(struct run *r)
{
    AUTO_STR struct str text = STR_INIT;
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        append_container(r, (int)i, r->nodes[i].old_id, "old", &text);
        append_container(r, (int)i, r->nodes[i].new_id, "new", &text);
    }
    const json_t *backup = run_evidence(r, STEP_BACKUP_METADB, PLAN_ALL_NODES);
    str_appendf(&text, "  backup of the MetaDB: %s\n",
                json_text(backup, "folder", "none was needed yet"));
    const json_t *off = run_evidence(r, STEP_HA_OFF, PLAN_ALL_NODES);
    if (off != NULL && json_bool(off, "enabled", false) &&
        run_evidence(r, STEP_HA_ON, PLAN_ALL_NODES) == NULL) {
        str_append(&text, "  HA: is off, and was on before\n");
    }
    AUTO_FREE char *folder = state_run_folder(r->state, r->id);
    str_appendf(&text, "  journal and logs: %s", folder);
    log_info("%s", str_get(&text));
}

/* The new container has run: its databases may be newer than the old version understands. */
static void say_way_back(struct run *r)
{
    bool started = run_evidence(r, STEP_START_NEW, 0) != NULL;
    AUTO_FREE char *old_name = run_container_name(r, 0, "old");
    const char *name = json_text(plan_node(r->plan, 0), "old.name", "");
    bool swapped = run_evidence(r, STEP_SWAP_NAMES, 0) != NULL;
    if (started) {
        log_info("To go back by hand: stop '%s', restore the databases from the backup (zstd -dc "
                 "DB.sql.zst | mysql DB, into empty databases), then start '%s'.",
                 name, old_name);
    } else {
        log_info("To go back by hand: docker start %s (the databases were not changed).",
                 swapped ? old_name : name);
    }
}

static void say_success(struct run *r)
{
    AUTO_FREE char *old_name = run_container_name(r, 0, "old");
    const json_t *backup = run_evidence(r, STEP_BACKUP_METADB, PLAN_ALL_NODES);
    const json_t *ha = run_evidence(r, STEP_HA_ON, PLAN_ALL_NODES);
    AUTO_STR struct str outage = STR_INIT;
    str_append_duration(&outage, (uint64_t)json_int(ha, "outage_ms", 0));
    log_info("'%s' is upgraded to %s; OMS was down for %s.", deployment_of(r),
             json_text(r->plan->json, "to.version", json_text(r->plan->json, "to.tag", "?")),
             str_get(&outage));
    log_info("  Running links go on; their stores and writers show as abnormal until HA has "
             "restarted them. Failed or suspended links have to be recovered by hand.");
    log_info("  Clear the browser's cache before you open the new console.");
    log_info("  Kept: the old container as '%s', the backup in %s", old_name,
             json_text(backup, "folder", "?"));
}

static json_t *result_to_json(const struct run_result *result, const struct err *err, int code)
{
    const struct run *r = result->run;
    json_t *document =
        json_make("{s:s, s:s, s:s, s:i, s:O}", "run", r->id, "deployment", deployment_of(r),
                  "result", end_texts[result->end], "exit", code, "steps", r->memory);
    if (err != NULL) {
        json_put_text(document, "error", err->text);
    }
    if (result->failed_row < r->plan->row_count) {
        json_put_text(document, "failed_step",
                      plan_step_name(r->plan->rows[result->failed_row].step));
    }
    return document;
}

int report_run(const struct options *options, const struct run_result *result,
               const struct err *err)
{
    struct run *r = result->run;
    int code = exit_code_of_end(result->end, err);
    if (err != NULL) {
        log_err(err);
        log_info("'%s': %s", deployment_of(r), end_texts[result->end]);
        say_where_everything_is(r);
    }
    if (result->end == RUN_HELD) {
        say_way_back(r);
    } else if (result->end == RUN_UPGRADED || result->end == RUN_UPGRADED_WITH_FAULT) {
        say_success(r);
    }
    if (session_wants_json(options)) {
        AUTO_JSON json_t *document = result_to_json(result, err, code);
        session_print_json(document);
    }
    return code;
}
