#include "inspect/oms_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inspect/container.h"
#include "inspect/oms_config_text.h"
#include "launcher/base/digest.h"
#include "launcher/base/json.h"
#include "launcher/base/yaml.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)
#define LOCATION_MAX 127
#define PASSWORD_KEY "oms_meta_password"
#define HINT_KEYS                                                                               \
    "HINT: give it in config.yaml on the host; it is a flat list of 'key: value' lines, as in " \
    "the "                                                                                      \
    "file that OMS was installed with"

/* What omslaunch itself reads, and acts on. */
static const char *const used_keys[] = {"oms_meta_host",
                                        "oms_meta_port",
                                        "oms_meta_user",
                                        "oms_meta_password",
                                        "drc_rm_db",
                                        "drc_cm_db",
                                        "drc_cm_heartbeat_db",
                                        "cm_url",
                                        "cm_location",
                                        "cm_region",
                                        "cm_nodes",
                                        "nginx_server_port",
                                        "cm_server_port",
                                        "ghana_server_port",
                                        "supervisor_server_port",
                                        "sshd_server_port",
                                        NULL};

/* What is being read: errors name it. */
struct source {
    const json_t *yaml;
    const struct yaml_remarks *remarks;
    const char *name;
    const char *text; /* of the whole file */
    size_t len;
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
    strv_free(&c->remarks);
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

static size_t line_of(const struct source *src, const char *key)
{
    return (size_t)json_int(src->remarks->lines, key, 0);
}

/* Where a character or a missing blank explains why the file is not read as it was meant: that
 * error. Else 0. */
static int explain_by_text(const struct source *src, struct err *err)
{
    AUTO_STR struct str what = STR_INIT;
    const char *key = NULL;
    size_t line = odd_syntax_line(src->text, src->len, &what);
    if (line > 0) {
        return err_fail(err, ERR_CONFIG,
                        "%s:%zu: %s stands where YAML needs an ASCII character\n"
                        "HINT: type that line anew on the host, with an English keyboard",
                        src->name, line, str_get(&what));
    }
    line = unspaced_key_line(src->text, src->len, used_keys, &key);
    return line == 0 ? 0
                     : err_fail(err, ERR_CONFIG,
                                "%s:%zu: there is no blank after the colon of '%s'\n"
                                "HINT: write '%s: VALUE'",
                                src->name, line, key, key);
}

static int read_required(const struct source *src, const char *key, const char *expected,
                         const char **ret, struct err *err)
{
    const bool present = json_object_get(src->yaml, key) != NULL;

    if (read_optional(src, key, ret, err) || (!present && explain_by_text(src, err))) {
        return -1;
    }
    if (!*ret || !**ret) {
        return err_fail(err, ERR_CONFIG, "%s: key '%s' %s, expected %s\n%s", src->name, key,
                        present ? "has no value" : "is absent", expected, HINT_KEYS);
    }
    return 0;
}

/* What reaches a server or its client library: an address, or a name that can be seen. */
static int copy_checked(const struct source *src, const char *key, const char *expected,
                        bool (*is_wrong)(const char *text, struct str *ret_why), char **ret,
                        struct err *err)
{
    AUTO_STR struct str why = STR_INIT;
    const char *text;

    if (read_required(src, key, expected, &text, err)) {
        return -1;
    }
    if (is_wrong(text, &why)) {
        return err_fail(err, ERR_CONFIG, "%s:%zu: key '%s' %s, expected %s\n%s", src->name,
                        line_of(src, key), key, str_get(&why), expected, HINT_KEYS);
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

/* Nothing here depends on it, so no spelling is refused; absent means yes (domain, "Sites as they
 * are"). */
static bool read_is_default(const struct source *src)
{
    static const char *const words[] = {"false", "no", "off", "n", "0"};
    const char *text = json_string_value(json_object_get(src->yaml, "cm_is_default"));

    for (size_t i = 0; text && i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return false;
        }
    }
    return true;
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

    if (copy_checked(src, "oms_meta_host", "the address of the MetaDB", host_text_is_wrong,
                     &c->meta_host, err) ||
        read_required(src, "oms_meta_port", "the port of the MetaDB", &port, err) ||
        read_number(src, "oms_meta_port", port, 1, UINT16_MAX, &number, err) ||
        copy_checked(src, "oms_meta_user", "the user of the MetaDB", name_text_is_wrong,
                     &c->meta_user, err) ||
        read_password(src, &c->meta_password, err) ||
        copy_checked(src, "drc_rm_db", "the name of a database", name_text_is_wrong, &c->rm_db,
                     err) ||
        copy_checked(src, "drc_cm_db", "the name of a database", name_text_is_wrong, &c->cm_db,
                     err) ||
        copy_checked(src, "drc_cm_heartbeat_db", "the name of a database", name_text_is_wrong,
                     &c->heartbeat_db, err)) {
        return -1;
    }
    c->meta_port = (uint16_t)number;
    return 0;
}

static int read_node(const struct source *src, size_t number, const char *text,
                     struct oms_config *c, struct err *err)
{
    AUTO_FREE char *address = mem_strdup(text);
    AUTO_STR struct str why = STR_INIT;
    const bool comma = drop_end_comma(address);

    if (host_text_is_wrong(address, &why)) {
        return err_fail(err, ERR_CONFIG,
                        "%s:%zu: entry %zu of 'cm_nodes' %s, expected the address of a host\n%s",
                        src->name, line_of(src, "cm_nodes"), number, str_get(&why), HINT_KEYS);
    }
    if (comma) {
        strv_addf(&c->remarks, "entry %zu of 'cm_nodes' (line %zu) ends with a comma, read as '%s'",
                  number, line_of(src, "cm_nodes"), address);
    }
    strv_add(&c->cm_nodes, address);
    return 0;
}

static int read_nodes(const struct source *src, struct oms_config *c, struct err *err)
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
        if (read_node(src, i + 1, json_string_value(node), c, err)) {
            return -1;
        }
    }
    return 0;
}

static int read_region(const struct source *src, struct oms_config *c, struct err *err)
{
    const char *location;
    uint64_t number = 0;

    if (copy_optional(src, "cm_url", &c->cm_url, err) ||
        copy_optional(src, "cm_region", &c->cm_region, err) || read_nodes(src, c, err) ||
        read_optional(src, "cm_location", &location, err)) {
        return -1;
    }
    if (location && read_number(src, "cm_location", location, 0, LOCATION_MAX, &number, err)) {
        return -1;
    }
    c->cm_location = (unsigned)number;
    c->cm_is_default = read_is_default(src);
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

static bool is_used(const char *key)
{
    for (size_t i = 0; used_keys[i]; i++) {
        if (str_eq(used_keys[i], key)) {
            return true;
        }
    }
    return false;
}

/* OMS takes the last one (domain, "Sites as they are"). Which one was meant nobody can tell where
 * they differ, and the wrong one could be another database. */
static int check_twice(const struct source *src, struct oms_config *c, struct err *err)
{
    for (size_t i = 0; i < json_array_size(src->remarks->twice); i++) {
        const json_t *twice = json_array_get(src->remarks->twice, i);
        const char *key = json_text(twice, "key", "");
        const long long first = json_int(twice, "first_line", 0), last = json_int(twice, "line", 0);

        if (is_used(key) && json_bool(twice, "differs", true)) {
            return err_fail(err, ERR_CONFIG,
                            "%s:%lld: key '%s' is given twice, with another value on line %lld\n"
                            "HINT: OMS takes the last one; remove the other on the host",
                            src->name, last, key, first);
        }
        strv_addf(&c->remarks,
                  "key '%.80s' is given twice, on lines %lld and %lld: the last counts", key, first,
                  last);
    }
    return 0;
}

int oms_config_parse(const char *text, size_t len, const char *name, struct oms_config *ret,
                     struct err *err)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    CLEANUP(yaml_wipe) json_t *yaml = NULL;
    AUTO_YAML_REMARKS struct yaml_remarks remarks = {.lines = NULL};
    struct source src = {.name = name, .text = text, .len = len, .remarks = &remarks};

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
    if (yaml_parse_foreign(text, len, name, &yaml, &remarks, err)) {
        if (explain_by_text(&src, err)) {
            return -1;
        }
        return err_hint(err, "mend the file on the host; OMS itself needs it to start");
    }
    src.yaml = yaml;
    if (check_twice(&src, &c, err) || read_metadb(&src, &c, err) || read_region(&src, &c, err) ||
        read_ports(&src, &c, err)) {
        return -1;
    }
    digest_of(text, len, c.digest);
    *ret = c;
    c = (struct oms_config){0};
    return 0;
}

/* True and "yes" are one value to whoever reads them. */
static bool same_value(const json_t *a, const json_t *b)
{
    static const char *const words[][2] = {
        {"yes", "true"}, {"on", "true"}, {"no", "false"}, {"off", "false"}};
    const char *texts[] = {json_string_value(a), json_string_value(b)};

    if (json_equal(a, b) || (json_is_null(a) && b == NULL) || (json_is_null(b) && a == NULL)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (size_t k = 0; texts[i] && k < ARRAY_LEN(words); k++) {
            texts[i] = strcasecmp(texts[i], words[k][0]) == 0 ? words[k][1] : texts[i];
        }
    }
    return texts[0] && texts[1] && strcasecmp(texts[0], texts[1]) == 0 &&
           (strcasecmp(texts[0], "true") == 0 || strcasecmp(texts[0], "false") == 0);
}

int oms_config_compare(const struct str *a, const struct str *b, struct strv *ret_keys,
                       struct err *err)
{
    CLEANUP(yaml_wipe) json_t *one = NULL;
    CLEANUP(yaml_wipe) json_t *other = NULL;
    AUTO_YAML_REMARKS struct yaml_remarks ignored_one = {.lines = NULL};
    AUTO_YAML_REMARKS struct yaml_remarks ignored_other = {.lines = NULL};
    const char *key;
    json_t *value;

    if (yaml_parse_foreign(str_get(a), a->len, "one file", &one, &ignored_one, err) ||
        yaml_parse_foreign(str_get(b), b->len, "the other file", &other, &ignored_other, err)) {
        return -1;
    }
    json_object_foreach (one, key, value) {
        if (!same_value(value, json_object_get(other, key))) {
            strv_add(ret_keys, key);
        }
    }
    json_object_foreach (other, key, value) {
        if (!json_object_get(one, key) && !json_is_null(value)) {
            strv_add(ret_keys, key);
        }
    }
    return 0;
}
