#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/deployment_file.h"

struct folder {
    char path[32];
    char file[64];
};

static void folder_make(struct folder *f, const char *text)
{
    strcpy(f->path, "/tmp/omsl-deploy.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(f->file, sizeof(f->file), "%s/prod.yaml", f->path);
    int fd = creat(f->file, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
    (void)close(fd);
}

static void folder_remove(struct folder *f)
{
    (void)unlink(f->file);
    (void)rmdir(f->path);
}

/* What is wrong is said after the file's name. */
static void assert_refused(const char *text, const char *said)
{
    CLEANUP(folder_remove) struct folder f;
    AUTO_NODE_ADDRESSES struct node_addresses read = {.name = NULL};
    struct err err = ERR_INIT;
    folder_make(&f, text);
    AUTO_FREE char *want = mem_printf("%s%s", f.file, said);
    assert_fails(deployment_file_read(f.file, &read, &err));
    assert_err(&err, ERR_CONFIG, want);
}

static void whole_file(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder f;
    AUTO_NODE_ADDRESSES struct node_addresses read = {.name = NULL};
    AUTO_NODE_ADDRESSES struct node_addresses again = {.name = NULL};
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;
    folder_make(&f, "defaults: {container: oms_331, engine: 'ssh://root@{ip}'}\n"
                    "nodes:\n"
                    "  - ip: 10.0.0.11\n"
                    "  - {ip: 10.0.0.12, container: \"OMS_2023's\", context: k1}\n"
                    "  - {ip: 'fd00::3', host_ip: 'fd00::4', tls_ca: /ca.pem}\n");
    assert_ok(deployment_file_read(f.file, &read, &err), &err);
    assert_string_equal(read.name, "prod");
    assert_int_equal(read.count, 3);
    assert_string_equal(read.items[0].endpoint, "ssh://root@10.0.0.11");
    assert_string_equal(read.items[0].container, "oms_331");
    assert_null(read.items[1].endpoint);
    assert_string_equal(read.items[1].context, "k1");
    assert_string_equal(read.items[2].endpoint, "ssh://root@[fd00::3]");
    assert_string_equal(read.items[2].tls.ca, "/ca.pem");
    deployment_file_write(&read, &text);
    assert_string_equal(str_get(&text), "nodes:\n"
                                        "  - ip: '10.0.0.11'\n"
                                        "    engine: 'ssh://root@10.0.0.11'\n"
                                        "    container: 'oms_331'\n"
                                        "  - ip: '10.0.0.12'\n"
                                        "    context: 'k1'\n"
                                        "    container: 'OMS_2023''s'\n"
                                        "  - ip: 'fd00::3'\n"
                                        "    engine: 'ssh://root@[fd00::3]'\n"
                                        "    container: 'oms_331'\n"
                                        "    host_ip: 'fd00::4'\n"
                                        "    tls_ca: '/ca.pem'\n");
    folder_remove(&f);
    folder_make(&f, str_get(&text));
    assert_ok(deployment_file_read(f.file, &again, &err), &err);
    assert_string_equal(again.items[1].container, "OMS_2023's");
}

static void wrong_files(void **state)
{
    (void)state;
    assert_refused("nodes: []\n", ": 'nodes' lists no node\nHINT: docs/nodes.md shows the form");
    assert_refused("node: []\n",
                   ": unknown key 'node', expected nodes or defaults\nHINT: docs/nodes.md shows "
                   "the form");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, engin: unix:///a}\n",
                   ": unknown key 'engin' in node 1, expected one of ip, engine, context, "
                   "container, host_ip, tls_ca, tls_cert, tls_key\nHINT: docs/nodes.md shows the "
                   "form");
    assert_refused("defaults: {ip: 10.0.0.1}\nnodes: []\n",
                   ": unknown key 'ip' in the defaults, expected one of ip, engine, context, "
                   "container, host_ip, tls_ca, tls_cert, tls_key\nHINT: docs/nodes.md shows the "
                   "form");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, metadb_password: x}\n",
                   ": node 1 has 'metadb_password', but secrets have no place in this file\n"
                   "HINT: take it out; the MetaDB's password is read from each node's own "
                   "config.yaml, and ssh uses its keys");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, container: oms, engine: 'ssh://root:pw@10.0.0.1'}\n",
                   ": node 1: the engine's endpoint holds a password\n"
                   "HINT: secrets are not stored; let ssh use a key or an agent");
    assert_refused("nodes:\n  - {ip: 10.1, container: oms, engine: 'ssh://10.1'}\n",
                   ": node 1: '10.1' is not an IP address\n"
                   "HINT: write the node's OMS_HOST_IP, as the console's server list has it");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, engine: 'ssh://10.0.0.1'}\n",
                   ": node 1 has no 'container'\nHINT: docs/nodes.md shows the form");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, container: oms}\n",
                   ": node 1 has neither, expected either 'engine' or 'context'\n"
                   "HINT: docs/nodes.md shows the form");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, container: oms, engine: 'unix:///a'}\n"
                   "  - {ip: 10.0.0.1, container: oms, engine: 'unix:///b'}\n",
                   ": two nodes have the address '10.0.0.1'\n"
                   "HINT: list each node once, with its own OMS_HOST_IP");
    assert_refused("nodes:\n  - {ip: 10.0.0.1, container: oms, engine: 'unix:///a'}\n"
                   "  - {ip: 10.0.0.2, container: oms, engine: 'unix:///a'}\n",
                   ": the container 'oms' of the engine 'unix:///a' is listed twice\n"
                   "HINT: each node has an engine of its own");
    assert_refused("nodes: [x]\n", ": node 1 is not a mapping\nHINT: docs/nodes.md shows the form");
}

static void found_by_name(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder f;
    folder_make(&f, "nodes: []\n");
    AUTO_FREE char *path = deployment_file_find(f.path, "prod");
    assert_string_equal(path, f.file);
    assert_null(deployment_file_find(f.path, "test"));
    assert_null(deployment_file_find("/", "etc/prod"));
}

static void short_form(void **state)
{
    (void)state;
    AUTO_NODE_ADDRESSES struct node_addresses a = {.name = NULL};
    struct err err = ERR_INIT;
    assert_ok(node_addresses_add_argument(&a, "10.0.0.1=unix:///a", "oms", &err), &err);
    assert_string_equal(a.items[0].ip, "10.0.0.1");
    assert_string_equal(a.items[0].endpoint, "unix:///a");
    assert_fails(node_addresses_add_argument(&a, "10.0.0.1", "oms", &err));
    assert_err(&err, ERR_USAGE,
               "--node '10.0.0.1' does not name a node and its engine\n"
               "HINT: write it as IP=ENDPOINT: --node 10.0.0.11=ssh://root@10.0.0.11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(found_by_name),
        cmocka_unit_test(short_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
