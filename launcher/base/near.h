/* The name that a slip of the fingers may have meant. */
#ifndef OMSLAUNCH_BASE_NEAR_H
#define OMSLAUNCH_BASE_NEAR_H

#include <stddef.h>

/* Letters to insert, delete, replace or swap with their neighbour. */
size_t near_distance(const char *a, const char *b);

/* The one of `names` that `word` is a slip or the beginning of; the nearest of several. NULL when
 * nothing comes close. Borrowed. */
const char *near_find(const char *word, const char *const *names, size_t count);

#endif
