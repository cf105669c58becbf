/* Checks of whole findings: exactly one rule fails, with exactly these words. */
#ifndef OMSLAUNCH_TESTS_POLICY_CHECK_H
#define OMSLAUNCH_TESTS_POLICY_CHECK_H

#include <stdlib.h>

#include "launcher/base/str.h"
#include "policy/policy.h"
#include "tests/unit/unit.h"

/* The finding of a rule (of the first node). */
static const struct finding *__attribute__((unused))
find_finding(const struct findings *f, const char *rule)
{
    for (size_t i = 0; i < f->count; i++) {
        if (str_eq(f->items[i].rule, rule)) {
            return &f->items[i];
        }
    }
    fail_msg("no finding for '%s'", rule);
    abort(); /* not reached, but the compiler cannot know */
}

/* What a rule says when it does not fail, and that nothing else fails either. */
static void __attribute__((unused))
assert_no_failure(const struct policy_input *in, const char *rule, enum verdict verdict,
                  const char *text)
{
    AUTO_FINDINGS struct findings found = {.items = NULL};
    const struct finding *f;

    policy_judge(in, &found);
    for (size_t i = 0; i < found.count; i++) {
        if (found.items[i].verdict == VERDICT_FAIL) {
            fail_msg("%s fails: %s", found.items[i].rule, found.items[i].text);
        }
    }
    f = find_finding(&found, rule);
    assert_string_equal(f->text, text);
    assert_string_equal(verdict_text(f->verdict), verdict_text(verdict));
    assert_null(f->hint);
}

/* The first failure is of this rule, with these words; no other rule fails. */
static void __attribute__((unused))
assert_only_failure(const struct policy_input *in, const char *rule, const char *text,
                    const char *evidence, const char *hint)
{
    AUTO_FINDINGS struct findings found = {.items = NULL};
    const struct finding *first = NULL;

    policy_judge(in, &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct finding *f = &found.items[i];

        if (f->verdict != VERDICT_FAIL) {
            continue;
        }
        if (!str_eq(f->rule, rule)) {
            fail_msg("%s fails as well: %s", f->rule, f->text);
        }
        if (!first) {
            first = f;
        }
    }
    if (!first) {
        fail_msg("%s does not fail", rule);
        return;
    }
    assert_string_equal(first->text, text);
    if (evidence) {
        assert_string_equal(first->evidence, evidence);
    }
    if (hint) {
        assert_string_equal(first->hint, hint);
    }
    assert_non_null(first->hint);
}

#endif
