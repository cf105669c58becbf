/* OMS versions as tags spell them (domain, "What OMS is" and "Which version may go to which"). */
#ifndef OMSLAUNCH_INSPECT_OMS_VERSION_H
#define OMSLAUNCH_INSPECT_OMS_VERSION_H

#include <stdbool.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"

enum oms_edition { OMS_EDITION_ENTERPRISE, OMS_EDITION_COMMUNITY, OMS_EDITION_MAX };

struct oms_version {
    unsigned major, minor, patch; /* "4.0" is 4.0.0 */
    unsigned bp;                  /* BPn, 0 if none */
    enum oms_edition edition;
};

#define OMS_VERSION_TEXT_MAX 48

/* "feature_4.0.0-ce", "feature_4.2.11_ce", "feature_4.0-ce", "4.2.3-CE", "feature_4.2.3_bp1", …
 * ERR_USAGE when it is none of these. */
int oms_version_parse(const char *tag, struct oms_version *ret, struct err *err) MUST_USE;
/* "4.0.0-CE", "4.2.3 BP1"; `buf` holds OMS_VERSION_TEXT_MAX bytes; returns it. */
char *oms_version_format(const struct oms_version *v, char *buf);
/* By number and BP, the edition aside: <0, 0, >0. */
int oms_version_compare(const struct oms_version *a, const struct oms_version *b);
bool oms_version_at_least(const struct oms_version *v, unsigned major, unsigned minor,
                          unsigned patch);

/* Splits "host:5000/repo/oms:TAG@sha256:…" into repository and tag ("" if none). Caller frees. */
void image_ref_split(const char *ref, char **ret_repository, char **ret_tag);

#endif
