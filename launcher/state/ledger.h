/* What the records of a journal add up to. The live run appends and applies; a later process
 * applies all that is there. Whoever wants to know what a run did asks the ledger and nothing else.
 */
#ifndef OMSLAUNCH_STATE_LEDGER_H
#define OMSLAUNCH_STATE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/str.h"
#include "launcher/state/journal.h"
#include "launcher/state/record.h"

enum row_state {
    ROW_BEGUN, /* an intent, and no outcome yet */
    ROW_DONE,
    ROW_FAILED,
    ROW_UNDONE, /* it was done, and is not any more */
    ROW_STATE_MAX
};

struct ledger_row {
    enum step_id step;
    struct subject subject;
    enum row_state state;
    uint64_t began_ms, ended_ms; /* of the last attempt */
    uint64_t done_ms;            /* when it last ended well, even if it is undone now; 0: never */
    size_t done_at;              /* … and the first time: which record that was */
    bool has_prepared;
    struct prepared prepared; /* of the last attempt */
    struct evidence evidence; /* while it is done */
    enum err_kind kind;       /* when it failed */
    char *error;
};

struct ledger {
    char *run, *plan, *deployment, *endpoint;
    char *identity;           /* NULL: an older omslaunch began the run */
    struct ledger_row **rows; /* in the order in which they were first begun; each stays where it is
                               */
    size_t row_count;
    bool goes_back; /* the rollback was begun */
    char *back_reason;
    bool has_ended; /* and nothing came after it */
    enum run_end end;
    uint64_t begun_ms, ended_ms; /* ended_ms: of the last end, also when it was taken up again */
    bool has_step;
    enum step_id last_step; /* the last one that was begun */
    uint64_t *times;        /* wall clock of each record */
    size_t time_count;
};

#define AUTO_LEDGER CLEANUP(ledger_free)

/* All records of a journal; `path` is what errors call it. ERR_STATE. `ret` must be zeroed. */
int ledger_read(const struct journal *j, const char *path, struct ledger *ret,
                struct err *err) MUST_USE;
void ledger_free(struct ledger *l);

/* Takes over what the record owns. */
void ledger_apply_take(struct ledger *l, struct record *r);
/* Appends the record to the journal and applies what was appended. ERR_STATE: nothing was. */
int ledger_append(struct ledger *l, struct journal *j, const struct record *r,
                  struct err *err) MUST_USE;

/* NULL when no such row was ever begun. Borrowed, until the next record. */
const struct ledger_row *ledger_row(const struct ledger *l, enum step_id step,
                                    struct subject subject);
/* Was a row of this step begun, on anything? */
bool ledger_has_begun(const struct ledger *l, enum step_id step);
/* What a row of this step had as evidence while it is done; NULL if it is not. */
const struct evidence *ledger_evidence(const struct ledger *l, enum step_id step,
                                       struct subject subject);
/* When a row of this step last ended well, even if that has come undone; 0: never. */
uint64_t ledger_done_ms(const struct ledger *l, enum step_id step);
/* How long OMS is down by now; 0 if it is not: since T1, when stop_old first stopped it, or since
 * T3, when back_stop_new took away a version that had served. A clock that was set back does not
 * make it shorter (or the stores would not look back far enough): the times between the records are
 * added up, too. */
uint64_t ledger_outage_ms(const struct ledger *l, uint64_t now_ms);
/* Did the new version ever serve? */
bool ledger_has_served(const struct ledger *l);
/* What its restore has moved aside. */
void ledger_list_kept(const struct ledger *l, struct strv *ret);

/* [{"step":…,"node":0,"ok":true,"began":"2026-…","took_ms":N,"evidence":{…}|"error":…}] in their
 * order, for programs. The lists give the names of nodes and of the calls of hooks; what they do
 * not have is said by its number. Caller owns. */
json_t *ledger_rows_to_json(const struct ledger *l, const struct strv *node_names,
                            const struct strv *hook_names);

#endif
