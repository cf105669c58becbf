/* A digest of rows that does not depend on their order: rows are hashed one by one and the hashes
 * added up, so that pieces of a table can be hashed anywhere and compared as a whole. It finds
 * damage and mistakes; against malice there is the SHA-256 of each frame. */
#ifndef OMSLAUNCH_METADB_ROWHASH_H
#define OMSLAUNCH_METADB_ROWHASH_H

#include <stddef.h>
#include <stdint.h>

/* Of one row: `cells[i]` is NULL for SQL's NULL. */
uint64_t rowhash(char *const *cells, const unsigned long *lens, unsigned count);

#endif
