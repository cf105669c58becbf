/* Changing keys of a JSON object inside its text, and no other byte. */
#ifndef OMSLAUNCH_METADB_HA_EDIT_H
#define OMSLAUNCH_METADB_HA_EDIT_H

#include "launcher/base/json.h"

/* Appends to `ret` the object `text` with the members of `set` (booleans, integers, strings) in it.
 * A value that stands there as a string ("true", "60") stays one; a value that already says the
 * same keeps its bytes; a missing key is put after the last one, in the object's own spacing. Keys
 * differ by version: unknown ones and their order survive (domain page, "The MetaDB").
 * ERR_FAILED when `text` is no JSON object, ERR_USAGE when `set` holds anything else. */
int ha_edit(const char *text, const json_t *set, struct str *ret, struct err *err) MUST_USE;

#endif
