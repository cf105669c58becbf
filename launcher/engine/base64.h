/* Inside of this room only: base64 as the engine's headers and the docker CLI's files have it. */
#ifndef OMSLAUNCH_ENGINE_BASE64_H
#define OMSLAUNCH_ENGINE_BASE64_H

#include "launcher/base/str.h"

/* Appends; both alphabets are read, padding may be missing. -1 when it is something else. */
int base64_decode(const char *text, struct str *ret) MUST_USE;
/* Appends in the alphabet for URLs, padded. */
void base64_encode_url(const char *bytes, size_t len, struct str *ret);

#endif
