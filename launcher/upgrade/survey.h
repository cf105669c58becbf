/* Everything that is found out, judged and decided before anything is touched: facts → desired
 * containers → findings → plan. `plan`, `check`, `upgrade --dry-run` and `upgrade` share it. */
#ifndef OMSLAUNCH_UPGRADE_SURVEY_H
#define OMSLAUNCH_UPGRADE_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "hooks/metadb_call.h"
#include "inspect/deployment.h"
#include "inspect/node_address.h"
#include "launcher/base/err.h"
#include "launcher/base/str.h"
#include "launcher/upgrade/plan.h"
#include "policy/policy.h"

struct survey_request {
    const struct node_addresses *nodes; /* at least one */
    const char *tag;
    const char *from;       /* what runs, where the old image's tag does not tell; NULL */
    const char *repository; /* NULL: the old container's */
    const char *new_name;   /* NULL: keeps its name */
    const char *https_crt, *https_key;
    const struct strv *set_env;
    const char *state;             /* the state folder; need not exist */
    const char *version_table;     /* path of the shipped YAML file */
    const char *own_version_table; /* of the user's; its rows come first. May be NULL */
    const char *metadb_program;
    const struct waiver_list *waivers;
    const struct hook_list *hooks; /* of the site, pinned; NULL: none */
    bool try_restore;              /* of the definitions, in scratch databases */
    struct plan_options options;
};

struct survey {
    struct deployment deployment;
    struct strv heartbeat_dbs;
    struct container *desired;
    struct target_image *images;
    json_t **new_image_configs;
    char *target_ref, *target_tag;
    struct oms_version from, to;
    bool has_from, has_to;
    bool already_there; /* the target is what runs: nothing to do */
    bool metadb_silent; /* it did not answer: */
    struct err metadb_error;
    struct findings findings;
    struct plan plan;
};

#define AUTO_SURVEY CLEANUP(survey_free)

/* Read-only; all nodes are looked at side by side. Fails only where there is nothing to judge: no
 * engine, no such container, no readable config.yaml, a wrong option. What a rule can say is a
 * finding, also that one node of several cannot be looked at. */
int survey_make(const struct survey_request *request, struct survey *ret, struct err *err) MUST_USE;
void survey_free(struct survey *s);

/* 0, or why the upgrade is refused: ERR_REFUSED, or the MetaDB's own kind when that is all there
 * is. */
int survey_check(const struct survey *s, struct err *err) MUST_USE;

/* How to ask the MetaDB of a surveyed deployment; borrows from it. */
void survey_metadb(const struct survey *s, const char *program, struct metadb *ret);

#endif
