/* Tasks 0 to COUNT-1, done by several threads; the first failure ends all. */
#ifndef OMSLAUNCH_METADB_POOL_H
#define OMSLAUNCH_METADB_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

/* Called in thread `worker` (from 0). */
typedef int (*pool_fn)(void *arg, unsigned worker, size_t task, struct err *err);

/* Runs every task once. Fails with the first error; a stop request counts as one. */
int pool_run(unsigned workers, size_t count, pool_fn fn, void *arg, struct err *err) MUST_USE;

#endif
