/* A look at an image archive before it is sent: an engine says little of use about a damaged one,
 * and only after gigabytes. */
#ifndef OMSLAUNCH_ENGINE_IMAGE_ARCHIVE_H
#define OMSLAUNCH_ENGINE_IMAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

struct image_archive {
    int fd; /* at the beginning; the caller closes it */
    uint64_t size;
    bool compressed; /* then nothing is known of its inside */
};

/* Opens the file and follows a plain tar from header to header. ERR_NOT_FOUND and ERR_PERMISSION
 * for the file; ERR_FAILED when it is no archive, is cut short or damaged, or holds no image. */
int image_archive_open(const char *path, struct image_archive *ret, struct err *err) MUST_USE;

#endif
