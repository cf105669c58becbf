#include "policy/rule.h"

/* The table: its order is the order of the findings. Each id has a section in docs/policy.md. */
const struct rule policy_rules[] = {
    {"container.name", "the container is named oms_*", SEVERITY_ERROR, SCOPE_NODE,
     judge_container_name},
    {"container.running", "the old container runs", SEVERITY_ERROR, SCOPE_NODE,
     judge_container_running},
    {"container.healthy", "the old OMS says that it is healthy", SEVERITY_ERROR, SCOPE_NODE,
     judge_container_healthy},
    {"container.endpoint", "the old OMS has /oms/health", SEVERITY_WARN, SCOPE_NODE,
     judge_container_endpoint},
    {"container.console", "the console answers where config.yaml says", SEVERITY_WARN, SCOPE_NODE,
     judge_container_console},
    {"container.settings", "the new container is set up as OMS needs it", SEVERITY_ERROR,
     SCOPE_NODE, judge_container_settings},
    {"container.upgrade-env", "IS_UPGRADE is set exactly for images that know it", SEVERITY_ERROR,
     SCOPE_NODE, judge_container_upgrade_env},
    {"container.keepable", "whatever the user set can be kept", SEVERITY_ERROR, SCOPE_NODE,
     judge_container_keepable},
    {"container.anonymous-volumes", "no data lives in anonymous volumes", SEVERITY_ERROR,
     SCOPE_NODE, judge_container_anonymous},
    {"image.old", "the old container's image is there", SEVERITY_ERROR, SCOPE_NODE,
     judge_image_old},
    {"image.tag", "the target tag is one of OMS", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_image_tag},
    {"image.present", "the target image is there or will be loaded", SEVERITY_ERROR, SCOPE_NODE,
     judge_image_present},
    {"image.architecture", "the target image is made for the host's processor", SEVERITY_ERROR,
     SCOPE_NODE, judge_image_architecture},
    {"image.identity", "every node has the same target image", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_image_identity},
    {"binds.match", "the binds of OMS are the same in the new container", SEVERITY_ERROR,
     SCOPE_NODE, judge_binds_match},
    {"bind.source", "what is bound exists and is of the right kind", SEVERITY_ERROR, SCOPE_NODE,
     judge_bind_source},
    {"bind.link", "no bind source is a symbolic link", SEVERITY_WARN, SCOPE_NODE, judge_bind_link},
    {"bind.shared", "no other running container uses the disks", SEVERITY_ERROR, SCOPE_NODE,
     judge_bind_shared},
    {"bind.nested", "no bind source lies within another", SEVERITY_WARN, SCOPE_NODE,
     judge_bind_nested},
    {"tls.certificate", "the TLS pair can be served", SEVERITY_ERROR, SCOPE_NODE,
     judge_tls_certificate},
    {"tls.expiry", "the TLS certificate does not expire soon", SEVERITY_WARN, SCOPE_NODE,
     judge_tls_expiry},
    {"version.edition", "the edition stays what it is", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_version_edition},
    {"version.path", "the documents allow this upgrade", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_version_path},
    {"version.connector", "connectors of OMS 3.2.2 have their dbType", SEVERITY_WARN,
     SCOPE_DEPLOYMENT, judge_version_connector},
    {"host.ip", "OMS_HOST_IP is this node's own and stays what it was", SEVERITY_ERROR, SCOPE_NODE,
     judge_host_ip},
    {"host.resources", "the host has the cores and the memory that OMS wants", SEVERITY_WARN,
     SCOPE_NODE, judge_host_resources},
    {"host.online", "the console sees the old server online", SEVERITY_ERROR, SCOPE_NODE,
     judge_host_online},
    {"host.heartbeat", "the old server writes heartbeats", SEVERITY_WARN, SCOPE_NODE,
     judge_host_heartbeat},
    {"ports.free", "the ports of config.yaml are free or the old container's", SEVERITY_ERROR,
     SCOPE_NODE, judge_ports_free},
    {"ports.fixed", "the ports that every OMS uses are free or the old container's", SEVERITY_WARN,
     SCOPE_NODE, judge_ports_fixed},
    {"engine.rootless", "the engine can give privilege and host networking", SEVERITY_ERROR,
     SCOPE_NODE, judge_engine_rootless},
    {"engine.version", "the engine's API is new enough", SEVERITY_ERROR, SCOPE_NODE,
     judge_engine_version},
    {"engine.storage", "the engine's storage is fit for OMS", SEVERITY_WARN, SCOPE_NODE,
     judge_engine_storage},
    {"engine.live-restore", "the engine does not lose volumes when it is restarted", SEVERITY_ERROR,
     SCOPE_NODE, judge_engine_live_restore},
    {"clock.skew", "the clocks agree", SEVERITY_WARN, SCOPE_NODE, judge_clock_skew},
    {"space.disks", "the disks of OMS have room", SEVERITY_WARN, SCOPE_NODE, judge_space_disks},
    {"space.state", "the folder for backups has room for the dump", SEVERITY_ERROR,
     SCOPE_DEPLOYMENT, judge_space_state},
    {"space.engine", "the engine has room for the new image", SEVERITY_WARN, SCOPE_NODE,
     judge_space_engine},
    {"config.seen", "the running OMS and the new container have one config.yaml", SEVERITY_ERROR,
     SCOPE_NODE, judge_config_seen},
    {"config.edited", "config.yaml is the file that the old container was started with",
     SEVERITY_WARN, SCOPE_NODE, judge_config_edited},
    {"config.remarks", "config.yaml has nothing odd in it", SEVERITY_WARN, SCOPE_NODE,
     judge_config_remarks},
    {"config.databases", "config.yaml names distinct databases", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_config_databases},
    {"metadb.reachable", "the MetaDB answers", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_metadb_reachable},
    {"metadb.databases", "the databases exist and are not empty", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_metadb_databases},
    {"metadb.privileges", "the account may do what the upgrade and the way back need",
     SEVERITY_ERROR, SCOPE_DEPLOYMENT, judge_metadb_privileges},
    {"metadb.restorable", "what the databases hold comes back from a backup", SEVERITY_ERROR,
     SCOPE_DEPLOYMENT, judge_metadb_restorable},
    {"ha.config", "the HA settings can be read", SEVERITY_ERROR, SCOPE_DEPLOYMENT, judge_ha_config},
    {"projects.names", "no two projects share a name when 4.0.1 is crossed", SEVERITY_ERROR,
     SCOPE_DEPLOYMENT, judge_projects_names},
    {"projects.running", "all projects run", SEVERITY_WARN, SCOPE_DEPLOYMENT,
     judge_projects_running},
    {"nodes.reachable", "every listed node answers", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_nodes_reachable},
    {"nodes.distinct", "no node is listed twice", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_nodes_distinct},
    {"nodes.one-deployment", "all nodes have one MetaDB", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_nodes_one_deployment},
    {"nodes.complete", "every node of the deployment is upgraded", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_nodes_complete},
    {"nodes.gone", "the server list names no host that is gone", SEVERITY_WARN, SCOPE_DEPLOYMENT,
     judge_nodes_gone},
    {"nodes.same-version", "all nodes run the same version", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_nodes_same_version},
    {"regions.known", "the MetaDB knows the region of each node", SEVERITY_WARN, SCOPE_DEPLOYMENT,
     judge_regions},
    {"regions.default", "one region is the default one", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_regions_default},
    {"waiver.expired", "no waiver has expired", SEVERITY_ERROR, SCOPE_DEPLOYMENT,
     judge_waiver_expired},
};

const size_t policy_rule_count = ARRAY_LEN(policy_rules);

const struct rule *policy_rule_find(const char *id)
{
    for (size_t i = 0; i < policy_rule_count; i++) {
        if (str_eq(policy_rules[i].id, id)) {
            return &policy_rules[i];
        }
    }
    return NULL;
}

const char *policy_rule_id(size_t index)
{
    return index < policy_rule_count ? policy_rules[index].id : NULL;
}

const struct container *desired_of(const struct policy_input *in, size_t node)
{
    return in->desired ? &in->desired[node] : NULL;
}

const struct metadb_facts *metadb_of(const struct policy_input *in)
{
    const struct metadb_facts *facts = &in->deployment->metadb;

    return !in->metadb_error && facts->server_version ? facts : NULL;
}
