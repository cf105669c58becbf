/* Rules about the container itself (domain, "What OMS is, seen from its container"). */
#include <string.h>

#include "policy/rule.h"

#define NPROC 65535

/* "oms", "OMS_20231117_103102" (docker_remote_deploy.sh), "myoms-oms-ce-042137" (OBD). */
static bool is_tools_name(const char *name)
{
    const char *digits = strrchr(name, '-');

    if (str_eq(name, "oms")) {
        return true;
    }
    if (str_starts_with(name, "OMS_")) {
        name += strlen("OMS_");
        return *name && strspn(name, "0123456789_") == strlen(name);
    }
    if (!digits || strlen(digits) != 7 || strspn(digits + 1, "0123456789") != 6) {
        return false;
    }
    const size_t rest = (size_t)(digits - name);
    return (rest >= 4 && strncmp(digits - 4, "-oms", 4) == 0) ||
           (rest >= 7 && strncmp(digits - 7, "-oms-ce", 7) == 0);
}

RULE_JUDGE(judge_container_name)
{
    const char *old = in->deployment->nodes[node].old.name;
    const char *name = desired_of(in, node) ? desired_of(in, node)->name : old;

    if (str_starts_with(name, "oms_") && name[strlen("oms_")] != '\0') {
        judge_pass(ret, "'%s' follows the convention oms_*", name);
        return;
    }
    if (str_eq(name, old) && is_tools_name(name)) {
        judge_pass(ret, "'%s' is what a deployment tool has named it", name);
        return;
    }
    judge_fail(ret, "'%s' does not follow the convention oms_*", name);
    judge_hint(ret, "give the new container another name: --name oms_…");
}

RULE_JUDGE(judge_container_running)
{
    const struct container *c = &in->deployment->nodes[node].old;

    if (c->running && !c->restarting) {
        judge_pass(ret, "'%s' is running", c->name);
        return;
    }
    judge_fail(ret, "'%s' is %s", c->name, c->restarting ? "restarting" : c->status);
    judge_evidence(ret, "status %s, exit code %d", c->status, c->exit_code);
    judge_hint(ret,
               "upgrade a container that works: `docker start %s`, and look at `docker logs %s` if "
               "it does not stay up",
               c->name, c->name);
}

static const char *health_state(const struct node *n)
{
    return str_get(&n->health.state);
}

RULE_JUDGE(judge_container_healthy)
{
    const struct node *n = &in->deployment->nodes[node];

    if (n->health.answer == HEALTH_NOT_ASKED || n->health.answer == HEALTH_ABSENT) {
        judge_not_applicable(ret, "%s",
                             !n->old.running                     ? "the old container does not run"
                             : n->health.answer == HEALTH_ABSENT ? "this version has no /oms/health"
                                                                 : "its address is not known");
        return;
    }
    judge_evidence(ret, "%s%s", n->health.url, n->health.inside ? ", asked in the container" : "");
    if (n->health.answer != HEALTH_WELL) {
        judge_fail(ret, "/oms/health %s", health_state(n));
    }
    judge_pass(ret, "/oms/health says so");
    judge_hint(ret,
               "mend the old version first: a rollback could not tell its own success from "
               "the old trouble; `docker exec %s supervisorctl status` shows the processes",
               n->old.name);
}

/* Both are said, not refused: the gate leaves out on the way back what does not hold now. */
RULE_JUDGE(judge_container_endpoint)
{
    const struct node *n = &in->deployment->nodes[node];

    if (n->health.answer == HEALTH_NOT_ASKED || n->health.answer == HEALTH_SILENT) {
        judge_not_applicable(ret, "nobody answered");
        return;
    }
    judge_evidence(ret, "%s", n->health.url);
    if (n->health.answer == HEALTH_ABSENT) {
        judge_evidence(ret, "the new version is %s",
                       in->to && oms_health_is_known_of(in->to)
                           ? "known to have it, and asked for it"
                           : "not known to have it, and not asked for it");
        judge_fail(ret,
                   "this version has no /oms/health (it %s), so that it is not asked for it after "
                   "a rollback",
                   health_state(n));
    }
    judge_pass(ret, "it has");
    judge_hint(ret, "nothing to do: the container, the server list and the heartbeats are looked "
                    "at instead");
}

RULE_JUDGE(judge_container_console)
{
    const struct node *n = &in->deployment->nodes[node];

    if (n->health.answer == HEALTH_NOT_ASKED || n->health.answer == HEALTH_SILENT) {
        judge_not_applicable(ret, "nobody answered");
        return;
    }
    if (n->console_port) {
        judge_fail(ret,
                   "the console answers on port %u, not on %u (nginx_server_port), where the new "
                   "one will",
                   (unsigned)n->console_port, (unsigned)n->config.nginx_port);
    }
    judge_pass(ret, "it answers on port %u", (unsigned)n->config.nginx_port);
    judge_hint(ret,
               "the port was edited in the container, which the new one does not have: write "
               "'nginx_server_port: %u' into config.yaml to keep it",
               (unsigned)n->console_port);
}

static bool has_nproc(const json_t *ulimits)
{
    for (size_t i = 0; i < json_array_size(ulimits); i++) {
        const json_t *u = json_array_get(ulimits, i);

        if (str_eq(json_text(u, "Name", ""), "nproc")) {
            return json_int(u, "Soft", 0) == NPROC && json_int(u, "Hard", 0) == NPROC;
        }
    }
    return false;
}

RULE_JUDGE(judge_container_settings)
{
    const struct container *c = desired_of(in, node);
    const json_t *pids;

    if (!c) {
        judge_not_applicable(ret, "the new container is not known yet");
        return;
    }
    pids = json_object_get(c->host_config, "PidsLimit");
    if (!str_eq(json_text(c->host_config, "NetworkMode", ""), "host")) {
        judge_fail(ret, "network is '%s' instead of 'host'",
                   json_text(c->host_config, "NetworkMode", ""));
    }
    if (!json_bool(c->host_config, "Privileged", false)) {
        judge_fail(ret, "it is not privileged");
    }
    /* "No limit" reads back as null, 0 or -1, by version of the engine. */
    if (json_is_integer(pids) && json_integer_value(pids) > 0) {
        judge_fail(ret, "pids limit is %lld instead of -1", (long long)json_integer_value(pids));
    }
    if (!has_nproc(json_object_get(c->host_config, "Ulimits"))) {
        judge_fail(ret, "ulimit nproc is not %d:%d", NPROC, NPROC);
    }
    if (!json_bool(c->config, "Tty", false) || !json_bool(c->config, "OpenStdin", false)) {
        judge_fail(ret, "stdin and tty are not both open");
    }
    judge_pass(ret, "host network, privileged, no pids limit, nproc %d, stdin and tty", NPROC);
    judge_hint(ret, "these are set by omslaunch; please report how the old container was made");
}

RULE_JUDGE(judge_container_upgrade_env)
{
    const struct container *c = desired_of(in, node);
    const char *value = c ? container_env(c, "IS_UPGRADE") : NULL;

    if (!c || !in->to) {
        judge_not_applicable(ret, "%s",
                             c ? "the target's version is not known"
                               : "the new container is not known yet");
        return;
    }
    if (oms_version_at_least(in->to, 3, 3, 1)) {
        if (str_eq(value, "true")) {
            judge_pass(ret, "IS_UPGRADE=true");
        } else {
            judge_fail(ret, "IS_UPGRADE is %s%s%s, targets from 3.3.1 on need IS_UPGRADE=true",
                       value ? "'" : "", value ? value : "not set", value ? "'" : "");
        }
    } else if (value) {
        judge_fail(ret, "IS_UPGRADE is set, targets before 3.3.1 must not have it");
    } else {
        judge_pass(ret, "the target is older than 3.3.1 and IS_UPGRADE is not set");
    }
    judge_hint(ret, "do not set IS_UPGRADE by --set-env; omslaunch does it where it is right");
}

static void judge_unkeepable(const char *field, struct judgement *ret)
{
    if (str_eq(field, "HostConfig.AutoRemove")) {
        ret->never_waived = true;
        judge_fail(ret,
                   "'%s' of the old container cannot be kept: the engine deletes the old container "
                   "when it stops",
                   field);
        judge_hint(ret, "there would be nothing to go back to; make the container again without "
                        "--rm, with the same mounts and settings, before the upgrade");
        return;
    }
    judge_fail(ret, "'%s' of the old container cannot be kept", field);
}

RULE_JUDGE(judge_container_keepable)
{
    const json_t *list = in->unkeepable ? in->unkeepable[node] : NULL;

    if (!list) {
        judge_not_applicable(ret, "the new container is not known yet");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *value = json_object_get(item, "value");
        AUTO_FREE char *text = value ? json_compact(value) : NULL;

        judge_unkeepable(json_text(item, "field", ""), ret);
        judge_evidence(ret, "%s = %s", json_text(item, "field", ""), text ? text : "null");
    }
    judge_pass(ret, "every setting of the old container is kept");
    judge_hint(ret, "if OMS does not need it: --accept container.keepable=REASON");
}

static bool is_anonymous(const struct mount *m)
{
    return str_eq(m->type, "volume") && strlen(m->source) == 64 &&
           strspn(m->source, "0123456789abcdef") == 64;
}

RULE_JUDGE(judge_container_anonymous)
{
    const struct container *c = &in->deployment->nodes[node].old;

    for (size_t i = 0; i < c->mount_count; i++) {
        if (!is_anonymous(&c->mounts[i])) {
            continue;
        }
        judge_fail(ret, "what is in '%s' lives in an anonymous volume", c->mounts[i].destination);
        judge_evidence(ret, "volume %.12s", c->mounts[i].source);
    }
    judge_pass(ret, "no anonymous volume");
    judge_hint(ret, "if nothing in it is needed: --accept container.anonymous-volumes=REASON");
}
