#include "inspect/node_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/str.h"

static void address_free(struct node_address *a)
{
    free(a->ip);
    free(a->endpoint);
    free(a->context);
    free(a->container);
    free(a->host_ip);
    free(a->tls.ca);
    free(a->tls.cert);
    free(a->tls.key);
    *a = (struct node_address){.ip = NULL};
}

void node_addresses_free(struct node_addresses *a)
{
    for (size_t i = 0; i < a->count; i++) {
        address_free(&a->items[i]);
    }
    free(a->items);
    free(a->name);
    *a = (struct node_addresses){.name = NULL};
}

void node_addresses_add_take(struct node_addresses *a, struct node_address *address)
{
    a->items = mem_grow(a->items, a->count + 1, sizeof(*a->items));
    a->items[a->count++] = *address;
    *address = (struct node_address){.ip = NULL};
}

int node_addresses_add_argument(struct node_addresses *a, const char *argument,
                                const char *container, struct err *err)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0') {
        return err_fail(err, ERR_USAGE,
                        "--node '%s' does not name a node and its engine\n"
                        "HINT: write it as IP=ENDPOINT: --node 10.0.0.11=ssh://root@10.0.0.11",
                        argument);
    }
    struct node_address address = {
        .ip = mem_strndup(argument, (size_t)(equals - argument)),
        .endpoint = mem_strdup(equals + 1),
        .container = mem_strdup(container),
    };
    node_addresses_add_take(a, &address);
    return 0;
}

/* Also what inet_aton() would read as an address, but nobody else ("10.1", "010.0.0.1"), is not
 * one: OMS compares addresses as text. */
static bool is_ip(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* ssh://user:password@host. */
static bool has_password(const char *endpoint)
{
    const char *authority = strstr(endpoint, "://");
    if (authority == NULL) {
        return false;
    }
    authority += strlen("://");
    size_t len = strcspn(authority, "/");
    const char *at = memchr(authority, '@', len);
    return at != NULL && memchr(authority, ':', (size_t)(at - authority)) != NULL;
}

static int check_address(const struct node_address *a, const char *where, size_t number,
                         struct err *err)
{
    if (a->ip != NULL && !is_ip(a->ip)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: node %zu: '%s' is not an IP address\n"
                        "HINT: write the node's OMS_HOST_IP, as the console's server list has it",
                        where, number, a->ip);
    }
    if (a->host_ip != NULL && !is_ip(a->host_ip)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: node %zu: host_ip '%s' is not an IP address\n"
                        "HINT: write the address that the node has for the others",
                        where, number, a->host_ip);
    }
    if (a->endpoint != NULL && has_password(a->endpoint)) {
        return err_fail(err, ERR_CONFIG,
                        "%s: node %zu: the engine's endpoint holds a password\n"
                        "HINT: secrets are not stored; let ssh use a key or an agent",
                        where, number);
    }
    return 0;
}

static int check_pair(const struct node_address *a, const struct node_address *b, const char *where,
                      struct err *err)
{
    if (a->ip != NULL && b->ip != NULL && strcmp(a->ip, b->ip) == 0) {
        return err_fail(err, ERR_CONFIG,
                        "%s: two nodes have the address '%s'\n"
                        "HINT: list each node once, with its own OMS_HOST_IP",
                        where, a->ip);
    }
    if (str_eq(a->endpoint, b->endpoint) && str_eq(a->context, b->context) &&
        str_eq(a->container, b->container)) {
        const char *engine = a->endpoint != NULL  ? a->endpoint
                             : a->context != NULL ? a->context
                                                  : "the default engine";
        return err_fail(err, ERR_CONFIG,
                        "%s: the container '%s' of the engine '%s' is listed twice\n"
                        "HINT: each node has an engine of its own",
                        where, a->container, engine);
    }
    return 0;
}

int node_addresses_check(const struct node_addresses *a, const char *where, struct err *err)
{
    for (size_t i = 0; i < a->count; i++) {
        if (check_address(&a->items[i], where, i + 1, err) != 0) {
            return -1;
        }
        for (size_t k = 0; k < i; k++) {
            if (check_pair(&a->items[k], &a->items[i], where, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
