/* Fields that compose says in a form of its own. */
#include <stdlib.h>
#include <string.h>

#include "launcher/spec/spec_words.h"

static void put_if(json_t *object, const char *key, const json_t *value)
{
    bool empty = value == NULL || json_is_null(value) || json_is_false(value);
    if (!empty) {
        json_put(object, key, json_deep_copy(value));
    }
}

static void put_object(json_t *object, const char *key, json_t *value_take)
{
    if (json_object_size(value_take) > 0) {
        json_put(object, key, value_take);
    } else {
        json_decref(value_take);
    }
}

/* Only what compose has a word for; NULL otherwise. */
static bool has_only(const json_t *object, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        bool known = json_is_false(value) || json_is_null(value);
        for (size_t i = 0; i < count; i++) {
            known = known || str_eq(key, keys[i]);
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

static json_t *compose_mount(const json_t *mount)
{
    static const char *const bind_keys[] = {"Propagation"};
    static const char *const volume_keys[] = {"NoCopy", "Subpath"};
    static const char *const tmpfs_keys[] = {"SizeBytes", "Mode"};
    const json_t *bind = json_object_get(mount, "BindOptions");
    const json_t *volume = json_object_get(mount, "VolumeOptions");
    const json_t *tmpfs = json_object_get(mount, "TmpfsOptions");
    if (!has_only(bind, bind_keys, ARRAY_LEN(bind_keys)) ||
        !has_only(volume, volume_keys, ARRAY_LEN(volume_keys)) ||
        !has_only(tmpfs, tmpfs_keys, ARRAY_LEN(tmpfs_keys))) {
        return NULL;
    }
    json_t *ret = json_object();
    json_put_text(ret, "type", json_text(mount, "Type", "bind"));
    put_if(ret, "source", json_object_get(mount, "Source"));
    put_if(ret, "target", json_object_get(mount, "Target"));
    put_if(ret, "read_only", json_object_get(mount, "ReadOnly"));
    put_if(ret, "consistency", json_object_get(mount, "Consistency"));
    json_t *part = json_object();
    put_if(part, "propagation", json_object_get(bind, "Propagation"));
    put_object(ret, "bind", part);
    part = json_object();
    put_if(part, "nocopy", json_object_get(volume, "NoCopy"));
    put_if(part, "subpath", json_object_get(volume, "Subpath"));
    put_object(ret, "volume", part);
    part = json_object();
    put_if(part, "size", json_object_get(tmpfs, "SizeBytes"));
    put_if(part, "mode", json_object_get(tmpfs, "Mode"));
    put_object(ret, "tmpfs", part);
    return ret;
}

json_t *spec_compose_mounts(const json_t *value)
{
    AUTO_JSON json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *mount = compose_mount(json_array_get(value, i));
        if (mount == NULL) {
            return NULL;
        }
        json_add(list, mount);
    }
    return TAKE(list);
}

json_t *spec_compose_ulimits(const json_t *value)
{
    json_t *limits = json_object();
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *u = json_array_get(value, i);
        json_put(limits, json_text(u, "Name", ""),
                 json_make("{s:I, s:I}", "soft", (json_int_t)json_int(u, "Soft", 0), "hard",
                           (json_int_t)json_int(u, "Hard", 0)));
    }
    return limits;
}

json_t *spec_compose_restart(const json_t *value)
{
    const char *name = json_text(value, "Name", "");
    int64_t most = json_int(value, "MaximumRetryCount", 0);
    AUTO_FREE char *text = most > 0 ? mem_printf("%s:%lld", name, (long long)most)
                                    : mem_strdup(name[0] != '\0' ? name : "no");
    return json_from_text(text);
}

/* A secret among the options is filled in by the caller: it is null here. */
json_t *spec_compose_logging(const json_t *value)
{
    json_t *logging = json_object();
    put_if(logging, "driver", json_object_get(value, "Type"));
    if (json_object_size(json_object_get(value, "Config")) > 0) {
        put_if(logging, "options", json_object_get(value, "Config"));
    }
    return logging;
}

json_t *spec_compose_ports(const json_t *value)
{
    const char *port;
    json_t *bindings;
    json_t *list = json_array();
    json_object_foreach ((json_t *)(uintptr_t)value, port, bindings) {
        for (size_t i = 0; i < json_array_size(bindings); i++) {
            AUTO_FREE char *text = spec_port(port, json_array_get(bindings, i));
            json_add(list, json_from_text(text));
        }
    }
    return list;
}

json_t *spec_compose_health(const json_t *value)
{
    static const char *const times[][2] = {{"Interval", "interval"},
                                           {"Timeout", "timeout"},
                                           {"StartPeriod", "start_period"},
                                           {"StartInterval", "start_interval"}};
    json_t *health = json_object();
    put_if(health, "test", json_object_get(value, "Test"));
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        AUTO_FREE char *time = spec_duration(json_int(value, times[i][0], 0));
        if (json_int(value, times[i][0], 0) != 0) {
            json_put_text(health, times[i][1], time);
        }
    }
    if (json_int(value, "Retries", 0) != 0) {
        put_if(health, "retries", json_object_get(value, "Retries"));
    }
    return health;
}

json_t *spec_compose_cpus(const json_t *value)
{
    AUTO_FREE char *text = mem_printf("%lld.%09lld", json_integer_value(value) / 1000000000,
                                      json_integer_value(value) % 1000000000);
    return json_from_text(text);
}

json_t *spec_compose_devices(const json_t *value)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *d = json_array_get(value, i);
        AUTO_FREE char *text = mem_printf("%s:%s:%s", json_text(d, "PathOnHost", ""),
                                          json_text(d, "PathInContainer", ""),
                                          json_text(d, "CgroupPermissions", "rwm"));
        json_add(list, json_from_text(text));
    }
    return list;
}

json_t *spec_compose_tmpfs(const json_t *value)
{
    const char *path;
    json_t *options;
    json_t *list = json_array();
    json_object_foreach ((json_t *)(uintptr_t)value, path, options) {
        const char *text = json_is_string(options) ? json_string_value(options) : "";
        AUTO_FREE char *item = mem_printf("%s%s%s", path, text[0] != '\0' ? ":" : "", text);
        json_add(list, json_from_text(item));
    }
    return list;
}

json_t *spec_compose_seconds(const json_t *value)
{
    AUTO_FREE char *text = mem_printf("%llds", json_integer_value(value));
    return json_from_text(text);
}
