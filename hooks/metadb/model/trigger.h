/* Triggers. A backup's SQL leaves them out, as the runbook's does, but its manifest keeps them: a
 * restore has to take tables out of the database, which drops their triggers. */
#ifndef OMSLAUNCH_METADB_TRIGGER_H
#define OMSLAUNCH_METADB_TRIGGER_H

#include "hooks/metadb/wire/conn.h"

/* All triggers of `database` that the user may see, in the order in which they fire: "name",
 * "table", "timing", "event", "definer", "sql_mode", "charset", "collation", "statement" and
 * "create", the text as it was given. A server without triggers has none. Caller owns *ret. */
int trigger_read(struct conn *c, const char *database, json_t **ret, struct err *err) MUST_USE;

/* CREATE TRIGGER of one of the above, without the name of any database. */
void trigger_append(struct str *sql, const json_t *trigger);

/* SET SESSION …: the session that it was written in. `text` is what is to be read in it. */
void trigger_append_session(struct str *sql, const json_t *trigger, const char *text);

/* Creates one in `database`, in the place of that of the same name; with the definer, SQL mode and
 * character set that it had. `as_given` uses "create" itself, which may name the database. The
 * connection is in `database` afterwards, in its usual session. */
int trigger_make(struct conn *c, const char *database, const json_t *trigger, bool as_given,
                 struct err *err) MUST_USE;

#endif
