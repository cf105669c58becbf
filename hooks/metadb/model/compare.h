/* Rows and definitions of a database against those of a manifest. */
#ifndef OMSLAUNCH_METADB_COMPARE_H
#define OMSLAUNCH_METADB_COMPARE_H

#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/model/schema.h"

/* A session that reads values as the backup did. */
int compare_setup(struct conn *c, struct err *err) MUST_USE;
/* Reads all rows of `t` (those of `where`, if not NULL). */
int compare_rows(struct conn *c, const struct schema_table *t, const char *where,
                 uint64_t *ret_rows, uint64_t *ret_hash, struct err *err) MUST_USE;

/* Two CREATE texts, apart from AUTO_INCREMENT, which moves, and the name of the own database. */
bool compare_same_create(const char *a, const char *a_database, const char *b,
                         const char *b_database);

struct compare_database {
    const json_t *entry;  /* of the manifest */
    const char *database; /* where to look */
    const char *called;   /* in findings; NULL: so */
    const json_t
        *uncompared;       /* an object whose keys are names that are not looked for; NULL: none */
    bool ignore_views;     /* they are not there yet */
    json_t *view_findings; /* those of views; borrowed. NULL: with the others */
    bool live;             /* only the rows that the backup took (manifest: "where") */
    bool no_rows;          /* definitions only */
    /* Other databases of this one's foreign keys: what stands for `from` here. NULL: itself. */
    const struct name_map *names;
};

/* Compares on `workers` connections; each difference is a sentence in `findings`. Counts what was
 * compared. */
int compare_run(const struct request *request, unsigned workers,
                const struct compare_database *list, size_t count, json_t *findings,
                uint64_t *ret_rows, struct err *err) MUST_USE;

#endif
