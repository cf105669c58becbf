/* prune --databases: what rollbacks and restores have moved aside in the MetaDB. Only names that a
 * journal or a note of ours has written down are asked for; and the program that drops them looks
 * whether each is still what it was (docs/metadb.md, "Restore"). */
#include <stdlib.h>
#include <string.h>

#include "launcher/base/log.h"
#include "launcher/metadb_access.h"
#include "launcher/prune.h"

/* ---- which ---- */

static const struct past_run *find_run(const struct prune *p, const char *id)
{
    const struct past_run *r = history_find(&p->history, id);
    return r != NULL ? r : history_find(&p->restores, id);
}

int prune_check_named(const struct prune *p, struct err *err)
{
    const struct strv *named = &p->session.options->databases_of;
    for (size_t i = 0; i < named->count; i++) {
        const char *id = named->items[i];
        const struct past_run *r = find_run(p, id);
        if (r == NULL) {
            return err_fail(err, ERR_NOT_FOUND,
                            "there is no run %s in '%s'\n"
                            "HINT: a database that was moved aside is named after its run: "
                            "DB__old_RUN",
                            id, p->session.state);
        }
        if (r->damage != NULL) {
            return err_fail(err, ERR_STATE, "%s", r->damage);
        }
        if (history_is_unfinished(r)) {
            return err_fail(err, ERR_REFUSED,
                            "run %s on '%s' is not ended: what it moved aside stays\n"
                            "HINT: end it first, with 'omslaunch resume %s' or 'omslaunch "
                            "rollback %s'",
                            id, r->deployment, id, id);
        }
    }
    return 0;
}

static bool is_of(const struct past_run *r, const struct past_run *other)
{
    return str_eq(r->deployment, other->deployment) && str_eq(r->endpoint, other->endpoint);
}

static bool has_later(const struct history *h, const struct past_run *r)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct past_run *other = &h->items[i];
        if (other->kept_databases.count > 0 && is_of(r, other) && history_is_older(r, other)) {
            return true;
        }
    }
    return false;
}

/* What the newest restore of a deployment moved aside is all that is left of what was there. */
static bool may_drop(const struct prune *p, const struct past_run *r)
{
    const struct options *o = p->session.options;
    if (r->kept_databases.count == 0 || history_is_unfinished(r)) {
        return false;
    }
    return strv_has(&o->databases_of, r->id) ||
           (o->databases && (has_later(&p->history, r) || has_later(&p->restores, r)));
}

/* Those of which some may go. Caller frees. */
static const struct past_run **list_runs(const struct prune *p, size_t *ret_count)
{
    const struct history *lists[] = {&p->history, &p->restores};
    const struct past_run **runs =
        mem_grow(NULL, p->history.count + p->restores.count + 1, sizeof(struct past_run *));
    *ret_count = 0;
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        for (size_t i = 0; i < lists[k]->count; i++) {
            if (may_drop(p, &lists[k]->items[i])) {
                runs[(*ret_count)++] = &lists[k]->items[i];
            }
        }
    }
    return runs;
}

/* ---- told, then dropped ---- */

/* One that was asked for by the name of its run, or was told to go. */
static int refuse(const json_t *database, struct err *err)
{
    return err_fail(err, ERR_REFUSED,
                    "the database '%s' of run %s is not dropped: %s\n"
                    "HINT: look what it is; by hand, DROP DATABASE drops it all the same",
                    json_text(database, "name", ""), json_text(database, "run", ""),
                    json_text(database, "why", ""));
}

/* Says what becomes of one, and adds it to `going` if it goes. */
static void tell(const struct prune *p, const json_t *database, json_t *going)
{
    const char *name = json_text(database, "name", "");
    const char *run = json_text(database, "run", "");
    const char *why = json_text(database, "why", NULL);
    AUTO_STR struct str size = STR_INIT;
    str_append_size(&size, (uint64_t)json_int(database, "bytes", 0));
    if (why != NULL) {
        log_info("Left alone: database '%s' of run %s: %s", name, run, why);
    } else if (!str_eq(json_text(database, "state", NULL), "gone")) {
        log_info("%s database '%s' of run %s: %lld tables, %s",
                 p->dry_run ? "Would drop" : "Dropping", name, run,
                 (long long)json_int(database, "tables", 0), str_get(&size));
        json_add(going, json_deep_copy(database));
    }
}

static int ask(struct prune *p, struct metadb_access *a, const json_t *names, bool dry_run,
               json_t **ret, struct err *err)
{
    json_t *parameters = json_make("{s:O, s:b}", "databases", names, "dry_run", (int)dry_run);
    return metadb_access_ask(a, "drop-old", p->run, parameters, ret, err);
}

static int drop(struct prune *p, struct metadb_access *a, const json_t *going, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    size_t i;
    json_t *database;
    if (ask(p, a, going, false, &answer, err) != 0) {
        return -1;
    }
    json_array_foreach (json_object_get(answer, "databases"), i, database) {
        if (json_text(database, "why", NULL) != NULL) {
            return refuse(database, err);
        }
    }
    return 0;
}

static int tell_and_drop(struct prune *p, struct metadb_access *a, const json_t *names,
                         struct err *err)
{
    AUTO_JSON json_t *going = json_array();
    AUTO_JSON json_t *answer = NULL;
    size_t i;
    json_t *database;
    if (ask(p, a, names, true, &answer, err) != 0) {
        return -1;
    }
    json_array_foreach (json_object_get(answer, "databases"), i, database) {
        if (json_text(database, "why", NULL) != NULL &&
            strv_has(&p->session.options->databases_of, json_text(database, "run", ""))) {
            return refuse(database, err);
        }
    }
    json_array_foreach (json_object_get(answer, "databases"), i, database) {
        tell(p, database, going);
    }
    if (!p->dry_run && json_array_size(going) > 0 && drop(p, a, going, err) != 0) {
        return -1;
    }
    json_array_foreach (going, i, database) {
        json_add(p->gone,
                 json_make("{s:s, s:s, s:s, s:s, s:O, s:O}", "database",
                           json_text(database, "name", ""), "run", json_text(database, "run", ""),
                           "deployment", a->container, "endpoint", a->endpoint, "tables",
                           json_object_get(database, "tables"), "bytes",
                           json_object_get(database, "bytes")));
    }
    return 0;
}

/* ---- one deployment after the other ---- */

/* A container that is gone took the way to its MetaDB with it; the others do not suffer for it. */
static int leave_alone(const struct prune *p, const struct past_run *r, struct err *err)
{
    err_wrap(err, "what was moved aside in the MetaDB of '%s'", r->deployment);
    if (err->kind != ERR_NOT_FOUND || p->session.options->databases_of.count > 0) {
        return -1;
    }
    log_info("Left alone: %s", err->text);
    return 0;
}

static int prune_deployment(struct prune *p, const struct past_run *const *runs, size_t count,
                            struct err *err)
{
    AUTO_METADB_ACCESS struct metadb_access access = {.session = NULL};
    AUTO_JSON json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; is_of(runs[0], runs[i]) && k < runs[i]->kept_databases.count; k++) {
            json_add(names, json_make("{s:s, s:s}", "name", runs[i]->kept_databases.items[k], "run",
                                      runs[i]->id));
        }
    }
    if (metadb_access_open(&p->session, runs[0]->deployment, runs[0]->endpoint, &access, err) !=
        0) {
        return leave_alone(p, runs[0], err);
    }
    if (!p->dry_run && metadb_access_lock(&access, p->run, err) != 0) {
        return -1;
    }
    return tell_and_drop(p, &access, names, err);
}

int prune_databases(struct prune *p, struct err *err)
{
    size_t count;
    AUTO_FREE const struct past_run **runs = list_runs(p, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++) {
            is_first = is_first && !is_of(runs[k], runs[i]);
        }
        if (is_first && prune_deployment(p, runs + i, count - i, err) != 0) {
            return -1;
        }
    }
    return 0;
}
