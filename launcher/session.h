/* What commands share: from options to a survey. */
#ifndef OMSLAUNCH_SESSION_H
#define OMSLAUNCH_SESSION_H

#include <stdbool.h>

#include "hooks/hook.h"
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
    struct hook_list hooks; /* of the site */
    bool try_restore;       /* the survey tries a restore of the definitions */
};

#define AUTO_SESSION CLEANUP(session_free)

/* ERR_USAGE for options that contradict each other or name what is not there. */
int session_open(const struct options *options, struct session *ret, struct err *err) MUST_USE;
void session_free(struct session *s);

/* ERR_USAGE without --tag: for who must know before the survey does. */
int session_need_tag(const struct options *options, struct err *err) MUST_USE;
/* The survey of the container and tag that the command line names. */
int session_survey(const struct session *s, struct survey *ret, struct err *err) MUST_USE;
/* When `err` is that there is no container `name`: says which one was perhaps meant. Returns -1. */
int session_suggest_container(const char *endpoint, const char *name, struct err *err);
/* Does the command line itself say which engine is meant? */
bool session_names_engine(const struct options *options);

#endif
