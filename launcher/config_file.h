/* What a site decides once, in YAML: severities and limits of rules, waivers, and hooks. The
 * shipped defaults of the rules have the same form. */
#ifndef OMSLAUNCH_CONFIG_FILE_H
#define OMSLAUNCH_CONFIG_FILE_H

#include "hooks/hook.h"
#include "launcher/base/err.h"
#include "policy/waiver.h"

#define CONFIG_FILE_DEFAULT "/etc/omslaunch/config.yaml"

/* Adds what `path` says to `ret`; NULL is CONFIG_FILE_DEFAULT, which need not be there. Unknown
 * keys are refused. ERR_CONFIG, naming file and key; ERR_USAGE when a file that was asked for is
 * not there. */
int config_file_read(const char *path, struct waiver_list *ret, struct err *err) MUST_USE;
/* Its hooks, and those of their folder. ERR_CONFIG, ERR_USAGE, ERR_REFUSED; see hook_list_add(). */
int config_file_read_hooks(const char *path, struct hook_list *ret, struct err *err) MUST_USE;
/* The shipped defaults of the rules: {schema: 1, policy: …}, with each setting that a rule has.
 * ERR_CONFIG. */
int config_file_read_defaults(const char *path, struct waiver_list *ret, struct err *err) MUST_USE;

#endif
