#include "launcher/report.h"

#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/base/stop.h"
#include "launcher/exit_code.h"
#include "launcher/session.h"

static const char *const end_texts[] = {
    [RUN_UPGRADED] = "upgraded",
    [RUN_UPGRADED_WITH_FAULT] = "upgraded, but not all is as it should be",
    [RUN_UNCHANGED] = "failed; nothing was changed",
    [RUN_ROLLED_BACK] = "failed and rolled back",
    [RUN_HELD] = "stopped midway",
    [RUN_ROLLBACK_FAILED] = "the rollback failed",
    [RUN_ABANDONED] = "given up",
};

static const char *deployment_of(const struct run *r)
{
    return run_plan(r)->deployment;
}

static const struct evidence *evidence_of_all(const struct run *r, enum step_id step)
{
    return ledger_evidence(run_ledger(r), step, subject_deployment());
}

static bool is_ha_left_off(const struct run *r)
{
    const struct evidence *off = evidence_of_all(r, STEP_HA_OFF);
    return off != NULL && off->ha_off.enabled && evidence_of_all(r, STEP_HA_ON) == NULL &&
           evidence_of_all(r, STEP_BACK_HA) == NULL;
}

static void say_where_everything_is(struct run *r)
{
    AUTO_STR struct str text = STR_INIT;
    const struct evidence *backup = evidence_of_all(r, STEP_BACKUP_METADB);
    for (size_t i = 0; i < run_plan(r)->node_count; i++) {
        run_say_where(r, (int)i, &text);
    }
    str_appendf(&text, "  backup of the MetaDB: %s\n",
                backup != NULL ? backup->backup.folder : "none was needed yet");
    if (is_ha_left_off(r)) {
        str_append(&text, "  HA: is off, and was on before\n");
    }
    AUTO_FREE char *folder = run_folder(r);
    str_appendf(&text, "  journal and logs: %s", folder);
    log_info("%s", str_get(&text));
}

static void say_kept(struct run *r)
{
    const struct evidence *backup = evidence_of_all(r, STEP_BACKUP_METADB);
    const struct plan *plan = run_plan(r);
    AUTO_STR struct str names = STR_INIT;
    for (size_t i = 0; i < plan->node_count; i++) {
        AUTO_FREE char *name = run_kept_name(r, (int)i);
        const char *on = plan->node_count > 1 ? " on " : "";
        str_appendf(&names, "%s'%s'%s%s", i > 0 ? ", " : "", name, on,
                    plan->node_count > 1 ? plan->nodes[i].name : "");
    }
    log_info("  Kept: the old container as %s, the backup in %s", str_get(&names),
             backup != NULL ? backup->backup.folder : "?");
}

static void say_success(struct run *r)
{
    const struct evidence *ha = evidence_of_all(r, STEP_HA_ON);
    AUTO_STR struct str outage = STR_INIT;
    if (ha != NULL && ha->ha_on.outage_ms > 0) {
        str_append(&outage, "; OMS was down for ");
        str_append_duration(&outage, ha->ha_on.outage_ms);
    }
    log_info("'%s' is upgraded to %s%s.", deployment_of(r), plan_version_text(&run_plan(r)->to),
             str_get(&outage));
    log_info("  Running links go on; their stores and writers show as abnormal until HA has "
             "restarted them. Failed or suspended links have to be recovered by hand.");
    log_info("  Clear the browser's cache before you open the new console.");
    say_kept(r);
}

static void put_error(json_t *document, const char *key, const struct err *err)
{
    AUTO_FREE char *whole = err_join(err);
    json_put_text(document, key, whole);
}

static json_t *outcome_to_json(const struct run *r, const struct run_outcome *o)
{
    json_t *document = json_make("{s:o}", "rows", run_rows_to_json(r));
    if (o->failed) {
        AUTO_FREE char *name = plan_row_name(run_plan(r), &o->failed_row);
        json_put_text(document, "failed_step", name);
    }
    if (o->back_failed) {
        put_error(document, "rollback_error", &o->back_failure);
    }
    return document;
}

static void say_rolled_back(struct run *r)
{
    const struct evidence *restored = evidence_of_all(r, STEP_BACK_METADB);
    log_info("'%s' is back on the old version, and healthy.", deployment_of(r));
    if (restored != NULL) {
        log_info("  The databases are as they were at the backup; %s", restored->summary);
    }
}

/* Also after --quiet: what a failure left behind is never kept from anybody. */
static void say_failure(struct run *r, const struct run_outcome *o)
{
    /* The signal that ended the run must not end the look at what it left behind. */
    stop_tolerate(stop_count());
    log_set_level(log_get_level() > LOG_INFO ? log_get_level() : LOG_INFO);
    if (o->failed && !run_ledger(r)->goes_back) {
        log_err(&o->failure);
    }
    if (o->back_failed) {
        log_err(&o->back_failure);
    }
    log_info("'%s': %s", deployment_of(r), end_texts[o->end]);
    say_where_everything_is(r);
}

static void say_warnings(const struct run *r)
{
    AUTO_STRV struct strv warnings = STRV_INIT;
    run_list_warnings(r, &warnings);
    for (size_t i = 0; i < warnings.count; i++) {
        log_warn("%s", warnings.items[i]);
    }
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
            log_info("Next: 'omslaunch resume %s' does what is left.", run_id(run));
        }
    } else if (outcome->end == RUN_ROLLED_BACK) {
        say_rolled_back(run);
    } else if (outcome->end == RUN_UNCHANGED && !outcome->failed) {
        log_info("'%s' is as it was: nothing of it had been changed.", deployment_of(run));
    } else if (outcome->end == RUN_HELD || outcome->end == RUN_ROLLBACK_FAILED) {
        log_info("Next: 'omslaunch resume %s' goes on, 'omslaunch rollback %s' goes back.",
                 run_id(run), run_id(run));
    }
    say_warnings(run);
    if (outcome->unwritten) {
        log_warn("the journal does not say so: the disk was full. When there is space again, "
                 "'omslaunch rollback %s' looks at everything once more and writes it down.",
                 run_id(run));
    }
    bool failed = !as_asked && (outcome->failed || outcome->back_failed);
    return answer(options, &(struct answer){.code = code,
                                            .result = run_end_name(outcome->end),
                                            .deployment = deployment_of(run),
                                            .run = run_id(run),
                                            .error = failed ? why : NULL,
                                            .data_take = outcome_to_json(run, outcome)});
}
