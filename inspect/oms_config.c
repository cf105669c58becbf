#include "inspect/oms_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "inspect/container.h"
#include "launcher/base/digest.h"
#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/yaml.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)
#define LOCATION_MAX 127
#define PASSWORD_KEY "oms_meta_password"
#define HINT_KEYS                                                                               \
    "HINT: give it in config.yaml on the host; it is a flat list of 'key: value' lines, as in " \
    "the "                                                                                      \
    "file that OMS was installed with"

/* What is being read: errors name it. */
struct source {
    const json_t *yaml;
    const char *name;
};

/* The password passes through JSON; do not leave it in freed memory. */
static void yaml_wipe(json_t **yaml)
{
    const json_t *password = json_object_get(*yaml, PASSWORD_KEY);

    if (json_is_string(password)) {
        secret_wipe((void *)(uintptr_t)json_string_value(password), json_string_length(password));
    }
    json_decref(*yaml);
}

static void text_wipe(struct str *s)
{
    if (s->data) {
        secret_wipe(s->data, s->cap);
    }
    str_free(s);
}

void oms_config_free(struct oms_config *c)
{
    if (!c) {
        return;
    }
    free(c->meta_host);
    free(c->meta_user);
    secret_free(&c->meta_password);
    free(c->rm_db);
    free(c->cm_db);
    free(c->heartbeat_db);
    free(c->cm_url);
    free(c->cm_region);
    strv_free(&c->cm_nodes);
    *c = (struct oms_config){0};
}

/* A text without NUL bytes, so that no later reader sees another value than this check. */
static bool is_plain_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* *ret is NULL when the key is absent or has no value. */
static int read_optional(const struct source *src, const char *key, const char **ret,
                         struct err *err)
{
    const json_t *value = json_object_get(src->yaml, key);

    *ret = NULL;
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!is_plain_text(value)) {
        return err_fail(err, ERR_CONFIG, "%s: key '%s' is no plain text, expected one value\n%s",
                        src->name, key, HINT_KEYS);
    }
    *ret = json_string_value(value);
    return 0;
}

static int read_required(const struct source *src, const char *key, const char *expected,
                         const char **ret, struct err *err)
{
    const bool present = json_object_get(src->yaml, key) != NULL;

    if (read_optional(src, key, ret, err)) {
        return -1;
    }
    if (!*ret || !**ret) {
        return err_fail(err, ERR_CONFIG, "%s: key '%s' %s, expected %s\n%s", src->name, key,
                        present ? "has no value" : "is absent", expected, HINT_KEYS);
    }
    return 0;
}

static int copy_required(const struct source *src, const char *key, const char *expected,
                         char **ret, struct err *err)
{
    const char *text;

    if (read_required(src, key, expected, &text, err)) {
        return -1;
    }
    *ret = mem_strdup(text);
    return 0;
}

static int copy_optional(const struct source *src, const char *key, char **ret, struct err *err)
{
    const char *text;

    if (read_optional(src, key, &text, err)) {
        return -1;
    }
    *ret = text && *text ? mem_strdup(text) : NULL;
    return 0;
}

static int read_number(const struct source *src, const char *key, const char *text, uint64_t min,
                       uint64_t max, uint64_t *ret, struct err *err)
{
    struct err ignored = ERR_INIT;

    if (str_to_u64(text, min, max, key, ret, &ignored)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: key '%s' is '%s', expected a number from %llu to %llu\n%s", src->name,
                        key, text, (unsigned long long)min, (unsigned long long)max, HINT_KEYS);
    }
    return 0;
}

static int read_port(const struct source *src, const char *key, uint16_t otherwise, uint16_t *ret,
                     struct err *err)
{
    const char *text;
    uint64_t port = otherwise;

    if (read_optional(src, key, &text, err)) {
        return -1;
    }
    if (text && read_number(src, key, text, 1, UINT16_MAX, &port, err)) {
        return -1;
    }
    *ret = (uint16_t)port;
    return 0;
}

static int read_bool(const struct source *src, const char *key, bool *ret, struct err *err)
{
    const char *text;

    if (read_optional(src, key, &text, err)) {
        return -1;
    }
    if (!text || strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0) {
        *ret = false;
    } else if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0) {
        *ret = true;
    } else {
        return err_fail(err, ERR_CONFIG, "%s: key '%s' is '%s', expected true or false\n%s",
                        src->name, key, text, HINT_KEYS);
    }
    return 0;
}

/* Unlike other texts an empty password is possible, if it is written as ''. */
static int read_password(const struct source *src, struct secret *ret, struct err *err)
{
    const json_t *value = json_object_get(src->yaml, PASSWORD_KEY);

    if (!is_plain_text(value)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: key '%s' %s, expected the password of the MetaDB's user\n%s",
                        src->name, PASSWORD_KEY,
                        !value                ? "is absent"
                        : json_is_null(value) ? "has no value (an empty password is written '')"
                                              : "is no plain text",
                        HINT_KEYS);
    }
    secret_set(ret, json_string_value(value), json_string_length(value));
    return 0;
}

static int read_metadb(const struct source *src, struct oms_config *c, struct err *err)
{
    const char *port;
    uint64_t number;

    if (copy_required(src, "oms_meta_host", "the address of the MetaDB", &c->meta_host, err) ||
        read_required(src, "oms_meta_port", "the port of the MetaDB", &port, err) ||
        read_number(src, "oms_meta_port", port, 1, UINT16_MAX, &number, err) ||
        copy_required(src, "oms_meta_user", "the user of the MetaDB", &c->meta_user, err) ||
        read_password(src, &c->meta_password, err) ||
        copy_required(src, "drc_rm_db", "the name of a database", &c->rm_db, err) ||
        copy_required(src, "drc_cm_db", "the name of a database", &c->cm_db, err) ||
        copy_required(src, "drc_cm_heartbeat_db", "the name of a database", &c->heartbeat_db,
                      err)) {
        return -1;
    }
    c->meta_port = (uint16_t)number;
    return 0;
}

static int read_nodes(const struct source *src, struct strv *ret, struct err *err)
{
    const json_t *list = json_object_get(src->yaml, "cm_nodes");

    if (!list || json_is_null(list)) {
        return 0;
    }
    if (!json_is_array(list)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: key 'cm_nodes' is no list, expected one '- ADDRESS' line for each "
                        "host\n%s",
                        src->name, HINT_KEYS);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *node = json_array_get(list, i);

        if (!is_plain_text(node) || json_string_length(node) == 0) {
            return err_fail(err, ERR_CONFIG,
                            "%s: entry %zu of 'cm_nodes' is no text, expected the address of a "
                            "host\n%s",
                            src->name, i + 1, HINT_KEYS);
        }
        strv_add(ret, json_string_value(node));
    }
    return 0;
}

static int read_region(const struct source *src, struct oms_config *c, struct err *err)
{
    const char *location;
    uint64_t number = 0;

    if (copy_optional(src, "cm_url", &c->cm_url, err) ||
        copy_optional(src, "cm_region", &c->cm_region, err) ||
        read_bool(src, "cm_is_default", &c->cm_is_default, err) ||
        read_nodes(src, &c->cm_nodes, err) || read_optional(src, "cm_location", &location, err)) {
        return -1;
    }
    if (location && read_number(src, "cm_location", location, 0, LOCATION_MAX, &number, err)) {
        return -1;
    }
    c->cm_location = (unsigned)number;
    return 0;
}

static int read_ports(const struct source *src, struct oms_config *c, struct err *err)
{
    if (read_port(src, "nginx_server_port", 8089, &c->nginx_port, err) ||
        read_port(src, "cm_server_port", 8088, &c->cm_port, err) ||
        read_port(src, "ghana_server_port", 8090, &c->ghana_port, err) ||
        read_port(src, "supervisor_server_port", 9000, &c->supervisor_port, err) ||
        read_port(src, "sshd_server_port", 2023, &c->sshd_port, err)) {
        return -1;
    }
    return 0;
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!memchr(" \t\r\n", text[i], 4)) {
            return false;
        }
    }
    return true;
}

int oms_config_parse(const char *text, size_t len, const char *name, struct oms_config *ret,
                     struct err *err)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    CLEANUP(yaml_wipe) json_t *yaml = NULL;
    struct source src = {.name = name};

    if (len > CONFIG_SIZE_MAX) {
        return err_fail(err, ERR_CONFIG,
                        "%s has %zu bytes, expected at most %zu\n"
                        "HINT: is the right file bound to " OMS_PATH_CONFIG "?",
                        name, len, CONFIG_SIZE_MAX);
    }
    if (is_blank(text, len)) {
        return err_fail(err, ERR_CONFIG,
                        "%s is empty\n"
                        "HINT: put back the config.yaml that this OMS was installed with",
                        name);
    }
    if (yaml_parse(text, len, name, &yaml, err)) {
        return err_hint(err, "mend the file on the host; OMS itself needs it to start");
    }
    src.yaml = yaml;
    if (read_metadb(&src, &c, err) || read_region(&src, &c, err) || read_ports(&src, &c, err)) {
        return -1;
    }
    digest_of(text, len, c.digest);
    *ret = c;
    c = (struct oms_config){0};
    return 0;
}

/* Looks before it reads, so that a folder and a file of gigabytes are told apart and not fetched.
 */
static int check_file(struct engine *e, const char *container, const char *name,
                      struct engine_path_stat *ret, struct err *err)
{
    struct engine_path_stat st;

    if (engine_container_stat(e, container, OMS_PATH_CONFIG, &st, err)) {
        if (err->kind == ERR_NOT_FOUND) {
            return err_fail(err, ERR_CONFIG,
                            "%s does not exist\n"
                            "HINT: is the file still there on the host, where the container "
                            "binds it from?",
                            name);
        }
        return err_wrap(err, "%s", name);
    }
    if (st.is_folder) {
        return err_fail(err, ERR_CONFIG,
                        "%s is a folder, expected a file\n"
                        "HINT: the engine makes a folder of a bind source that is missing; put "
                        "the file back on the host",
                        name);
    }
    if (st.size > CONFIG_SIZE_MAX) {
        return err_fail(err, ERR_CONFIG,
                        "%s has %llu bytes, expected at most %zu\n"
                        "HINT: is the right file bound to " OMS_PATH_CONFIG "?",
                        name, (unsigned long long)st.size, CONFIG_SIZE_MAX);
    }
    *ret = st;
    return 0;
}

/* Whether `source` could be read and is what the engine sees. */
static bool read_source(const char *source, const struct engine_path_stat *seen, struct str *ret)
{
    struct err ignored = ERR_INIT;
    struct stat st;

    if (!source || stat(source, &st) || !S_ISREG(st.st_mode)) {
        return false;
    }
    const uint64_t mtime_ms =
        (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
    return (uint64_t)st.st_size == seen->size && mtime_ms == seen->mtime_ms &&
           fs_read(source, CONFIG_SIZE_MAX, false, ret, &ignored) == 0 && ret->len == seen->size;
}

int oms_config_read(struct engine *e, const char *container, const char *source,
                    struct oms_config *ret, struct err *err)
{
    AUTO_FREE char *name =
        mem_printf("config.yaml of container '%s' (" OMS_PATH_CONFIG ")", container);
    CLEANUP(text_wipe) struct str text = STR_INIT;

    struct engine_path_stat seen;

    if (check_file(e, container, name, &seen, err)) {
        return -1;
    }
    if (read_source(source, &seen, &text)) {
        return oms_config_parse(str_get(&text), text.len, name, ret, err);
    }
    text_wipe(&text);
    if (engine_container_read_file(e, container, OMS_PATH_CONFIG, CONFIG_SIZE_MAX, &text, err)) {
        if (err->kind == ERR_FAILED || err->kind == ERR_NOT_FOUND) {
            err->kind = ERR_CONFIG;
        }
        err_wrap(err, "%s cannot be read", name);
        return err_hint(err, "is it a plain file that root on that host may read?");
    }
    return oms_config_parse(str_get(&text), text.len, name, ret, err);
}
