#include "policy/junit.h"

#include <string.h>

#include "launcher/base/foreign.h"

/* XML 1.0 has no way to write most control characters, nor bytes that are not UTF-8. */
static void append_escaped(struct str *s, const char *foreign)
{
    AUTO_FREE char *clean = foreign_text(foreign, strlen(foreign), FOREIGN_LINES, SIZE_MAX);
    for (const char *text = clean; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c == '&') {
            str_append(s, "&amp;");
        } else if (c == '<') {
            str_append(s, "&lt;");
        } else if (c == '>') {
            str_append(s, "&gt;");
        } else if (c == '"') {
            str_append(s, "&quot;");
        } else if (c == '\n' || c == '\t') {
            str_appendf(s, "&#%u;", (unsigned)c);
        } else {
            str_append_c(s, *text);
        }
    }
}

static void append_attribute(struct str *s, const char *name, const char *value)
{
    str_appendf(s, " %s=\"", name);
    append_escaped(s, value);
    str_append(s, "\"");
}

static void append_line(struct str *s, const char *label, const char *text)
{
    if (!text) {
        return;
    }
    append_escaped(s, label);
    append_escaped(s, text);
    str_append(s, "\n");
}

static bool is_failure(const struct finding *f)
{
    return f->verdict == VERDICT_FAIL && f->severity == SEVERITY_ERROR;
}

static bool is_skipped(const struct finding *f)
{
    return f->verdict == VERDICT_WAIVED || f->verdict == VERDICT_NOT_APPLICABLE;
}

static void append_result(struct str *s, const struct finding *f)
{
    if (is_failure(f)) {
        str_append(s, "<failure");
        append_attribute(s, "message", f->text);
        append_attribute(s, "type", f->rule);
        str_append(s, ">");
        append_line(s, "evidence: ", f->evidence);
        append_line(s, "HINT: ", f->hint);
        str_append(s, "</failure>");
        return;
    }
    if (is_skipped(f)) {
        AUTO_FREE char *waived =
            f->waiver_reason ? mem_printf("waived: %s (%s)", f->waiver_reason, f->text) : NULL;

        str_append(s, "<skipped");
        append_attribute(s, "message", waived ? waived : f->text);
        str_append(s, "/>");
        return;
    }
    str_append(s, "<system-out>");
    append_line(s, f->verdict == VERDICT_FAIL ? "WARNING: " : "", f->text);
    append_line(s, "evidence: ", f->evidence);
    append_line(s, "HINT: ", f->hint);
    str_append(s, "</system-out>");
}

void findings_to_junit(const struct findings *f, const char *suite, struct str *ret)
{
    size_t failures = 0, skipped = 0;

    for (size_t i = 0; i < f->count; i++) {
        failures += is_failure(&f->items[i]);
        skipped += is_skipped(&f->items[i]);
    }
    str_append(ret, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite");
    append_attribute(ret, "name", suite);
    str_appendf(ret, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", f->count,
                failures, skipped);
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *item = &f->items[i];

        str_append(ret, "<testcase");
        append_attribute(ret, "classname", item->node ? item->node : "deployment");
        append_attribute(ret, "name", item->rule);
        str_append(ret, ">");
        append_result(ret, item);
        str_append(ret, "</testcase>\n");
    }
    str_append(ret, "</testsuite>\n</testsuites>\n");
}
