/* resume and rollback: runs of an earlier process, from their journals. */
#include <stdio.h>

#include "launcher/answer.h"
#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/past.h"
#include "launcher/report.h"
#include "launcher/session.h"
#include "launcher/upgrade/run.h"
#include "launcher/state/history.h"
#include "launcher/state/state.h"
#include "launcher/watch.h"

/* The run that the command line names, or the newest that is not over. */
static const struct past_run *choose_run(const struct session *s, const struct history *h,
                                         struct err *err)
{
    const char *id = s->options->arguments.count > 1 ? s->options->arguments.items[1] : NULL;
    const struct past_run *p = NULL;
    for (size_t i = h->count; id == NULL && i-- > 0;) {
        if (h->items[i].damage != NULL || !past_is_over(&h->items[i])) {
            p = &h->items[i];
            break;
        }
    }
    if (p == NULL && past_find(s, h, id, &p, err) != 0) {
        return NULL;
    }
    if (p->damage != NULL) {
        err_fail(err, ERR_STATE, "%s", p->damage);
        return NULL;
    }
    return p;
}

/* What a later run built on this one stands on the containers and databases that this one would
 * move. */
static int refuse_superseded(const struct history *h, const struct past_run *p, struct err *err)
{
    const struct past_run *later = past_followed_by(h, p);
    if (later == NULL) {
        return 0;
    }
    return err_fail(err, ERR_USAGE,
                    "run %s on '%s' was followed by run %s: what it left is not there any more\n"
                    "HINT: go back step by step, with 'omslaunch rollback %s' first",
                    p->id, p->deployment, later->id, later->id);
}

/* Before the new version is taken away: a run that was a success may have outlived its backup. */
static int check_backup(const struct session *s, const struct past_run *p, struct err *err)
{
    bool ended_well = p->result != NULL && str_starts_with(p->result, "upgraded");
    if (!ended_well || !p->backup_gone) {
        return 0;
    }
    AUTO_FREE char *folder = state_backup_folder(s->state, p->id);
    return err_fail(err, ERR_FAILED,
                    "run %s on '%s' cannot be undone any more: its backup '%s' is gone\n"
                    "HINT: nothing was changed; 'omslaunch prune' removes old backups, 'omslaunch "
                    "backups' lists those that are left",
                    p->id, p->deployment, folder);
}

/* The new version has served since then: what it wrote would be put aside. */
static int check_losses(const struct session *s, const struct past_run *p, struct err *err)
{
    char since[CLOCK_TEXT_MAX];
    AUTO_STR struct str age = STR_INIT;
    if (p->served_ms == 0) {
        return 0;
    }
    clock_format(p->backup_ms, since);
    since[19] = 'Z'; /* whole seconds: this is typed by people */
    since[20] = '\0';
    str_append_duration(&age, clock_wall_ms() - p->backup_ms);
    if (str_eq(s->options->lose_changes_since, since)) {
        return 0;
    }
    return err_fail(
        err, ERR_USAGE,
        "run %s was a success: the new version has served since, and its MetaDB is %s "
        "newer than the backup\n"
        "HINT: to go back all the same, say --yes-lose-changes-since %s; the databases of "
        "now are kept aside, not dropped, until 'omslaunch prune --databases'",
        p->id, str_get(&age), since);
}

static int say_over(const struct options *o, const struct past_run *p)
{
    AUTO_FREE char *why = mem_printf(
        "run %s%s%s%s has ended: %s", p->id, p->deployment != NULL ? " on '" : "",
        p->deployment != NULL ? p->deployment : "", p->deployment != NULL ? "'" : "", p->result);
    log_info("nothing to do: %s", why);
    return answer(o, &(struct answer){.code = EXIT_DONE,
                                      .result = "nothing-to-do",
                                      .deployment = p->deployment,
                                      .run = p->id});
}

static bool has_nothing_left(const struct past_run *p, bool back)
{
    return past_is_over(p) || (!back && str_eq(p->result, "upgraded"));
}

static int take_up(const struct session *s, const struct past_run *p, const struct plan *plan,
                   bool back)
{
    struct err err = ERR_INIT;
    AUTO_RUN struct run *run = NULL;
    AUTO_WATCH struct watch watch;
    watch_init(&watch);
    const struct run_request request = {
        .state = s->state,
        .run = p->id,
        .plan = plan,
        .metadb_program = s->metadb_program,
        .set_env = &s->options->set_env,
        .hooks = &s->hooks,
        .answers = &s->options->answer,
        .observer = &watch.observer,
        .lock_wait_ms = s->options->lock_wait_ms,
        .parallel = s->options->parallel,
    };
    if (run_take_up(&request, &run, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    log_info("Run %s on '%s'", p->id, p->deployment);
    struct run_outcome outcome;
    if (back) {
        run_back(run, &outcome);
    } else {
        run_to_end(run, str_eq(s->options->on_failure, "rollback"), &outcome);
    }
    return report_run(s->options, run, &outcome, back);
}

/* Under the lock the run is looked at again: who held it may have brought the run to its end. */
static int take_up_locked(const struct session *s, const char *id, bool back)
{
    struct err err = ERR_INIT;
    AUTO_PLAN struct plan plan = PLAN_INIT;
    AUTO_HISTORY struct history history = {.items = NULL};
    if (history_read(s->state, &history, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    const struct past_run *p = history_find(&history, id);
    if (p == NULL || p->damage != NULL) {
        err_fail(&err, ERR_STATE, "%s", p == NULL ? "the run is gone" : p->damage);
        return answer_fail(s->options, &err);
    }
    if (has_nothing_left(p, back)) {
        return say_over(s->options, p);
    }
    if (refuse_superseded(&history, p, &err) != 0 ||
        (back && (check_backup(s, p, &err) != 0 || check_losses(s, p, &err) != 0)) ||
        run_load_plan(s->state, p->id, &plan, &err) != 0) {
        return answer_fail(s->options, &err);
    }
    return take_up(s, p, &plan, back);
}

static int go_on(const struct options *options, bool back)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    AUTO_FD int lock = -1;
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return answer_fail(options, &err);
    }
    const struct past_run *p = choose_run(&session, &history, &err);
    if (p == NULL) {
        return answer_fail(options, &err);
    }
    if (has_nothing_left(p, back)) {
        return say_over(options, p);
    }
    if (state_lock(session.state, p->endpoint, p->deployment, p->id, options->lock_wait_ms, &lock,
                   &err) != 0) {
        return answer_fail(options, &err);
    }
    return take_up_locked(&session, p->id, back);
}

int command_resume(const struct options *options)
{
    return go_on(options, false);
}

int command_rollback(const struct options *options)
{
    return go_on(options, true);
}
