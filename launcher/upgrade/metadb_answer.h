/* Inside of this room: what omslaunch-metadb answers, as values. An answer without what is asked
 * for is an error, and never 0 or "". */
#ifndef OMSLAUNCH_UPGRADE_METADB_ANSWER_H
#define OMSLAUNCH_UPGRADE_METADB_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"

/* Of ha-get. */
struct ha_answer {
    char *text;       /* of ha.config; NULL: there is none */
    json_t *config;   /* the same, parsed; NULL: there is none */
    bool enabled;     /* enable */
    bool perceives;   /* perceiveStoreClientCheckpoint */
    int64_t interval; /* refetchStoreIntervalMin; 0: not there */
};

#define AUTO_HA_ANSWER CLEANUP(ha_answer_free)
void ha_answer_free(struct ha_answer *a);

/* Of dump (rows, bytes), and of what it has prepared (tables, bytes). */
struct dump_answer {
    int64_t tables, rows;
    uint64_t bytes;
};

/* ERR_FAILED names the answer and the member. `ret` must be zeroed. */
int ha_answer_read(const json_t *answer, struct ha_answer *ret, struct err *err) MUST_USE;
/* The text after ha-set. Caller frees. */
int ha_answer_read_after(const json_t *answer, char **ret, struct err *err) MUST_USE;
int trim_answer_read(const json_t *answer, int64_t *ret_deleted, struct err *err) MUST_USE;
int dump_answer_read(const json_t *answer, struct dump_answer *ret, struct err *err) MUST_USE;
int prepared_answer_read(const json_t *answer, struct dump_answer *ret, struct err *err) MUST_USE;
int fingerprint_answer_read(const json_t *answer, char **ret, struct err *err) MUST_USE;

#endif
