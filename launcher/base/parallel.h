/* The same work for many things at once. */
#ifndef OMSLAUNCH_BASE_PARALLEL_H
#define OMSLAUNCH_BASE_PARALLEL_H

#include <stddef.h>

/* Calls `one(arg, index)` for each index below `count`, at most `limit` of them at a time (0: as
 * many as there are), and returns when all have returned. The calling thread takes part, so that
 * everything is done, only slower, where no thread can be had; the other threads get no signals.
 * What `one` shares between indices it must guard itself. */
void parallel_each(size_t count, size_t limit, void (*one)(void *arg, size_t index), void *arg);

#endif
