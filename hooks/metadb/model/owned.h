/* Databases that are made beside the real ones, and dropped again: staging and scratch. What proves
 * that one is ours is the marker inside; a name proves nothing, and what has no marker is never
 * dropped. */
#ifndef OMSLAUNCH_METADB_OWNED_H
#define OMSLAUNCH_METADB_OWNED_H

#include "hooks/metadb/wire/conn.h"

enum owned_state {
    OWNED_MISSING,
    OWNED_EMPTY,   /* it holds nothing: anybody's */
    OWNED_OURS,    /* the marker is in it */
    OWNED_FOREIGN, /* it holds tables, but no marker */
    OWNED_MAX
};

int owned_look(struct conn *c, const char *database, enum owned_state *ret,
               struct err *err) MUST_USE;
/* Makes the database, or takes one that holds nothing, and puts the marker into it with `note` as
 * its row -1. One that is ours already is dropped first. ERR_REFUSED for a foreign one. */
int owned_make(struct conn *c, const char *database, const char *note, struct err *err) MUST_USE;
/* Drops it if it is ours, and does nothing otherwise. */
int owned_drop(struct conn *c, const char *database, struct err *err) MUST_USE;
/* The refusal of a foreign one. Returns -1. */
int owned_refuse(const char *database, struct err *err);

#endif
