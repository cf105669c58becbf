#include "launcher/state/history.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/base/str.h"
#include "launcher/state/journal.h"
#include "launcher/state/ledger.h"
#include "launcher/state/restores.h"
#include "launcher/state/state.h"

#define PLAN_SIZE_MAX (64U * 1024 * 1024)
#define ID_SECONDS 15 /* "20261122-101728" */

void history_free(struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        struct past_run *p = &h->items[i];
        free(p->id);
        free(p->deployment);
        free(p->endpoint);
        free(p->result);
        free(p->step);
        free(p->damage);
        strv_free(&p->kept_databases);
    }
    free(h->items);
    *h = (struct history){.items = NULL};
}

/* `text` may be what stands there already. */
static void replace(char **slot, const char *text)
{
    char *copy = text == NULL ? NULL : mem_strdup(text);
    free(*slot);
    *slot = copy;
}

static void take_over(const struct ledger *l, struct past_run *p)
{
    p->begun_ms = l->begun_ms;
    p->ended_ms = l->ended_ms;
    replace(&p->deployment, l->deployment);
    replace(&p->endpoint, l->endpoint);
    replace(&p->result, l->has_ended ? run_end_name(l->end) : NULL);
    replace(&p->step, l->has_step ? step_name(l->last_step) : NULL);
    p->backup_ms = ledger_done_ms(l, STEP_BACKUP_METADB);
    p->served_ms = ledger_done_ms(l, STEP_WAIT_HEALTHY);
    ledger_list_kept(l, &p->kept_databases);
}

/* Killed before its first record: nothing was touched yet. A journal that lost all its records
 * later is told apart by the backup, which comes long after the first. */
static bool never_began(const char *state, const char *id, const char *journal)
{
    AUTO_FREE char *backup = state_backup_folder(state, id);
    return !journal_has_begun(journal) && !fs_exists(backup);
}

/* What a damaged journal no longer tells: which deployment it was about. */
static void read_plan(const char *state, const char *id, struct past_run *p)
{
    AUTO_FREE char *path = state_run_file(state, id, "plan.json");
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *plan = NULL;
    struct err ignored;
    if (fs_read(path, PLAN_SIZE_MAX, true, &text, &ignored) != 0 ||
        json_parse(str_get(&text), text.len, path, &plan, &ignored) != 0) {
        return;
    }
    const json_t *first = json_array_get(json_object_get(plan, "nodes"), 0);
    replace(&p->deployment, json_text(plan, "deployment", NULL));
    replace(&p->endpoint, json_text(first, "endpoint", NULL));
}

/* Where a hook of the site keeps it, only that hook knows. */
static bool is_backup_of_site(const struct ledger *l)
{
    const struct evidence *e = ledger_evidence(l, STEP_BACKUP_METADB, subject_deployment());
    return e != NULL && json_object_get(e->backup.dump, "hook") != NULL;
}

static void read_run(const char *state, const char *id, struct past_run *p)
{
    AUTO_FREE char *path = state_run_file(state, id, "journal.jsonl");
    AUTO_JOURNAL struct journal *j = NULL;
    AUTO_LEDGER struct ledger l = {.run = NULL};
    struct err err = ERR_INIT;
    *p = (struct past_run){.id = mem_strdup(id)};
    if (never_began(state, id, path)) {
        replace(&p->result, "unchanged");
        return;
    }
    if (journal_read(path, &j, &err) != 0 || ledger_read(j, path, &l, &err) != 0) {
        p->damage = err_join(&err);
        read_plan(state, id, p);
        return;
    }
    take_over(&l, p);
    AUTO_FREE char *backup = state_backup_folder(state, id);
    AUTO_FREE char *manifest = fs_join(backup, "manifest.json");
    p->backup_gone = p->backup_ms != 0 && !is_backup_of_site(&l) && !fs_exists(manifest);
}

/* An ID begins with date and time to the second; within one second the journal knows more. */
static int by_age(const void *a, const void *b)
{
    const struct past_run *x = a;
    const struct past_run *y = b;
    int order = strncmp(x->id, y->id, ID_SECONDS);
    if (order == 0 && x->begun_ms != y->begun_ms) {
        order = x->begun_ms < y->begun_ms ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->id, y->id);
}

int history_read(const char *state, struct history *ret, struct err *err)
{
    AUTO_STRV struct strv runs = STRV_INIT;
    if (state_list_runs(state, &runs, err) != 0) {
        return -1;
    }
    struct history h = {.items = mem_grow(NULL, runs.count + 1, sizeof(*h.items))};
    for (size_t i = 0; i < runs.count; i++) {
        read_run(state, runs.items[i], &h.items[h.count++]);
    }
    if (h.count > 1) {
        qsort(h.items, h.count, sizeof(h.items[0]), by_age);
    }
    *ret = h;
    return 0;
}

const struct past_run *history_find(const struct history *h, const char *id)
{
    for (size_t i = h->count; i-- > 0;) {
        if (id == NULL || str_eq(h->items[i].id, id)) {
            return &h->items[i];
        }
    }
    return NULL;
}

bool history_is_older(const struct past_run *p, const struct past_run *than)
{
    return by_age(p, than) < 0;
}

bool history_is_unfinished(const struct past_run *p)
{
    return p->result == NULL || str_eq(p->result, "held") || str_eq(p->result, "rollback-failed");
}

const struct past_run *history_unfinished(const struct history *h, const char *deployment,
                                          const char *endpoint)
{
    for (size_t i = h->count; i-- > 0;) {
        const struct past_run *p = &h->items[i];
        if (history_is_unfinished(p) && str_eq(p->deployment, deployment) &&
            str_eq(p->endpoint, endpoint)) {
            return p;
        }
    }
    return NULL;
}
