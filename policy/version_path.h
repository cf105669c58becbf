/* Which OMS version may go to which, by a table in data (domain, "Which version may go to which").
 */
#ifndef OMSLAUNCH_POLICY_VERSION_PATH_H
#define OMSLAUNCH_POLICY_VERSION_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "inspect/oms_version.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

enum version_status {
    VERSION_DOCUMENTED, /* `from` lists what may go to it */
    VERSION_FRESH_ONLY, /* documented: no upgrade leads to it */
    VERSION_UNKNOWN,    /* nothing, or a contradiction, was found */
    VERSION_STATUS_MAX
};

struct version_range {
    struct oms_version first, last; /* both included; equal for a single version */
};

struct version_row {
    struct oms_version to;
    enum version_status status;
    struct version_range *from;
    size_t from_count;
    char *source; /* who says so */
    char *note;   /* may be NULL */
};

struct version_table {
    struct version_row *rows;
    size_t row_count;
};

#define AUTO_VERSION_TABLE CLEANUP(version_table_free)

/* From policy/version_paths.yaml or a file of the user's own, as yaml_parse() gives it. `name` is
 * what errors call the file. Unknown keys are refused. ERR_CONFIG. */
int version_table_from_yaml_json(const json_t *yaml, const char *name, struct version_table *ret,
                                 struct err *err) MUST_USE;
void version_table_free(struct version_table *t);
/* Rows of `extra` replace rows of `t` for the same target and edition; `extra` is empty then. */
void version_table_merge_take(struct version_table *t, struct version_table *extra);
/* The row of that target, or NULL. */
const struct version_row *version_table_row(const struct version_table *t,
                                            const struct oms_version *to);

enum version_answer {
    VERSION_PATH_DIRECT,    /* one documented hop */
    VERSION_PATH_CHAIN,     /* documented, but only over other versions */
    VERSION_PATH_SAME,      /* nothing to do */
    VERSION_PATH_DOWNGRADE, /* never */
    VERSION_PATH_EDITION,   /* community ↔ enterprise, never */
    VERSION_PATH_FRESH_ONLY,
    VERSION_PATH_UNKNOWN,
    VERSION_PATH_MAX
};

/* The answer, with the shortest documented chain from `from` to `to`. Rows are borrowed from the
 * table: hops[0] leads away from `from`, the last one to `to`. */
struct version_path {
    enum version_answer answer;
    const struct version_row **hops; /* NULL unless DIRECT or CHAIN */
    size_t hop_count;
};

#define AUTO_VERSION_PATH CLEANUP(version_path_free)

void version_path_find(const struct version_table *t, const struct oms_version *from,
                       const struct oms_version *to, struct version_path *ret);
void version_path_free(struct version_path *p);
/* "3.2.2-CE → 4.1.0-CE (docs V4.1.0, FAQ) → 4.2.3-CE (public site)" */
void version_path_describe(const struct version_path *p, const struct oms_version *from,
                           struct str *ret);

#endif
