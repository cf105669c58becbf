#include "inspect/tls_facts.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/fs.h"
#include "launcher/base/str.h"

#define PEM_SIZE_MAX ((size_t)256 * 1024)

void tls_facts_free(struct tls_facts *f)
{
    if (!f) {
        return;
    }
    free(f->note);
    *f = (struct tls_facts){.note = NULL};
}

static void text_wipe(struct str *s)
{
    if (s->data) {
        secret_wipe(s->data, s->cap);
    }
    str_free(s);
}

static int read_file(struct engine *e, const struct container *c, const char *path, bool on_host,
                     struct str *ret, struct err *err)
{
    if (on_host) {
        return fs_read(container_mount_at(c, path)->source, PEM_SIZE_MAX, false, ret, err);
    }
    return engine_container_read_file(e, c->id, path, PEM_SIZE_MAX, ret, err);
}

int tls_facts_observe(struct engine *e, const struct container *c, bool on_host,
                      struct tls_facts *ret, struct err *err)
{
    CLEANUP(text_wipe) struct str certificate = STR_INIT;
    CLEANUP(text_wipe) struct str key = STR_INIT;
    struct tls_facts facts = {.present = container_has_tls(c)};

    if (facts.present && (read_file(e, c, OMS_PATH_TLS_CRT, on_host, &certificate, err) ||
                          read_file(e, c, OMS_PATH_TLS_KEY, on_host, &key, err))) {
        if (err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED) {
            return -1;
        }
        facts.note = mem_strdup(err->text);
    } else if (facts.present) {
        facts.known = true;
        certificate_pair_read(str_get(&certificate), certificate.len, str_get(&key), key.len,
                              &facts.pair);
    }
    *ret = facts;
    return 0;
}
