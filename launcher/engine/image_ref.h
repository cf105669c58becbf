/* Inside of this room only: names of images. */
#ifndef OMSLAUNCH_ENGINE_IMAGE_REF_H
#define OMSLAUNCH_ENGINE_IMAGE_REF_H

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

/* ERR_USAGE for what would become another path: "", "..", "a?b", control characters. */
int image_ref_check(const char *ref, struct err *err) MUST_USE;

#endif
