/* What the MetaDB says about a deployment, as `omslaunch-metadb facts` reports it (domain, "The
 * MetaDB"). */
#ifndef OMSLAUNCH_INSPECT_METADB_FACTS_H
#define OMSLAUNCH_INSPECT_METADB_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct metadb_database {
    char *role; /* "rm", "cm" or "heartbeat" */
    char *name;
    bool exists;
    uint64_t tables;
    uint64_t data_bytes; /* the server's estimate */
};

struct metadb_region {
    char *region;
    unsigned code; /* cm_location */
    char *cm_url;  /* may be NULL */
    bool is_default;
};

struct metadb_host {
    char *ip;
    char *status; /* "ONLINE" when healthy */
    char *region; /* may be NULL */
};

struct metadb_missing {
    char *database;   /* "rm_331", or "rm_331__%" for those that a restore makes */
    char *pattern;    /* the same as a grant spells it: "rm\_331" */
    char *privileges; /* "DROP, ALTER" */
};

struct metadb_facts {
    char *server_version;
    char *flavor; /* "mariadb", "mysql" or "oceanbase" */
    uint64_t now_ms;
    uint64_t max_allowed_packet;
    char *character_set;
    struct metadb_database *databases;
    size_t database_count;
    char *ha_config; /* the row's own text; NULL when there is no such row */

    /* Optional parts: an old schema may lack the tables. */
    bool has_regions, has_hosts, has_projects;
    bool has_privileges; /* and the server tells all of them */
    char *account;       /* "'oms'@'%'" */
    char *snapshot;      /* "RELOAD" or "LOCK TABLES"; NULL: a dump has one connection only */
    struct metadb_missing *missing;
    size_t missing_count;
    struct metadb_region *regions;
    size_t region_count;
    struct metadb_host *hosts;
    size_t host_count;
    uint64_t projects_total, projects_running;
    struct strv duplicate_names; /* of projects that are not deleted */

    /* From `probe`: a restore of the definitions, tried in scratch databases. */
    bool tried;
    char *not_tried;            /* why it was not; NULL: nobody asked for it */
    struct strv not_restorable; /* "rm_331.v_x: …": what would not come back */
};

#define AUTO_METADB_FACTS CLEANUP(metadb_facts_free)

/* From the result of `omslaunch-metadb facts`. A missing or wrong part that is not optional is
 * ERR_FAILED and named by its path. */
int metadb_facts_from_json(const json_t *result, struct metadb_facts *ret,
                           struct err *err) MUST_USE;
/* Adds what `omslaunch-metadb probe` has found. */
void metadb_facts_add_probe(const json_t *result, struct metadb_facts *f);
void metadb_facts_free(struct metadb_facts *f);

/* The database of that role (the first one), or NULL. */
const struct metadb_database *metadb_facts_database(const struct metadb_facts *f, const char *role);
/* Sum of the estimates: what a dump has to carry. */
uint64_t metadb_facts_bytes(const struct metadb_facts *f);

#endif
