#include "launcher/deployment_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/yaml.h"

#define FILE_SIZE_MAX ((size_t)1024 * 1024)
#define SUFFIX ".yaml"
#define HINT_FORM "docs/nodes.md shows the form"

/* One key that a node has, or that `defaults` has for all of them. */
struct field {
    const char *key;
    size_t offset;    /* of a char * in struct node_address */
    bool of_one_node; /* cannot be the same for all */
};

#define AT(member) offsetof(struct node_address, member)

static const struct field fields[] = {
    {.key = "ip", .offset = AT(ip), .of_one_node = true},
    {.key = "engine", .offset = AT(endpoint)},
    {.key = "context", .offset = AT(context)},
    {.key = "container", .offset = AT(container)},
    {.key = "host_ip", .offset = AT(host_ip), .of_one_node = true},
    {.key = "tls_ca", .offset = AT(tls.ca)},
    {.key = "tls_cert", .offset = AT(tls.cert)},
    {.key = "tls_key", .offset = AT(tls.key)},
};

static char **slot_of(struct node_address *a, const struct field *field)
{
    return (char **)((char *)a + field->offset);
}

static const struct field *find_field(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].key, key) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool names_secret(const char *key)
{
    static const char *const words[] = {"pass", "pwd", "secret", "token", "credential"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasestr(key, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static int refuse_key(const char *path, const char *where, const char *key, struct err *err)
{
    if (names_secret(key)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: %s has '%s', but secrets have no place in this file\n"
                        "HINT: take it out; the MetaDB's password is read from each node's own "
                        "config.yaml, and ssh uses its keys",
                        path, where, key);
    }
    AUTO_STR struct str known = STR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        str_appendf(&known, "%s%s", i > 0 ? ", " : "", fields[i].key);
    }
    return err_fail(err, ERR_CONFIG,
                    "%s: unknown key '%s' in %s, expected one of %s\nHINT: " HINT_FORM, path, key,
                    where, str_get(&known));
}

/* `where` is "node 2" or "the defaults". */
static int read_fields(const json_t *mapping, const char *path, const char *where, bool defaults,
                       struct node_address *ret, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(mapping)) {
        return err_fail(err, ERR_CONFIG, "%s: %s is not a mapping\nHINT: " HINT_FORM, path, where);
    }
    json_object_foreach ((json_t *)(uintptr_t)mapping, key, value) {
        const struct field *field = find_field(key);
        if (field == NULL || (defaults && field->of_one_node)) {
            return refuse_key(path, where, key, err);
        }
        const char *text = json_string_value(value);
        if (text == NULL || text[0] == '\0') {
            return err_fail(err, ERR_CONFIG,
                            "%s: '%s' of %s is empty or not a text\nHINT: " HINT_FORM, path, key,
                            where);
        }
        *slot_of(ret, field) = mem_strdup(text);
    }
    return 0;
}

static void fill_in(struct node_address *a, const struct node_address *defaults)
{
    bool has_engine = a->endpoint != NULL || a->context != NULL;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = *slot_of((struct node_address *)(uintptr_t)defaults, &fields[i]);
        bool engine = fields[i].offset == AT(endpoint) || fields[i].offset == AT(context);
        if (value != NULL && *slot_of(a, &fields[i]) == NULL && !(engine && has_engine)) {
            *slot_of(a, &fields[i]) = mem_strdup(value);
        }
    }
}

/* "ssh://root@{ip}" */
static void put_ip_in(struct node_address *a)
{
    AUTO_STR struct str text = STR_INIT;
    const char *hole = a->endpoint == NULL ? NULL : strstr(a->endpoint, "{ip}");
    if (hole == NULL || a->ip == NULL) {
        return;
    }
    const bool v6 = strchr(a->ip, ':') != NULL;
    str_append_n(&text, a->endpoint, (size_t)(hole - a->endpoint));
    str_appendf(&text, v6 ? "[%s]%s" : "%s%s", a->ip, hole + strlen("{ip}"));
    free(a->endpoint);
    a->endpoint = str_take(&text);
}

static int check_node(const struct node_address *a, const char *path, const char *where,
                      struct err *err)
{
    if (a->ip == NULL || a->container == NULL) {
        return err_fail(err, ERR_CONFIG, "%s: %s has no '%s'\nHINT: " HINT_FORM, path, where,
                        a->ip == NULL ? "ip" : "container");
    }
    if ((a->endpoint == NULL) == (a->context == NULL)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: %s has %s, expected either 'engine' or 'context'\nHINT: " HINT_FORM,
                        path, where, a->endpoint == NULL ? "neither" : "both");
    }
    return 0;
}

static int read_node(const json_t *mapping, const char *path, size_t number,
                     const struct node_address *defaults, struct node_addresses *ret,
                     struct err *err)
{
    AUTO_FREE char *where = mem_printf("node %zu", number);
    AUTO_NODE_ADDRESSES struct node_addresses one = {.name = NULL};
    struct node_address empty = {.ip = NULL};
    node_addresses_add_take(&one, &empty);
    struct node_address *a = &one.items[0];
    if (read_fields(mapping, path, where, false, a, err) != 0) {
        return -1;
    }
    fill_in(a, defaults);
    put_ip_in(a);
    if (check_node(a, path, where, err) != 0) {
        return -1;
    }
    node_addresses_add_take(ret, a);
    return 0;
}

char *deployment_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t len = strlen(name);
    return mem_strndup(name, str_ends_with(name, SUFFIX) ? len - strlen(SUFFIX) : len);
}

static int read_document(const json_t *document, const char *path, struct node_addresses *ret,
                         struct err *err)
{
    const char *key;
    json_t *value;
    AUTO_NODE_ADDRESSES struct node_addresses defaults = {.name = NULL};
    struct node_address empty = {.ip = NULL};
    node_addresses_add_take(&defaults, &empty);
    json_object_foreach ((json_t *)(uintptr_t)document, key, value) {
        if (strcmp(key, "nodes") != 0 && strcmp(key, "defaults") != 0) {
            return names_secret(key)
                       ? refuse_key(path, "the file", key, err)
                       : err_fail(
                             err, ERR_CONFIG,
                             "%s: unknown key '%s', expected nodes or defaults\nHINT: " HINT_FORM,
                             path, key);
        }
    }
    const json_t *all = json_object_get(document, "defaults");
    const json_t *nodes = json_object_get(document, "nodes");
    if (all != NULL && read_fields(all, path, "the defaults", true, &defaults.items[0], err) != 0) {
        return -1;
    }
    if (json_array_size(nodes) == 0) {
        return err_fail(err, ERR_CONFIG, "%s: 'nodes' lists no node\nHINT: " HINT_FORM, path);
    }
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        if (read_node(json_array_get(nodes, i), path, i + 1, &defaults.items[0], ret, err) != 0) {
            return -1;
        }
    }
    return node_addresses_check(ret, path, err);
}

char *deployment_file_find(const char *folder, const char *name)
{
    if (name[0] == '.' || strchr(name, '/') != NULL) {
        return NULL;
    }
    AUTO_FREE char *path = mem_printf("%s/%s" SUFFIX, folder, name);
    return fs_exists(path) ? TAKE(path) : NULL;
}

int deployment_file_read(const char *path, struct node_addresses *ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    AUTO_NODE_ADDRESSES struct node_addresses read = {.name = deployment_file_name(path)};
    if (fs_read(path, FILE_SIZE_MAX, false, &text, err) != 0) {
        err->kind = err->kind == ERR_NOT_FOUND ? ERR_USAGE : err->kind;
        return err_wrap(err, "the deployment file");
    }
    if (yaml_parse(str_get(&text), text.len, path, &document, err) != 0 ||
        read_document(document, path, &read, err) != 0) {
        return -1;
    }
    *ret = read;
    read = (struct node_addresses){.name = NULL};
    return 0;
}

/* Single quotes: the only escape of this form is the quote itself. */
static void write_text(struct str *s, const char *text)
{
    str_append_c(s, '\'');
    for (const char *p = text; *p != '\0'; p++) {
        str_append_n(s, *p == '\'' ? "''" : p, *p == '\'' ? 2 : 1);
    }
    str_append_c(s, '\'');
}

void deployment_file_write(const struct node_addresses *addresses, struct str *ret)
{
    str_append(ret, "nodes:\n");
    for (size_t i = 0; i < addresses->count; i++) {
        const char *lead = "  - ";
        for (size_t k = 0; k < ARRAY_LEN(fields); k++) {
            const char *value = *slot_of(&addresses->items[i], &fields[k]);
            if (value != NULL) {
                str_appendf(ret, "%s%s: ", lead, fields[k].key);
                write_text(ret, value);
                str_append_c(ret, '\n');
                lead = "    ";
            }
        }
    }
}
