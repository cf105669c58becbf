/* Restoring a backup: built in restore_*.c. Verified and loaded beside the databases, compared,
 * and only then swapped in by renames; what was there is kept as DB__old_RUN. */
#ifndef OMSLAUNCH_METADB_RESTORE_H
#define OMSLAUNCH_METADB_RESTORE_H

#include "hooks/metadb/commands.h"

#endif
