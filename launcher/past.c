#include "launcher/past.h"

#include <stdlib.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/near.h"
#include "launcher/state/state.h"

#define PLAN_SIZE_MAX (64U * 1024 * 1024)

static int not_found(const struct session *s, const struct history *h, const char *which,
                     struct err *err)
{
    AUTO_FREE const char **names = mem_grow(NULL, 2 * h->count + 1, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; i < h->count; i++) {
        names[count++] = h->items[i].id;
        if (h->items[i].deployment != NULL) {
            names[count++] = h->items[i].deployment;
        }
    }
    const char *near = which != NULL ? near_find(which, names, count) : NULL;
    (void)err_fail(err, ERR_NOT_FOUND, "there is no run %s%sin '%s'", which != NULL ? which : "",
                   which != NULL ? " " : "", s->state);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "'omslaunch runs' lists them");
}

int past_find(const struct session *s, const struct history *h, const char *which,
              const struct past_run **ret, struct err *err)
{
    const struct past_run *found = history_find(h, which);
    for (size_t i = h->count; found == NULL && i-- > 0;) {
        if (str_eq(h->items[i].deployment, which)) {
            found = &h->items[i];
        }
    }
    if (found == NULL) {
        return not_found(s, h, which, err);
    }
    *ret = found;
    return 0;
}

/* Everything is as it was before it. */
static bool has_left_nothing(const struct past_run *p)
{
    return str_eq(p->result, "rolled-back") || str_eq(p->result, "unchanged");
}

bool past_is_over(const struct past_run *p)
{
    return has_left_nothing(p) || str_eq(p->result, "abandoned");
}

const struct past_run *past_followed_by(const struct history *h, const struct past_run *p)
{
    for (size_t i = h->count; i-- > 0 && &h->items[i] != p;) {
        const struct past_run *later = &h->items[i];
        if (later->damage == NULL && !has_left_nothing(later) &&
            str_eq(later->deployment, p->deployment) && str_eq(later->endpoint, p->endpoint)) {
            return later;
        }
    }
    return NULL;
}

const char *past_result(const struct past_run *p)
{
    if (p->damage != NULL) {
        return "damaged";
    }
    return p->result != NULL ? p->result : "unfinished";
}

char *past_holder(const struct session *s, const struct past_run *p)
{
    AUTO_STR struct str holder = STR_INIT;
    if (p->deployment == NULL || !state_is_locked(s->state, p->endpoint, p->deployment, &holder)) {
        return NULL;
    }
    return str_take(&holder);
}

/* After a success: the way back is open only while the backup is kept and nobody built on it. */
static char *next_after_success(const struct history *h, const struct past_run *p)
{
    const struct past_run *later = past_followed_by(h, p);
    if (p->backup_gone) {
        return mem_strdup("nothing; its backup is gone, so there is no way back");
    }
    return later != NULL ? mem_printf("nothing; run %s came after it", later->id)
                         : mem_printf("nothing; omslaunch rollback %s would go back", p->id);
}

char *past_next(const struct history *h, const struct past_run *p, const char *holder)
{
    if (holder != NULL) {
        return mem_strdup("wait: it is being worked on");
    }
    if (p->damage != NULL) {
        return mem_printf("look at the containers and the backup, and go on by hand; then "
                          "omslaunch abandon %s --reason …",
                          p->id);
    }
    if (history_is_unfinished(p)) {
        return mem_printf("omslaunch resume %s, or omslaunch rollback %s", p->id, p->id);
    }
    if (str_eq(p->result, "upgraded-with-fault")) {
        return mem_printf("omslaunch resume %s", p->id);
    }
    return str_eq(p->result, "upgraded") ? next_after_success(h, p) : mem_strdup("nothing");
}

char *past_versions(const struct session *s, const struct past_run *p)
{
    AUTO_FREE char *path = state_run_file(s->state, p->id, "plan.json");
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *plan = NULL;
    struct err ignored;
    if (fs_read(path, PLAN_SIZE_MAX, true, &text, &ignored) != 0 ||
        json_parse(str_get(&text), text.len, path, &plan, &ignored) != 0) {
        return NULL;
    }
    return mem_printf("%s → %s", json_text(plan, "from.version", json_text(plan, "from.tag", "?")),
                      json_text(plan, "to.version", json_text(plan, "to.tag", "?")));
}

json_t *past_to_json(const struct session *s, const struct history *h, const struct past_run *p)
{
    char begun[CLOCK_TEXT_MAX];
    char ended[CLOCK_TEXT_MAX];
    AUTO_FREE char *holder = past_holder(s, p);
    AUTO_FREE char *next = past_next(h, p, holder);
    AUTO_FREE char *versions = past_versions(s, p);
    return json_make("{s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s?, s:s, s:s?, s:s?, s:s, s:s?}", "run",
                     p->id, "kind", "upgrade", "deployment", p->deployment, "endpoint", p->endpoint,
                     "versions", versions, "result", past_result(p), "last_step", p->step, "begun",
                     clock_format(p->begun_ms, begun), "ended",
                     p->ended_ms != 0 ? clock_format(p->ended_ms, ended) : NULL, "holder", holder,
                     "next", next, "damage", p->damage);
}
