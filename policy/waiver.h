/* What a user accepts although a rule says no: on the command line or in YAML. */
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
    char *reason;        /* NULL when only the severity is set */
    char *owner;         /* may be NULL */
    uint64_t expires_ms; /* 0: never */
    enum severity severity;
    int has_severity; /* the rule's own is replaced */
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
/* The mapping below `policy:` of a YAML file: `RULE: {severity: error|warn|off}` or `RULE: {reason:
 * …, owner: …, expires: YYYY-MM-DD}`. Unknown rules and keys are refused. ERR_CONFIG. */
int waiver_list_add_yaml_json(struct waiver_list *l, const json_t *policy, const char *name,
                              struct err *err) MUST_USE;

#endif
