#include "inspect/oms_version.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "launcher/base/str.h"

#define NUMBER_DIGITS_MAX 4

/* A number of few digits without leading zeros, so that each version has one spelling. */
static const char *read_number(const char *s, unsigned *ret)
{
    unsigned value = 0;
    size_t n = 0;

    for (; isdigit((unsigned char)s[n]); n++) {
        if (n == NUMBER_DIGITS_MAX || (n == 1 && s[0] == '0')) {
            return NULL;
        }
        value = value * 10 + (unsigned)(s[n] - '0');
    }
    if (n == 0) {
        return NULL;
    }
    *ret = value;
    return s + n;
}

/* "-ce", "_CE", "_bp2", each at most once, in either order. */
static const char *read_suffix(const char *s, struct oms_version *v)
{
    if (*s != '-' && *s != '_') {
        return NULL;
    }
    s++;
    if (strncasecmp(s, "ce", 2) == 0 && v->edition == OMS_EDITION_ENTERPRISE) {
        v->edition = OMS_EDITION_COMMUNITY;
        return s + 2;
    }
    if (strncasecmp(s, "bp", 2) == 0 && v->bp == 0) {
        s = read_number(s + 2, &v->bp);
        return v->bp > 0 ? s : NULL;
    }
    return NULL;
}

static bool parse(const char *s, struct oms_version *v)
{
    if (str_starts_with(s, "feature_")) {
        s += strlen("feature_");
    }
    s = read_number(s, &v->major);
    if (!s || *s != '.') {
        return false;
    }
    s = read_number(s + 1, &v->minor);
    if (s && *s == '.') {
        s = read_number(s + 1, &v->patch);
    }
    while (s && *s) {
        s = read_suffix(s, v);
    }
    return s != NULL;
}

int oms_version_parse(const char *tag, struct oms_version *ret, struct err *err)
{
    struct oms_version v = {.edition = OMS_EDITION_ENTERPRISE};

    if (!parse(tag, &v)) {
        return err_fail(
            err, ERR_USAGE,
            "'%s' is no tag of an OMS image, expected feature_X.Y.Z, feature_X.Y.Z-ce or "
            "feature_X.Y.Z_ce\n"
            "HINT: use the tag under which the image was delivered, for example "
            "'feature_4.2.9_ce'; `docker images` lists the ones that are here",
            tag);
    }
    *ret = v;
    return 0;
}

char *oms_version_format(const struct oms_version *v, char *buf)
{
    char bp[16] = "";

    if (v->bp > 0) {
        snprintf(bp, sizeof(bp), " BP%u", v->bp);
    }
    snprintf(buf, OMS_VERSION_TEXT_MAX, "%u.%u.%u%s%s", v->major, v->minor, v->patch,
             v->edition == OMS_EDITION_COMMUNITY ? "-CE" : "", bp);
    return buf;
}

static int compare(unsigned a, unsigned b)
{
    return (a > b) - (a < b);
}

int oms_version_compare(const struct oms_version *a, const struct oms_version *b)
{
    int result = compare(a->major, b->major);

    if (result == 0) {
        result = compare(a->minor, b->minor);
    }
    if (result == 0) {
        result = compare(a->patch, b->patch);
    }
    if (result == 0) {
        result = compare(a->bp, b->bp);
    }
    return result;
}

bool oms_version_at_least(const struct oms_version *v, unsigned major, unsigned minor,
                          unsigned patch)
{
    const struct oms_version floor = {.major = major, .minor = minor, .patch = patch};

    return oms_version_compare(v, &floor) >= 0;
}

/* An image may be named by its ID; that has neither repository nor tag. */
static bool is_image_id(const char *ref)
{
    if (str_starts_with(ref, "sha256:")) {
        return true;
    }
    return strlen(ref) == 64 && strspn(ref, "0123456789abcdef") == 64;
}

void image_ref_split(const char *ref, char **ret_repository, char **ret_tag)
{
    const size_t end = strcspn(ref, "@"); /* a digest follows */
    size_t colon = end;

    if (is_image_id(ref)) {
        *ret_repository = mem_strdup("");
        *ret_tag = mem_strdup("");
        return;
    }
    /* A colon before the last slash belongs to the registry's port. */
    while (colon > 0 && ref[colon - 1] != ':' && ref[colon - 1] != '/') {
        colon--;
    }
    if (colon > 0 && ref[colon - 1] == ':') {
        *ret_repository = mem_strndup(ref, colon - 1);
        *ret_tag = mem_strndup(ref + colon, end - colon);
    } else {
        *ret_repository = mem_strndup(ref, end);
        *ret_tag = mem_strdup("");
    }
}
