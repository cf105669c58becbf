/* Inside the room: what a rule is, and how it says what it found. */
#ifndef OMSLAUNCH_POLICY_RULE_H
#define OMSLAUNCH_POLICY_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/base/str.h"
#include "policy/policy.h"

enum rule_scope { SCOPE_DEPLOYMENT, SCOPE_NODE, SCOPE_MAX };

/* The desired container of a node, or NULL while it is not known. */
const struct container *desired_of(const struct policy_input *in, size_t node);
/* The MetaDB's facts, or NULL when it was not reached. */
const struct metadb_facts *metadb_of(const struct policy_input *in);

/* Starts as passed with no text. */
struct judgement {
    enum verdict verdict;
    bool never_waived; /* no reason can make this right */
    struct str text, evidence, hint;
};

struct rule {
    const char *id; /* API: --accept, YAML and docs/policy.md name it */
    const char *title;
    enum severity severity;
    enum rule_scope scope;
    /* Pure. `node` is an index into the nodes, 0 for a rule of the deployment. */
    void (*judge)(const struct policy_input *in, size_t node, struct judgement *ret);
};

extern const struct rule policy_rules[];
extern const size_t policy_rule_count;
const struct rule *policy_rule_find(const char *id);

#define JUDGE_FORMAT __attribute__((format(printf, 2, 3)))

/* Several problems of one rule are joined by "; ", their evidence too; the first hint stays. */
void judge_pass(struct judgement *j, const char *fmt, ...) JUDGE_FORMAT;
void judge_fail(struct judgement *j, const char *fmt, ...) JUDGE_FORMAT;
void judge_not_applicable(struct judgement *j, const char *fmt, ...) JUDGE_FORMAT;
void judge_evidence(struct judgement *j, const char *fmt, ...) JUDGE_FORMAT;
void judge_hint(struct judgement *j, const char *fmt, ...) JUDGE_FORMAT;

/* ---- the rules, by file ---- */

#define RULE_JUDGE(name) \
    void name(const struct policy_input *in, size_t node, struct judgement *ret)

/* rules_container.c */
RULE_JUDGE(judge_container_name);
RULE_JUDGE(judge_container_running);
RULE_JUDGE(judge_container_healthy);
RULE_JUDGE(judge_container_endpoint);
RULE_JUDGE(judge_container_console);
RULE_JUDGE(judge_container_settings);
RULE_JUDGE(judge_container_upgrade_env);
RULE_JUDGE(judge_container_keepable);
RULE_JUDGE(judge_container_anonymous);
/* rules_image.c */
RULE_JUDGE(judge_image_tag);
RULE_JUDGE(judge_image_old);
RULE_JUDGE(judge_image_present);
RULE_JUDGE(judge_image_architecture);
RULE_JUDGE(judge_image_identity);
/* rules_binds.c */
RULE_JUDGE(judge_binds_match);
RULE_JUDGE(judge_bind_source);
RULE_JUDGE(judge_bind_link);
RULE_JUDGE(judge_bind_shared);
RULE_JUDGE(judge_bind_nested);
/* rules_tls.c */
RULE_JUDGE(judge_tls_certificate);
RULE_JUDGE(judge_tls_expiry);
/* rules_version.c */
RULE_JUDGE(judge_version_edition);
RULE_JUDGE(judge_version_path);
RULE_JUDGE(judge_version_connector);
/* rules_host.c */
RULE_JUDGE(judge_host_ip);
RULE_JUDGE(judge_host_resources);
RULE_JUDGE(judge_ports_free);
RULE_JUDGE(judge_ports_fixed);
RULE_JUDGE(judge_clock_skew);
RULE_JUDGE(judge_space_disks);
RULE_JUDGE(judge_space_state);
RULE_JUDGE(judge_space_engine);
/* rules_engine.c */
RULE_JUDGE(judge_engine_rootless);
RULE_JUDGE(judge_engine_version);
RULE_JUDGE(judge_engine_storage);
RULE_JUDGE(judge_engine_live_restore);
/* rules_config.c */
RULE_JUDGE(judge_config_remarks);
RULE_JUDGE(judge_config_seen);
RULE_JUDGE(judge_config_edited);
/* rules_metadb.c */
RULE_JUDGE(judge_metadb_reachable);
RULE_JUDGE(judge_metadb_databases);
RULE_JUDGE(judge_metadb_privileges);
RULE_JUDGE(judge_metadb_restorable);
RULE_JUDGE(judge_config_databases);
RULE_JUDGE(judge_ha_config);
RULE_JUDGE(judge_projects_names);
RULE_JUDGE(judge_projects_running);
/* rules_deployment.c */
RULE_JUDGE(judge_nodes_reachable);
RULE_JUDGE(judge_nodes_distinct);
RULE_JUDGE(judge_nodes_one_deployment);
RULE_JUDGE(judge_nodes_complete);
RULE_JUDGE(judge_nodes_same_version);
RULE_JUDGE(judge_host_online);
RULE_JUDGE(judge_host_heartbeat);
RULE_JUDGE(judge_nodes_gone);
RULE_JUDGE(judge_regions);
RULE_JUDGE(judge_regions_default);
/* waiver.c */
RULE_JUDGE(judge_waiver_expired);

#endif
