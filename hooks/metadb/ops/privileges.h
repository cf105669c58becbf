/* What the account may do, as information_schema tells it, against what an upgrade and the way back
 * will need. */
#ifndef OMSLAUNCH_METADB_PRIVILEGES_H
#define OMSLAUNCH_METADB_PRIVILEGES_H

#include <stdbool.h>

#include "hooks/metadb/wire/conn.h"

/* {"account":"'oms'@'%'","known":true,"snapshot":"RELOAD"|"LOCK TABLES"|null,"missing":
 * [{"database":"rm_331","pattern":"rm\\_331","privileges":"DROP, ALTER"}]}. Not known: the server
 * does not tell, or a role may give what is missing. Caller owns. */
int privileges_read(struct conn *c, json_t **ret, struct err *err) MUST_USE;

/* Is `database` covered by the database part of a grant, in which _ and % are wildcards and \ takes
 * their meaning away? */
bool privileges_cover(const char *pattern, const char *database);
/* Appends a name as a grant spells it: "rm_331" → "rm\_331". */
void privileges_escape(struct str *s, const char *name);

#endif
