/* The HA settings: one row of rm.oms_normal_config (domain page, "The MetaDB"). */
#ifndef OMSLAUNCH_METADB_HA_H
#define OMSLAUNCH_METADB_HA_H

#include "hooks/metadb/wire/conn.h"

/* The text as it stands. ERR_NOT_FOUND when there is no such row or table. Caller frees. */
int ha_read(struct conn *c, char **ret, struct err *err) MUST_USE;

#endif
