/* A made-up /proc: tables of sockets, and processes with their groups and descriptors. */
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/port_facts.h"
#include "launcher/base/fs.h"

#define ID "117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2bf79b"
#define HEADER                                                                                    \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout " \
    "inode\n"
#define LINE(address, port, state, inode)                                               \
    "   0: " address ":" port " 00000000:0000 " state " 00000000:00000000 00:00000000 " \
    "00000000     0        0 " inode " 1 0000000000000000 100 0 0 10 0\n"

static const struct oms_config config = {.nginx_port = 8089,
                                         .cm_port = 8088,
                                         .ghana_port = 8090,
                                         .supervisor_port = 9000,
                                         .sshd_port = 2023};

static void put(const char *root, const char *path, const char *text)
{
    AUTO_FREE char *full = fs_join(root, path);
    FILE *out = fopen(full, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void put_folder(const char *root, const char *path)
{
    AUTO_FREE char *full = fs_join(root, path);

    assert_int_equal(mkdir(full, 0700), 0);
}

static void put_process(const char *root, const char *pid, const char *group, const char *name,
                        const char *socket)
{
    AUTO_FREE char *fd = mem_printf("%s/fd", pid);
    AUTO_FREE char *cgroup = mem_printf("%s/cgroup", pid);
    AUTO_FREE char *comm = mem_printf("%s/comm", pid);
    AUTO_FREE char *link = mem_printf("%s/%s/fd/3", root, pid);

    put_folder(root, pid);
    put_folder(root, fd);
    put(root, cgroup, group);
    if (name) {
        put(root, comm, name);
    }
    assert_int_equal(symlink(socket, link), 0);
}

static int start(void **state)
{
    static char root[32];

    strcpy(root, "/tmp/omsl-proc.XXXXXX");
    assert_non_null(mkdtemp(root));
    put_folder(root, "net");
    *state = root;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int end(void **state)
{
    return nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_port(const struct port_facts *f, size_t i, const char *key,
                        enum port_holder holder, const char *who)
{
    assert_string_equal(f->items[i].key, key);
    assert_int_equal(f->items[i].holder, holder);
    if (who) {
        assert_string_equal(f->items[i].who, who);
    } else {
        assert_null(f->items[i].who);
    }
}

static void every_holder(void **state)
{
    const char *root = *state;
    CLEANUP(port_facts_free) struct port_facts f;

    put(root, "net/tcp",
        HEADER LINE("00000000", "1F99", "0A", "100")        /* 8089, all addresses */
        LINE("0100007F", "1F98", "0A", "101")               /* 8088, 127.0.0.1 */
        LINE("0B00007F", "1F9A", "0A", "102")               /* 8090, 127.0.0.11 */
        LINE("0C00007F", "07E7", "0A", "104")               /* 2023, 127.0.0.12: not ours */
        LINE("00000000", "07E7", "01", "105") "rubbish\n"); /* 2023, but a connection */
    put(root, "net/tcp6", HEADER LINE("00000000000000000000000000000000", "2328", "0A", "103"));
    put_process(root, "10", "0::/system.slice/docker-" ID ".scope\n", "nginx\n", "socket:[100]");
    put_process(root, "11", "0::/user.slice\n", "redis\n", "socket:[101]");
    put_process(root, "12", "12:pids:/docker/" ID "\n", NULL, "socket:[102]");
    put_folder(root, "sys");
    port_facts_read(root, &config, ID, "127.0.0.11", &f);
    assert_true(f.known);
    assert_port(&f, 0, "nginx_server_port", PORT_OLD, "nginx (pid 10)");
    assert_port(&f, 1, "cm_server_port", PORT_OTHER, "redis (pid 11)");
    assert_port(&f, 2, "ghana_server_port", PORT_OLD, "pid 12");
    assert_port(&f, 3, "supervisor_server_port", PORT_UNKNOWN, NULL);
    assert_port(&f, 4, "sshd_server_port", PORT_FREE, NULL);
    assert_int_equal(f.items[3].port, 9000);
}

static void mapped_addresses(void **state)
{
    const char *root = *state;
    CLEANUP(port_facts_free) struct port_facts f;

    put(root, "net/tcp", HEADER);
    put(root, "net/tcp6",
        HEADER LINE("0000000000000000FFFF00000B00007F", "1F99", "0A", "7") /* ::ffff:127.0.0.11 */
        LINE("000080FE00000000000000000000000A", "1F98", "0A", "8")        /* a link's own */
        LINE("0000", "1F9A", "0A", "9") LINE("", "1F9A", "0A", "9") "1: x 2 0A 3 4 5 6 7 8\n");
    port_facts_read(root, &config, ID, "127.0.0.11", &f);
    assert_port(&f, 0, "nginx_server_port", PORT_UNKNOWN, NULL);
    assert_port(&f, 1, "cm_server_port", PORT_FREE, NULL);
}

static void without_a_table(void **state)
{
    struct port_facts f;

    port_facts_read(*state, &config, ID, NULL, &f);
    assert_false(f.known);
}

/* Nobody listens on the console's port: which ones does the container listen on? */
static void a_console_elsewhere(void **state)
{
    const char *root = *state;
    CLEANUP(port_facts_free) struct port_facts f;

    put(root, "net/tcp",
        HEADER LINE("00000000", "4651", "0A", "200") /* 18001: a component */
        LINE("00000000", "1FF9", "0A", "201")        /* 8185 */
        LINE("00000000", "01BB", "0A", "202")        /* 443 */
        LINE("00000000", "1F90", "0A", "203")        /* 8080, of somebody else */
        LINE("00000000", "1F98", "0A", "204"));      /* 8088: it is named */
    put_process(root, "30", "0::/system.slice/docker-" ID ".scope\n", "nginx\n", "socket:[201]");
    put_process(root, "31", "0::/system.slice/docker-" ID ".scope\n", "nginx\n", "socket:[202]");
    put_process(root, "32", "0::/system.slice/docker-" ID ".scope\n", "store\n", "socket:[200]");
    put_process(root, "33", "0::/system.slice/docker-" ID ".scope\n", "cm\n", "socket:[204]");
    put_process(root, "34", "0::/user.slice\n", "web\n", "socket:[203]");
    port_facts_read(root, &config, ID, "127.0.0.11", &f);
    assert_int_equal(f.other_count, 2);
    assert_int_equal(f.others[0], 443);
    assert_int_equal(f.others[1], 8185);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_holder, start, end),
        cmocka_unit_test_setup_teardown(a_console_elsewhere, start, end),
        cmocka_unit_test_setup_teardown(mapped_addresses, start, end),
        cmocka_unit_test_setup_teardown(without_a_table, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
