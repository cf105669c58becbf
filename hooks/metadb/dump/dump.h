/* A backup of the databases, made while others write to them. */
#ifndef OMSLAUNCH_METADB_DUMP_H
#define OMSLAUNCH_METADB_DUMP_H

#include "hooks/metadb/wire/request.h"

/* Fills in *ret (the caller owns it) with the "result" of docs/metadb.md, or fails. */
int dump_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;

#endif
