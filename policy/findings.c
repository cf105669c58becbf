#include <stdlib.h>

#include "launcher/base/str.h"
#include "policy/policy.h"

void findings_free(struct findings *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].node);
        free(f->items[i].text);
        free(f->items[i].evidence);
        free(f->items[i].hint);
        free(f->items[i].waiver_reason);
    }
    free(f->items);
    *f = (struct findings){.items = NULL};
}

const char *verdict_text(enum verdict v)
{
    static const char *const texts[] = {[VERDICT_PASS] = "pass",
                                        [VERDICT_FAIL] = "fail",
                                        [VERDICT_NOT_APPLICABLE] = "not-applicable",
                                        [VERDICT_WAIVED] = "waived"};
    _Static_assert(ARRAY_LEN(texts) == VERDICT_MAX, "a text for each verdict");

    return texts[v];
}

const char *severity_text(enum severity s)
{
    static const char *const texts[] = {
        [SEVERITY_ERROR] = "error", [SEVERITY_WARN] = "warn", [SEVERITY_OFF] = "off"};
    _Static_assert(ARRAY_LEN(texts) == SEVERITY_MAX, "a text for each severity");

    return texts[s];
}

static bool refuses(const struct finding *f)
{
    return f->verdict == VERDICT_FAIL && f->severity == SEVERITY_ERROR;
}

size_t findings_refusals(const struct findings *f)
{
    size_t count = 0;

    for (size_t i = 0; i < f->count; i++) {
        count += refuses(&f->items[i]);
    }
    return count;
}

static bool several_nodes(const struct findings *f)
{
    const char *first = NULL;

    for (size_t i = 0; i < f->count; i++) {
        const char *node = f->items[i].node;

        if (node && first && !str_eq(node, first)) {
            return true;
        }
        if (node) {
            first = node;
        }
    }
    return false;
}

int findings_check(const struct findings *f, struct err *err)
{
    const size_t refusals = findings_refusals(f);
    const bool name_nodes = several_nodes(f);
    AUTO_STR struct str text = STR_INIT;
    const char *hint = NULL;
    bool only_unreachable = true;

    if (refusals == 0) {
        return 0;
    }
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *item = &f->items[i];

        if (!refuses(item)) {
            continue;
        }
        str_appendf(&text, "\n  %s", item->rule);
        if (name_nodes && item->node) {
            str_appendf(&text, " (node '%s')", item->node);
        }
        str_appendf(&text, ": %s", item->text);
        if (!hint) {
            hint = item->hint;
        }
        only_unreachable = only_unreachable && str_eq(item->rule, "metadb.reachable");
    }
    err_fail(err, only_unreachable ? ERR_UNREACHABLE : ERR_REFUSED, "%zu %s this upgrade:%s",
             refusals, refusals == 1 ? "rule refuses" : "rules refuse", str_get(&text));
    return hint ? err_hint(err, "%s", hint) : -1;
}

json_t *findings_to_json(const struct findings *f)
{
    json_t *array = json_array();

    for (size_t i = 0; i < f->count; i++) {
        const struct finding *item = &f->items[i];
        json_t *j = json_object();

        json_put_text(j, "rule", item->rule);
        json_put_text(j, "title", item->title);
        json_put_text(j, "verdict", verdict_text(item->verdict));
        json_put_text(j, "severity", severity_text(item->severity));
        json_put_text(j, "node", item->node);
        json_put_text(j, "text", item->text);
        json_put_text(j, "evidence", item->evidence);
        json_put_text(j, "hint", item->hint);
        json_put_text(j, "waiver_reason", item->waiver_reason);
        json_add(array, j);
    }
    return array;
}
