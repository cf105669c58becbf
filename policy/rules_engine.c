/* Rules about the engines. What is known of versions and storage drivers is data, in
 * policy/rule_defaults.yaml. */
#include <stdlib.h>
#include <string.h>

#include "policy/rule.h"
#include "policy/setting.h"

RULE_JUDGE(judge_engine_rootless)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;

    if (h->rootless) {
        judge_fail(ret, "the engine is rootless");
    }
    judge_pass(ret, "the engine runs as root");
    judge_hint(ret, "OMS needs privilege and host networking; name the engine that runs as root: "
                    "--host unix:///var/run/docker.sock");
}

/* "20.10.5+dfsg1" and "1.41", number by number; what follows the numbers is not compared. */
static bool is_older(const char *version, const char *than)
{
    while (*version || *than) {
        char *version_end, *than_end;
        const unsigned long a = strtoul(version, &version_end, 10);
        const unsigned long b = strtoul(than, &than_end, 10);

        if (a != b) {
            return a < b;
        }
        version = *version_end == '.' ? version_end + 1 : "";
        than = *than_end == '.' ? than_end + 1 : "";
    }
    return false;
}

RULE_JUDGE(judge_engine_version)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;
    const char *min_api = setting_version(in->waivers, "engine.version", "min_api");

    if (!h->api_version || !*h->api_version) {
        judge_not_applicable(ret, "the engine does not tell its version");
        return;
    }
    judge_evidence(ret, "Docker Engine %s", h->engine_version ? h->engine_version : "?");
    if (is_older(h->api_version, min_api)) {
        judge_fail(ret, "the engine speaks API %s, at least %s is wanted", h->api_version, min_api);
    }
    judge_pass(ret, "API %s", h->api_version);
    judge_hint(ret, "upgrade the engine first");
}

/* `drivers` names what is known of a driver; `status`, of a line of the driver's own status: "Data
 * loop file", or with its value "Supports d_type: false". */
RULE_JUDGE(judge_engine_storage)
{
    const struct host_facts *h = &in->deployment->nodes[node].host;
    const char *driver = h->storage_driver ? h->storage_driver : "";
    const json_t *drivers = setting_texts(in->waivers, "engine.storage", "drivers");
    const char *known = json_string_value(json_object_get(drivers, driver));
    const char *line;
    json_t *text;

    if (!*driver) {
        judge_not_applicable(ret, "the engine does not tell its storage driver");
        return;
    }
    judge_evidence(ret, "storage driver '%s'", driver);
    if (known) {
        judge_fail(ret, "the engine keeps containers with '%s': %s", driver, known);
    }
    json_object_foreach (
        (json_t *)(uintptr_t)setting_texts(in->waivers, "engine.storage", "status"), line, text) {
        for (size_t i = 0; i < h->storage_status.count; i++) {
            const char *said = h->storage_status.items[i];
            const size_t n = strlen(line);

            if (strncmp(said, line, n) != 0 || (said[n] != '\0' && said[n] != ':')) {
                continue;
            }
            judge_evidence(ret, "%s", said);
            judge_fail(ret, "the storage driver '%s' says '%s': %s", driver, said,
                       json_string_value(text));
        }
    }
    judge_pass(ret, "'%s'", driver);
    judge_hint(ret,
               "what OMS keeps is bound and not in there; but move the engine to overlay2 when "
               "you can: images are loaded and containers made anew then");
}

static bool has_named_volume(const struct container *c)
{
    for (size_t i = 0; i < c->mount_count; i++) {
        if (str_eq(c->mounts[i].type, "volume")) {
            return true;
        }
    }
    return false;
}

RULE_JUDGE(judge_engine_live_restore)
{
    const struct node *n = &in->deployment->nodes[node];
    const char *fixed;
    json_t *text;

    if (!n->host.live_restore || !has_named_volume(&n->old)) {
        judge_not_applicable(ret, "%s",
                             n->host.live_restore ? "the old container has no volume"
                                                  : "live-restore is off");
        return;
    }
    judge_evidence(ret, "Docker Engine %s with live-restore", n->host.engine_version);
    json_object_foreach (
        (json_t *)(uintptr_t)setting_texts(in->waivers, "engine.live-restore", "fixed_in"), fixed,
        text) {
        if (is_older(n->host.engine_version, fixed)) {
            judge_fail(ret, "until Docker Engine %s, %s", fixed, json_string_value(text));
        }
    }
    judge_pass(ret, "Docker Engine %s keeps volumes over its own restart", n->host.engine_version);
    judge_hint(ret, "upgrade the engine first, or turn live-restore off and stop the containers "
                    "before the engine is restarted");
}
