#include "launcher/config_file.h"

#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"
#include "launcher/base/yaml.h"
#include "policy/setting.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)
#define DEFAULTS_SCHEMA "1"

static int read_yaml(const char *path, json_t **ret, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    if (fs_read(path, CONFIG_SIZE_MAX, false, &text, err) != 0) {
        return -1;
    }
    return yaml_parse(str_get(&text), text.len, path, ret, err);
}

static int check_keys(const json_t *document, const char *path, bool has_schema, struct err *err)
{
    const char *key;
    json_t *ignored;
    json_object_foreach ((json_t *)(uintptr_t)document, key, ignored) {
        if (!str_eq(key, "policy") && !str_eq(key, has_schema ? "schema" : "hooks")) {
            return err_fail(err, ERR_CONFIG,
                            "%s: unknown key '%s', expected %s\n"
                            "HINT: docs/policy.md%s the form",
                            path, key, has_schema ? "schema, policy" : "policy, hooks",
                            has_schema ? " shows" : " and docs/hooks.md show");
        }
    }
    return 0;
}

/* What a site wrote, checked as far as its keys; NULL when there is none. */
static int read_site(const char *path, json_t **ret, const char **ret_file, struct err *err)
{
    AUTO_JSON json_t *document = NULL;
    *ret = NULL;
    if (path == NULL && !fs_exists(CONFIG_FILE_DEFAULT)) {
        return 0;
    }
    *ret_file = path != NULL ? path : CONFIG_FILE_DEFAULT;
    if (read_yaml(*ret_file, &document, err) != 0) {
        err->kind = err->kind == ERR_NOT_FOUND ? ERR_USAGE : err->kind;
        return err_wrap(err, "the configuration file");
    }
    if (check_keys(document, *ret_file, false, err) != 0) {
        return -1;
    }
    *ret = TAKE(document);
    return 0;
}

int config_file_read(const char *path, struct waiver_list *ret, struct err *err)
{
    AUTO_JSON json_t *document = NULL;
    const char *file = NULL;
    if (read_site(path, &document, &file, err) != 0) {
        return -1;
    }
    const json_t *policy = json_object_get(document, "policy");
    return policy == NULL ? 0 : waiver_list_add_yaml_json(ret, policy, file, err);
}

int config_file_read_hooks(const char *path, struct hook_list *ret, struct err *err)
{
    AUTO_JSON json_t *document = NULL;
    const char *file = CONFIG_FILE_DEFAULT;
    return read_site(path, &document, &file, err) != 0
               ? -1
               : hook_list_add(ret, json_object_get(document, "hooks"), file, err);
}

int config_file_read_defaults(const char *path, struct waiver_list *ret, struct err *err)
{
    AUTO_JSON json_t *document = NULL;
    if (read_yaml(path, &document, err) != 0) {
        err->kind = ERR_CONFIG;
        return err_wrap(err, "the defaults of the rules");
    }
    if (check_keys(document, path, true, err) != 0) {
        return -1;
    }
    if (!str_eq(json_text(document, "schema", ""), DEFAULTS_SCHEMA)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: unknown 'schema' '%s', expected %s\n"
                        "HINT: install the file that came with this omslaunch",
                        path, json_text(document, "schema", ""), DEFAULTS_SCHEMA);
    }
    if (waiver_list_add_yaml_json(ret, json_object_get(document, "policy"), path, err) != 0) {
        return -1;
    }
    const struct setting *missing = setting_missing(ret, NULL);
    if (missing != NULL) {
        return err_fail(err, ERR_CONFIG,
                        "%s, policy of '%s' has no '%s'\n"
                        "HINT: install the file that came with this omslaunch",
                        path, missing->rule, missing->key);
    }
    return 0;
}
