/* Files that a hook may be started from. */
#ifndef OMSLAUNCH_HOOKS_TRUST_H
#define OMSLAUNCH_HOOKS_TRUST_H

#include <stdbool.h>

#include "launcher/base/digest.h"
#include "launcher/base/err.h"
#include "launcher/base/mem.h"

struct trusted_file {
    int fd; /* open for reading; what was looked at, whatever its path means later */
    bool is_script;
    char digest[DIGEST_HEX_MAX]; /* of its content */
};

/* Opens a program by its path. The file, each folder above it, and each link on the way with the
 * folders above that, must belong to root or to us and be writable by nobody else. ERR_NOT_FOUND,
 * ERR_PERMISSION (not executable, not readable), ERR_REFUSED (not to be trusted), naming the one
 * thing that is wrong. Caller closes. */
int trust_open(const char *path, struct trusted_file *ret, struct err *err) MUST_USE;
/* The same for a folder of hooks; the descriptor is for reading its names. */
int trust_open_folder(const char *path, int *ret_fd, struct err *err) MUST_USE;

#endif
