/* upgrade: survey, plan, question, run, report. */
#include <stdio.h>
#include <string.h>

#include "launcher/answer.h"
#include "launcher/approval.h"
#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/print_plan.h"
#include "launcher/report.h"
#include "launcher/session.h"
#include "launcher/upgrade/run.h"
#include "launcher/state/history.h"
#include "launcher/state/state.h"
#include "launcher/watch.h"

static void show_plan(const struct survey *survey)
{
    AUTO_STR struct str text = STR_INIT;
    print_plan(&survey->plan, &text);
    print_findings(&survey->findings, false, &text);
    log_info("%s", str_get(&text));
}

static int refuse_held(const struct session *s, const struct past_run *held, const struct err *err)
{
    log_err(err);
    return answer(s->options, &(struct answer){.code = EXIT_HELD, .run = held->id, .error = err});
}

/* A run that was held must be ended first: its containers and its backup are what is at stake.
 * Under the lock, so that a run which goes on right now is told apart from one that was killed. */
static int refuse_unfinished(const struct session *s, const char *name)
{
    struct err err = ERR_INIT;
    AUTO_HISTORY struct history history = {.items = NULL};
    if (history_read(s->state, &history, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    const struct past_run *held = history_unfinished(&history, name, s->endpoint);
    if (held == NULL) {
        return EXIT_DONE;
    }
    if (held->damage != NULL) {
        struct err damage = ERR_INIT;
        err_fail(&damage, ERR_STATE, "%s", held->damage);
        err_fail(
            &err, ERR_STATE,
            "nobody can tell how run %s on '%s' ended: %s\n"
            "HINT: restore its journal; or look at the containers, and when all is well end it "
            "with 'omslaunch abandon %s --reason …'",
            held->id, name, damage.text, held->id);
        return answer_fail(s->options, &err);
    }
    err_fail(
        &err, ERR_STATE,
        "run %s on '%s' is not ended: it stopped at '%s'\n"
        "HINT: end it first, with 'omslaunch resume %s' or 'omslaunch rollback %s'; 'omslaunch "
        "abandon %s' leaves it to you",
        held->id, name, held->step != NULL ? held->step : "the beginning", held->id, held->id,
        held->id);
    return refuse_held(s, held, &err);
}

static int say_nothing_to_do(const struct options *options, const struct survey *survey)
{
    AUTO_FREE char *why =
        mem_printf("'%s' runs %s already", options->arguments.items[1], survey->target_ref);
    return answer_nothing(options, why, NULL);
}

static int carry_out(const struct session *s, const struct survey *survey, const char *run_id)
{
    struct err err = ERR_INIT;
    AUTO_RUN struct run *run = NULL;
    AUTO_WATCH struct watch watch;
    watch_init(&watch);
    const struct run_request request = {
        .state = s->state,
        .run = run_id,
        .plan = &survey->plan,
        .metadb_program = s->metadb_program,
        .set_env = &s->options->set_env,
        .hooks = &s->hooks,
        .observer = &watch.observer,
        .lock_wait_ms = s->options->lock_wait_ms,
        .parallel = s->options->parallel,
        .no_probe = survey->deployment.metadb.tried ||
                    waiver_list_find(&s->waivers, "metadb.privileges", clock_wall_ms()) != NULL,
    };
    if (run_begin(&request, &run, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    log_info("Run %s", run_id);
    struct run_outcome outcome;
    run_to_end(run, str_eq(s->options->on_failure, "rollback"), &outcome);
    return report_run(s->options, run, &outcome, false);
}

/* Everything from the survey on happens under the deployment's lock: a plan that was made while
 * another run was under way would be a plan for a world that is gone. */
static int upgrade_locked(const struct session *s, const struct approval *approval,
                          const char *run_id)
{
    struct err err = ERR_INIT;
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    int held = refuse_unfinished(s, s->options->arguments.items[1]);
    if (held != EXIT_DONE) {
        return held;
    }
    if (session_survey(s, &survey, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    if (survey.already_there) {
        return say_nothing_to_do(s->options, &survey);
    }
    show_plan(&survey);
    if (survey_check(&survey, &err) != 0 ||
        approval_check(s->options, approval, &survey.plan, &err) != 0) {
        return answer_fail_with(s->options, &err, exit_code_of_error(&err),
                                json_make("{s:o}", "findings", findings_to_json(&survey.findings)));
    }
    if (!answer_is_yes(s->options, "Go on? OMS will be down for a while.")) {
        return answer_nothing(s->options, "not confirmed; nothing was changed", NULL);
    }
    return carry_out(s, &survey, run_id);
}

static int upgrade(const struct options *options, const struct approval *approval)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_FD int lock = -1;
    char run_id[RUN_ID_MAX];
    state_make_run_id(run_id);
    if (session_open(options, &session, &err) != 0 || session_need_tag(options, &err) != 0 ||
        state_prepare(session.state, &err) != 0 ||
        state_lock(session.state, session.endpoint, options->arguments.items[1], run_id,
                   options->lock_wait_ms, &lock, &err) != 0) {
        return answer_fail(options, &err);
    }
    session.try_restore = true;
    return upgrade_locked(&session, approval, run_id);
}

int command_upgrade(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_APPROVAL struct approval approval = {.document = NULL};
    bool approved = options->plan != NULL;
    if (approved && approval_read(options, &approval, &err) != 0) {
        return answer_fail(options, &err);
    }
    const struct options *o = approved ? &approval.options : options;
    return options->dry_run ? plan_show(o, approved ? &approval : NULL)
                            : upgrade(o, approved ? &approval : NULL);
}
