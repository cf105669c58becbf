/* Rules about the file config.yaml: what is odd in it, and whether the running OMS has the same one
 * that the new container will get (lab notes: "A file that is bind-mounted is an inode"). */
#include "policy/rule.h"

RULE_JUDGE(judge_config_remarks)
{
    const struct oms_config *c = &in->deployment->nodes[node].config;

    for (size_t i = 0; i < c->remarks.count; i++) {
        judge_fail(ret, "%s", c->remarks.items[i]);
    }
    judge_pass(ret, "nothing in it is odd");
    judge_hint(ret, "OMS reads it the same way; say it once and plainly at the next occasion");
}

RULE_JUDGE(judge_config_seen)
{
    const struct node *n = &in->deployment->nodes[node];
    AUTO_STR struct str list = STR_INIT;

    if (n->seen.state == CONFIG_UNKNOWN) {
        judge_not_applicable(ret, "%s",
                             n->seen.note ? "what the running OMS reads is not known"
                                          : "the old container does not run");
        return;
    }
    for (size_t i = 0; i < n->seen.keys.count; i++) {
        str_appendf(&list, "%s'%s'", i ? ", " : "", n->seen.keys.items[i]);
    }
    /* Whoever accepted that would have a database backed up that OMS does not use. */
    ret->never_waived = config_seen_is_elsewhere(&n->seen);
    if (n->seen.state == CONFIG_OTHER) {
        judge_fail(ret,
                   "the running OMS has other values than the file on the host, which the new "
                   "container would get, for %s",
                   str_get(&list));
    }
    judge_pass(ret, "both read the same values");
    judge_hint(ret,
               "a container keeps the file that it was started with, also when an editor has put "
               "another in its place: undo the edit, or take it into use first with `docker "
               "restart %s`",
               n->old.name);
}

RULE_JUDGE(judge_config_edited)
{
    const struct node *n = &in->deployment->nodes[node];

    if (n->seen.state == CONFIG_EDITED) {
        judge_fail(ret, "the file was edited since '%s' was started; its values are the same",
                   n->old.name);
    } else if (n->seen.state == CONFIG_UNKNOWN && n->seen.note) {
        judge_fail(ret,
                   "the file could not be compared with the one that '%s' was started with: %s",
                   n->old.name, n->seen.note);
    } else if (n->seen.state != CONFIG_SAME) {
        judge_not_applicable(
            ret, "%s", n->old.running ? "the values differ" : "the old container does not run");
    }
    judge_pass(ret, "it is, byte for byte");
    judge_hint(ret, "compare `docker exec %s cat " OMS_PATH_CONFIG "` with the file on the host",
               n->old.name);
}
