/* A backup put in the place of the databases, which are kept beside it. */
#ifndef OMSLAUNCH_METADB_RESTORE_H
#define OMSLAUNCH_METADB_RESTORE_H

#include "hooks/metadb/wire/request.h"

/* Each fills in *ret (the caller owns it) with the "result" of docs/metadb.md, or fails. */
int restore_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
/* A backup of definitions alone ("definitions" of `dump`), through all of this into scratch
 * databases, which are dropped again. What would not come back, or be kept as text only, becomes a
 * sentence in `findings`: "DB.NAME: …". Fails when nothing could be tried. */
int restore_try(const struct request *request, json_t *findings, struct err *err) MUST_USE;
/* Into scratch databases, which are dropped again. */
int rehearse_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;

#endif
