#include "policy/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/foreign.h"
#include "launcher/base/str.h"
#include "policy/rule.h"
#include "policy/setting.h"

/* Bytes of one fact or sentence. */
#define PART_MAX 4000

static void __attribute__((format(printf, 2, 0)))
append_part(struct str *s, const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0) {
        abort();
    }
    /* Rules quote containers, servers and files. */
    AUTO_FREE char *line = foreign_line(text, PART_MAX);
    str_appendf(s, "%s%s", s->len > 0 ? "; " : "", line);
    free(text);
}

void judge_pass(struct judgement *j, const char *fmt, ...)
{
    va_list ap;

    if (j->verdict != VERDICT_PASS) {
        return;
    }
    va_start(ap, fmt);
    append_part(&j->text, fmt, ap);
    va_end(ap);
}

void judge_fail(struct judgement *j, const char *fmt, ...)
{
    va_list ap;

    if (j->verdict != VERDICT_FAIL) {
        str_reset(&j->text);
    }
    j->verdict = VERDICT_FAIL;
    va_start(ap, fmt);
    append_part(&j->text, fmt, ap);
    va_end(ap);
}

void judge_not_applicable(struct judgement *j, const char *fmt, ...)
{
    va_list ap;

    j->verdict = VERDICT_NOT_APPLICABLE;
    str_reset(&j->text);
    va_start(ap, fmt);
    append_part(&j->text, fmt, ap);
    va_end(ap);
}

void judge_evidence(struct judgement *j, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    append_part(&j->evidence, fmt, ap);
    va_end(ap);
}

void judge_hint(struct judgement *j, const char *fmt, ...)
{
    va_list ap;

    if (j->hint.len > 0) {
        return;
    }
    va_start(ap, fmt);
    append_part(&j->hint, fmt, ap);
    va_end(ap);
}

/* The last word on a rule's severity: the user's, else the table's. */
static enum severity severity_of(const struct policy_input *in, const struct rule *rule)
{
    enum severity severity = rule->severity;

    for (size_t i = 0; in->waivers && i < in->waivers->count; i++) {
        if (in->waivers->items[i].has_severity && str_eq(in->waivers->items[i].rule, rule->id)) {
            severity = in->waivers->items[i].severity;
        }
    }
    return severity;
}

/* Texts of others (a name, a setting) may hold line breaks; a finding is one line. */
static char *take_line(struct str *s)
{
    for (size_t i = 0; i < s->len; i++) {
        if ((unsigned char)s->data[i] < ' ') {
            s->data[i] = ' ';
        }
    }
    return str_take(s);
}

static struct finding judge_rule(const struct policy_input *in, const struct rule *rule,
                                 size_t node)
{
    struct judgement j = {.verdict = VERDICT_PASS};
    const struct waiver *waiver = waiver_list_find(in->waivers, rule->id, in->now_ms);
    const struct setting *unset = setting_missing(in->waivers, rule->id);
    struct finding f = {.rule = rule->id, .title = rule->title, .severity = rule->severity};

    if (unset) {
        judge_not_applicable(&j, "nothing is said of its '%s'", unset->key);
    } else {
        rule->judge(in, node, &j);
    }
    if (!j.never_waived) {
        f.severity = severity_of(in, rule);
    }
    if (f.severity == SEVERITY_OFF) {
        judge_not_applicable(&j, "switched off by the user's policy");
        str_reset(&j.evidence);
    } else if (j.verdict == VERDICT_FAIL && waiver && !j.never_waived) {
        j.verdict = VERDICT_WAIVED;
        f.waiver_reason = mem_strdup(waiver->reason);
    }
    if (j.verdict == VERDICT_FAIL && j.hint.len == 0) {
        judge_hint(&j, "see '%s' in docs/policy.md", rule->id);
    }
    f.verdict = j.verdict;
    if (rule->scope == SCOPE_NODE) {
        f.node = mem_strdup(in->deployment->nodes[node].name);
    }
    f.text = take_line(&j.text);
    f.evidence = j.evidence.len ? take_line(&j.evidence) : NULL;
    f.hint = j.verdict == VERDICT_FAIL ? take_line(&j.hint) : NULL;
    str_free(&j.text);
    str_free(&j.evidence);
    str_free(&j.hint);
    return f;
}

void policy_judge(const struct policy_input *in, struct findings *ret)
{
    const size_t nodes = in->deployment->node_count;

    *ret = (struct findings){.items = NULL};
    ret->items = mem_alloc(policy_rule_count * (nodes + 1) * sizeof(*ret->items));
    for (size_t r = 0; r < policy_rule_count; r++) {
        const struct rule *rule = &policy_rules[r];
        const size_t times = rule->scope == SCOPE_NODE ? nodes : 1;

        for (size_t i = 0; i < times; i++) {
            ret->items[ret->count++] = judge_rule(in, rule, i);
        }
    }
}
