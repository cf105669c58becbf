/* Rules about the MetaDB and what is in it. */
#include <inttypes.h>
#include <string.h>

#include "policy/rule.h"

RULE_JUDGE(judge_metadb_reachable)
{
    const struct deployment *d = in->deployment;
    const struct err *error = in->metadb_error;

    (void)node;
    if (d->node_count > 0) {
        judge_evidence(ret, "%s:%u",
                       d->nodes[0].config.meta_host ? d->nodes[0].config.meta_host : "",
                       (unsigned)d->nodes[0].config.meta_port);
    }
    if (error != NULL) {
        judge_fail(ret, "%s", error->text);
        judge_hint(ret, "%s",
                   error->hint[0] != '\0' ? error->hint
                                          : "check oms_meta_host, oms_meta_port, oms_meta_user and "
                                            "oms_meta_password of config.yaml");
    } else if (!d->metadb.server_version) {
        judge_not_applicable(ret, "the MetaDB was not asked");
    } else {
        judge_pass(ret, "%s %s", d->metadb.flavor, d->metadb.server_version);
    }
}

RULE_JUDGE(judge_metadb_databases)
{
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb) {
        judge_not_applicable(ret, "the MetaDB was not reached");
        return;
    }
    for (size_t i = 0; i < metadb->database_count; i++) {
        const struct metadb_database *db = &metadb->databases[i];

        judge_evidence(ret, "%s: '%s', %" PRIu64 " tables", db->role, db->name, db->tables);
        if (!db->exists) {
            judge_fail(ret, "database '%s' (%s) does not exist", db->name, db->role);
        } else if (db->tables == 0) {
            judge_fail(ret, "database '%s' (%s) has no tables", db->name, db->role);
        }
    }
    judge_pass(ret, "%zu databases", metadb->database_count);
    judge_hint(ret,
               "compare drc_rm_db, drc_cm_db and drc_cm_heartbeat_db of config.yaml with `show "
               "databases`; their names must not change in an upgrade");
}

RULE_JUDGE(judge_metadb_privileges)
{
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb || !metadb->has_privileges) {
        judge_not_applicable(ret, "%s",
                             metadb ? "the MetaDB does not tell what the account may do; `upgrade` "
                                      "tries it in scratch databases before the outage"
                                    : "the MetaDB was not reached");
        return;
    }
    for (size_t i = 0; i < metadb->missing_count; i++) {
        const struct metadb_missing *m = &metadb->missing[i];

        judge_fail(ret, "%s lacks %s on '%s'", metadb->account, m->privileges, m->database);
        judge_hint(ret, "as an administrator of the MetaDB: GRANT %s ON `%s`.* TO %s",
                   m->privileges, m->pattern, metadb->account);
    }
    judge_pass(ret, "%s may dump, restore, rename and change", metadb->account);
    judge_evidence(ret, "%s",
                   metadb->snapshot ? metadb->snapshot
                                    : "neither RELOAD nor LOCK TABLES, so that a dump takes one "
                                      "connection");
}

/* Of more than these, the first stand for all. */
#define NOT_RESTORABLE_MAX 20

RULE_JUDGE(judge_metadb_restorable)
{
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb || !metadb->tried) {
        judge_not_applicable(ret, "%s",
                             !metadb             ? "the MetaDB was not reached"
                             : metadb->not_tried ? metadb->not_tried
                                                 : "`check` and `upgrade` try it");
        return;
    }
    const size_t count = metadb->not_restorable.count;
    for (size_t i = 0; i < count && i < NOT_RESTORABLE_MAX; i++) {
        judge_fail(ret, "%s", metadb->not_restorable.items[i]);
    }
    if (count > NOT_RESTORABLE_MAX) {
        judge_fail(ret, "and %zu more", count - NOT_RESTORABLE_MAX);
    }
    judge_pass(ret, "every table, view and trigger came back as it is, in scratch databases");
    judge_evidence(ret, "a restore of all definitions, without rows");
    judge_hint(ret, "mend or drop what is named, or give the account what it lacks; with `--accept "
                    "metadb.restorable=REASON` a way back leaves it as it says");
}

/* Only regions have heartbeat databases of their own; rm and cm are one pair for all. */
static void compare_configs(const struct node *a, const struct node *b, struct judgement *ret)
{
    if (!str_eq(a->config.rm_db, b->config.rm_db)) {
        judge_fail(ret, "'drc_rm_db' is '%s' on node '%s' and '%s' on node '%s'", a->config.rm_db,
                   a->name, b->config.rm_db, b->name);
    }
    if (!str_eq(a->config.cm_db, b->config.cm_db)) {
        judge_fail(ret, "'drc_cm_db' is '%s' on node '%s' and '%s' on node '%s'", a->config.cm_db,
                   a->name, b->config.cm_db, b->name);
    }
    if (a->config.cm_location != b->config.cm_location &&
        str_eq(a->config.heartbeat_db, b->config.heartbeat_db)) {
        judge_fail(ret, "nodes '%s' and '%s' are of different regions but share '%s'", a->name,
                   b->name, a->config.heartbeat_db);
    }
    if (a->config.cm_location == b->config.cm_location &&
        !str_eq(a->config.heartbeat_db, b->config.heartbeat_db)) {
        judge_fail(ret, "nodes '%s' and '%s' are of one region but have '%s' and '%s'", a->name,
                   b->name, a->config.heartbeat_db, b->config.heartbeat_db);
    }
}

RULE_JUDGE(judge_config_databases)
{
    const struct deployment *d = in->deployment;

    (void)node;
    for (size_t i = 0; i < d->node_count; i++) {
        const struct oms_config *c = &d->nodes[i].config;

        if (str_eq(c->rm_db, c->cm_db)) {
            judge_fail(ret, "'drc_rm_db' and 'drc_cm_db' are both '%s'", c->rm_db);
        }
        if (str_eq(c->rm_db, c->heartbeat_db)) {
            judge_fail(ret, "'drc_rm_db' and 'drc_cm_heartbeat_db' are both '%s'", c->rm_db);
        }
        if (str_eq(c->cm_db, c->heartbeat_db)) {
            judge_fail(ret, "'drc_cm_db' and 'drc_cm_heartbeat_db' are both '%s'", c->cm_db);
        }
        for (size_t k = 0; k < i; k++) {
            compare_configs(&d->nodes[k], &d->nodes[i], ret);
        }
    }
    judge_pass(ret, "the three names are distinct%s",
               d->node_count > 1 ? " and fit together on all nodes" : "");
    judge_hint(ret, "mend config.yaml on the host; the MetaDB shows which databases are in use");
}

RULE_JUDGE(judge_ha_config)
{
    const struct metadb_facts *metadb = metadb_of(in);
    AUTO_JSON json_t *ha = NULL;
    struct err err = ERR_INIT;
    const json_t *enable;

    (void)node;
    if (!metadb) {
        judge_not_applicable(ret, "the MetaDB was not reached");
        return;
    }
    judge_hint(ret, "save the HA settings once in the console: System Management > System "
                    "Parameters > ha.config");
    if (!metadb->ha_config) {
        judge_fail(ret, "there is no row 'ha.config' in 'oms_normal_config'");
        return;
    }
    judge_evidence(ret, "%.200s", metadb->ha_config);
    if (json_parse(metadb->ha_config, strlen(metadb->ha_config), "ha.config", &ha, &err)) {
        judge_fail(ret, "%s", err.text);
        return;
    }
    enable = json_object_get(ha, "enable");
    if (!json_is_object(ha)) {
        judge_fail(ret, "'ha.config' is no JSON object");
    } else if (enable && !json_is_boolean(enable)) {
        judge_fail(ret, "'enable' of 'ha.config' is neither true nor false");
    }
    judge_pass(ret, "HA is %s", json_is_true(enable) ? "on" : "off");
}

RULE_JUDGE(judge_projects_names)
{
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!in->from || !in->to || oms_version_at_least(in->from, 4, 0, 1) ||
        !oms_version_at_least(in->to, 4, 0, 1)) {
        judge_not_applicable(ret, "the upgrade does not cross 4.0.1");
        return;
    }
    if (!metadb || !metadb->has_projects) {
        judge_not_applicable(ret, "the projects could not be counted");
        return;
    }
    for (size_t i = 0; i < metadb->duplicate_names.count; i++) {
        judge_fail(ret, "two projects are named '%s'", metadb->duplicate_names.items[i]);
    }
    judge_pass(ret, "all names are different");
    judge_hint(ret, "rename or delete projects in the console until each name is there once");
}

RULE_JUDGE(judge_projects_running)
{
    const struct metadb_facts *metadb = metadb_of(in);

    (void)node;
    if (!metadb || !metadb->has_projects) {
        judge_not_applicable(ret, "the projects could not be counted");
        return;
    }
    if (metadb->projects_running < metadb->projects_total) {
        judge_fail(ret, "%" PRIu64 " of %" PRIu64 " projects do not run",
                   metadb->projects_total - metadb->projects_running, metadb->projects_total);
    }
    judge_pass(ret, "%" PRIu64 " projects run", metadb->projects_total);
    judge_hint(ret, "a failed or suspended project is not recovered by the upgrade; it has to be "
                    "by hand afterwards");
}
