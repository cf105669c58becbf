/* What the program does beside backup and restore: one function for each command. */
#ifndef OMSLAUNCH_METADB_OPS_H
#define OMSLAUNCH_METADB_OPS_H

#include "hooks/metadb/wire/request.h"

/* Each fills in *ret (the caller owns it) with the "result" of docs/metadb.md, or fails. */
int facts_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int servers_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int ha_get_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int ha_set_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int probe_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int lock_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int trim_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int verify_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;
int drop_old_run(const struct request *request, json_t **ret, struct err *err) MUST_USE;

#endif
