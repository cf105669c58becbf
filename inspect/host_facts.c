#include "inspect/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"
#include "launcher/base/str.h"

void host_facts_free(struct host_facts *f)
{
    if (!f) {
        return;
    }
    free(f->id);
    free(f->name);
    free(f->engine_version);
    free(f->api_version);
    free(f->os);
    free(f->architecture);
    free(f->storage_driver);
    strv_free(&f->storage_status);
    free(f->root_dir);
    strv_free(&f->addresses);
    *f = (struct host_facts){0};
}

static bool is_rootless(const json_t *info)
{
    const json_t *options = json_object_get(info, "SecurityOptions");

    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *option = json_string_value(json_array_get(options, i));

        if (option && str_eq(option, "name=rootless")) {
            return true;
        }
    }
    return false;
}

/* A list of pairs. */
static void read_storage_status(const json_t *info, struct strv *ret)
{
    const json_t *list = json_object_get(info, "DriverStatus");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        AUTO_FREE char *line = mem_printf("%s: %s", name ? name : "", value ? value : "");

        strv_add(ret, line);
    }
}

/* A socket of this machine may lead to another one, or out of our container, through somebody whom
 * the transport does not know: the names of both sides tell. */
static bool is_local(bool near, const char *engine_host, const char *this_host)
{
    return near && *engine_host && str_eq(engine_host, this_host);
}

void host_facts_from_info(const json_t *info, bool near, const char *this_host, uint64_t asked_ms,
                          struct host_facts *ret)
{
    const int64_t cores = json_int(info, "NCPU", 0);
    const int64_t memory = json_int(info, "MemTotal", 0);
    const char *name = json_text(info, "Name", "");
    uint64_t their_ms = 0;

    const char *id = json_text(info, "ID", "");
    *ret = (struct host_facts){
        .id = *id == '\0' ? NULL : mem_strdup(id),
        .name = mem_strdup(name),
        .engine_version = mem_strdup(json_text(info, "ServerVersion", "")),
        .api_version = mem_strdup(""),
        .os = mem_strdup(json_text(info, "OperatingSystem", "")),
        .architecture = mem_strdup(json_text(info, "Architecture", "")),
        .storage_driver = mem_strdup(json_text(info, "Driver", "")),
        .root_dir = mem_strdup(json_text(info, "DockerRootDir", "")),
        .cores = cores > 0 && cores <= INT_MAX ? (unsigned)cores : 0,
        .memory_bytes = memory > 0 ? (uint64_t)memory : 0,
        .rootless = is_rootless(info),
        .live_restore = json_bool(info, "LiveRestoreEnabled", false),
        .local = is_local(near, name, this_host),
    };
    read_storage_status(info, &ret->storage_status);
    if (clock_parse(json_text(info, "SystemTime", ""), &their_ms) == 0) {
        ret->clock_known = true;
        ret->clock_ahead_ms = (int64_t)their_ms - (int64_t)asked_ms;
    }
}

static void read_addresses(struct host_facts *f)
{
    struct ifaddrs *list = NULL;

    if (getifaddrs(&list)) {
        return;
    }
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        char text[INET6_ADDRSTRLEN] = "";

        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;

            memcpy(&in, i->ifa_addr, sizeof(in));
            inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
        } else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in6;

            memcpy(&in6, i->ifa_addr, sizeof(in6));
            inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
        }
        if (*text && !strv_has(&f->addresses, text)) {
            strv_add(&f->addresses, text);
        }
    }
    freeifaddrs(list);
    f->addresses_known = true;
}

int host_facts_observe(struct engine *e, struct host_facts *ret, struct err *err)
{
    AUTO_JSON json_t *info = NULL;
    char this_host[HOST_NAME_MAX + 1] = "";
    const uint64_t before_ms = clock_wall_ms();
    struct err ignored = ERR_INIT;

    if (engine_info(e, &info, err)) {
        return err_wrap(err, "engine '%s'", engine_endpoint_shown(e));
    }
    if (gethostname(this_host, sizeof(this_host) - 1)) {
        this_host[0] = '\0';
    }
    host_facts_from_info(info, engine_is_local(e), this_host, (before_ms + clock_wall_ms()) / 2,
                         ret);
    free(ret->api_version);
    ret->api_version = mem_strdup(engine_api_version(e));
    if (!ret->local) {
        return 0;
    }
    read_addresses(ret);
    if (*ret->root_dir) {
        ret->root_free_known = fs_free_space(ret->root_dir, &ret->root_free_bytes, &ignored) == 0;
    }
    return 0;
}
