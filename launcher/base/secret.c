/* Secrets: the part of str.h that must not leave traces. */
#include "launcher/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "launcher/base/foreign.h"

void secret_wipe(void *p, size_t n)
{
    if (n > 0) {
        explicit_bzero(p, n);
    }
}

void secret_free(struct secret *s)
{
    if (s->bytes) {
        secret_wipe(s->bytes, s->len);
        free(s->bytes);
    }
    *s = (struct secret)SECRET_INIT;
}

void secret_set(struct secret *s, const char *bytes, size_t len)
{
    /* Copied before the old one goes: `bytes` may lie inside it. */
    char *copy = mem_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    secret_free(s);
    s->bytes = copy;
    s->len = len;
    foreign_hide(copy, len);
}

void secret_protect_process(void)
{
    /* Both: the limit holds for what we start, dumpable also keeps ptrace and /proc/PID/mem out.
     * Each can only fail for want of a kernel feature, and there is nothing better to do then. */
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
