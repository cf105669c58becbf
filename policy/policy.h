/* Judges an upgrade before it touches anything: a table of pure functions over facts. No I/O and
 * no clock in this room. Each rule has a section of its id in docs/policy.md. */
#ifndef OMSLAUNCH_POLICY_POLICY_H
#define OMSLAUNCH_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/container.h"
#include "inspect/deployment.h"
#include "inspect/oms_version.h"
#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "policy/version_path.h"
#include "policy/waiver.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_NOT_APPLICABLE, VERDICT_WAIVED, VERDICT_MAX };

struct finding {
    const char *rule; /* id; borrowed from the table */
    const char *title;
    enum verdict verdict;
    enum severity severity; /* ERROR refuses, WARN is only said */
    char *node;             /* NULL: the deployment as a whole */
    char *text;             /* what was found, one sentence without a full stop */
    char *evidence;         /* the facts it rests on; may be NULL */
    char *hint;             /* what to do; NULL unless it fails */
    char *waiver_reason;    /* set when waived */
};

struct findings {
    struct finding *items; /* in the order of the table, then of the nodes */
    size_t count;
};

/* The image that the new containers will run, on one node. */
struct target_image {
    const char *ref;            /* "repository:tag" */
    bool present;               /* the engine has it */
    const char *id;             /* NULL unless present */
    const char *architecture;   /* as the image says: "amd64"; NULL if not known */
    const char *will_load_file; /* --load; NULL if none */
    uint64_t load_bytes;        /* its size; 0 if not known */
    const char *archive_holds;  /* "'a:1', 'b:2'": what it holds instead of `ref`; NULL: that, or it
                                   is not known */
    const char *archive_error;  /* why it cannot be loaded, NULL if nothing is known against it */
    const char *archive_hint;
    const char *same_tag; /* "repository:tag" of the only other image with that tag, in the archive
                             or else on the engine; NULL: none, or several */
};

/* All borrowed. Arrays run parallel to deployment->nodes. */
struct policy_input {
    const struct deployment *deployment;
    const struct container *desired;   /* the new containers */
    const struct target_image *images; /* what they will run */
    const struct oms_version *from;    /* NULL: the old image's tag tells none */
    const struct oms_version *to;      /* NULL: to_tag is no OMS tag */
    const char *from_tag, *to_tag;     /* from_tag may be "" */
    const struct version_table *versions;
    const json_t *const *unkeepable;       /* [{"field":…,"value":…}] by node; may be NULL */
    const struct mount_facts *new_sources; /* of the desired containers, as far as they can be
                                              looked at; may be NULL */
    const struct tls_facts *new_tls; /* of the desired containers where their TLS pair is another
                                        one than the old; may be NULL */
    bool already_there;              /* the target is what runs already */
    const struct err *metadb_error;  /* NULL: deployment->metadb is filled in */
    uint64_t now_ms;                 /* wall clock, when the facts were gathered; wall clock */
    bool state_free_known;
    uint64_t state_free_bytes;         /* below the folder for backups */
    const struct waiver_list *waivers; /* may be NULL */
};

/* Judges every rule; never fails. Caller frees. */
void policy_judge(const struct policy_input *in, struct findings *ret);
void findings_free(struct findings *f);
#define AUTO_FINDINGS CLEANUP(findings_free)

/* How many findings forbid the upgrade (verdict FAIL with severity ERROR). */
size_t findings_refusals(const struct findings *f);
/* 0 if nothing forbids it; else ERR_REFUSED with one line for each refusal and the first hint.
 * When all there is to say is that the MetaDB cannot be reached: ERR_UNREACHABLE. */
int findings_check(const struct findings *f, struct err *err) MUST_USE;
/* [{"rule":…,"title":…,"verdict":"pass|fail|not-applicable|waived","severity":"error|warn","node":…,
 * "text":…,"evidence":…,"hint":…,"waiver_reason":…}]; caller owns. */
json_t *findings_to_json(const struct findings *f);
const char *verdict_text(enum verdict v);
const char *severity_text(enum severity s);

/* The ids, in the order of the table; NULL after the last. */
const char *policy_rule_id(size_t index);

#endif
