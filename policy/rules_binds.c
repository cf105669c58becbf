/* Rules about the binds: what lies in them is what an upgrade must not lose. */
#include <string.h>

#include "policy/rule.h"

struct oms_bind {
    const char *path;
    enum path_kind kind;
    bool optional; /* the TLS pair */
    bool disk;     /* one of the three disks that OMS writes to */
};

static const struct oms_bind oms_binds[] = {
    {OMS_PATH_CONFIG, PATH_FILE, false, false}, {OMS_PATH_LOGS, PATH_FOLDER, false, true},
    {OMS_PATH_STORE, PATH_FOLDER, false, true}, {OMS_PATH_RUN, PATH_FOLDER, false, true},
    {OMS_PATH_TLS_CRT, PATH_FILE, true, false}, {OMS_PATH_TLS_KEY, PATH_FILE, true, false},
};

/* "rw", "ro,z" */
static const char *mode_text(const struct mount *m, struct str *buffer)
{
    str_reset(buffer);
    str_appendf(buffer, "%s%s%s", m->read_only ? "ro" : "rw", *m->options ? "," : "", m->options);
    return str_get(buffer);
}

static void compare_mounts(const struct mount *old, const struct mount *new, struct judgement *ret)
{
    AUTO_STR struct str old_mode = STR_INIT;
    AUTO_STR struct str new_mode = STR_INIT;

    mode_text(old, &old_mode);
    mode_text(new, &new_mode);
    if (!str_eq(old->type, new->type)) {
        judge_fail(ret, "'%s' would be a %s instead of a %s", old->destination, new->type,
                   old->type);
    } else if (!str_eq(old->source, new->source)) {
        judge_fail(ret, "'%s' would come from '%s' instead of '%s'", old->destination, new->source,
                   old->source);
    } else if (!str_eq(str_get(&old_mode), str_get(&new_mode))) {
        judge_fail(ret, "'%s' would have mode '%s' instead of '%s'", old->destination,
                   str_get(&new_mode), str_get(&old_mode));
    }
    judge_evidence(ret, "%s:%s:%s", old->source, old->destination, str_get(&old_mode));
}

static void compare_bind(const struct oms_bind *bind, const struct container *old,
                         const struct container *new, struct judgement *ret)
{
    const struct mount *had = container_mount_at(old, bind->path);
    const struct mount *gets = container_mount_at(new, bind->path);

    if (had && gets) {
        compare_mounts(had, gets, ret);
    } else if (had) {
        judge_fail(ret, "the new container would have nothing at '%s'", bind->path);
    } else if (!bind->optional) {
        judge_fail(ret, "the old container has no bind at '%s'", bind->path);
    }
}

static void check_tls_pair(const struct container *c, const char *which, struct judgement *ret)
{
    const bool crt = container_mount_at(c, OMS_PATH_TLS_CRT) != NULL;
    const bool key = container_mount_at(c, OMS_PATH_TLS_KEY) != NULL;

    if (crt != key) {
        judge_fail(ret, "the %s container binds '%s' but not '%s'", which,
                   crt ? OMS_PATH_TLS_CRT : OMS_PATH_TLS_KEY,
                   crt ? OMS_PATH_TLS_KEY : OMS_PATH_TLS_CRT);
    }
}

RULE_JUDGE(judge_binds_match)
{
    const struct container *old = &in->deployment->nodes[node].old;
    const struct container *new = desired_of(in, node);

    if (!new) {
        judge_not_applicable(ret, "the new container is not known yet");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        compare_bind(&oms_binds[i], old, new, ret);
    }
    check_tls_pair(old, "old", ret);
    check_tls_pair(new, "new", ret);
    judge_pass(ret, "config.yaml, the three disks%s are bound as before",
               container_has_tls(old) ? " and the TLS pair" : "");
    judge_hint(ret,
               "the host side of each bind must stay what it was, or OMS starts with empty "
               "disks; compare `docker inspect %s`",
               old->name);
}

/* The fact that counts: of the old source, or of a new one that the user named. */
static void check_source(const struct oms_bind *bind, const struct mount *m,
                         const struct mount_fact *fact, struct judgement *ret)
{
    if (!fact || (!fact->on_host && !fact->note && fact->kind == PATH_UNKNOWN)) {
        judge_evidence(ret, "'%s' could not be looked at from here", m->source);
        return;
    }
    judge_evidence(ret, "'%s' is %s", m->source, path_kind_text(fact->kind));
    if (fact->kind == bind->kind) {
        return;
    }
    if (fact->kind == PATH_UNKNOWN) {
        judge_fail(ret, "'%s', bound at '%s', could not be looked at: %s", m->source, bind->path,
                   fact->note ? fact->note : "no reason known");
    } else {
        judge_fail(ret, "'%s', bound at '%s', is %s, expected %s", m->source, bind->path,
                   path_kind_text(fact->kind), path_kind_text(bind->kind));
    }
}

static bool is_oms_bind(const char *destination)
{
    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        if (str_eq(oms_binds[i].path, destination)) {
            return true;
        }
    }
    return false;
}

/* What else the user bound: a folder that is gone would come back empty, as root's. */
static void check_other_sources(const struct container *c, const struct mount_facts *facts,
                                struct judgement *ret)
{
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];

        if (str_eq(m->type, "bind") && !is_oms_bind(m->destination) &&
            strv_has(&facts->missing, m->source)) {
            judge_fail(ret, "'%s', bound at '%s', is missing", m->source, m->destination);
        }
    }
}

RULE_JUDGE(judge_bind_source)
{
    const struct node *n = &in->deployment->nodes[node];
    const struct container *new = desired_of(in, node);

    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        const struct mount *had = container_mount_at(&n->old, oms_binds[i].path);
        const struct mount *gets = new ? container_mount_at(new, oms_binds[i].path) : NULL;

        if (gets && (!had || !str_eq(had->source, gets->source))) {
            check_source(&oms_binds[i], gets,
                         in->new_sources ? mount_facts_at(&in->new_sources[node], oms_binds[i].path)
                                         : NULL,
                         ret);
        } else if (had) {
            check_source(&oms_binds[i], had, mount_facts_at(&n->mounts, oms_binds[i].path), ret);
        }
    }
    check_other_sources(&n->old, &n->mounts, ret);
    judge_pass(ret, "each is there, files are files and folders are folders");
    judge_hint(ret, "put it back before the upgrade: the engine would make an empty folder of a "
                    "source that is missing");
}

RULE_JUDGE(judge_bind_link)
{
    const struct node *n = &in->deployment->nodes[node];
    size_t looked = 0;

    for (size_t i = 0; i < n->mounts.count; i++) {
        const struct mount_fact *fact = &n->mounts.items[i];
        const struct mount *m = container_mount_at(&n->old, fact->destination);

        looked += fact->on_host;
        if (fact->source_is_link && m) {
            judge_fail(ret, "'%s', bound at '%s', is a symbolic link to '%s'", m->source,
                       fact->destination, fact->link_target ? fact->link_target : "nothing");
        }
    }
    if (looked == 0) {
        judge_not_applicable(ret, "the host's files cannot be looked at from here");
    }
    judge_pass(ret, "no source is a symbolic link");
    judge_hint(ret, "make sure that the link leads where it led when the old container started");
}

/* A disk below (or above) another's is shared with it as well. */
static bool is_within(const char *path, const char *folder)
{
    const size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

static void check_neighbour(const struct mount *m, const struct neighbour *other,
                            struct judgement *ret)
{
    for (size_t i = 0; i < other->sources.count; i++) {
        if (!is_within(m->source, other->sources.items[i]) &&
            !is_within(other->sources.items[i], m->source)) {
            continue;
        }
        judge_fail(ret, "container '%s' runs and uses '%s', which is bound at '%s'", other->name,
                   m->source, m->destination);
        judge_evidence(ret, "'%s' binds '%s'", other->name, other->sources.items[i]);
        return;
    }
}

RULE_JUDGE(judge_bind_shared)
{
    const struct node *n = &in->deployment->nodes[node];

    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        const struct mount *m = container_mount_at(&n->old, oms_binds[i].path);

        if (!m || !oms_binds[i].disk) {
            continue;
        }
        for (size_t k = 0; k < n->neighbours.count; k++) {
            if (n->neighbours.items[k].running) {
                check_neighbour(m, &n->neighbours.items[k], ret);
            }
        }
    }
    judge_pass(ret, "no other running container binds them");
    judge_hint(ret, "stop the other container first, two programs must not write to one store; a "
                    "log shipper that only reads may be accepted: --accept bind.shared=REASON");
}

RULE_JUDGE(judge_bind_nested)
{
    const struct container *c = &in->deployment->nodes[node].old;

    for (size_t i = 0; i < ARRAY_LEN(oms_binds); i++) {
        const struct mount *inner = container_mount_at(c, oms_binds[i].path);

        for (size_t k = 0; inner && k < ARRAY_LEN(oms_binds); k++) {
            const struct mount *outer = container_mount_at(c, oms_binds[k].path);

            /* Two equal sources are said once. */
            if (i == k || !outer || !oms_binds[k].disk ||
                !is_within(inner->source, outer->source) ||
                (str_eq(inner->source, outer->source) && i < k)) {
                continue;
            }
            judge_fail(ret, "'%s', bound at '%s', lies within '%s', bound at '%s'", inner->source,
                       inner->destination, outer->source, outer->destination);
        }
    }
    judge_pass(ret, "each source is apart from the others");
    judge_hint(ret, "nothing to do for this upgrade; at the next redeployment give each its own "
                    "folder");
}
