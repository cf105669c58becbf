#include "tests/unit/unit.h"

#include "policy/junit.h"

static char t1[] = "'oms' <is> \"bad\" & \x01 worse";
static char t2[] = "all well";
static char t3[] = "not here";
static char t4[] = "low";
static char evidence[] = "a\tb";
static char hint[] = "mend it";
static char node[] = "unix:///a.sock";
static char reason[] = "we know";

static void every_verdict(void **state)
{
    struct finding items[] = {
        {.rule = "container.name",
         .verdict = VERDICT_FAIL,
         .severity = SEVERITY_ERROR,
         .node = node,
         .text = t1,
         .evidence = evidence,
         .hint = hint},
        {.rule = "image.tag", .verdict = VERDICT_PASS, .severity = SEVERITY_ERROR, .text = t2},
        {.rule = "ha.config",
         .verdict = VERDICT_NOT_APPLICABLE,
         .severity = SEVERITY_ERROR,
         .text = t3},
        {.rule = "host.ip",
         .verdict = VERDICT_WAIVED,
         .severity = SEVERITY_ERROR,
         .node = node,
         .text = t4,
         .waiver_reason = reason},
        {.rule = "host.resources",
         .verdict = VERDICT_FAIL,
         .severity = SEVERITY_WARN,
         .node = node,
         .text = t4,
         .hint = hint},
    };
    const struct findings f = {.items = items, .count = 5};
    AUTO_STR struct str got = STR_INIT;

    (void)state;
    findings_to_junit(&f, "check oms_331", &got);
    assert_string_equal(
        str_get(&got),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites>\n"
        "<testsuite name=\"check oms_331\" tests=\"5\" failures=\"1\" errors=\"0\" "
        "skipped=\"2\">\n"
        "<testcase classname=\"unix:///a.sock\" name=\"container.name\"><failure message=\"'oms' "
        "&lt;is&gt; &quot;bad&quot; &amp; ? worse\" type=\"container.name\">evidence: a&#9;b\n"
        "HINT: mend it\n</failure></testcase>\n"
        "<testcase classname=\"deployment\" name=\"image.tag\"><system-out>all well\n"
        "</system-out></testcase>\n"
        "<testcase classname=\"deployment\" name=\"ha.config\"><skipped message=\"not here\"/>"
        "</testcase>\n"
        "<testcase classname=\"unix:///a.sock\" name=\"host.ip\"><skipped message=\"waived: we "
        "know (low)\"/></testcase>\n"
        "<testcase classname=\"unix:///a.sock\" name=\"host.resources\"><system-out>WARNING: low\n"
        "HINT: mend it\n</system-out></testcase>\n"
        "</testsuite>\n"
        "</testsuites>\n");
}

static void no_findings(void **state)
{
    const struct findings f = {.items = NULL};
    AUTO_STR struct str got = STR_INIT;

    (void)state;
    findings_to_junit(&f, "a&b", &got);
    assert_string_equal(str_get(&got),
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                        "<testsuite name=\"a&amp;b\" tests=\"0\" failures=\"0\" errors=\"0\" "
                        "skipped=\"0\">\n</testsuite>\n</testsuites>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict),
        cmocka_unit_test(no_findings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
