/* resume and rollback: runs of an earlier process, from their journals. */
#include <stdio.h>

#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/report.h"
#include "launcher/session.h"
#include "launcher/upgrade/execution.h"
#include "launcher/upgrade/history.h"
#include "launcher/upgrade/state.h"
#include "launcher/watch.h"

/* The run that the command line names, or the newest that is not over. */
static const struct past_run *choose_run(const struct session *s, const struct history *h,
                                         struct err *err)
{
    const char *id = s->options->arguments.count > 1 ? s->options->arguments.items[1] : NULL;
    const struct past_run *p = history_find(h, id);
    if (p == NULL) {
        err_fail(err, ERR_USAGE, "there is no run %s%sin '%s'\nHINT: 'omslaunch runs' lists them",
                 id != NULL ? id : "", id != NULL ? " " : "", s->state);
        return NULL;
    }
    if (p->damage != NULL) {
        err_fail(err, ERR_STATE, "%s", p->damage);
        return NULL;
    }
    return p;
}

static bool is_over(const struct past_run *p)
{
    return str_eq(p->result, "rolled-back") || str_eq(p->result, "unchanged");
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
        "now are kept aside, not dropped",
        p->id, str_get(&age), since);
}

static int take_up(const struct session *s, const struct past_run *p, bool back)
{
    struct err err = ERR_INIT;
    AUTO_PLAN struct plan plan = {.json = NULL};
    AUTO_FD int lock = -1;
    AUTO_EXECUTION struct execution *execution = NULL;
    AUTO_WATCH struct watch watch;
    watch_init(&watch);
    const struct execution_request request = {
        .state = s->state,
        .run = p->id,
        .plan = &plan,
        .metadb_program = s->metadb_program,
        .set_env = &s->options->set_env,
        .answers = &s->options->answer,
        .observer = &watch.observer,
        .lock_wait_ms = s->options->lock_wait_ms,
    };
    if (execution_load_plan(s->state, p->id, &plan, &err) != 0 ||
        state_lock(s->state, p->endpoint, p->deployment, p->id, s->options->lock_wait_ms, &lock,
                   &err) != 0 ||
        execution_take_up(&request, &execution, &err) != 0) {
        return session_fail(&err);
    }
    log_info("Run %s on '%s'", p->id, p->deployment);
    struct run_outcome outcome;
    if (back) {
        run_back(execution_run(execution), &outcome);
    } else {
        run_to_end(execution_run(execution), str_eq(s->options->on_failure, "rollback"), &outcome);
    }
    int code = report_run(s->options, execution_run(execution), &outcome);
    /* Asked for, and done: a success of this command. */
    return back && outcome.end == RUN_ROLLED_BACK ? EXIT_DONE : code;
}

static int say_over(const struct past_run *p)
{
    log_info("nothing to do: run %s on '%s' has ended: %s", p->id, p->deployment, p->result);
    return EXIT_DONE;
}

int command_resume(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(&err);
    }
    const struct past_run *p = choose_run(&session, &history, &err);
    if (p == NULL) {
        return session_fail(&err);
    }
    return is_over(p) || str_eq(p->result, "upgraded") ? say_over(p) : take_up(&session, p, false);
}

int command_rollback(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0) {
        return session_fail(&err);
    }
    const struct past_run *p = choose_run(&session, &history, &err);
    if (p == NULL) {
        return session_fail(&err);
    }
    if (is_over(p)) {
        return say_over(p);
    }
    return check_losses(&session, p, &err) != 0 ? session_fail(&err) : take_up(&session, p, true);
}
