/* Definitions in JSON (manifest, kept texts). They are bytes: what a view or a default holds in
 * another character set is no UTF-8. Such a text is {"hex": "E4…"}, any other one a string. */
#ifndef OMSLAUNCH_METADB_DEFINITION_H
#define OMSLAUNCH_METADB_DEFINITION_H

#include "launcher/base/json.h"

/* NULL becomes null. Caller owns. */
json_t *definition_to_json(const char *bytes);
/* The bytes at `key` of `entry`; "" when there are none. Caller frees. */
char *definition_of(const json_t *entry, const char *key);

#endif
