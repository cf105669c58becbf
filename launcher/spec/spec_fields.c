#include "launcher/spec/spec_fields.h"

#include <string.h>

#define KEEP(section, name, shape)             \
    {                                          \
        section, name, SPEC_KEPT, shape, false \
    }
#define KEEP_LESS_IMAGE(section, name, shape) \
    {                                         \
        section, name, SPEC_KEPT, shape, true \
    }
#define OURS(section, name, shape)             \
    {                                          \
        section, name, SPEC_OURS, shape, false \
    }
#define DERIVED(section, name)                         \
    {                                                  \
        section, name, SPEC_DERIVED, SPEC_VALUE, false \
    }
#define LOST(section, name)                         \
    {                                               \
        section, name, SPEC_LOST, SPEC_VALUE, false \
    }

/* From the Engine API's ContainerConfig and HostConfig, versions 1.24 to 1.52. */
static const struct spec_field fields[] = {
    OURS("Config", "Image", SPEC_VALUE),
    OURS("Config", "Tty", SPEC_VALUE),
    OURS("Config", "OpenStdin", SPEC_VALUE),
    KEEP_LESS_IMAGE("Config", "Env", SPEC_ENV),
    KEEP_LESS_IMAGE("Config", "Cmd", SPEC_VALUE),
    KEEP_LESS_IMAGE("Config", "Entrypoint", SPEC_VALUE),
    KEEP_LESS_IMAGE("Config", "Labels", SPEC_MAP),
    KEEP_LESS_IMAGE("Config", "ExposedPorts", SPEC_MAP),
    KEEP_LESS_IMAGE("Config", "Volumes", SPEC_MAP),
    KEEP_LESS_IMAGE("Config", "User", SPEC_VALUE),
    KEEP_LESS_IMAGE("Config", "WorkingDir", SPEC_VALUE),
    KEEP_LESS_IMAGE("Config", "Healthcheck", SPEC_MAP),
    KEEP_LESS_IMAGE("Config", "StopSignal", SPEC_VALUE),
    KEEP("Config", "Shell", SPEC_VALUE), /* an image may have one, but no container gets it */
    KEEP("Config", "StopTimeout", SPEC_VALUE),
    KEEP("Config", "Hostname", SPEC_VALUE),
    KEEP("Config", "Domainname", SPEC_VALUE),
    KEEP("Config", "MacAddress", SPEC_VALUE),
    KEEP("Config", "NetworkDisabled", SPEC_VALUE),
    KEEP("Config", "AttachStdin", SPEC_VALUE),
    KEEP("Config", "AttachStdout", SPEC_VALUE),
    KEEP("Config", "AttachStderr", SPEC_VALUE),
    KEEP("Config", "StdinOnce", SPEC_VALUE),
    DERIVED("Config", "OnBuild"),     /* acts when an image is built, never in a container */
    DERIVED("Config", "ArgsEscaped"), /* Windows, and a leftover of old builds */

    OURS("HostConfig", "NetworkMode", SPEC_VALUE),
    OURS("HostConfig", "Privileged", SPEC_VALUE),
    OURS("HostConfig", "PidsLimit", SPEC_LIMIT),
    OURS("HostConfig", "Ulimits", SPEC_VALUE), /* nproc is ours, the others are kept */
    KEEP("HostConfig", "Binds", SPEC_MOUNTS),
    KEEP("HostConfig", "Mounts", SPEC_MOUNTS),
    KEEP("HostConfig", "VolumesFrom", SPEC_MOUNTS),
    KEEP("HostConfig", "VolumeDriver", SPEC_VALUE),
    KEEP("HostConfig", "RestartPolicy", SPEC_VALUE),
    KEEP("HostConfig", "LogConfig", SPEC_VALUE),
    KEEP("HostConfig", "PortBindings", SPEC_VALUE),
    KEEP("HostConfig", "PublishAllPorts", SPEC_VALUE),
    KEEP("HostConfig", "Links", SPEC_VALUE),
    KEEP("HostConfig", "ExtraHosts", SPEC_VALUE),
    KEEP("HostConfig", "Dns", SPEC_VALUE),
    KEEP("HostConfig", "DnsOptions", SPEC_VALUE),
    KEEP("HostConfig", "DnsSearch", SPEC_VALUE),
    KEEP("HostConfig", "Annotations", SPEC_VALUE),
    KEEP("HostConfig", "CapAdd", SPEC_VALUE),
    KEEP("HostConfig", "CapDrop", SPEC_VALUE),
    KEEP("HostConfig", "GroupAdd", SPEC_VALUE),
    KEEP("HostConfig", "SecurityOpt", SPEC_VALUE),
    KEEP("HostConfig", "ReadonlyRootfs", SPEC_VALUE),
    KEEP("HostConfig", "StorageOpt", SPEC_VALUE),
    KEEP("HostConfig", "Tmpfs", SPEC_VALUE),
    KEEP("HostConfig", "ShmSize", SPEC_VALUE),
    KEEP("HostConfig", "Sysctls", SPEC_VALUE),
    KEEP("HostConfig", "Runtime", SPEC_VALUE),
    KEEP("HostConfig", "Init", SPEC_VALUE),
    KEEP("HostConfig", "IpcMode", SPEC_VALUE),
    KEEP("HostConfig", "PidMode", SPEC_VALUE),
    KEEP("HostConfig", "UTSMode", SPEC_VALUE),
    KEEP("HostConfig", "UsernsMode", SPEC_VALUE),
    KEEP("HostConfig", "CgroupnsMode", SPEC_VALUE),
    KEEP("HostConfig", "Cgroup", SPEC_VALUE),
    KEEP("HostConfig", "CgroupParent", SPEC_VALUE),
    KEEP("HostConfig", "Memory", SPEC_VALUE),
    KEEP("HostConfig", "MemoryReservation", SPEC_VALUE),
    KEEP("HostConfig", "MemorySwap", SPEC_VALUE),
    KEEP("HostConfig", "MemorySwappiness", SPEC_VALUE),
    KEEP("HostConfig", "KernelMemory", SPEC_VALUE),
    KEEP("HostConfig", "KernelMemoryTCP", SPEC_VALUE),
    KEEP("HostConfig", "NanoCpus", SPEC_VALUE),
    KEEP("HostConfig", "CpuCount", SPEC_VALUE),
    KEEP("HostConfig", "CpuPercent", SPEC_VALUE),
    KEEP("HostConfig", "CpuShares", SPEC_VALUE),
    KEEP("HostConfig", "CpuPeriod", SPEC_VALUE),
    KEEP("HostConfig", "CpuQuota", SPEC_VALUE),
    KEEP("HostConfig", "CpuRealtimePeriod", SPEC_VALUE),
    KEEP("HostConfig", "CpuRealtimeRuntime", SPEC_VALUE),
    KEEP("HostConfig", "CpusetCpus", SPEC_VALUE),
    KEEP("HostConfig", "CpusetMems", SPEC_VALUE),
    KEEP("HostConfig", "BlkioWeight", SPEC_VALUE),
    KEEP("HostConfig", "BlkioWeightDevice", SPEC_VALUE),
    KEEP("HostConfig", "BlkioDeviceReadBps", SPEC_VALUE),
    KEEP("HostConfig", "BlkioDeviceWriteBps", SPEC_VALUE),
    KEEP("HostConfig", "BlkioDeviceReadIOps", SPEC_VALUE),
    KEEP("HostConfig", "BlkioDeviceWriteIOps", SPEC_VALUE),
    KEEP("HostConfig", "IOMaximumIOps", SPEC_VALUE),
    KEEP("HostConfig", "IOMaximumBandwidth", SPEC_VALUE),
    KEEP("HostConfig", "Devices", SPEC_VALUE),
    KEEP("HostConfig", "DeviceRequests", SPEC_VALUE),
    KEEP("HostConfig", "DeviceCgroupRules", SPEC_VALUE),
    KEEP("HostConfig", "OomKillDisable", SPEC_VALUE),
    KEEP("HostConfig", "OomScoreAdj", SPEC_VALUE),
    KEEP("HostConfig", "Isolation", SPEC_VALUE),
    DERIVED("HostConfig", "ContainerIDFile"), /* written by the client that created the old one */
    DERIVED("HostConfig", "ConsoleSize"),
    DERIVED("HostConfig", "MaskedPaths"),   /* follow from Privileged */
    DERIVED("HostConfig", "ReadonlyPaths"), /* follow from Privileged */
    LOST("HostConfig", "AutoRemove"),       /* stopping such a container deletes it: no way back */
};

const struct spec_field *spec_field_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(fields);
    return fields;
}

const struct spec_field *spec_field_find(const char *section, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (str_eq(fields[i].section, section) && str_eq(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

bool spec_is_empty(const json_t *value)
{
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    case JSON_ARRAY:
        return json_array_size(value) == 0;
    case JSON_STRING:
        return json_string_length(value) == 0;
    case JSON_INTEGER:
        return json_integer_value(value) == 0;
    case JSON_REAL:
        return json_real_value(value) == 0.0;
    case JSON_TRUE:
        return false;
    case JSON_FALSE:
    case JSON_NULL:
    default:
        return true;
    }
}

bool spec_is_equal(enum spec_shape shape, const json_t *a, const json_t *b)
{
    if (shape == SPEC_LIMIT) {
        json_int_t left = json_integer_value(a);
        json_int_t right = json_integer_value(b);
        return left == right || (left <= 0 && right <= 0);
    }
    return (spec_is_empty(a) && spec_is_empty(b)) || json_equal(a, b) != 0;
}

/* "K" of "K=V". */
static size_t env_name_len(const char *entry)
{
    return strcspn(entry, "=");
}

static bool env_is_named(const json_t *item, const char *name, size_t name_len)
{
    const char *entry = json_string_value(item);
    return entry != NULL && env_name_len(entry) == name_len && strncmp(entry, name, name_len) == 0;
}

/* Of several with one name the last one counts, as in the runtime. */
static json_t *env_find(const json_t *env, const char *name, size_t name_len)
{
    for (size_t i = json_array_size(env); i-- > 0;) {
        json_t *item = json_array_get(env, i);
        if (env_is_named(item, name, name_len)) {
            return item;
        }
    }
    return NULL;
}

const char *spec_env_get(const json_t *env, const char *name)
{
    size_t name_len = strlen(name);
    const char *entry = json_string_value(env_find(env, name, name_len));
    return entry == NULL || entry[name_len] != '=' ? NULL : entry + name_len + 1;
}

bool spec_env_is_repeated(const json_t *env, size_t index)
{
    const char *entry = json_string_value(json_array_get(env, index));
    for (size_t i = 0; entry != NULL && i < index; i++) {
        if (env_is_named(json_array_get(env, i), entry, env_name_len(entry))) {
            return true;
        }
    }
    return false;
}

void spec_env_set(json_t *env, const char *name, const char *value)
{
    AUTO_FREE char *entry = mem_printf("%s=%s", name, value);
    size_t name_len = strlen(name);
    bool set = false;
    for (size_t i = json_array_size(env); i-- > 0;) {
        if (!env_is_named(json_array_get(env, i), name, name_len)) {
            continue;
        }
        if (set) {
            json_array_remove(env, i);
        } else {
            json_array_set_new(env, i, json_from_text(entry));
        }
        set = true;
    }
    if (!set) {
        json_add(env, json_from_text(entry));
    }
}

void spec_env_drop(json_t *env, const char *name)
{
    size_t name_len = strlen(name);
    for (size_t i = json_array_size(env); i-- > 0;) {
        if (env_is_named(json_array_get(env, i), name, name_len)) {
            json_array_remove(env, i);
        }
    }
}

static json_t *env_subtract(const json_t *env, const json_t *image)
{
    json_t *rest = json_array();
    for (size_t i = 0; i < json_array_size(env); i++) {
        json_t *item = json_array_get(env, i);
        const char *entry = json_string_value(item);
        const json_t *same = entry == NULL ? NULL : env_find(image, entry, env_name_len(entry));
        if (same == NULL || !json_equal(same, item)) {
            json_array_append(rest, item);
        }
    }
    return rest;
}

static json_t *env_overlay(const json_t *env, const json_t *image)
{
    json_t *all = json_is_array(env) ? json_copy((json_t *)(uintptr_t)env) : json_array();
    for (size_t i = 0; i < json_array_size(image); i++) {
        json_t *item = json_array_get(image, i);
        const char *entry = json_string_value(item);
        if (entry != NULL && env_find(all, entry, env_name_len(entry)) == NULL) {
            json_array_append(all, item);
        }
    }
    return all;
}

static json_t *map_subtract(const json_t *map, const json_t *image)
{
    json_t *rest = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)map, key, value) {
        const json_t *same = json_object_get(image, key);
        if (same == NULL || !json_equal(same, value)) {
            json_object_set(rest, key, value);
        }
    }
    return rest;
}

json_t *spec_subtract(enum spec_shape shape, const json_t *value, const json_t *image)
{
    switch (shape) {
    case SPEC_ENV:
        return env_subtract(value, image);
    case SPEC_MAP:
        return map_subtract(value, image);
    case SPEC_VALUE:
    case SPEC_LIMIT:
    case SPEC_MOUNTS:
    case SPEC_SHAPE_MAX:
    default:
        return value == NULL || spec_is_equal(shape, value, image) ? json_null()
                                                                   : json_deep_copy(value);
    }
}

json_t *spec_overlay(enum spec_shape shape, const json_t *value, const json_t *image)
{
    if (shape == SPEC_ENV) {
        return env_overlay(value, image);
    }
    if (shape == SPEC_MAP) {
        json_t *all = json_is_object(image) ? json_deep_copy(image) : json_object();
        if (json_is_object(value)) {
            json_object_update(all, (json_t *)(uintptr_t)value);
        }
        return all;
    }
    const json_t *top = spec_is_empty(value) ? image : value;
    return top == NULL ? json_null() : json_deep_copy(top);
}

json_t *spec_mask(enum spec_shape shape, const json_t *image, const json_t *value)
{
    if (shape == SPEC_ENV) {
        json_t *rest = json_array();
        for (size_t i = 0; i < json_array_size(image); i++) {
            json_t *item = json_array_get(image, i);
            const char *entry = json_string_value(item);
            if (entry != NULL && env_find(value, entry, env_name_len(entry)) == NULL) {
                json_array_append(rest, item);
            }
        }
        return rest;
    }
    if (shape == SPEC_MAP) {
        json_t *rest = json_object();
        const char *key;
        json_t *item;
        json_object_foreach ((json_t *)(uintptr_t)image, key, item) {
            if (json_object_get(value, key) == NULL) {
                json_object_set(rest, key, item);
            }
        }
        return rest;
    }
    return image == NULL || !spec_is_empty(value) ? json_null() : json_deep_copy(image);
}

const json_t *spec_image_default(const struct spec_field *f, const json_t *config,
                                 const json_t *image)
{
    if (!f->from_image) {
        return NULL;
    }
    const json_t *entrypoint = json_object_get(config, "Entrypoint");
    const json_t *image_entrypoint = json_object_get(image, "Entrypoint");
    /* With an entrypoint of the user's own, or with the image's taken away, the engine ignores the
     * image's command. */
    bool no_command = spec_is_empty(json_object_get(config, "Cmd")) &&
                      !spec_is_empty(json_object_get(image, "Cmd"));
    bool own = !spec_is_equal(SPEC_VALUE, entrypoint, image_entrypoint) ||
               (!spec_is_empty(entrypoint) && no_command);
    if (own && (str_eq(f->name, "Cmd") || str_eq(f->name, "Entrypoint"))) {
        return NULL;
    }
    return json_object_get(image, f->name);
}

const json_t *spec_image_brings(const struct spec_field *f, const json_t *desired,
                                const json_t *image)
{
    bool own = !spec_is_empty(json_object_get(desired, "Entrypoint"));
    return !f->from_image || (own && str_eq(f->name, "Cmd")) ? NULL
                                                             : json_object_get(image, f->name);
}
