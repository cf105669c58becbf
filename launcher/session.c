#include "launcher/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/host_hook.h"
#include "inspect/oms_version.h"
#include "launcher/base/json.h"
#include "launcher/base/near.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/config_file.h"
#include "launcher/deployment_file.h"
#include "launcher/engine/docker_config.h"
#include "launcher/engine/engine.h"
#include "launcher/install.h"
#include "launcher/net/endpoint.h"
#include "launcher/state/state.h"

void session_free(struct session *s)
{
    free(s->endpoint);
    node_addresses_free(&s->nodes);
    free(s->state);
    free(s->metadb_program);
    free(s->version_table);
    free(s->load_file);
    free(s->https_crt);
    free(s->https_key);
    waiver_list_free(&s->waivers);
    hook_list_free(&s->hooks);
}

/* A path that must be there, made absolute: the plan is carried out from any folder. */
static int resolve(const char *option, const char *path, char **ret, struct err *err)
{
    if (path == NULL) {
        return 0;
    }
    *ret = realpath(path, NULL);
    if (*ret == NULL) {
        return err_fail(err, ERR_USAGE, "--%s '%s' cannot be read: %m\nHINT: name an existing file",
                        option, path);
    }
    return 0;
}

bool session_names_engine(const struct options *options)
{
    return options->endpoint != NULL || options->context != NULL;
}

/* What those that go by a stored run or backup do not need must not stop them. */
static bool needs_engine(const struct options *o)
{
    const struct command *command = command_find(o->arguments.items[0]);
    const unsigned by_record = CMD_STATUS | CMD_RUNS | CMD_BACKUPS | CMD_RESUME | CMD_ROLLBACK |
                               CMD_PRUNE | CMD_VERIFY | CMD_RESTORE;
    return session_names_engine(o) || command == NULL || (command->bit & by_record) == 0;
}

/* What is said of one engine, finished by what the command line says of all. */
static int choose(const struct options *o, struct engine_wish wish, char **ret, struct err *err)
{
    AUTO_ENDPOINT struct endpoint e = {.transport = NULL};

    wish.tls = o->tls || o->tlsverify;
    wish.tlscacert = wish.tlscacert != NULL ? wish.tlscacert : o->tlscacert;
    wish.tlscert = wish.tlscert != NULL ? wish.tlscert : o->tlscert;
    wish.tlskey = wish.tlskey != NULL ? wish.tlskey : o->tlskey;
    wish.insecure_tcp = o->insecure_tcp;
    if (engine_choose(&wish, ret, err) != 0) {
        return -1;
    }
    if (endpoint_parse(*ret, &e, err) != 0) {
        free(TAKE(*ret));
        return -1;
    }
    if (e.insecure) {
        log_warn("the engine at '%s' is spoken to %s: whoever is on the way is root on that host",
                 e.shown, e.tls ? "without verifying its certificate" : "in clear text");
    }
    return 0;
}

static int choose_endpoint(const struct options *o, char **ret, struct err *err)
{
    const struct engine_wish wish = {.context = o->context, .host = o->endpoint};
    struct err ignored = ERR_INIT;
    bool needed = needs_engine(o);

    if (choose(o, wish, ret, needed ? err : &ignored) == 0) {
        return 0;
    }
    *ret = needed ? NULL : mem_strdup(ENDPOINT_DEFAULT);
    return needed ? -1 : 0;
}

/* Each node's engine as one text. */
static int choose_of_nodes(struct session *s, struct err *err)
{
    for (size_t i = 0; i < s->nodes.count; i++) {
        struct node_address *a = &s->nodes.items[i];
        const struct engine_wish wish = {.context = a->context,
                                         .host = a->endpoint,
                                         .tlscacert = a->tls.ca,
                                         .tlscert = a->tls.cert,
                                         .tlskey = a->tls.key};
        char *endpoint = NULL;
        if (choose(s->options, wish, &endpoint, err) != 0) {
            return err_wrap(err, "node %s", a->ip);
        }
        free(a->endpoint);
        a->endpoint = endpoint;
        free(TAKE(a->context));
    }
    return 0;
}

static bool is_one_of(const struct options *o, unsigned bits)
{
    const struct command *command = command_find(o->arguments.items[0]);
    return command != NULL && (command->bit & bits) != 0;
}

/* A slip in the policy must not keep anybody from `status` or `rollback`. */
static bool judges_upgrades(const struct options *o)
{
    return is_one_of(o, CMD_UPGRADE | CMD_PLAN | CMD_CHECK);
}

/* A run that is taken up has its hooks in its plan, and only the values of their variables here:
 * they must not keep it from going back. */
static int read_hooks(struct session *s, struct err *err)
{
    const struct options *o = s->options;
    if (judges_upgrades(o)) {
        /* Their programs are pinned: what is planned is what will run. */
        if (config_file_read_hooks(o->config, &s->hooks, err) == 0 &&
            host_hook_pin(&s->hooks, err) == 0) {
            return 0;
        }
        err->kind = err->kind == ERR_NOT_FOUND ? ERR_CONFIG : err->kind;
        return -1;
    }
    if (is_one_of(o, CMD_RESUME | CMD_ROLLBACK) &&
        config_file_read_hooks(o->config, &s->hooks, err) != 0) {
        log_warn("the hooks of the site cannot be read, those of the run go on without values of "
                 "'environment': %s",
                 err->text);
    }
    return 0;
}

/* What comes later counts: the site's file after the shipped defaults. */
static int read_policy(struct session *s, struct err *err)
{
    AUTO_FREE char *defaults = install_data_file("rule_defaults.yaml");
    if (config_file_read_defaults(defaults, &s->waivers, err) != 0) {
        return -1;
    }
    return config_file_read(s->options->config, &s->waivers, err);
}

/* Does its first argument name a deployment? */
static const char *named_deployment(const struct options *o)
{
    const struct command *command = command_find(o->arguments.items[0]);
    bool takes_name = command != NULL && str_starts_with(command->arguments, "NAME");
    return takes_name && o->arguments.count > 1 ? o->arguments.items[1] : NULL;
}

/* From --deployment, a file of that name in the site's folder, --node, or the one container. */
static int find_nodes(struct session *s, struct err *err)
{
    const struct options *o = s->options;
    const char *name = named_deployment(o);
    if (name == NULL) {
        return 0;
    }
    if (o->deployment != NULL && o->node.count > 0) {
        return err_fail(err, ERR_USAGE,
                        "--deployment and --node both list the nodes\nHINT: give one of them");
    }
    AUTO_FREE char *file = o->deployment != NULL
                               ? mem_strdup(o->deployment)
                               : deployment_file_find(DEPLOYMENTS_FOLDER_DEFAULT, name);
    if (o->node.count == 0 && file != NULL) {
        return deployment_file_read(file, &s->nodes, err) != 0 ? -1 : choose_of_nodes(s, err);
    }
    s->nodes.name = mem_strdup(name);
    for (size_t i = 0; i < o->node.count; i++) {
        if (node_addresses_add_argument(&s->nodes, o->node.items[i], name, err) != 0) {
            return -1;
        }
    }
    if (o->node.count == 0) {
        struct node_address only = {
            .endpoint = mem_strdup(s->endpoint),
            .container = mem_strdup(name),
            .host_ip = o->host_ip == NULL ? NULL : mem_strdup(o->host_ip),
        };
        node_addresses_add_take(&s->nodes, &only);
        return 0;
    }
    if (node_addresses_check(&s->nodes, "--node", err) != 0) {
        err->kind = ERR_USAGE;
        return -1;
    }
    return choose_of_nodes(s, err);
}

int session_open(const struct options *options, struct session *ret, struct err *err)
{
    AUTO_SESSION struct session s = {.options = options};
    if (choose_endpoint(options, &s.endpoint, err) != 0) {
        return -1;
    }
    s.state = state_folder(options->state_dir);
    s.metadb_program = install_metadb_program();
    s.version_table = install_data_file("version_paths.yaml");
    if ((options->https_crt == NULL) != (options->https_key == NULL)) {
        return err_fail(err, ERR_USAGE,
                        "--https-crt and --https-key go together\nHINT: give both, or neither");
    }
    /* The TLS pair lies on the engine's host, which need not be this one. */
    s.https_crt = options->https_crt == NULL ? NULL : mem_strdup(options->https_crt);
    s.https_key = options->https_key == NULL ? NULL : mem_strdup(options->https_key);
    if (resolve("load", options->load, &s.load_file, err) != 0) {
        return -1;
    }
    if (find_nodes(&s, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < options->accept.count; i++) {
        if (waiver_list_add_argument(&s.waivers, options->accept.items[i], err) != 0) {
            return -1;
        }
    }
    if ((judges_upgrades(options) && read_policy(&s, err) != 0) || read_hooks(&s, err) != 0) {
        return -1;
    }
    *ret = s;
    memset(&s, 0, sizeof(s));
    return 0;
}

/* What is to run: --image may have the tag, too. Caller frees both; the repository may be NULL. */
static int choose_image(const struct options *o, char **ret_repository, char **ret_tag,
                        struct err *err)
{
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;
    if (o->image != NULL && strchr(o->image, '@') != NULL) {
        return err_fail(err, ERR_USAGE,
                        "--image '%s' names a digest, expected REPOSITORY or REPOSITORY:TAG\n"
                        "HINT: OMS images are found by their tag, which tells their version",
                        o->image);
    }
    if (o->image != NULL) {
        image_ref_split(o->image, &repository, &tag);
    }
    const bool has_own = tag != NULL && tag[0] != '\0';
    if (has_own && o->tag != NULL && !str_eq(tag, o->tag)) {
        return err_fail(err, ERR_USAGE,
                        "--image '%s' has the tag '%s', and --tag is '%s'\n"
                        "HINT: give the tag once",
                        o->image, tag, o->tag);
    }
    if (!has_own && o->tag == NULL) {
        return err_fail(err, ERR_USAGE,
                        "no --tag was given: the version to upgrade to\n"
                        "HINT: for example --tag feature_4.0.0-ce");
    }
    *ret_tag = has_own ? TAKE(tag) : mem_strdup(o->tag);
    *ret_repository = TAKE(repository);
    return 0;
}

int session_need_tag(const struct options *options, struct err *err)
{
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;
    return choose_image(options, &repository, &tag, err);
}

int session_survey(const struct session *s, struct survey *ret, struct err *err)
{
    const struct options *o = s->options;
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;
    if (choose_image(o, &repository, &tag, err) != 0) {
        return -1;
    }
    const struct survey_request request = {
        .nodes = &s->nodes,
        .tag = tag,
        .from = o->from,
        .repository = repository,
        .new_name = o->new_name,
        .https_crt = s->https_crt,
        .https_key = s->https_key,
        .set_env = &o->set_env,
        .state = s->state,
        .version_table = s->version_table,
        .own_version_table = o->version_table,
        .metadb_program = s->metadb_program,
        .waivers = &s->waivers,
        .hooks = &s->hooks,
        .try_restore = s->try_restore,
        .options = {.load_file = s->load_file,
                    .stop_timeout_ms = o->stop_timeout_ms,
                    .health_timeout_ms = o->health_timeout_ms,
                    .refetch_reserve_min = (unsigned)o->refetch_reserve_min,
                    .perceive_checkpoint = o->perceive_checkpoint},
    };
    if (survey_make(&request, ret, err) != 0) {
        return session_suggest_container(s->endpoint, o->arguments.items[1], err);
    }
    const char *name = ret->deployment.nodes[0].old.name;
    if (s->nodes.count == 1 && !str_eq(name, s->nodes.items[0].container)) {
        /* Locks, runs and names are kept by the container's name. */
        return err_fail(err, ERR_USAGE,
                        "'%s' is not the name of the container, but it is '%s'\n"
                        "HINT: say '%s'",
                        s->nodes.items[0].container, name, name);
    }
    return 0;
}

int session_suggest_container(const char *endpoint, const char *name, struct err *err)
{
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_JSON json_t *list = NULL;
    struct err ignored;
    const struct engine_options options = {.endpoint = endpoint, .read_only = true};
    if (err->kind != ERR_NOT_FOUND || engine_open(&options, &engine, &ignored) != 0 ||
        engine_container_list(engine, NULL, &list, &ignored) != 0) {
        return -1;
    }
    size_t count = json_array_size(list);
    AUTO_FREE const char **names = mem_grow(NULL, count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        const json_t *first = json_array_get(json_object_get(json_array_get(list, i), "Names"), 0);
        const char *path = json_string_value(first);
        names[i] = path == NULL ? "" : path + (path[0] == '/');
    }
    const char *near = near_find(name, names, count);
    if (near != NULL) {
        /* What was meant, and all there are: the nearest one may be the wrong one. */
        AUTO_FREE char *all = mem_strdup(err->hint);
        err->hint[0] = '\0';
        (void)err_hint(err, "did you mean '%s'?%s%s", near, all[0] != '\0' ? " " : "", all);
    }
    return -1;
}
