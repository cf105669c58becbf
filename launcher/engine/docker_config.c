#include "launcher/engine/docker_config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/digest.h"
#include "launcher/base/fs.h"
#include "launcher/base/str.h"
#include "launcher/net/endpoint.h"

#define FILE_MAX_BYTES ((size_t)4 << 20)
#define NO_CONTEXT "default" /* the name that means: none of the stored ones */

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

char *docker_config_folder(void)
{
    const char *folder = variable("DOCKER_CONFIG");
    const char *home = variable("HOME");

    return folder != NULL ? mem_strdup(folder) : fs_join(home != NULL ? home : "/root", ".docker");
}

static int read_json(const char *path, json_t **ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;

    if (fs_read(path, FILE_MAX_BYTES, false, &text, err) < 0) {
        return -1;
    }
    if (json_parse(str_get(&text), text.len, path, ret, err) < 0) {
        err->kind = ERR_CONFIG;
        return -1;
    }
    return 0;
}

int docker_config_read(json_t **ret, struct err *err)
{
    AUTO_FREE char *folder = docker_config_folder();
    AUTO_FREE char *path = fs_join(folder, "config.json");

    if (read_json(path, ret, err) == 0) {
        return 0;
    }
    if (err->kind != ERR_NOT_FOUND) {
        err_wrap(err, "the docker CLI's configuration");
        return err_hint(err, "repair it, or name another folder with DOCKER_CONFIG");
    }
    *ret = json_object();
    return 0;
}

/* ---- TLS ---- */

/* A plan is carried out from any folder. */
static char *absolute(const char *path)
{
    char here[PATH_MAX];

    if (path == NULL || path[0] == '/' || getcwd(here, sizeof(here)) == NULL) {
        return path == NULL ? NULL : mem_strdup(path);
    }
    return fs_join(here, path);
}

/* The file that was named; else the one of the folder, if it is there or `must` be. */
static char *tls_file(const char *named, const char *folder, const char *name, bool must)
{
    if (named != NULL) {
        return absolute(named);
    }
    AUTO_FREE char *path = fs_join(folder, name);
    return must || access(path, F_OK) == 0 ? absolute(path) : NULL;
}

static void add_tls(struct endpoint *e, const struct engine_wish *wish)
{
    AUTO_FREE char *config = docker_config_folder();
    const char *named = variable("DOCKER_CERT_PATH");
    const char *folder = named != NULL ? named : config;

    e->tls = true;
    e->ca = tls_file(wish->tlscacert, folder, "ca.pem", named != NULL);
    e->cert = tls_file(wish->tlscert, folder, "cert.pem", false);
    e->key = tls_file(wish->tlskey, folder, "key.pem", false);
}

static bool wants_tls(const struct engine_wish *wish)
{
    return wish->tls || wish->tlscacert != NULL || wish->tlscert != NULL || wish->tlskey != NULL ||
           variable("DOCKER_TLS_VERIFY") != NULL || variable("DOCKER_TLS") != NULL;
}

/* ---- hosts ---- */

/* "host:port" is how the docker CLI lets one write tcp://, and "unix://" its default. */
static char *whole_text(const char *host)
{
    if (str_eq(host, "unix://")) {
        return mem_strdup(ENDPOINT_DEFAULT);
    }
    if (strstr(host, "://") == NULL && strchr(host, ':') != NULL && host[0] != '/') {
        return mem_printf("tcp://%s", host);
    }
    return mem_strdup(host);
}

/* `text` may lack what makes it safe, and says so itself when it still does in the end. */
static int finish(const char *text, const struct engine_wish *wish, bool take_tls, char **ret,
                  struct err *err)
{
    AUTO_ENDPOINT struct endpoint e = {.transport = NULL};
    AUTO_ENDPOINT struct endpoint whole = {.transport = NULL};
    bool bare = str_starts_with(text, "tcp://") && strchr(text, '?') == NULL;
    AUTO_FREE char *first =
        bare ? mem_printf("%s%s", text, take_tls && wants_tls(wish) ? "?tls" : "")
             : mem_strdup(text);

    if (bare && wish->insecure_tcp) {
        AUTO_FREE char *open =
            mem_printf("%s%s", first, strchr(first, '?') != NULL ? "&insecure" : "?insecure");
        if (endpoint_parse(open, &e, err) < 0) {
            return -1;
        }
    } else if (endpoint_parse(first, &e, err) < 0) {
        return -1;
    }
    if (bare && take_tls && wants_tls(wish)) {
        add_tls(&e, wish);
    }
    *ret = endpoint_format(&e);
    /* Once more: what was added must be in order, too. */
    if (endpoint_parse(*ret, &whole, err) < 0) {
        free(TAKE(*ret));
        return -1;
    }
    return 0;
}

/* ---- contexts ---- */

static int fail_kind(const char *name, const json_t *meta, struct err *err)
{
    const char *other = "something else";
    const char *key;
    json_t *value;

    json_object_foreach (json_walk(meta, "Endpoints"), key, value) {
        other = key;
    }
    return err_fail(err, ERR_CONFIG,
                    "the docker context '%s' names no Docker Engine, only %s\n"
                    "HINT: 'docker context ls' lists the others",
                    name, other);
}

/* The files that `docker context create` has copied beside. */
static char *with_files(const char *host, const char *folder, bool skip, const char *hash)
{
    static const char *const names[] = {"ca", "cert", "key"};
    struct endpoint e = {.transport = NULL};
    struct err ignored = ERR_INIT;
    AUTO_FREE char *open = mem_printf("%s?tls&insecure", host);
    bool any = skip;

    if (!str_starts_with(host, "tcp://") || endpoint_parse(open, &e, &ignored) < 0) {
        return mem_strdup(host);
    }
    char **slots[] = {&e.ca, &e.cert, &e.key};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *path =
            mem_printf("%s/contexts/tls/%s/docker/%s.pem", folder, hash, names[i]);
        if (access(path, F_OK) == 0) {
            *slots[i] = absolute(path);
            any = true;
        }
    }
    e.insecure = skip;
    char *text = any ? endpoint_format(&e) : mem_strdup(host);
    endpoint_free(&e);
    return text;
}

static int choose_context(const char *name, const struct engine_wish *wish, char **ret,
                          struct err *err)
{
    AUTO_FREE char *folder = docker_config_folder();
    AUTO_JSON json_t *meta = NULL;
    char hash[DIGEST_HEX_MAX];

    digest_of(name, strlen(name), hash);
    AUTO_FREE char *path = mem_printf("%s/contexts/meta/%s/meta.json", folder, hash);
    if (read_json(path, &meta, err) < 0) {
        if (err->kind == ERR_NOT_FOUND) {
            return err_fail(err, ERR_NOT_FOUND,
                            "there is no docker context '%s' in '%s/contexts'\n"
                            "HINT: 'docker context ls' lists them",
                            name, folder);
        }
        return err_wrap(err, "the docker context '%s'", name);
    }
    const char *host = json_text(meta, "Endpoints.docker.Host", NULL);
    if (host == NULL || host[0] == '\0') {
        return fail_kind(name, meta, err);
    }
    bool skip = json_bool(meta, "Endpoints.docker.SkipTLSVerify", false);
    if (skip && str_starts_with(host, "tcp://") && !wish->insecure_tcp) {
        return err_fail(err, ERR_USAGE,
                        "the docker context '%s' does not verify the engine's certificate: "
                        "whoever is on the way to '%s' is root on that host\n"
                        "HINT: give the context its authority's certificate ('docker context "
                        "update'), or say --insecure-tcp",
                        name, host);
    }
    AUTO_FREE char *text = with_files(host, folder, skip, hash);
    if (finish(text, wish, false, ret, err) < 0) {
        return err_wrap(err, "the docker context '%s'", name);
    }
    return 0;
}

/* ---- which ---- */

static bool names_context(const char *name)
{
    return name != NULL && !str_eq(name, NO_CONTEXT);
}

int engine_choose(const struct engine_wish *wish, char **ret, struct err *err)
{
    const char *host = wish->host != NULL ? wish->host : variable("DOCKER_HOST");
    const char *context = variable("DOCKER_CONTEXT");
    AUTO_JSON json_t *config = NULL;

    if (names_context(wish->context)) {
        return choose_context(wish->context, wish, ret, err);
    }
    if (host == NULL && wish->context == NULL && context == NULL) {
        if (docker_config_read(&config, err) < 0) {
            return -1;
        }
        context = json_text(config, "currentContext", NULL);
        context = context != NULL && context[0] != '\0' ? context : NULL;
    }
    if (host == NULL && wish->context == NULL && names_context(context)) {
        return choose_context(context, wish, ret, err);
    }
    AUTO_FREE char *text = whole_text(host != NULL ? host : ENDPOINT_DEFAULT);
    return finish(text, wish, true, ret, err);
}
