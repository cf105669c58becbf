#include "launcher/locked.h"

void locked_free(struct locked *l)
{
    metadb_access_free(&l->access);
    session_free(&l->session);
    fd_close_ptr(&l->lock);
}

int locked_open(struct locked *l, const char *container, const char *endpoint, struct err *err)
{
    const struct session *s = &l->session;
    state_make_run_id(l->run);
    if (s->options->dry_run) {
        return metadb_access_open(s, container, endpoint, &l->access, err);
    }
    if (state_prepare(s->state, err) != 0 ||
        state_lock(s->state, endpoint != NULL ? endpoint : s->endpoint, container, l->run,
                   s->options->lock_wait_ms, &l->lock, err) != 0 ||
        metadb_access_open(s, container, endpoint, &l->access, err) != 0) {
        return -1;
    }
    return metadb_access_lock(&l->access, l->run, err);
}
