/* Names that omslaunch gives: of databases beside the real ones, and of its own tables in them. */
#ifndef OMSLAUNCH_METADB_NAMES_H
#define OMSLAUNCH_METADB_NAMES_H

#include "launcher/base/str.h"

/* The server's limit, in characters. */
#define NAMES_CHARS_MAX 64

enum names_beside {
    NAMES_STAGING,    /* DB__new_RUN: what is restored, until it takes its place */
    NAMES_QUARANTINE, /* DB__old_RUN: what was there before */
    NAMES_SCRATCH,    /* DB__try_RUN: a rehearsal */
    NAMES_SCRATCH_TO, /* DB__try2_RUN: where a rehearsal moves a table to */
    NAMES_BESIDE_MAX
};

/* In each of them: whose it is, and what of the work is done. The swap renames it together with the
 * tables, which tells whether the swap has happened. */
#define NAMES_MARKER "omslaunch_restore"
#define NAMES_SWAPPED "omslaunch_restore_swapped"
/* In each quarantine database, by type: VIEW and TRIGGER, which RENAME cannot move; and for
 * `drop-old` the RUN, each TABLE that was put there, and DROP once their end has begun. */
#define NAMES_DEFINITIONS "omslaunch_definitions"

/* "DB__old_RUN" for a database of up to 40 characters, whatever the run's name is; a longer run is
 * told by a digest, and of a longer database only the first 40 characters stand there, with a
 * digest of all of it. Always fits, and is the same for the same arguments. Caller frees. */
char *names_of(const char *database, enum names_beside kind, const char *run);
/* What every name beside `database` begins with: "DB__". Caller frees. */
char *names_head(const char *database);
/* Was `name` made by names_of() for a quarantine, or might it have been? */
bool names_is_quarantine(const char *name);
/* Is `table` of omslaunch itself? */
bool names_is_own_table(const char *table);

#endif
