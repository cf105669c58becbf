/* What a user says about rules, on the command line or in YAML: what is accepted although a rule
 * says no, how severe a rule is, and the limits that it judges by (policy/setting.h). */
#ifndef OMSLAUNCH_POLICY_WAIVER_H
#define OMSLAUNCH_POLICY_WAIVER_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARN, SEVERITY_OFF, SEVERITY_MAX };

struct waiver {
    char *rule;
    char *reason;        /* NULL when nothing is accepted */
    char *owner;         /* may be NULL */
    uint64_t expires_ms; /* 0: never */
    enum severity severity;
    int has_severity; /* the rule's own is replaced */
    json_t *settings; /* {KEY: VALUE}, as setting_read() gives them; NULL if there are none */
};

struct waiver_list {
    struct waiver *items;
    size_t count;
};

#define AUTO_WAIVERS CLEANUP(waiver_list_free)

void waiver_list_free(struct waiver_list *l);
/* "RULE=REASON" of --accept. ERR_USAGE for an unknown rule (near matches are listed) and for an
 * empty reason. */
int waiver_list_add_argument(struct waiver_list *l, const char *argument, struct err *err) MUST_USE;
/* The waiver with a reason, not expired by `now_ms`, to accept what that rule finds; or NULL. */
const struct waiver *waiver_list_find(const struct waiver_list *l, const char *rule,
                                      uint64_t now_ms);
/* The mapping below `policy:` of a YAML file: `RULE: {severity: error|warn|off, SETTING: …}` or
 * `RULE: {reason: …, owner: …, expires: YYYY-MM-DD}`. Unknown rules and keys are refused.
 * ERR_CONFIG. */
int waiver_list_add_yaml_json(struct waiver_list *l, const json_t *policy, const char *name,
                              struct err *err) MUST_USE;

#endif
