/* A look at an image archive before it is sent: an engine says little of use about a damaged one,
 * and only after gigabytes. */
#ifndef OMSLAUNCH_ENGINE_IMAGE_ARCHIVE_H
#define OMSLAUNCH_ENGINE_IMAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct image_archive {
    int fd; /* at the beginning; the caller closes it */
    uint64_t size;
    bool compressed; /* then nothing is known of its inside */
};

/* Opens the file and follows a plain tar from header to header. ERR_NOT_FOUND and ERR_PERMISSION
 * for the file; ERR_FAILED when it is no archive, is cut short or damaged, or holds no image. */
int image_archive_open(const char *path, struct image_archive *ret, struct err *err) MUST_USE;

/* What an archive holds. */
struct image_content {
    bool known;         /* a plain archive of the form that `docker save` writes */
    bool has_ref;       /* the image that was asked for */
    char *architecture; /* of that image: "amd64"; NULL if not known */
    struct strv names;  /* "repository:tag" of all images in it */
};

#define AUTO_IMAGE_CONTENT CLEANUP(image_content_free)

/* Reads the lists in the archive, and none of the layers. Fails as image_archive_open() does; what
 * is of another form, or compressed, is simply not known. */
int image_content_read(const char *path, const char *ref, struct image_content *ret,
                       struct err *err) MUST_USE;
void image_content_free(struct image_content *c);

#endif
