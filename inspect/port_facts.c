#include "inspect/port_facts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/config_seen.h"
#include "launcher/base/foreign.h"
#include "launcher/base/fs.h"
#include "launcher/base/str.h"

#define TABLE_MAX ((size_t)64 * 1024 * 1024)
#define SMALL_FILE_MAX 65536
#define PROCESS_NAME_MAX 64
#define STATE_LISTEN 0x0a

enum { FIELD_ADDRESS = 1, FIELD_STATE = 3, FIELD_INODE = 9 };

#define OTHERS_MAX 256

/* The sockets that matter: of each port, at most one listener is looked for. */
struct wanted {
    uint64_t inode[PORT_COUNT]; /* 0: nobody listens, or found already */
    size_t open;
    struct {
        uint64_t inode;
        uint16_t port;
    } others[OTHERS_MAX]; /* listeners on ports that are not asked for */
    size_t other_count;
};

void port_facts_free(struct port_facts *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < PORT_COUNT; i++) {
        free(f->items[i].who);
    }
    *f = (struct port_facts){.known = false};
}

static void name_ports(const struct oms_config *c, struct port_facts *f)
{
    const struct port_fact all[PORT_COUNT] = {
        {"nginx_server_port", c->nginx_port, PORT_FREE, NULL},
        {"cm_server_port", c->cm_port, PORT_FREE, NULL},
        {"ghana_server_port", c->ghana_port, PORT_FREE, NULL},
        {"supervisor_server_port", c->supervisor_port, PORT_FREE, NULL},
        {"sshd_server_port", c->sshd_port, PORT_FREE, NULL},
        {"supervisord", 8084, PORT_FREE, NULL}, /* domain, "Sites as they are" */
        {"supervisord", 9001, PORT_FREE, NULL},
    };

    memcpy(f->items, all, sizeof(all));
}

/* The kernel prints addresses as 32-bit words in the machine's order; 8 or 32 digits. */
static void address_text(const char *hex, char *ret, size_t size)
{
    const size_t words = strlen(hex) / 8;
    uint32_t parts[4] = {0};

    ret[0] = '\0';
    if (strlen(hex) % 8 != 0 || (words != 1 && words != ARRAY_LEN(parts))) {
        return;
    }
    for (size_t i = 0; i < words; i++) {
        char word[9] = "";

        memcpy(word, hex + i * 8, 8);
        parts[i] = (uint32_t)strtoul(word, NULL, 16);
    }
    if (!inet_ntop(words == 1 ? AF_INET : AF_INET6, parts, ret, (socklen_t)size)) {
        ret[0] = '\0';
    }
}

static bool address_counts(const char *hex, const char *host_ip)
{
    char text[INET6_ADDRSTRLEN] = "";
    const char *plain = text;

    address_text(hex, text, sizeof(text));
    if (str_starts_with(plain, "::ffff:")) {
        plain += strlen("::ffff:");
    }
    return str_eq(plain, "0.0.0.0") || str_eq(plain, "::") || str_eq(plain, "127.0.0.1") ||
           (host_ip && str_eq(plain, host_ip));
}

/* Fields of a line of /proc/net/tcp: 1 local address, 3 state, 9 inode. Splits `line` up. */
static bool split_line(char *line, char **ret_address, uint64_t *ret_state, uint64_t *ret_inode)
{
    char *rest = NULL;
    char *field = strtok_r(line, " ", &rest);
    char *state = NULL, *inode = NULL;

    *ret_address = NULL;
    for (size_t i = 0; field; i++, field = strtok_r(NULL, " ", &rest)) {
        if (i == FIELD_ADDRESS) {
            *ret_address = field;
        } else if (i == FIELD_STATE) {
            state = field;
        } else if (i == FIELD_INODE) {
            inode = field;
        }
    }
    if (!inode) {
        return false;
    }
    *ret_state = strtoull(state, NULL, 16);
    *ret_inode = strtoull(inode, NULL, 10);
    return true;
}

/* The ports of stores, writers and connectors (domain, "Sites as they are"). */
static bool is_component(unsigned long port)
{
    return (port >= 7100 && port <= 7499) || (port >= 16000 && port <= 18499);
}

static void read_line(char *line, const char *host_ip, const struct port_facts *f, struct wanted *w)
{
    char *address, *colon;
    uint64_t state, inode;
    unsigned long port;
    bool known = false;

    if (!split_line(line, &address, &state, &inode) || state != STATE_LISTEN || inode == 0) {
        return;
    }
    colon = strchr(address, ':');
    if (!colon) {
        return;
    }
    *colon = '\0';
    port = strtoul(colon + 1, NULL, 16);
    if (!address_counts(address, host_ip)) {
        return;
    }
    for (size_t i = 0; i < PORT_COUNT; i++) {
        if (f->items[i].port == port && w->inode[i] == 0) {
            w->inode[i] = inode;
            w->open++;
        }
        known = known || f->items[i].port == port;
    }
    if (!known && !is_component(port) && w->other_count < OTHERS_MAX) {
        w->others[w->other_count].inode = inode;
        w->others[w->other_count++].port = (uint16_t)port;
    }
}

/* Of /proc/net/tcp or tcp6; false when it cannot be read. */
static bool read_table(const char *proc, const char *name, const char *host_ip,
                       const struct port_facts *f, struct wanted *w)
{
    AUTO_FREE char *path = mem_printf("%s/net/%s", proc, name);
    AUTO_STR struct str text = STR_INIT;
    struct err ignored = ERR_INIT;
    char *rest, *line;

    if (fs_read(path, TABLE_MAX, false, &text, &ignored)) {
        return false;
    }
    for (line = text.data ? strtok_r(text.data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        read_line(line, host_ip, f, w);
    }
    return true;
}

static char *describe_process(const char *proc, const char *pid)
{
    AUTO_FREE char *path = mem_printf("%s/%s/comm", proc, pid);
    AUTO_STR struct str text = STR_INIT;
    struct err ignored = ERR_INIT;

    if (fs_read(path, SMALL_FILE_MAX, false, &text, &ignored) || text.len == 0) {
        return mem_printf("pid %s", pid);
    }
    /* Any local user chooses it. */
    AUTO_FREE char *name = foreign_text(text.data, text.len - (text.data[text.len - 1] == '\n'),
                                        FOREIGN_LINE, PROCESS_NAME_MAX);
    return mem_printf("%s (pid %s)", name, pid);
}

static void note_socket(const char *link, const char *proc, const char *pid, bool ours,
                        struct port_facts *f, struct wanted *w)
{
    const size_t prefix = strlen("socket:[");
    uint64_t inode;

    if (strncmp(link, "socket:[", prefix) != 0) {
        return;
    }
    inode = strtoull(link + prefix, NULL, 10);
    for (size_t i = 0; i < PORT_COUNT; i++) {
        if (w->inode[i] != inode) {
            continue;
        }
        w->inode[i] = 0;
        w->open--;
        f->items[i].holder = ours ? PORT_OLD : PORT_OTHER;
        f->items[i].who = describe_process(proc, pid);
    }
}

static bool read_link(const char *folder, const char *name, char *ret, size_t size)
{
    AUTO_FREE char *path = fs_join(folder, name);
    const ssize_t n = readlink(path, ret, size - 1);

    ret[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static void look_at_process(const char *proc, const char *pid, bool ours, struct port_facts *f,
                            struct wanted *w)
{
    AUTO_FREE char *folder = mem_printf("%s/%s/fd", proc, pid);
    DIR *dir = opendir(folder);

    if (!dir) {
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry && w->open; entry = readdir(dir)) {
        char link[64];

        if (read_link(folder, entry->d_name, link, sizeof(link))) {
            note_socket(link, proc, pid, ours, f, w);
        }
    }
    closedir(dir);
}

/* ---- a console that has moved ---- */

static void add_other(struct port_facts *f, uint16_t port)
{
    size_t at = 0;

    while (at < f->other_count && f->others[at] < port) {
        at++;
    }
    if (at == PORT_OTHERS_MAX || (at < f->other_count && f->others[at] == port)) {
        return;
    }
    f->other_count += f->other_count < PORT_OTHERS_MAX;
    memmove(&f->others[at + 1], &f->others[at], (f->other_count - at - 1) * sizeof(f->others[0]));
    f->others[at] = port;
}

static void note_other(const char *link, struct port_facts *f, const struct wanted *w)
{
    const size_t prefix = strlen("socket:[");

    if (strncmp(link, "socket:[", prefix) != 0) {
        return;
    }
    for (size_t i = 0; i < w->other_count; i++) {
        if (w->others[i].inode == strtoull(link + prefix, NULL, 10)) {
            add_other(f, w->others[i].port);
        }
    }
}

static void find_others(const char *proc, const char *container_id, struct port_facts *f,
                        const struct wanted *w)
{
    DIR *dir = opendir(proc);

    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        AUTO_FREE char *folder = mem_printf("%s/%s/fd", proc, entry->d_name);

        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !process_is_of_container(proc, entry->d_name, container_id)) {
            continue;
        }
        DIR *fds = opendir(folder);
        for (const struct dirent *fd = fds ? readdir(fds) : NULL; fd; fd = readdir(fds)) {
            char link[64];

            if (read_link(folder, fd->d_name, link, sizeof(link))) {
                note_other(link, f, w);
            }
        }
        if (fds) {
            closedir(fds);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* ---- all ---- */

/* The container's own processes first: usually they hold all, and the others need no look. */
static void find_holders(const char *proc, const char *container_id, bool ours,
                         struct port_facts *f, struct wanted *w)
{
    DIR *dir = opendir(proc);

    if (!dir) {
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry && w->open; entry = readdir(dir)) {
        if (isdigit((unsigned char)entry->d_name[0]) &&
            process_is_of_container(proc, entry->d_name, container_id) == ours) {
            look_at_process(proc, entry->d_name, ours, f, w);
        }
    }
    closedir(dir);
}

void port_facts_read(const char *proc, const struct oms_config *config, const char *container_id,
                     const char *host_ip, struct port_facts *ret)
{
    struct wanted w = {.open = 0};
    bool console_missing;

    *ret = (struct port_facts){.known = false};
    name_ports(config, ret);
    if (!read_table(proc, "tcp", host_ip, ret, &w)) {
        return;
    }
    (void)read_table(proc, "tcp6", host_ip, ret, &w); /* a machine may be without IPv6 */
    ret->known = true;
    for (size_t i = 0; i < PORT_COUNT; i++) {
        if (w.inode[i]) {
            ret->items[i].holder = PORT_UNKNOWN;
        }
    }
    console_missing = w.inode[0] == 0;
    if (w.open) {
        find_holders(proc, container_id, true, ret, &w);
    }
    if (w.open) {
        find_holders(proc, container_id, false, ret, &w);
    }
    if (console_missing && w.other_count > 0) {
        find_others(proc, container_id, ret, &w);
    }
}
