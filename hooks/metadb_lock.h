/* A lock in the MetaDB itself, so that two hosts exclude each other. */
#ifndef OMSLAUNCH_HOOKS_METADB_LOCK_H
#define OMSLAUNCH_HOOKS_METADB_LOCK_H

#include "hooks/metadb_call.h"

struct metadb_lock;

/* Takes the lock of the deployment's databases; it is held by a child process for as long as this
 * process lives. ERR_LOCKED names the holder, in the words that it gave as `holder`. A server that
 * has no such locks is no error. `db` must live as long as the lock. */
int metadb_lock_take(const struct metadb *db, const char *run, const char *holder, uint64_t wait_ms,
                     struct metadb_lock **ret, struct err *err) MUST_USE;
/* A restart of the server takes the lock away; it is taken again as soon as the server answers.
 * Waits some seconds for that. ERR_LOCKED when somebody else was faster. */
int metadb_lock_check(struct metadb_lock *lock, struct err *err) MUST_USE;
/* Lets go, and waits until the child has ended. NULL is allowed. */
void metadb_lock_free(struct metadb_lock *lock);

#endif
