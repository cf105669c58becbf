/* config.yaml of an OMS node (domain, "config.yaml"). The whole file is a secret. */
#ifndef OMSLAUNCH_INSPECT_OMS_CONFIG_H
#define OMSLAUNCH_INSPECT_OMS_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"
#include "launcher/engine/engine.h"

struct oms_config {
    char *meta_host;
    uint16_t meta_port;
    char *meta_user;
    struct secret meta_password;
    char *rm_db, *cm_db, *heartbeat_db; /* drc_rm_db, drc_cm_db, drc_cm_heartbeat_db */
    char *cm_url;                       /* may be NULL */
    unsigned cm_location;               /* region's code, 0–127; 0 if absent */
    char *cm_region;                    /* may be NULL */
    struct strv cm_nodes;
    bool cm_is_default;       /* of the regions, one is; absent means true */
    uint16_t nginx_port;      /* 8089 unless set */
    uint16_t cm_port;         /* 8088 */
    uint16_t ghana_port;      /* 8090 */
    uint16_t supervisor_port; /* 9000 */
    uint16_t sshd_port;       /* 2023 */
    struct strv remarks;      /* what is odd in the file and was read all the same, one a line */
    char digest[65];          /* sha256 of the file's bytes: "the same configuration file" */
};

#define AUTO_OMS_CONFIG CLEANUP(oms_config_free)

/* `name` is what errors call the file. ERR_CONFIG naming key and expectation. */
int oms_config_parse(const char *text, size_t len, const char *name, struct oms_config *ret,
                     struct err *err) MUST_USE;
/* Names of the keys at the top whose values are not the same in two files, in their order; quotes,
 * comments and blanks make no difference. ERR_CONFIG when one of them cannot be read. */
int oms_config_compare(const struct str *a, const struct str *b, struct strv *ret_keys,
                       struct err *err) MUST_USE;

/* Reads it out of the container, running or not, local or remote. `source` is the file of this
 * machine that is bound there, or NULL: it is read instead while the engine tells the same size and
 * time of what it sees, because the engine packs a file in a process of its own, and that takes
 * longer than all the rest. */
int oms_config_read(struct engine *e, const char *container, const char *source,
                    struct oms_config *ret, struct err *err) MUST_USE;
/* The text alone. Whoever holds it wipes it: it has a password. */
int oms_config_fetch(struct engine *e, const char *container, const char *source,
                     struct str *ret_secret, struct err *err) MUST_USE;
void oms_config_text_wipe(struct str *text);
void oms_config_free(struct oms_config *c);

#endif
