/* Fields that docker run says in a form of its own. */
#include <stdlib.h>
#include <string.h>

#include "launcher/spec/spec_line.h"
#include "launcher/spec/spec_words.h"

int spec_say_env(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *entry = json_string_value(json_array_get(value, i));
        if (strchr(entry, '=') == NULL) { /* its value is hidden */
            spec_line_add_secret_env(l, option, entry);
        } else {
            spec_line_add(l, option, entry);
        }
    }
    return 0;
}

/* A value of --mount is one record of CSV. */
static void add_csv(struct str *s, const char *key, const char *value)
{
    AUTO_FREE char *field = value == NULL ? mem_strdup(key) : mem_printf("%s=%s", key, value);
    str_append(s, s->len > 0 ? "," : "");
    if (strpbrk(field, ",\"\n\r") == NULL) {
        str_append(s, field);
        return;
    }
    str_append_c(s, '"');
    for (const char *p = field; *p != '\0'; p++) {
        str_append(s, *p == '"' ? "\"" : "");
        str_append_c(s, *p);
    }
    str_append_c(s, '"');
}

static int refuse_mount(const json_t *mount, const char *key, struct err *err)
{
    return err_fail(err, ERR_REFUSED,
                    "the mount at '%s' has '%s', for which docker run has no word\n"
                    "HINT: --format json has it",
                    json_text(mount, "Target", ""), key);
}

static int add_bind(struct str *s, const json_t *mount, const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)options, key, value) {
        if (str_eq(key, "Propagation") && json_is_string(value)) {
            add_csv(s, "bind-propagation", json_string_value(value));
        } else if (str_eq(key, "NonRecursive") && json_is_true(value)) {
            add_csv(s, "bind-recursive", "disabled");
        } else if (str_eq(key, "ReadOnlyNonRecursive") && json_is_true(value)) {
            add_csv(s, "bind-recursive", "writable");
        } else if (str_eq(key, "ReadOnlyForceRecursive") && json_is_true(value)) {
            add_csv(s, "bind-recursive", "readonly");
        } else if (!json_is_false(value)) {
            return refuse_mount(mount, key, err);
        }
    }
    return 0;
}

static void add_pairs(struct str *s, const char *key, const json_t *pairs)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)pairs, name, value) {
        const char *text = json_is_string(value) ? json_string_value(value) : "";
        AUTO_FREE char *pair = mem_printf("%s=%s", name, text);
        add_csv(s, key, pair);
    }
}

static int add_volume(struct str *s, const json_t *mount, const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)options, key, value) {
        if (str_eq(key, "NoCopy") && json_is_true(value)) {
            add_csv(s, "volume-nocopy", NULL);
        } else if (str_eq(key, "Subpath") && json_is_string(value)) {
            add_csv(s, "volume-subpath", json_string_value(value));
        } else if (str_eq(key, "Labels")) {
            add_pairs(s, "volume-label", value);
        } else if (str_eq(key, "DriverConfig")) {
            if (json_text(value, "Name", NULL) != NULL) {
                add_csv(s, "volume-driver", json_text(value, "Name", ""));
            }
            add_pairs(s, "volume-opt", json_object_get(value, "Options"));
        } else if (!json_is_false(value) && !json_is_null(value)) {
            return refuse_mount(mount, key, err);
        }
    }
    return 0;
}

static int add_tmpfs(struct str *s, const json_t *mount, const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)options, key, value) {
        bool is_size = str_eq(key, "SizeBytes");
        if (!is_size && !str_eq(key, "Mode")) {
            return refuse_mount(mount, key, err);
        }
        AUTO_FREE char *text = mem_printf(is_size ? "%lld" : "%llo", json_integer_value(value));
        add_csv(s, is_size ? "tmpfs-size" : "tmpfs-mode", text);
    }
    return 0;
}

static int say_mount(struct spec_line *l, const char *option, const json_t *mount, struct err *err)
{
    AUTO_STR struct str s = STR_INIT;
    add_csv(&s, "type", json_text(mount, "Type", "bind"));
    if (json_text(mount, "Source", "")[0] != '\0') {
        add_csv(&s, "source", json_text(mount, "Source", ""));
    }
    add_csv(&s, "target", json_text(mount, "Target", ""));
    if (json_bool(mount, "ReadOnly", false)) {
        add_csv(&s, "readonly", NULL);
    }
    if (json_text(mount, "Consistency", "")[0] != '\0') {
        add_csv(&s, "consistency", json_text(mount, "Consistency", ""));
    }
    if (add_bind(&s, mount, json_object_get(mount, "BindOptions"), err) != 0 ||
        add_volume(&s, mount, json_object_get(mount, "VolumeOptions"), err) != 0 ||
        add_tmpfs(&s, mount, json_object_get(mount, "TmpfsOptions"), err) != 0) {
        return -1;
    }
    spec_line_add(l, option, str_get(&s));
    return 0;
}

int spec_say_mounts(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (say_mount(l, option, json_array_get(value, i), err) != 0) {
            return -1;
        }
    }
    return 0;
}

int spec_say_ulimits(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *u = json_array_get(value, i);
        spec_line_add_take(l, option,
                           mem_printf("%s=%lld:%lld", json_text(u, "Name", ""),
                                      (long long)json_int(u, "Soft", 0),
                                      (long long)json_int(u, "Hard", 0)));
    }
    return 0;
}

int spec_say_restart(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    const char *name = json_text(value, "Name", "");
    int64_t most = json_int(value, "MaximumRetryCount", 0);
    (void)err;
    if (most > 0) {
        spec_line_add_take(l, option, mem_printf("%s:%lld", name, (long long)most));
    } else if (name[0] != '\0' && !str_eq(name, "no")) {
        spec_line_add(l, option, name);
    }
    return 0;
}

int spec_say_logging(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    const char *key;
    json_t *text;
    (void)err;
    if (json_text(value, "Type", "")[0] != '\0') {
        spec_line_add(l, option, json_text(value, "Type", ""));
    }
    json_object_foreach (json_object_get(value, "Config"), key, text) {
        AUTO_FREE char *prefix = mem_printf("%s=", key);
        if (json_is_string(text)) {
            spec_line_add_take(l, "--log-opt", mem_printf("%s%s", prefix, json_string_value(text)));
        } else {
            spec_line_add_secret(l, "--log-opt", prefix, key);
        }
    }
    return 0;
}

int spec_say_ports(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    const char *port;
    json_t *bindings;
    (void)err;
    json_object_foreach ((json_t *)(uintptr_t)value, port, bindings) {
        for (size_t i = 0; i < json_array_size(bindings); i++) {
            AUTO_FREE char *text = spec_port(port, json_array_get(bindings, i));
            spec_line_add(l, option, text);
        }
    }
    return 0;
}

int spec_say_health(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    static const char *const times[][2] = {{"Interval", "--health-interval"},
                                           {"Timeout", "--health-timeout"},
                                           {"StartPeriod", "--health-start-period"},
                                           {"StartInterval", "--health-start-interval"}};
    const json_t *test = json_object_get(value, "Test");
    const char *how = json_string_value(json_array_get(test, 0));
    if (str_eq(how, "NONE")) {
        spec_line_add(l, "--no-healthcheck", NULL);
    } else if (str_eq(how, "CMD-SHELL")) {
        spec_line_add(l, option, json_string_value(json_array_get(test, 1)));
    } else if (how != NULL) {
        return err_fail(err, ERR_REFUSED,
                        "the health check is a list of words, for which docker run has no option\n"
                        "HINT: --format json and --format compose have it");
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        AUTO_FREE char *time = spec_duration(json_int(value, times[i][0], 0));
        if (json_int(value, times[i][0], 0) != 0) {
            spec_line_add(l, times[i][1], time);
        }
    }
    if (json_int(value, "Retries", 0) != 0) {
        spec_line_add_take(l, "--health-retries",
                           mem_printf("%lld", (long long)json_int(value, "Retries", 0)));
    }
    return 0;
}

int spec_say_cpus(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    if (json_integer_value(value) != 0) {
        spec_line_add_take(l, option,
                           mem_printf("%lld.%09lld", json_integer_value(value) / 1000000000,
                                      json_integer_value(value) % 1000000000));
    }
    return 0;
}

int spec_say_devices(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *d = json_array_get(value, i);
        spec_line_add_take(l, option,
                           mem_printf("%s:%s:%s", json_text(d, "PathOnHost", ""),
                                      json_text(d, "PathInContainer", ""),
                                      json_text(d, "CgroupPermissions", "rwm")));
    }
    return 0;
}

int spec_say_rates(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *d = json_array_get(value, i);
        spec_line_add_take(
            l, option,
            mem_printf("%s:%lld", json_text(d, "Path", ""), (long long)json_int(d, "Rate", 0)));
    }
    return 0;
}

int spec_say_weights(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *d = json_array_get(value, i);
        spec_line_add_take(
            l, option,
            mem_printf("%s:%lld", json_text(d, "Path", ""), (long long)json_int(d, "Weight", 0)));
    }
    return 0;
}

int spec_say_tmpfs(struct spec_line *l, const char *option, const json_t *value, struct err *err)
{
    const char *path;
    json_t *options;
    (void)err;
    json_object_foreach ((json_t *)(uintptr_t)value, path, options) {
        const char *text = json_is_string(options) ? json_string_value(options) : "";
        spec_line_add_take(l, option, mem_printf("%s%s%s", path, text[0] != '\0' ? ":" : "", text));
    }
    return 0;
}
