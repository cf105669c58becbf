/* Rules about the TLS pair: nginx does not start with one that it cannot serve. */
#include <inttypes.h>

#include "launcher/base/clock.h"
#include "policy/rule.h"
#include "policy/setting.h"

#define DAY_MS UINT64_C(86400000)

/* The facts about the pair that the new container will have, or NULL (said in `ret`). */
static const struct tls_facts *tls_of(const struct policy_input *in, size_t node,
                                      struct judgement *ret)
{
    const struct container *old = &in->deployment->nodes[node].old;
    const struct container *new = desired_of(in, node);
    const struct tls_facts *facts = &in->deployment->nodes[node].tls;
    const struct mount *had = container_mount_at(old, OMS_PATH_TLS_CRT);
    const struct mount *gets = new ? container_mount_at(new, OMS_PATH_TLS_CRT) : had;

    if (!gets) {
        judge_not_applicable(ret, "OMS is served without TLS");
        return NULL;
    }
    if (!had || !str_eq(had->source, gets->source)) {
        facts = in->new_tls ? &in->new_tls[node] : NULL;
    }
    if (!facts || !facts->present) {
        judge_not_applicable(ret, "the TLS pair could not be looked at from here");
        return NULL;
    }
    return facts;
}

RULE_JUDGE(judge_tls_certificate)
{
    const struct tls_facts *facts = tls_of(in, node, ret);
    char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

    if (!facts) {
        return;
    }
    judge_hint(ret, "nginx does not start with such a pair; mend the files on the host, or name "
                    "others: --https-crt FILE --https-key FILE");
    if (!facts->known) {
        judge_fail(ret, "the TLS pair cannot be read: %s", facts->note ? facts->note : "unknown");
        return;
    }
    clock_format(facts->pair.from_ms, from);
    clock_format(facts->pair.until_ms, until);
    if (!facts->pair.certificate_ok) {
        judge_fail(ret, "'%s' holds no certificate in PEM", OMS_PATH_TLS_CRT);
    } else {
        judge_evidence(ret, "%s, valid from %.10s until %.10s", facts->pair.subject, from, until);
    }
    if (!facts->pair.key_ok) {
        judge_fail(ret, "'%s' holds %s", OMS_PATH_TLS_KEY,
                   facts->pair.key_encrypted ? "a private key that needs a pass phrase"
                                             : "no private key in PEM");
    }
    if (facts->pair.certificate_ok && facts->pair.key_ok && !facts->pair.match) {
        judge_fail(ret, "the private key is not that of the certificate");
    }
    if (facts->pair.certificate_ok && facts->pair.until_ms <= in->now_ms) {
        judge_fail(ret, "the certificate expired on %.10s", until);
    }
    if (facts->pair.certificate_ok && facts->pair.from_ms > in->now_ms) {
        judge_fail(ret, "the certificate is valid only from %.10s on", from);
    }
    judge_pass(ret, "the key matches the certificate, which is valid until %.10s", until);
}

RULE_JUDGE(judge_tls_expiry)
{
    const struct tls_facts *facts = tls_of(in, node, ret);
    char until[CLOCK_TEXT_MAX];
    uint64_t days;

    if (!facts) {
        return;
    }
    if (!facts->known || !facts->pair.certificate_ok || facts->pair.until_ms <= in->now_ms) {
        judge_not_applicable(ret, "the certificate is not valid now");
        return;
    }
    days = (facts->pair.until_ms - in->now_ms) / DAY_MS;
    clock_format(facts->pair.until_ms, until);
    if (days < setting_number(in->waivers, "tls.expiry", "min_days")) {
        judge_fail(ret, "the certificate expires in %" PRIu64 " %s, on %.10s", days,
                   days == 1 ? "day" : "days", until);
    }
    judge_pass(ret, "the certificate holds for %" PRIu64 " days", days);
    judge_hint(ret, "renew it; the files can be replaced on the host at any time");
}
