/* Makes tar archives for tests, rightly or wrongly. */
#ifndef OMSLAUNCH_TESTS_TAR_MAKE_H
#define OMSLAUNCH_TESTS_TAR_MAKE_H

#include <stdio.h>
#include <string.h>

#include "launcher/base/str.h"

static inline void tar_sum(char *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++) {
        sum += (unsigned char)block[i];
    }
    (void)snprintf(block + 148, 8, "%06o", sum & 0777777);
    block[155] = ' ';
}

/* One header; `size` is written as it is, whatever follows. */
static inline void tar_header(struct str *s, char type, const char *name, const char *link,
                              size_t size)
{
    char block[512] = "";

    memcpy(block, name, strnlen(name, 100));
    (void)snprintf(block + 100, 8, "%07o", 0644);
    (void)snprintf(block + 124, 12, "%011o", (unsigned)size);
    block[156] = type;
    memcpy(block + 157, link, strnlen(link, 100));
    memcpy(block + 257, "ustar\00000", 8);
    tar_sum(block);
    str_append_n(s, block, sizeof(block));
}

static inline void tar_data(struct str *s, const char *bytes, size_t len)
{
    static const char zeros[512];

    str_append_n(s, bytes, len);
    str_append_n(s, zeros, (512 - len % 512) % 512);
}

static inline void tar_member(struct str *s, char type, const char *name, const char *text)
{
    tar_header(s, type, name, "", strlen(text));
    tar_data(s, text, strlen(text));
}

static inline void tar_end(struct str *s)
{
    static const char zeros[1024];

    str_append_n(s, zeros, sizeof(zeros));
}

#endif
