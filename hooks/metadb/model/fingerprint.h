/* One digest over the definitions of all tables and views. */
#ifndef OMSLAUNCH_METADB_FINGERPRINT_H
#define OMSLAUNCH_METADB_FINGERPRINT_H

#include "hooks/metadb/wire/request.h"

/* Fills in *ret (the caller owns it) with the "result" of docs/metadb.md, or fails. */
int fingerprint_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;

#endif
