/* SHA-256, by libcrypto. */
#ifndef OMSLAUNCH_BASE_DIGEST_H
#define OMSLAUNCH_BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX_MAX 65 /* 64 hexadecimal digits and a NUL */

struct digest; /* in progress */

struct digest *digest_new(void);
void digest_update(struct digest *d, const void *bytes, size_t len);
/* Writes lower-case hex to `hex` (DIGEST_HEX_MAX bytes) and frees `d`. */
void digest_finish_take(struct digest *d, char *hex);
void digest_free(struct digest *d);
/* All at once. */
void digest_of(const void *bytes, size_t len, char *hex);

#endif
