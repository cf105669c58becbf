/* abandon: a run that nothing else can end. Touches its journal, and nothing that it is about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/answer.h"
#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/engine/engine.h"
#include "launcher/exit_code.h"
#include "launcher/past.h"
#include "launcher/session.h"
#include "launcher/state/journal.h"
#include "launcher/state/ledger.h"
#include "launcher/state/state.h"

#define PLAN_SIZE_MAX (64U * 1024 * 1024)

/* What is known of the run. Of a damaged one, what its plan tells. */
struct abandoned {
    const struct past_run *run;
    struct ledger ledger; /* empty when the journal is damaged */
    json_t *plan;         /* NULL: not readable */
    char *journal;        /* path */
};

static void abandoned_free(struct abandoned *a)
{
    ledger_free(&a->ledger);
    json_decref(a->plan);
    free(a->journal);
}

static void look(const struct session *s, struct abandoned *a)
{
    AUTO_FREE char *path = state_run_file(s->state, a->run->id, "plan.json");
    AUTO_STR struct str text = STR_INIT;
    AUTO_JOURNAL struct journal *j = NULL;
    struct err ignored;
    a->journal = state_run_file(s->state, a->run->id, "journal.jsonl");
    if (fs_read(path, PLAN_SIZE_MAX, true, &text, &ignored) == 0) {
        (void)!json_parse(str_get(&text), text.len, path, &a->plan, &ignored);
    }
    if (a->run->damage == NULL && journal_read(a->journal, &j, &ignored) == 0) {
        (void)!ledger_read(j, a->journal, &a->ledger, &ignored);
    }
}

/* ---- what is left ---- */

/* "'oms_331', running, restart policy always"; its name goes to *ret_name. */
static void append_container(struct engine *e, const char *what, const char *id, char **ret_name,
                             struct str *ret)
{
    AUTO_JSON json_t *answer = NULL;
    struct err why = ERR_INIT;
    if (engine_container_inspect(e, id, &answer, &why) != 0) {
        str_appendf(ret, "\n  %s container: %.12s %s", what, id,
                    why.kind == ERR_NOT_FOUND ? "is gone" : "(the engine does not tell)");
        return;
    }
    *ret_name = mem_strdup(json_text(answer, "Name", "/?") + 1);
    str_appendf(ret, "\n  %s container: '%s', %s, restart policy %s", what, *ret_name,
                json_text(answer, "State.Status", "?"),
                json_text(answer, "HostConfig.RestartPolicy.Name", "no"));
}

static void append_old_commands(const json_t *node, const char *old, const char *new,
                                const char *run, struct str *ret)
{
    const char *name = json_text(node, "old.name", "");
    const char *policy = json_text(node, "old.restart_policy.Name", "");
    if (old == NULL) {
        return;
    }
    str_append(ret, "\n  to serve with the old version:");
    if (new != NULL) {
        str_appendf(ret, "\n    docker stop %s", new);
    }
    if (!str_eq(old, name)) {
        if (str_eq(new, name)) {
            str_appendf(ret, "\n    docker rename %s %s.failed-%s", new, name, run);
        }
        str_appendf(ret, "\n    docker rename %s %s", old, name);
    }
    str_appendf(ret, "\n    omslaunch restore %s   (if the new version ever ran)", run);
    if (policy[0] != '\0' && !str_eq(policy, "no")) {
        str_appendf(ret, "\n    docker update --restart=%s %s", policy, name);
    }
    str_appendf(ret, "\n    docker start %s", name);
}

static void append_new_commands(const json_t *node, const char *old, const char *new,
                                struct str *ret)
{
    const char *name = json_text(node, "new.name", "");
    const char *policy = json_text(node, "old.restart_policy.Name", "");
    if (new == NULL) {
        return;
    }
    str_append(ret, "\n  to serve with the new version:");
    if (old != NULL) {
        str_appendf(ret, "\n    docker update --restart=no %s && docker stop %s", old, old);
    }
    if (!str_eq(new, name)) {
        if (str_eq(old, name)) {
            str_appendf(ret, "\n    docker rename %s %s.old", old, name);
        }
        str_appendf(ret, "\n    docker rename %s %s", new, name);
    }
    str_appendf(ret,
                "\n    docker start %s\n    docker exec %s bash /root/docker_init.sh   (unless it "
                "has run)",
                name, name);
    if (policy[0] != '\0' && !str_eq(policy, "no")) {
        str_appendf(ret, "\n    docker update --restart=%s %s", policy, name);
    }
}

static void append_node(const struct abandoned *a, size_t i, struct str *ret)
{
    const json_t *node = json_array_get(json_object_get(a->plan, "nodes"), i);
    const struct evidence *created =
        ledger_evidence(&a->ledger, STEP_CREATE_NEW, subject_node((int)i));
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_FREE char *old = NULL;
    AUTO_FREE char *new = NULL;
    struct err err = ERR_INIT;
    const struct engine_options options = {.endpoint = json_text(node, "endpoint", NULL),
                                           .read_only = true};
    if (engine_open(&options, &engine, &err) != 0) {
        str_appendf(ret, "\n  containers of '%s': %s", json_text(node, "name", "?"), err.text);
        return;
    }
    append_container(engine, "old", json_text(node, "old.id", ""), &old, ret);
    if (created != NULL) {
        append_container(engine, "new", created->created.new_id, &new, ret);
    }
    append_old_commands(node, old, new, a->run->id, ret);
    append_new_commands(node, old, new, ret);
}

static void append_metadb(const struct session *s, const struct abandoned *a, struct str *ret)
{
    const struct ledger *l = &a->ledger;
    AUTO_FREE char *backup = state_backup_folder(s->state, a->run->id);
    AUTO_FREE char *manifest = fs_join(backup, "manifest.json");
    bool kept = fs_exists(manifest);
    const char *databases = "as they were: the new version never ran";
    if (a->run->damage != NULL) {
        databases = "nobody can tell";
    } else if (ledger_evidence(l, STEP_BACK_METADB, subject_deployment()) != NULL) {
        databases = "as they were at the backup";
    } else if (ledger_has_begun(l, STEP_BACK_METADB)) {
        databases = "a restore of them was begun; begin it again with omslaunch restore";
    } else if (ledger_has_begun(l, STEP_START_NEW)) {
        databases = "the new version has run on them; as they were before is in the backup";
    }
    str_appendf(ret, "\n  databases: %s\n  backup of the MetaDB: %s", databases,
                kept ? backup : "there is none");
    const struct evidence *off = ledger_evidence(l, STEP_HA_OFF, subject_deployment());
    bool is_back = ledger_evidence(l, STEP_HA_ON, subject_deployment()) != NULL ||
                   ledger_evidence(l, STEP_BACK_HA, subject_deployment()) != NULL;
    if (a->run->damage != NULL) {
        str_append(ret, "\n  HA: nobody can tell; 'omslaunch ha NAME show' does");
    } else if (off != NULL && off->ha_off.enabled && !is_back) {
        str_appendf(ret, "\n  HA: is off, and was on before; once OMS serves: omslaunch ha %s on",
                    a->run->deployment);
    } else {
        str_append(ret, "\n  HA: as it was before");
    }
}

static char *describe(const struct session *s, const struct abandoned *a)
{
    AUTO_STR struct str text = STR_INIT;
    size_t nodes = json_array_size(json_object_get(a->plan, "nodes"));
    str_appendf(&text, "Left as it is, of run %s on '%s':", a->run->id,
                a->run->deployment != NULL ? a->run->deployment : "?");
    append_metadb(s, a, &text);
    for (size_t i = 0; i < nodes; i++) {
        append_node(a, i, &text);
    }
    return str_take(&text);
}

/* ---- the end ---- */

/* A journal that cannot be read cannot be added to: it is kept aside, and a new one says that there
 * was a run, and that it was given up. */
static int begin_anew(const struct abandoned *a, struct journal **ret, struct err *err)
{
    AUTO_FREE char *aside =
        mem_printf("%s.damaged-%llu", a->journal, (unsigned long long)clock_wall_ms());
    if (fs_exists(a->journal) && rename(a->journal, aside) != 0) {
        return err_fail(err, ERR_STATE, "cannot move '%s' aside: %m\nHINT: nothing was changed",
                        a->journal);
    }
    if (journal_create(a->journal, ret, err) != 0) {
        return -1;
    }
    log_info("The damaged journal is kept as '%s'.", aside);
    const struct past_run *p = a->run;
    return journal_append(*ret,
                          json_make("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", "begin", "run", p->id,
                                    "plan", json_text(a->plan, "digest", ""), "deployment",
                                    p->deployment != NULL ? p->deployment : "?", "endpoint",
                                    p->endpoint != NULL ? p->endpoint : "?", "tool",
                                    "omslaunch " OMSLAUNCH_VERSION),
                          err);
}

static int end(const struct abandoned *a, const char *reason, struct err *err)
{
    AUTO_JOURNAL struct journal *j = NULL;
    int rc = a->run->damage != NULL ? begin_anew(a, &j, err) : journal_open(a->journal, &j, err);
    const struct record record = {
        .type = RECORD_END, .end = RUN_ABANDONED, .reason = (char *)(uintptr_t)reason};
    return rc != 0 ? -1 : journal_append(j, record_to_json(&record), err);
}

static int give_up(const struct session *s, const struct past_run *p)
{
    const struct options *o = s->options;
    struct err err = ERR_INIT;
    CLEANUP(abandoned_free) struct abandoned a = {.run = p};
    look(s, &a);
    AUTO_FREE char *left = describe(s, &a);
    log_info("%s", left);
    if (!answer_is_yes(o, "Give the run up, and finish by hand?")) {
        return answer_nothing(o, "not confirmed; nothing was changed", NULL);
    }
    if (end(&a, o->reason, &err) != 0) {
        return answer_fail(o, &err);
    }
    log_info("Run %s is given up. '%s' can be upgraded again.", p->id,
             p->deployment != NULL ? p->deployment : "?");
    return answer(o, &(struct answer){
                         .code = EXIT_DONE,
                         .result = run_end_name(RUN_ABANDONED),
                         .deployment = p->deployment,
                         .run = p->id,
                         .data_take = json_make("{s:s, s:s}", "reason", o->reason, "left", left)});
}

int command_abandon(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_HISTORY struct history history = {.items = NULL};
    AUTO_FD int lock = -1;
    const struct past_run *p;
    if (options->reason == NULL) {
        err_fail(&err, ERR_USAGE,
                 "no --reason was given: why the run is given up\n"
                 "HINT: it is kept in the journal; for example --reason 'finished by hand'");
        return answer_fail(options, &err);
    }
    if (session_open(options, &session, &err) != 0 ||
        history_read(session.state, &history, &err) != 0 ||
        past_find(&session, &history, options->arguments.items[1], &p, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (p->deployment != NULL && state_lock(session.state, p->endpoint, p->deployment, p->id,
                                            options->lock_wait_ms, &lock, &err) != 0) {
        return answer_fail(options, &err);
    }
    /* Who held the lock may have brought it to its end. */
    AUTO_FREE char *id = mem_strdup(p->id);
    history_free(&history);
    if (history_read(session.state, &history, &err) != 0 ||
        past_find(&session, &history, id, &p, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (p->damage == NULL && !history_is_unfinished(p)) {
        AUTO_FREE char *why = mem_printf("run %s has ended: %s", p->id, past_result(p));
        return answer_nothing(options, why, NULL);
    }
    return give_up(&session, p);
}
