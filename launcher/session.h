/* What commands share: from options to a survey, and the rule that data goes to stdout and people's
 * text to stderr. */
#ifndef OMSLAUNCH_SESSION_H
#define OMSLAUNCH_SESSION_H

#include <stdbool.h>

#include "inspect/node_address.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/options.h"
#include "launcher/upgrade/survey.h"
#include "policy/waiver.h"

struct session {
    const struct options *options;
    char *endpoint;
    struct node_addresses nodes; /* of the deployment that the command line names; may be empty */
    char *state;
    char *metadb_program;
    char *version_table; /* the shipped one */
    char *load_file;     /* absolute */
    char *https_crt, *https_key;
    struct waiver_list waivers;
};

#define AUTO_SESSION CLEANUP(session_free)

/* ERR_USAGE for options that contradict each other or name what is not there. */
int session_open(const struct options *options, struct session *ret, struct err *err) MUST_USE;
void session_free(struct session *s);

/* ERR_USAGE without --tag: for who must know before the survey does. */
int session_need_tag(const struct options *options, struct err *err) MUST_USE;
/* The survey of the container and tag that the command line names. */
int session_survey(const struct session *s, struct survey *ret, struct err *err) MUST_USE;

/* Says the error to people; returns its exit code. */
int session_complain(const struct err *err);
/* Also, with --output json, as the document of this command: {"command", "deployment", "result":
 * "refused"|"held"|"failed", "exit", "error"}. */
int session_fail(const struct options *options, const struct err *err);
/* The same with another exit code than the error's own, and with what the rules found; `findings`
 * may be NULL. */
int session_fail_as(const struct options *options, const struct err *err, int code,
                    const struct findings *findings);
/* One JSON document on stdout. */
void session_print_json(const json_t *document);
bool session_wants_json(const struct options *options);

#endif
