/* Bytes of a value as a number of the machine's own order, from any address: one instruction. */
#ifndef OMSLAUNCH_METADB_LOAD_H
#define OMSLAUNCH_METADB_LOAD_H

#include <stdint.h>
#include <string.h>

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

#endif
