/* The rows of a plan as a document. */
#include <stdlib.h>

#include "launcher/base/json_fields.h"
#include "launcher/upgrade/plan.h"
#include "launcher/upgrade/steps.h"

#define FIELD(type_, presence_, name_, struct_, member)                                  \
    {                                                                                    \
        .name = (name_), .type = JSON_FIELD_##type_, .presence = JSON_FIELD_##presence_, \
        .offset = offsetof(struct struct_, member),                                      \
    }

struct raw_row {
    int64_t row, node, hook;
    char *step, *title;
};
static const struct json_field row_items[] = {
    FIELD(NUMBER, NEEDED, "row", raw_row, row),     FIELD(TEXT, NEEDED, "step", raw_row, step),
    FIELD(TEXT, NEEDED, "title", raw_row, title),   FIELD(NUMBER, OPTIONAL, "node", raw_row, node),
    FIELD(NUMBER, OPTIONAL, "hook", raw_row, hook),
};
static const struct json_fields row_fields = JSON_FIELDS(row_items);

/* ---- writing ---- */

json_t *plan_rows_to_json(const struct plan *p)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < p->row_count; i++) {
        const struct plan_row *row = &p->rows[i];
        const char *kind = subject_kind_name(row->subject.kind);
        AUTO_FREE char *title = plan_row_title(p, row);
        json_t *item = json_make("{s:i, s:s, s:s}", "row", (int)i + 1, "step", step_name(row->step),
                                 "title", title);
        if (kind != NULL) {
            json_put(item, kind, json_integer(row->subject.index));
        }
        json_add(rows, item);
    }
    return rows;
}

/* ---- reading ---- */

/* False when the row is about what the plan does not have, or what its step is not about. */
static bool read_row_subject(const struct plan *p, const struct step *step,
                             const struct raw_row *raw, struct subject *ret)
{
    const struct subject none = subject_deployment();
    *ret = raw->node >= 0 && raw->node < (int64_t)p->node_count   ? subject_node((int)raw->node)
           : raw->hook >= 0 && raw->hook < (int64_t)p->call_count ? subject_hook((int)raw->hook)
                                                                  : none;
    bool has_none = raw->node == -1 && raw->hook == -1;
    switch (step->rows) {
    case STEP_ROW_OF_ALL:
        return has_none;
    case STEP_ROWS_OF_HOOKS:
        return raw->node == -1 && ret->kind == SUBJECT_HOOK;
    case STEP_ROWS_OF_NODES:
    case STEP_ROWS_OF_INIT:
    case STEP_ROWS_MAX:
    default:
        return raw->hook == -1 && ret->kind == SUBJECT_NODE;
    }
}

static int read_row(const json_t *json, const char *what, const char *name, struct plan *p,
                    struct plan_row *ret, struct err *err)
{
    struct raw_row raw = {.node = -1, .hook = -1};
    enum step_id id = STEP_MAX;
    struct subject subject = subject_deployment();
    int rc = json_fields_read(&row_fields, json, what, &raw, err);
    if (rc == 0 && (!step_from_name(raw.step, &id) || step_goes_back(id) ||
                    !read_row_subject(p, step_get(id), &raw, &subject))) {
        rc = err_fail(err, ERR_STATE,
                      "the plan '%s' has a row that this omslaunch does not know: '%s'\n"
                      "HINT: resume with the version of omslaunch that began the run",
                      name, raw.step);
    }
    *ret = (struct plan_row){.step = id, .subject = subject};
    json_fields_free(&row_fields, &raw);
    return rc;
}

/* What a step stands on comes before it. */
static int check_order(const struct plan *p, const char *name, struct err *err)
{
    unsigned seen = 0;
    for (size_t i = 0; i < p->row_count; i++) {
        const struct step *step = step_get(p->rows[i].step);
        for (enum step_id id = STEP_LOAD_IMAGE; id < STEP_MAX; id++) {
            if ((step->needs & ~seen & STEP_BIT(id)) != 0) {
                return err_fail(err, ERR_STATE, "the plan '%s' has '%s' without '%s' before it",
                                name, step_name(step->id), step_name(id));
            }
        }
        seen |= STEP_BIT(step->id);
    }
    return 0;
}

int plan_read_rows(const json_t *json, const char *name, struct plan *p, struct err *err)
{
    size_t count = json_array_size(json);
    p->rows = mem_grow(NULL, count + 1, sizeof(*p->rows));
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *what = mem_printf("row %zu of the plan '%s'", i + 1, name);
        if (read_row(json_array_get(json, i), what, name, p, &p->rows[p->row_count++], err) != 0) {
            return -1;
        }
    }
    return check_order(p, name, err);
}
