/* What every connection means by its statements, whatever the server's settings, its init_connect
 * or the user's defaults say. */
#ifndef OMSLAUNCH_METADB_SESSION_H
#define OMSLAUNCH_METADB_SESSION_H

#include "hooks/metadb/wire/conn.h"

/* Sets all that changes what statements mean, how many rows they see or how long they may run, and
 * reads it back. Variables that the server does not have are left out. ERR_REFUSED, naming the
 * variable, when one is not what it has to be. */
int session_open(struct conn *c, struct err *err) MUST_USE;

/* From now on times are those of the zone that the server gives its clients: for who reads and
 * writes DATETIME columns as OMS does, by NOW(). */
int session_use_given_zone(struct conn *c, struct err *err) MUST_USE;

/* Is `found`, as a server shows it, the value `want`? Numbers are compared as numbers; the largest
 * ones count as "without limit". */
bool session_value_is(const char *want, const char *found);

#endif
