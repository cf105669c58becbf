/* prune: which backups, containers and databases may go. The only command that deletes. */
#include <stdlib.h>
#include <string.h>

#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/prune.h"
#include "launcher/state/restores.h"
#include "launcher/state/state.h"

static void forget(struct prune *p)
{
    backups_free(&p->backups);
    history_free(&p->history);
    history_free(&p->restores);
    strv_free(&p->needed);
}

static void prune_free(struct prune *p)
{
    forget(p);
    for (size_t i = 0; i < p->lock_count; i++) {
        fd_close_ptr(&p->locks[i]);
    }
    free(p->locks);
    json_decref(p->gone);
    session_free(&p->session);
}

/* A run that is not over needs its backup to go back. */
static void list_needed(struct prune *p)
{
    const struct history *h = &p->history;
    for (size_t i = 0; i < h->count; i++) {
        if (history_is_unfinished(&h->items[i])) {
            strv_add(&p->needed, h->items[i].id);
        }
    }
}

static int look(struct prune *p, struct err *err)
{
    const char *state = p->session.state;
    if (backups_read(state, &p->backups, err) != 0 || history_read(state, &p->history, err) != 0 ||
        restores_read(state, &p->restores, err) != 0) {
        return -1;
    }
    list_needed(p);
    return 0;
}

/* ---- locks ---- */

struct known {
    const char *endpoint, *name;
};

static int by_name(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->endpoint, y->endpoint);
}

static void add_known(struct known *list, size_t *count, const char *name, const char *endpoint)
{
    if (name == NULL || endpoint == NULL) {
        return;
    }
    const struct known d = {.endpoint = endpoint, .name = name};
    for (size_t i = 0; i < *count; i++) {
        if (by_name(&list[i], &d) == 0) {
            return;
        }
    }
    list[(*count)++] = d;
}

/* Of every deployment that is known here: all or none, and in one order, so that two of us never
 * wait for each other. What becomes known meanwhile is too young to have anything to prune. */
static int take_locks(struct prune *p, struct err *err)
{
    const struct session *s = &p->session;
    size_t count = 0;
    size_t max = p->backups.count + p->history.count + p->restores.count;
    AUTO_FREE struct known *list = mem_grow(NULL, max + 1, sizeof(*list));
    for (size_t i = 0; i < p->backups.count; i++) {
        add_known(list, &count, p->backups.items[i].deployment, p->backups.items[i].endpoint);
    }
    for (size_t i = 0; i < p->history.count; i++) {
        add_known(list, &count, p->history.items[i].deployment, p->history.items[i].endpoint);
    }
    for (size_t i = 0; i < p->restores.count; i++) {
        add_known(list, &count, p->restores.items[i].deployment, p->restores.items[i].endpoint);
    }
    if (count == 0 || p->dry_run) {
        return 0;
    }
    qsort(list, count, sizeof(*list), by_name);
    p->locks = mem_grow(NULL, count, sizeof(*p->locks));
    if (state_prepare(s->state, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (state_lock(s->state, list[i].endpoint, list[i].name, p->run, s->options->lock_wait_ms,
                       &p->locks[i], err) != 0) {
            return -1;
        }
        p->lock_count++;
    }
    return 0;
}

/* ---- backups ---- */

static int prune_backups(struct prune *p, struct err *err)
{
    const struct options *o = p->session.options;
    size_t count;
    AUTO_FREE size_t *chosen = backups_to_prune(&p->backups, o->keep, &p->needed, &count);
    for (size_t i = 0; i < count; i++) {
        const struct kept_backup *b = &p->backups.items[chosen[i]];
        if (!p->dry_run && backups_delete(b, err) != 0) {
            return -1;
        }
        log_info("%s %s", p->dry_run ? "Would delete" : "Deleted", b->folder);
        json_add(p->gone, backups_to_json(b));
    }
    return 0;
}

/* Is it, or would it be, one of the backups that went just now? */
static bool is_gone(json_t *gone, const char *backup)
{
    size_t i;
    json_t *item;
    json_array_foreach (gone, i, item) {
        if (str_eq(json_text(item, "backup", NULL), backup)) {
            return true;
        }
    }
    return false;
}

/* ---- containers ---- */

/* By its exact name; not there is as good as removed. */
static int prune_container(struct prune *p, struct engine *e, const struct past_run *r,
                           const char *kind, struct err *err)
{
    bool dry_run = p->dry_run;
    AUTO_FREE char *name = mem_printf("%s.%s-%s", r->deployment, kind, r->id);
    AUTO_JSON json_t *container = NULL;
    if (engine_container_inspect(e, name, &container, err) != 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    if (!dry_run &&
        engine_container_remove_stopped(e, json_text(container, "Id", name), err) != 0) {
        return -1;
    }
    log_info("%s container '%s'", dry_run ? "Would remove" : "Removed", name);
    json_add(p->gone, json_make("{s:s, s:s, s:s}", "container", name, "run", r->id, "endpoint",
                                r->endpoint));
    return 0;
}

/* What a run kept to go back to is of no use once its backup is gone. */
static int prune_containers(struct prune *p, struct err *err)
{
    for (size_t i = 0; i < p->history.count; i++) {
        const struct past_run *r = &p->history.items[i];
        AUTO_ENGINE struct engine *engine = NULL;
        const struct engine_options options = {.endpoint = r->endpoint, .read_only = p->dry_run};
        /* What was left to a person stays a person's. */
        bool by_hand = str_eq(r->result, "abandoned");
        if (!by_hand && !strv_has(&p->needed, r->id) &&
            (r->backup_gone || is_gone(p->gone, r->id)) &&
            (engine_open(&options, &engine, err) != 0 ||
             prune_container(p, engine, r, "old", err) != 0 ||
             prune_container(p, engine, r, "failed", err) != 0)) {
            return -1;
        }
    }
    return 0;
}

/* ---- why not ---- */

/* A prune that deletes nothing has its reasons. */
static void append_reasons(const struct prune *p, struct str *s)
{
    const struct options *o = p->session.options;
    if (p->backups.count == 0) {
        str_appendf(s, "\n  there are no backups in '%s'", p->session.state);
    } else {
        str_appendf(
            s,
            "\n  of each deployment the newest backups stay, as many as --keep says (%llu), "
            "and the newest verified one",
            (unsigned long long)o->keep);
    }
    for (size_t i = 0; i < p->needed.count; i++) {
        str_appendf(s, "\n  run %s is not over, and needs what it kept ('omslaunch status %s')",
                    p->needed.items[i], p->needed.items[i]);
    }
    if (o->containers) {
        str_append(s, "\n  a container stays as long as the backup of its run: together they are "
                      "the way back");
    }
    if (o->databases) {
        str_append(s, "\n  what the newest rollback or restore has moved aside stays; "
                      "--databases-of RUN drops it");
    }
    if (!o->containers && !o->databases && o->databases_of.count == 0) {
        str_append(s, "\n  containers and databases are looked at with --containers and "
                      "--databases");
    }
}

/* Under the locks everything is looked at again: who held one may have changed it. */
static int pass(struct prune *p, bool dry_run, struct err *err)
{
    p->dry_run = dry_run;
    forget(p);
    json_decref(p->gone);
    p->gone = json_array();
    if (look(p, err) != 0 || prune_check_named(p, err) != 0 || prune_backups(p, err) != 0 ||
        (p->session.options->containers && prune_containers(p, err) != 0)) {
        return -1;
    }
    return prune_databases(p, err);
}

static json_t *gone_to_json(struct prune *p)
{
    return json_make("{s:o}", "pruned", TAKE(p->gone));
}

static int prune(struct prune *p, struct err *err)
{
    const struct options *o = p->session.options;
    bool asks = !o->dry_run && answer_asks(o);
    state_make_run_id(p->run);
    p->dry_run = o->dry_run;
    if (look(p, err) != 0 || take_locks(p, err) != 0 || pass(p, o->dry_run || asks, err) != 0) {
        return answer_fail(o, err);
    }
    if (json_array_size(p->gone) == 0) {
        AUTO_STR struct str why = STR_INIT;
        str_append(&why, "nothing may be deleted");
        append_reasons(p, &why);
        return answer_nothing(o, str_get(&why), gone_to_json(p));
    }
    if (!asks) {
        return answer_done(o, gone_to_json(p));
    }
    if (!answer_is_yes(o, "Delete that, for good?")) {
        return answer_nothing(o, "not confirmed; nothing was deleted", NULL);
    }
    return pass(p, false, err) == 0 ? answer_done(o, gone_to_json(p)) : answer_fail(o, err);
}

int command_prune(const struct options *options)
{
    struct err err = ERR_INIT;
    CLEANUP(prune_free) struct prune p = {.locks = NULL};
    return session_open(options, &p.session, &err) == 0 ? prune(&p, &err)
                                                        : answer_fail(options, &err);
}
