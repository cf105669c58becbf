/* Rules about the way from version to version (domain, "Which version may go to which"). */
#include "policy/rule.h"

RULE_JUDGE(judge_version_edition)
{
    static const char *const names[] = {
        [OMS_EDITION_ENTERPRISE] = "enterprise", [OMS_EDITION_COMMUNITY] = "community"};

    (void)node;
    if (!in->from || !in->to) {
        judge_not_applicable(ret, "the edition of the %s version is not known",
                             in->to ? "old" : "target");
        return;
    }
    judge_evidence(ret, "old tag '%s', target tag '%s'", in->from_tag, in->to_tag);
    if (in->from->edition == in->to->edition) {
        judge_pass(ret, "both are the %s edition", names[in->to->edition]);
        return;
    }
    judge_fail(ret, "'%s' is the %s edition, '%s' is the %s edition", in->from_tag,
               names[in->from->edition], in->to_tag, names[in->to->edition]);
    judge_hint(ret, "no upgrade leads from one edition to the other; if the image was only tagged "
                    "again without its '-ce': --accept version.edition=REASON");
}

static void refuse_unknown(const struct policy_input *in, const struct oms_version *to,
                           struct judgement *ret)
{
    const struct version_row *row = version_table_row(in->versions, to);
    char from_text[OMS_VERSION_TEXT_MAX], to_text[OMS_VERSION_TEXT_MAX];

    oms_version_format(in->from, from_text);
    oms_version_format(to, to_text);
    if (row && row->status == VERSION_FRESH_ONLY) {
        judge_fail(ret, "%s is for fresh deployments only, no upgrade leads to it", to_text);
    } else {
        judge_fail(ret, "no document is known that allows %s to become %s", from_text, to_text);
    }
    if (row) {
        judge_evidence(ret, "%s: %s%s%s", to_text, row->source, row->note ? ", " : "",
                       row->note ? row->note : "");
    }
    judge_hint(ret,
               "if the vendor allows it: --accept version.path=REASON, or a row of your own in "
               "the version table");
}

static void refuse_chain(const struct policy_input *in, const struct version_path *path,
                         const struct oms_version *to, struct judgement *ret)
{
    AUTO_STR struct str chain = STR_INIT;
    char from_text[OMS_VERSION_TEXT_MAX], to_text[OMS_VERSION_TEXT_MAX];

    version_path_describe(path, in->from, &chain);
    judge_fail(ret, "%s cannot become %s in one step, it takes %zu",
               oms_version_format(in->from, from_text), oms_version_format(to, to_text),
               path->hop_count);
    judge_evidence(ret, "%s", str_get(&chain));
    judge_hint(ret,
               "upgrade step by step: %s; to go directly all the same: "
               "--accept version.path=REASON",
               str_get(&chain));
}

static void judge_path(const struct policy_input *in, struct judgement *ret)
{
    AUTO_VERSION_PATH struct version_path path = {.hops = NULL};
    struct oms_version to = *in->to;
    char from_text[OMS_VERSION_TEXT_MAX], to_text[OMS_VERSION_TEXT_MAX];

    /* Whether the edition may change is another rule's question. */
    to.edition = in->from->edition;
    version_path_find(in->versions, in->from, &to, &path);
    oms_version_format(in->from, from_text);
    oms_version_format(&to, to_text);
    switch (path.answer) {
    case VERSION_PATH_DIRECT:
        judge_pass(ret, "%s may become %s", from_text, to_text);
        judge_evidence(ret, "%s", path.hops[0]->source);
        break;
    case VERSION_PATH_CHAIN:
        refuse_chain(in, &path, &to, ret);
        break;
    case VERSION_PATH_SAME:
        judge_fail(ret, "the old container is %s already, but not from the target image",
                   from_text);
        judge_hint(ret, "to exchange an image within one version: --accept version.path=REASON");
        break;
    case VERSION_PATH_DOWNGRADE:
        ret->never_waived = true;
        judge_fail(ret, "%s is older than %s, which runs; this cannot be accepted", to_text,
                   from_text);
        judge_hint(ret, "the new databases cannot be read by the older version; `omslaunch "
                        "rollback` goes back to it with its databases");
        break;
    case VERSION_PATH_EDITION:
    case VERSION_PATH_FRESH_ONLY:
    case VERSION_PATH_UNKNOWN:
    case VERSION_PATH_MAX:
        refuse_unknown(in, &to, ret);
        break;
    }
}

RULE_JUDGE(judge_version_path)
{
    (void)node;
    if (in->already_there) {
        judge_not_applicable(ret, "the target is what runs");
    } else if (!in->to) {
        judge_not_applicable(ret, "the target's version is not known");
    } else if (in->from) {
        judge_path(in, ret);
    } else {
        judge_fail(ret, "the old container's image tag '%s' tells no version", in->from_tag);
        judge_evidence(ret, "image '%s'",
                       in->deployment->node_count ? in->deployment->nodes[0].old.image_ref : "");
        judge_hint(ret, "find out which OMS runs (console, About), and say so: --from VERSION, for "
                        "example --from 4.0.0-ce");
    }
}

RULE_JUDGE(judge_version_connector)
{
    const struct oms_version old = {.major = 3, .minor = 2, .patch = 2};

    (void)node;
    if (!in->from || oms_version_compare(in->from, &old) != 0) {
        judge_not_applicable(ret, "the old version is not 3.2.2");
        return;
    }
    judge_fail(ret, "projects of OMS 3.2.2 that synchronise DDL need 'dbType' on their connectors, "
                    "which cannot be seen from here");
    judge_hint(ret, "set dbType on the connectors of these projects before the upgrade");
}
