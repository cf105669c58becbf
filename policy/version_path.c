#include "policy/version_path.h"

#include <stdlib.h>
#include <string.h>

void version_path_free(struct version_path *p)
{
    if (!p) {
        return;
    }
    free(p->hops);
    *p = (struct version_path){.hops = NULL};
}

static bool row_accepts(const struct version_row *row, const struct oms_version *from)
{
    if (row->status != VERSION_DOCUMENTED || row->to.edition != from->edition) {
        return false;
    }
    for (size_t i = 0; i < row->from_count; i++) {
        if (oms_version_compare(&row->from[i].first, from) <= 0 &&
            oms_version_compare(from, &row->from[i].last) <= 0) {
            return true;
        }
    }
    return false;
}

/* Breadth first from `from`: `previous[i]` is the row (or row_count for `from` itself) over which
 * row i was first reached, so that the chain found is a shortest one. Returns the row of `to`, or
 * row_count. */
static size_t search(const struct version_table *t, const struct oms_version *from,
                     const struct oms_version *to, size_t *previous, size_t *queue)
{
    const size_t n = t->row_count;
    AUTO_FREE bool *seen = mem_alloc(n + 1);
    size_t head = 0, tail = 0;

    queue[tail++] = n;
    while (head < tail) {
        const size_t at = queue[head++];
        const struct oms_version *here = at == n ? from : &t->rows[at].to;

        for (size_t i = 0; i < n; i++) {
            if (seen[i] || !row_accepts(&t->rows[i], here)) {
                continue;
            }
            seen[i] = true;
            previous[i] = at;
            if (oms_version_compare(&t->rows[i].to, to) == 0) {
                return i;
            }
            queue[tail++] = i;
        }
    }
    return n;
}

static void find_chain(const struct version_table *t, const struct oms_version *from,
                       const struct oms_version *to, struct version_path *ret)
{
    const size_t n = t->row_count;
    AUTO_FREE size_t *previous = mem_alloc((n + 1) * sizeof(*previous));
    AUTO_FREE size_t *queue = mem_alloc((n + 1) * sizeof(*queue));
    const size_t last = search(t, from, to, previous, queue);
    size_t count = 0;

    for (size_t i = last; i != n; i = previous[i]) {
        count++;
    }
    if (count == 0) {
        return;
    }
    ret->hops = mem_alloc(count * sizeof(struct version_row *));
    ret->hop_count = count;
    for (size_t i = last; i != n; i = previous[i]) {
        ret->hops[--count] = &t->rows[i];
    }
    ret->answer = ret->hop_count == 1 ? VERSION_PATH_DIRECT : VERSION_PATH_CHAIN;
}

void version_path_find(const struct version_table *t, const struct oms_version *from,
                       const struct oms_version *to, struct version_path *ret)
{
    const struct version_row *row = version_table_row(t, to);
    const int order = oms_version_compare(from, to);

    *ret = (struct version_path){.answer = VERSION_PATH_UNKNOWN};
    if (from->edition != to->edition) {
        ret->answer = VERSION_PATH_EDITION;
    } else if (order == 0) {
        ret->answer = VERSION_PATH_SAME;
    } else if (order > 0) {
        ret->answer = VERSION_PATH_DOWNGRADE;
    } else if (row && row->status == VERSION_FRESH_ONLY) {
        ret->answer = VERSION_PATH_FRESH_ONLY;
    } else {
        find_chain(t, from, to, ret);
    }
}

void version_path_describe(const struct version_path *p, const struct oms_version *from,
                           struct str *ret)
{
    char text[OMS_VERSION_TEXT_MAX];

    str_append(ret, oms_version_format(from, text));
    for (size_t i = 0; i < p->hop_count; i++) {
        str_appendf(ret, " → %s (%s)", oms_version_format(&p->hops[i]->to, text),
                    p->hops[i]->source);
    }
}
