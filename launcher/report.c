#include "launcher/report.h"

#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/base/stop.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"
#include "launcher/state/state.h"

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
    struct err why = ERR_INIT;
    if (id == NULL) {
        str_appendf(ret, "  %s container: was not created\n", what);
        return;
    }
    if (engine_container_inspect(r->nodes[node].engine, id, &answer, &why) != 0) {
        str_appendf(ret, "  %s container: %.12s %s\n", what, id,
                    why.kind == ERR_NOT_FOUND ? "is gone" : "(the engine does not tell)");
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
        run_evidence(r, STEP_HA_ON, PLAN_ALL_NODES) == NULL &&
        run_evidence(r, STEP_BACK_HA, PLAN_ALL_NODES) == NULL) {
        str_append(&text, "  HA: is off, and was on before\n");
    }
    AUTO_FREE char *folder = state_run_folder(r->state, r->id);
    str_appendf(&text, "  journal and logs: %s", folder);
    log_info("%s", str_get(&text));
}

static void say_success(struct run *r)
{
    AUTO_FREE char *old_name = run_container_name(r, 0, "old");
    const json_t *backup = run_evidence(r, STEP_BACKUP_METADB, PLAN_ALL_NODES);
    const json_t *ha = run_evidence(r, STEP_HA_ON, PLAN_ALL_NODES);
    AUTO_STR struct str outage = STR_INIT;
    if (json_int(ha, "outage_ms", 0) > 0) {
        str_append(&outage, "; OMS was down for ");
        str_append_duration(&outage, (uint64_t)json_int(ha, "outage_ms", 0));
    }
    log_info("'%s' is upgraded to %s%s.", deployment_of(r),
             json_text(r->plan->json, "to.version", json_text(r->plan->json, "to.tag", "?")),
             str_get(&outage));
    log_info("  Running links go on; their stores and writers show as abnormal until HA has "
             "restarted them. Failed or suspended links have to be recovered by hand.");
    log_info("  Clear the browser's cache before you open the new console.");
    log_info("  Kept: the old container as '%s', the backup in %s", old_name,
             json_text(backup, "folder", "?"));
}

static void put_error(json_t *document, const char *key, const struct err *err)
{
    AUTO_FREE char *whole = err_join(err);
    json_put_text(document, key, whole);
}

static json_t *outcome_to_json(const struct run *r, const struct run_outcome *o)
{
    json_t *document = json_make("{s:O}", "steps", r->memory);
    if (o->failed) {
        json_put_text(document, "failed_step", step_name(o->failed_step));
    }
    if (o->back_failed) {
        put_error(document, "rollback_error", &o->back_failure);
    }
    return document;
}

static void say_rolled_back(struct run *r)
{
    const json_t *restored = run_evidence(r, STEP_BACK_METADB, PLAN_ALL_NODES);
    log_info("'%s' is back on the old version, and healthy.", deployment_of(r));
    if (restored != NULL) {
        log_info("  The databases are as they were at the backup; %s",
                 json_text(restored, "summary", ""));
    }
}

/* Also after --quiet: what a failure left behind is never kept from anybody. */
static void say_failure(struct run *r, const struct run_outcome *o)
{
    /* The signal that ended the run must not end the look at what it left behind. */
    stop_tolerate(stop_count());
    log_set_level(log_get_level() > LOG_INFO ? log_get_level() : LOG_INFO);
    if (o->failed && !r->going_back) {
        log_err(&o->failure);
    }
    if (o->back_failed) {
        log_err(&o->back_failure);
    }
    log_info("'%s': %s", deployment_of(r), end_texts[o->end]);
    say_where_everything_is(r);
}

int report_run(const struct options *options, struct run *run, const struct run_outcome *outcome,
               bool back_was_asked)
{
    const struct err *why = outcome->back_failed ? &outcome->back_failure : &outcome->failure;
    bool is_back = outcome->end == RUN_ROLLED_BACK || outcome->end == RUN_UNCHANGED;
    bool as_asked = back_was_asked && is_back && !outcome->back_failed;
    int code = as_asked ? EXIT_DONE : exit_code_of_end(outcome->end, why);
    if (outcome->failed || outcome->back_failed) {
        say_failure(run, outcome);
    }
    if (outcome->end == RUN_UPGRADED || outcome->end == RUN_UPGRADED_WITH_FAULT) {
        say_success(run);
        if (outcome->end == RUN_UPGRADED_WITH_FAULT) {
            log_info("Next: 'omslaunch resume %s' does what is left.", run->id);
        }
    } else if (outcome->end == RUN_ROLLED_BACK) {
        say_rolled_back(run);
    } else if (outcome->end == RUN_UNCHANGED && !outcome->failed) {
        log_info("'%s' is as it was: nothing of it had been changed.", deployment_of(run));
    } else if (outcome->end == RUN_HELD || outcome->end == RUN_ROLLBACK_FAILED) {
        log_info("Next: 'omslaunch resume %s' goes on, 'omslaunch rollback %s' goes back.", run->id,
                 run->id);
    }
    bool failed = !as_asked && (outcome->failed || outcome->back_failed);
    return answer(options, &(struct answer){.code = code,
                                            .result = run_end_name(outcome->end),
                                            .deployment = deployment_of(run),
                                            .run = run->id,
                                            .error = failed ? why : NULL,
                                            .data_take = outcome_to_json(run, outcome)});
}
