/* SQL text that arrives in pieces, taken apart into statements. Comments between statements are
 * dropped; DELIMITER lines (around triggers and routines) are understood. */
#ifndef OMSLAUNCH_METADB_SPLIT_H
#define OMSLAUNCH_METADB_SPLIT_H

#include "launcher/base/str.h"

/* A statement without its delimiter. Return non-zero to stop. */
typedef int (*split_fn)(void *arg, const char *sql, size_t len, struct err *err);

struct splitter {
    struct str text; /* of the statement that is not whole yet */
    size_t at;       /* how far `text` was looked through */
    char quote;      /* the quote that is open at `at`, or 0 */
    char delimiter[8];
    split_fn fn;
    void *arg;
};

void split_init(struct splitter *s, split_fn fn, void *arg);
void split_free(struct splitter *s);
int split_feed(struct splitter *s, const char *bytes, size_t len, struct err *err) MUST_USE;
/* At the end of the text; a statement without its end is an error (ERR_STATE). */
int split_finish(struct splitter *s, struct err *err) MUST_USE;

#endif
