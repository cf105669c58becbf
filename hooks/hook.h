/* The hooks of a site: what runs, where, in which order, and in which sandbox. From the section
 * `hooks` of its YAML, and from folders POINT/NN-name. docs/hooks.md has the form. */
#ifndef OMSLAUNCH_HOOKS_HOOK_H
#define OMSLAUNCH_HOOKS_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "hooks/sandbox.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

#define HOOK_FOLDER_DEFAULT "/etc/omslaunch/hooks.d"

enum hook_point {
    HOOK_PRE_UPGRADE,
    HOOK_PRE_STOP,
    HOOK_POST_STOP,
    HOOK_BACKUP, /* takes the place of the backup by omslaunch-metadb */
    HOOK_POST_BACKUP,
    HOOK_POST_START,
    HOOK_INIT, /* takes the place of docker_init.sh */
    HOOK_POST_INIT,
    HOOK_POST_UPGRADE,
    HOOK_ON_FAILURE,
    HOOK_PRE_ROLLBACK,
    HOOK_POST_ROLLBACK,
    HOOK_POINT_MAX
};

enum hook_scope { HOOK_DEPLOYMENT, HOOK_REGION, HOOK_NODE, HOOK_SCOPE_MAX };
enum hook_kind { HOOK_HOST, HOOK_CONTAINER, HOOK_KIND_MAX };
enum hook_failure { HOOK_ABORT, HOOK_WARN, HOOK_FAILURE_MAX };

struct hook {
    enum hook_point point;
    enum hook_scope scope;
    enum hook_kind kind;
    enum hook_failure on_failure;
    char *name;          /* within its point: "10-drain" */
    char *origin;        /* the file that says so, for errors */
    struct strv command; /* of a host hook, a path from / on comes first */
    struct strv undo;    /* empty: there is none */
    uint64_t timeout_ms;
    bool repeatable;         /* may run again when it is not known whether it has run */
    bool secrets;            /* its state document has the MetaDB's password */
    struct strv environment; /* "NAME=value" */
    struct sandbox_spec sandbox;
    uint16_t *ports;            /* what sandbox.ports points to */
    char *digest, *undo_digest; /* of the programs that were planned; NULL: any will do */
};

/* Sorted by point, then by the order of the YAML's list, then by the names of the folder. */
struct hook_list {
    struct hook *items;
    size_t count;
};

#define HOOK_LIST_INIT            \
    {                             \
        .items = NULL, .count = 0 \
    }
#define AUTO_HOOKS CLEANUP(hook_list_free)
void hook_free(struct hook *h);
void hook_list_free(struct hook_list *list);

/* The hook of that name; of any, the first of its point, if `name` is NULL. NULL: there is none. */
const struct hook *hook_list_find(const struct hook_list *list, enum hook_point point,
                                  const char *name);
/* "pre-stop/10-drain". Caller frees. */
char *hook_title(const struct hook *h);

const char *hook_point_name(enum hook_point point);
/* What happens there, for people: "before anything is done". */
const char *hook_point_text(enum hook_point point);
int hook_point_from_name(const char *name); /* -1: there is none */
/* Does OMS run there, so that a command can run in its container? */
bool hook_point_has_container(enum hook_point point);
/* Is it of the way back, where a hook that fails is only ever a warning? */
bool hook_point_goes_back(enum hook_point point);
const char *hook_scope_name(enum hook_scope scope);
const char *hook_kind_name(enum hook_kind kind);
const char *hook_failure_name(enum hook_failure failure);

/* Adds what the section says, and what is in its "folder", if it names one; `file` is what errors
 * call it. NULL is an empty section. ERR_CONFIG, naming the key; ERR_REFUSED for a folder that is
 * not to be trusted. */
int hook_list_add_section(struct hook_list *list, const json_t *section, const char *file,
                          struct err *err) MUST_USE;
/* The same; without a "folder" HOOK_FOLDER_DEFAULT is read, if it is there. */
int hook_list_add(struct hook_list *list, const json_t *section, const char *file,
                  struct err *err) MUST_USE;
/* Adds POINT/NN-name of a folder. */
int hook_list_add_folder(struct hook_list *list, const char *folder, struct err *err) MUST_USE;

/* One hook as a document, for people, plans and digests: the values of its variables are left out.
 * Caller owns. */
json_t *hook_to_json(const struct hook *hook);
/* From such a document; `environment` then has names without values. ERR_STATE names `what` and the
 * member. `ret` must be zeroed; is freed by the caller also after a failure. */
int hook_from_json(const json_t *json, const char *what, struct hook *ret,
                   struct err *err) MUST_USE;

#endif
