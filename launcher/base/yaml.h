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

/* What was noticed in a foreign file, of the keys at its top. */
struct yaml_remarks {
    json_t *lines; /* {KEY: line, …}, from 1; of a key given twice the last one */
    json_t *twice; /* [{"key":…,"first_line":…,"line":…,"differs":bool}, …] */
};

#define AUTO_YAML_REMARKS CLEANUP(yaml_remarks_free)

/* The same for a file that was made for another reader, and is read as PyYAML reads it: core tags
 * (!!bool "true") are understood and values stay texts, the last one of equal keys counts, null is
 * null, keys may be anything. Aliases and other tags stay refused. `remarks` is the caller's to
 * free, also after a failure. */
int yaml_parse_foreign(const char *text, size_t len, const char *name, json_t **ret,
                       struct yaml_remarks *remarks, struct err *err) MUST_USE;
void yaml_remarks_free(struct yaml_remarks *remarks);

/* The reverse, for others to read: an object in blocks, texts between double quotes. */
void yaml_write(const json_t *document, struct str *ret);

#endif
