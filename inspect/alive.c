#include "inspect/alive.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "inspect/config_seen.h"
#include "inspect/container.h"
#include "inspect/host_facts.h"

/* ---- one server under two names ---- */

static bool is_loopback(const char *address)
{
    return str_starts_with(address, "127.") || str_eq(address, "::1");
}

/* "10.0.0.9", one for each address that a name has; the name itself where it has none. */
static void resolve(const char *host, struct strv *ret)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    AUTO_FREE char *bare = mem_strdup(host[0] == '[' ? host + 1 : host);

    bare[strcspn(bare, "]")] = '\0';
    if (getaddrinfo(bare, NULL, &hints, &found) == 0) {
        for (const struct addrinfo *a = found; a; a = a->ai_next) {
            char text[INET6_ADDRSTRLEN + 16] = "";

            if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
                            NI_NUMERICHOST) == 0 &&
                !strv_has(ret, text)) {
                strv_add(ret, text);
            }
        }
        freeaddrinfo(found);
    }
    if (ret->count == 0) {
        strv_add(ret, bare);
    }
}

static bool is_own_address(const char *text)
{
    struct ifaddrs *all = NULL;
    bool own = is_loopback(text);

    if (own || getifaddrs(&all)) {
        return own;
    }
    for (const struct ifaddrs *a = all; a && !own; a = a->ifa_next) {
        char name[INET6_ADDRSTRLEN + 16] = "";
        const int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;
        const socklen_t size =
            family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

        own = (family == AF_INET || family == AF_INET6) &&
              getnameinfo(a->ifa_addr, size, name, sizeof(name), NULL, 0, NI_NUMERICHOST) == 0 &&
              str_eq(name, text);
    }
    freeifaddrs(all);
    return own;
}

bool alive_is_same_host(const char *a, const char *b)
{
    AUTO_STRV struct strv one = STRV_INIT;
    AUTO_STRV struct strv other = STRV_INIT;

    if (str_eq(a, b)) {
        return true;
    }
    resolve(a, &one);
    resolve(b, &other);
    for (size_t i = 0; i < one.count; i++) {
        for (size_t k = 0; k < other.count; k++) {
            const bool loops = is_loopback(one.items[i]) || is_loopback(other.items[k]);

            if (str_eq(one.items[i], other.items[k]) ||
                (loops && is_own_address(one.items[i]) && is_own_address(other.items[k]))) {
                return true;
            }
        }
    }
    return false;
}

/* ---- who runs on it ---- */

static int observe(struct engine *e, const char *id, struct container *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;

    return engine_container_inspect(e, id, &answer, err) || container_from_engine(answer, ret, err)
               ? -1
               : 0;
}

static const char *shared_database(const struct oms_config *c, const struct alive_place *place)
{
    const char *const names[] = {c->rm_db, c->cm_db, c->heartbeat_db};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strv_has(place->databases, names[i])) {
            return names[i];
        }
    }
    return NULL;
}

static int check_container(struct engine *e, const char *id, bool local,
                           const struct alive_place *place, struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    AUTO_OMS_CONFIG struct oms_config config = {0};
    CLEANUP(oms_config_text_wipe) struct str text = STR_INIT;
    struct err ignored = ERR_INIT;
    const char *database;

    /* It may be gone by now, or be no OMS that could be told from others. */
    if (observe(e, id, &c, &ignored) || !c.running || !container_is_oms(&c) ||
        config_seen_read(e, &c, local, &text, &ignored) ||
        oms_config_parse(str_get(&text), text.len, "config.yaml", &config, &ignored)) {
        return 0;
    }
    database = shared_database(&config, place);
    if (!database || config.meta_port != place->port ||
        !alive_is_same_host(config.meta_host, place->host)) {
        return 0;
    }
    return err_fail(err, ERR_REFUSED,
                    "the container '%s' runs on the database '%s'\n"
                    "HINT: what it writes would be lost; stop it first: docker stop %s",
                    c.name, database, c.name);
}

int alive_check_engine(struct engine *e, const struct alive_place *place, const struct strv *but,
                       struct err *err)
{
    AUTO_JSON json_t *list = NULL;
    struct host_facts host = {.name = NULL};
    int rc = 0;

    if (engine_container_list(e, NULL, &list, err) || host_facts_observe(e, &host, err)) {
        return err_wrap(err, "who runs on the databases");
    }
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        const json_t *j = json_array_get(list, i);
        const char *id = json_text(j, "Id", "");

        if (str_eq(json_text(j, "State", ""), "running") && !strv_has(but, id)) {
            rc = check_container(e, id, host.local, place, err);
        }
    }
    host_facts_free(&host);
    return rc;
}
