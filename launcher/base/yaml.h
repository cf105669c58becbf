/* YAML files that people wrote, as JSON values. */
#ifndef OMSLAUNCH_BASE_YAML_H
#define OMSLAUNCH_BASE_YAML_H

#include <stddef.h>

#include "launcher/base/json.h"

/* One document whose top is a mapping. All scalars become strings, as they stand (so that "08088",
 * no and 1e3 keep their spelling); a plain empty or ~ becomes null. Refused, with file and line:
 * broken syntax, tabs as indentation, duplicate keys, aliases, more than 1 MiB, more than one
 * document. `name` is what the error calls it. ERR_CONFIG. Caller owns *ret.
 * Holding a secret? The parser's own copies are not wiped; keep the process without core files. */
int yaml_parse(const char *text, size_t len, const char *name, json_t **ret,
               struct err *err) MUST_USE;

#endif
