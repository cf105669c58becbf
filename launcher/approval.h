/* A plan that somebody has looked at and agreed to: what runs is that plan, or it is refused.
 *
 * The file of `plan --out` is the plan with its digest, and beside it, as "request", the options
 * that led to it, so that `upgrade --plan` needs no other. The value of a --set-env that looks like
 * a secret is not in it: it is given again. */
#ifndef OMSLAUNCH_APPROVAL_H
#define OMSLAUNCH_APPROVAL_H

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/options.h"
#include "launcher/session.h"
#include "launcher/upgrade/plan.h"

struct approval {
    json_t *document;       /* owns the texts that `options` borrows */
    struct plan plan;       /* as it was approved */
    struct options options; /* of the command line, and what it leaves open from the plan */
};

#define AUTO_APPROVAL CLEANUP(approval_free)

/* 0600. ERR_STATE. */
int approval_write(const char *path, const struct session *s, const struct plan *plan,
                   struct err *err) MUST_USE;
/* Reads the file that --plan names; also the answer of `plan --output json`. ERR_USAGE, when it is
 * none or the command line contradicts it; ERR_STATE, when it was edited. */
int approval_read(const struct options *given, struct approval *ret, struct err *err) MUST_USE;
void approval_free(struct approval *a);

/* Is the plan of now the one that was approved? ERR_REFUSED, with what differs. `a` is NULL where
 * --plan-digest alone says which. */
int approval_check(const struct options *options, const struct approval *a, const struct plan *now,
                   struct err *err) MUST_USE;

#endif
