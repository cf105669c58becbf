/* Reading a tar archive as it comes: ustar, with pax and GNU extensions for long names. */
#ifndef OMSLAUNCH_ENGINE_TAR_H
#define OMSLAUNCH_ENGINE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

enum tar_type { TAR_FILE, TAR_FOLDER, TAR_LINK, TAR_HARD_LINK, TAR_OTHER, TAR_TYPE_MAX };

struct tar_entry {
    const char *name;
    const char *link; /* target; "" unless it is a link */
    enum tar_type type;
    uint64_t size;
};

/* Both return 0, or -1 with `err`, which ends the reading. */
struct tar_handler {
    int (*on_entry)(void *arg, const struct tar_entry *entry, struct err *err);
    int (*on_data)(void *arg, const char *bytes, size_t len, struct err *err); /* may be NULL */
    void *arg;
};

struct tar;

struct tar *tar_new(const struct tar_handler *handler);
void tar_free(struct tar *t);
void tar_free_ptr(struct tar **t);
#define AUTO_TAR CLEANUP(tar_free_ptr)

/* Bytes of the archive, split anywhere; those after its end mark are ignored. ERR_FAILED when they
 * are no tar, or the handler's error. */
int tar_feed(struct tar *t, const char *bytes, size_t len, struct err *err) MUST_USE;
/* No more bytes will come: ERR_FAILED when a member is not whole. */
int tar_finish(const struct tar *t, struct err *err) MUST_USE;
/* How many bytes the caller may leave out now (the rest of the present member), because it can
 * seek; they then count as fed. */
uint64_t tar_skip(struct tar *t);
/* Whether the mark was there that closes an archive. */
bool tar_ended(const struct tar *t);

#endif
