#include "launcher/print_plan.h"

#include <string.h>

static void print_value(struct str *s, const json_t *value)
{
    if (value == NULL || json_is_null(value)) {
        str_append(s, "(not set)");
    } else if (json_is_string(value)) {
        str_append(s, json_string_value(value));
    } else {
        AUTO_FREE char *text = json_compact(value);
        str_append(s, text);
    }
}

static void print_changes(const struct plan_node *node, struct str *s)
{
    const json_t *changes = node->changes;
    str_appendf(s, "\nNew container '%s' from %s", node->new.desired.name,
                node->new.desired.image_ref);
    if (json_array_size(changes) == 0) {
        str_append(s, ": everything else as it is\n");
        return;
    }
    str_append(s, "; everything is as on the old one but:\n");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        str_appendf(s, "  %-34s ", json_text(change, "field", ""));
        print_value(s, json_object_get(change, "old"));
        str_append(s, " → ");
        print_value(s, json_object_get(change, "new"));
        str_append(s, str_eq(json_text(change, "by", ""), "image") ? "  (by the image)\n" : "\n");
    }
}

static void print_rows(const struct plan *p, struct str *s)
{
    str_append(s, "\nSteps:\n");
    for (size_t i = 0; i < p->row_count; i++) {
        const struct plan_row *row = &p->rows[i];
        AUTO_FREE char *name = plan_row_name(p, row);
        AUTO_FREE char *title = plan_row_title(p, row);
        str_appendf(s, "  %2zu  %-16s %s", i + 1, name, title);
        if (plan_node_of(p, row->subject) >= 0 && p->node_count > 1) {
            str_appendf(s, " on %s", plan_subject_name(p, row->subject));
        }
        str_append_c(s, '\n');
    }
}

/* Those that are no rows, for they run only when something fails. */
static void print_other_hooks(const struct plan *p, struct str *s)
{
    for (size_t i = 0; i < p->hooks.count; i++) {
        const struct hook *h = &p->hooks.items[i];
        AUTO_FREE char *title = hook_title(h);
        if (hook_point_goes_back(h->point)) {
            str_appendf(s, "      %-16s runs %s\n", title, hook_point_text(h->point));
        } else if (h->undo.count > 0) {
            str_appendf(s, "      %-16s is undone on the way back\n", title);
        } else if (h->point == HOOK_BACKUP) {
            str_appendf(s,
                        "      %-16s has no undo: a rollback asks you to restore the databases\n",
                        title);
        }
    }
}

static void print_waived(const struct plan *p, struct str *s)
{
    const json_t *waived = p->waived;
    for (size_t i = 0; i < json_array_size(waived); i++) {
        const json_t *w = json_array_get(waived, i);
        str_appendf(s, "\nAccepted: %s: %s (%s)\n", json_text(w, "rule", ""),
                    json_text(w, "text", ""), json_text(w, "reason", ""));
    }
}

void print_plan(const struct plan *p, struct str *s)
{
    str_appendf(s, "Upgrade of '%s': %s → %s\n", p->deployment, plan_version_text(&p->from),
                plan_version_text(&p->to));
    str_appendf(s, "MetaDB %s:%d, databases %s, %s", p->metadb.host, (int)p->metadb.port,
                p->metadb.rm, p->metadb.cm);
    for (size_t i = 0; i < p->metadb.heartbeat.count; i++) {
        str_appendf(s, ", %s", p->metadb.heartbeat.items[i]);
    }
    str_append_c(s, '\n');
    for (size_t i = 0; i < p->node_count; i++) {
        print_changes(&p->nodes[i], s);
    }
    print_rows(p, s);
    print_other_hooks(p, s);
    print_waived(p, s);
    str_appendf(s, "\nPlan %.16s\n", p->digest);
}

void print_findings(const struct findings *findings, bool all, struct str *s)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *f = &findings->items[i];
        if (!all && f->verdict != VERDICT_FAIL) {
            continue;
        }
        const char *mark = f->verdict == VERDICT_FAIL && f->severity == SEVERITY_WARN
                               ? "warning"
                               : verdict_text(f->verdict);
        str_appendf(s, "%-14s  %-27s %s", mark, f->rule, f->text);
        if (f->evidence != NULL && f->evidence[0] != '\0') {
            str_appendf(s, " (%s)", f->evidence);
        }
        str_append_c(s, '\n');
        if (f->verdict == VERDICT_FAIL && f->hint != NULL) {
            str_appendf(s, "%43s HINT: %s\n", "", f->hint);
        }
        if (f->waiver_reason != NULL) {
            str_appendf(s, "%43s accepted: %s\n", "", f->waiver_reason);
        }
    }
}
