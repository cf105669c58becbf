/* What steps hand on: facts that are on the disk before a step changes them, and what it has done.
 * These are the shapes in which the journal keeps them (docs/architecture.md, "The ledger"). */
#ifndef OMSLAUNCH_STATE_EVIDENCE_H
#define OMSLAUNCH_STATE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/state/step_id.h"

/* Of a row that ended well. Everything is owned; which part of the union holds is the step's. */
struct evidence {
    enum step_id step;
    char *summary; /* one line for people */
    union {
        struct { /* load_image */
            char *id;
            bool loaded;
        } image;
        struct { /* create_new */
            char *new_id, *name;
        } created;
        struct { /* trim_heartbeats */
            int64_t deleted;
        } trim;
        struct { /* prepare_backup */
            json_t *prepared;
        } ready;
        struct {                  /* ha_off, back_ha_off */
            char *before, *after; /* texts of ha.config; NULL: there is none */
            bool enabled;         /* it was on */
        } ha_off;
        struct { /* stop_old */
            uint64_t t1_ms;
            int64_t exit_code;
            char *started_at; /* as the engine says it: tells whether it has run again since */
        } stopped;
        struct { /* backup_metadb */
            char *folder;
            json_t *dump;
        } backup;
        struct { /* swap_names */
            char *old_name, *new_name;
        } names;
        struct {                 /* start_new, back_start_old */
            uint64_t started_ms; /* 0: it ran already, and nobody knows since when */
        } started;
        struct {       /* init_metadata */
            char *log; /* NULL: an earlier process had it */
        } init;
        struct {                /* ha_on, back_ha */
            uint64_t outage_ms; /* 0: OMS was never down */
            json_t *set;        /* what was changed; NULL: this OMS has no ha.config */
        } ha_on;
        struct {            /* back_stop_new */
            uint64_t t3_ms; /* 0: there was none to stop */
        } stopped_new;
        struct { /* back_names */
            char *failed_name;
            bool never_ran;
        } names_back;
        struct {             /* back_metadb */
            json_t *restore; /* NULL: nothing had to be restored */
        } restored;
        struct {            /* hook, back_hook, undo_hook */
            json_t *result; /* what it gave; NULL: nothing */
            char *warning;  /* what went wrong, where that stops nothing; NULL */
        } hook;
    };
};

/* Before a step changes them. */
struct prepared {
    enum step_id step;
    union {
        struct {        /* ha_off, back_ha_off */
            char *text; /* of ha.config; NULL: there is none */
            bool enabled;
        } ha;
        struct { /* init_metadata */
            char *fingerprint;
            char *exec_id;
        } init;
        struct {           /* hook, back_hook, undo_hook */
            char *exec_id; /* NULL: it is a program */
        } hook;
    };
};

/* Does a row of this step put down anything before it begins? */
bool prepared_is_needed(enum step_id step);

/* `ret` must be zeroed, and is freed by the caller also after a failure. ERR_STATE names `what` and
 * the member that is missing, of another type, or not known. */
int evidence_from_json(enum step_id step, const json_t *json, const char *what,
                       struct evidence *ret, struct err *err) MUST_USE;
int prepared_from_json(enum step_id step, const json_t *json, const char *what,
                       struct prepared *ret, struct err *err) MUST_USE;
/* Caller owns. */
json_t *evidence_to_json(const struct evidence *e);
json_t *prepared_to_json(const struct prepared *p);

void evidence_free(struct evidence *e);
void prepared_free(struct prepared *p);
#define AUTO_EVIDENCE CLEANUP(evidence_free)
#define AUTO_PREPARED CLEANUP(prepared_free)

#endif
