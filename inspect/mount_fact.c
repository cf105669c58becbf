#include "inspect/mount_fact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/base/fs.h"
#include "launcher/base/str.h"

static const char *const oms_paths[] = {OMS_PATH_CONFIG, OMS_PATH_LOGS,    OMS_PATH_STORE,
                                        OMS_PATH_RUN,    OMS_PATH_TLS_CRT, OMS_PATH_TLS_KEY};

void mount_facts_free(struct mount_facts *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].note);
        free(f->items[i].link_target);
    }
    free(f->items);
    strv_free(&f->missing);
    *f = (struct mount_facts){0};
}

const struct mount_fact *mount_facts_at(const struct mount_facts *f, const char *destination)
{
    for (size_t i = 0; i < f->count; i++) {
        if (str_eq(f->items[i].destination, destination)) {
            return &f->items[i];
        }
    }
    return NULL;
}

const char *path_kind_text(enum path_kind kind)
{
    static const char *const texts[] = {
        [PATH_UNKNOWN] = "unknown",
        [PATH_MISSING] = "missing",
        [PATH_FILE] = "a file",
        [PATH_FOLDER] = "a folder",
        [PATH_OTHER] = "neither a file nor a folder",
    };
    _Static_assert(ARRAY_LEN(texts) == PATH_KIND_MAX, "a text for each kind");

    return kind < PATH_KIND_MAX ? texts[kind] : texts[PATH_UNKNOWN];
}

enum path_kind path_kind_of(const char *path, bool *ret_is_link)
{
    struct stat st;
    int failed = lstat(path, &st);

    if (ret_is_link) {
        *ret_is_link = !failed && S_ISLNK(st.st_mode);
    }
    if (!failed && S_ISLNK(st.st_mode)) {
        failed = stat(path, &st);
    }
    if (failed) {
        return errno == ENOENT || errno == ENOTDIR ? PATH_MISSING : PATH_UNKNOWN;
    }
    if (S_ISREG(st.st_mode)) {
        return PATH_FILE;
    }
    return S_ISDIR(st.st_mode) ? PATH_FOLDER : PATH_OTHER;
}

static void look_on_host(const struct mount *m, struct mount_fact *fact)
{
    struct err ignored = ERR_INIT;

    fact->kind = path_kind_of(m->source, &fact->source_is_link);
    fact->on_host = fact->kind != PATH_UNKNOWN;
    if (fact->source_is_link) {
        fact->link_target = realpath(m->source, NULL);
    }
    if (fact->kind == PATH_FOLDER) {
        fact->free_known = fs_free_space(m->source, &fact->free_bytes, &ignored) == 0;
    }
}

static int look_in_container(struct engine *e, const struct container *c, struct mount_fact *fact,
                             struct err *err)
{
    struct engine_path_stat st;

    if (engine_container_stat(e, c->id, fact->destination, &st, err)) {
        if (err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED) {
            return err_wrap(err, "container '%s', '%s'", c->name, fact->destination);
        }
        fact->kind = err->kind == ERR_NOT_FOUND ? PATH_MISSING : PATH_UNKNOWN;
        if (fact->kind == PATH_UNKNOWN) {
            fact->note = mem_strdup(err->text);
        }
        return 0;
    }
    if (st.is_folder) {
        fact->kind = PATH_FOLDER;
    } else {
        fact->kind = st.is_file ? PATH_FILE : PATH_OTHER;
    }
    return 0;
}

static void find_missing(const struct container *c, struct mount_facts *ret)
{
    for (size_t i = 0; i < c->mount_count; i++) {
        if (str_eq(c->mounts[i].type, "bind") &&
            path_kind_of(c->mounts[i].source, NULL) == PATH_MISSING &&
            !strv_has(&ret->missing, c->mounts[i].source)) {
            strv_add(&ret->missing, c->mounts[i].source);
        }
    }
    ret->source_missing = ret->missing.count > 0;
}

/* The engine cannot bind a file over a folder that it bound before, or the reverse. */
static bool is_wrong(const struct mount_fact *fact)
{
    const bool wants_folder = str_eq(fact->destination, OMS_PATH_LOGS) ||
                              str_eq(fact->destination, OMS_PATH_STORE) ||
                              str_eq(fact->destination, OMS_PATH_RUN);

    return fact->on_host && fact->kind != (wants_folder ? PATH_FOLDER : PATH_FILE);
}

void mount_facts_of_desired(const struct container *c, bool local, struct mount_facts *ret)
{
    *ret = (struct mount_facts){.items = mem_alloc(ARRAY_LEN(oms_paths) * sizeof(*ret->items))};
    if (local) {
        find_missing(c, ret);
    }
    for (size_t i = 0; i < ARRAY_LEN(oms_paths); i++) {
        const struct mount *m = container_mount_at(c, oms_paths[i]);

        if (!m) {
            continue;
        }
        ret->items[ret->count].destination = oms_paths[i];
        if (local && str_eq(m->type, "bind")) {
            look_on_host(m, &ret->items[ret->count]);
        }
        ret->source_wrong = ret->source_wrong || is_wrong(&ret->items[ret->count]);
        ret->count++;
    }
}

int mount_facts_observe(struct engine *e, const struct container *c, bool local,
                        struct mount_facts *ret, struct err *err)
{
    CLEANUP(mount_facts_free) struct mount_facts facts;

    mount_facts_of_desired(c, local, &facts);
    for (size_t i = 0; i < facts.count; i++) {
        struct mount_fact *fact = &facts.items[i];

        if (fact->kind != PATH_UNKNOWN) {
            continue;
        }
        if (facts.source_missing || facts.source_wrong) {
            fact->note = mem_strdup("not looked at, because that would create the missing source "
                                    "of another bind");
        } else if (look_in_container(e, c, fact, err)) {
            return -1;
        }
    }
    *ret = facts;
    facts = (struct mount_facts){0};
    return 0;
}
