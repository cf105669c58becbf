/* What can be set for a rule besides its severity: the limits that it judges by. Their values are
 * data, shipped in policy/rule_defaults.yaml and set anew by a site's `policy:`; here is only which
 * there are. */
#ifndef OMSLAUNCH_POLICY_SETTING_H
#define OMSLAUNCH_POLICY_SETTING_H

#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"
#include "policy/waiver.h"

enum setting_kind {
    SETTING_NUMBER,
    SETTING_VERSION, /* "1.24" */
    SETTING_TEXTS,   /* {NAME: TEXT, …} */
    SETTING_KIND_MAX
};

struct setting {
    const char *rule;
    const char *key;
    enum setting_kind kind;
    uint64_t max; /* of a number */
};

/* NULL if that rule has no such setting. */
const struct setting *setting_find(const char *rule, const char *key);
/* "min_cores, min_memory_gb, "; nothing for a rule without settings. */
void setting_list_keys(const char *rule, struct str *ret);
/* Takes a value from YAML; `where` begins the error. Caller owns *ret. ERR_CONFIG. */
int setting_read(const struct setting *s, const json_t *value, const char *where, json_t **ret,
                 struct err *err) MUST_USE;

/* The first setting of the rule that nobody gave a value; NULL if each has one. Without a rule: of
 * all. */
const struct setting *setting_missing(const struct waiver_list *l, const char *rule);

/* What was said last, borrowed. Only for settings that are not missing. */
uint64_t setting_number(const struct waiver_list *l, const char *rule, const char *key);
const char *setting_version(const struct waiver_list *l, const char *rule, const char *key);
const json_t *setting_texts(const struct waiver_list *l, const char *rule, const char *key);

#endif
