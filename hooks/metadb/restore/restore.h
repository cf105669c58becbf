/* A backup put in the place of the databases, which are kept beside it. */
#ifndef OMSLAUNCH_METADB_RESTORE_H
#define OMSLAUNCH_METADB_RESTORE_H

#include "hooks/metadb/wire/request.h"

/* In each quarantine database, by type: VIEW and TRIGGER, which RENAME cannot move; and for
 * `drop-old` the RUN, each TABLE that was put there, and DROP once their end has begun. */
#define RESTORE_DEFINITIONS "omslaunch_definitions"

/* Each fills in *ret (the caller owns it) with the "result" of docs/metadb.md, or fails. */
int restore_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
/* Into scratch databases, which are dropped again. */
int rehearse_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;

#endif
