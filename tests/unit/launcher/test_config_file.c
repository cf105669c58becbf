#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/config_file.h"

struct folder {
    char path[32];
    char file[64];
};

static void folder_make(struct folder *f, const char *text)
{
    int fd;

    strcpy(f->path, "/tmp/omsl-config.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(f->file, sizeof(f->file), "%s/c.yaml", f->path);
    fd = creat(f->file, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
    (void)close(fd);
}

static void folder_remove(struct folder *f)
{
    (void)unlink(f->file);
    (void)rmdir(f->path);
}

/* What is wrong is said with the file's name in the place of %s. */
static void assert_refused(const char *text, bool defaults, const char *format)
{
    CLEANUP(folder_remove) struct folder f;
    AUTO_WAIVERS struct waiver_list waivers = {.items = NULL};
    AUTO_STR struct str want = STR_INIT;
    struct err err = ERR_INIT;
    const char *hole = strstr(format, "%s");

    folder_make(&f, text);
    str_append_n(&want, format, (size_t)(hole - format));
    str_append(&want, f.file);
    str_append(&want, hole + 2);
    assert_fails(defaults ? config_file_read_defaults(f.file, &waivers, &err)
                          : config_file_read(f.file, &waivers, &err));
    assert_err(&err, ERR_CONFIG, str_get(&want));
}

static void wrong_files(void **state)
{
    (void)state;
    assert_refused("policy:\n  host.resources: {severity: off}\nnodes: []\n", false,
                   "%s: unknown key 'nodes', expected policy, hooks\n"
                   "HINT: docs/policy.md and docs/hooks.md show the form");
    assert_refused("schema: 1\npolicy: {}\n", false,
                   "%s: unknown key 'schema', expected policy, hooks\n"
                   "HINT: docs/policy.md and docs/hooks.md show the form");
    assert_refused("policy:\n  host.resources: {severity: none}\n", false,
                   "%s, policy of 'host.resources': severity 'none' is unknown, expected error, "
                   "warn or off\n"
                   "HINT: for one known exception use reason, owner and expires instead");
    assert_refused("policy: off\n", false,
                   "%s: 'policy' is no mapping, expected rules and what is set for them\n"
                   "HINT: docs/policy.md shows the form");
    assert_refused("schema: 2\npolicy: {}\n", true,
                   "%s: unknown 'schema' '2', expected 1\n"
                   "HINT: install the file that came with this omslaunch");
    assert_refused("schema: 1\npolicy:\n  tls.expiry: {severity: warn}\n", true,
                   "%s, policy of 'tls.expiry' has no 'min_days'\n"
                   "HINT: install the file that came with this omslaunch");
    assert_refused("schema: 1\npolicy: {}\nrules: {}\n", true,
                   "%s: unknown key 'rules', expected schema, policy\n"
                   "HINT: docs/policy.md shows the form");
}

static void a_file_that_was_asked_for_must_be_there(void **state)
{
    AUTO_WAIVERS struct waiver_list waivers = {.items = NULL};
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(config_file_read("/nonexistent/c.yaml", &waivers, &err));
    assert_err(&err, ERR_USAGE,
               "the configuration file: cannot open '/nonexistent/c.yaml': No such file or "
               "directory\n"
               "HINT: check the path: some part of it does not exist");
    assert_fails(config_file_read_defaults("/nonexistent/c.yaml", &waivers, &err));
    assert_err(&err, ERR_CONFIG,
               "the defaults of the rules: cannot open '/nonexistent/c.yaml': No such file or "
               "directory\n"
               "HINT: check the path: some part of it does not exist");
    assert_int_equal(waivers.count, 0);
}

/* The site's file comes after the shipped one, and has the last word. */
static void shipped_and_own(void **state)
{
    CLEANUP(folder_remove) struct folder f;
    AUTO_WAIVERS struct waiver_list waivers = {.items = NULL};
    struct err err = ERR_INIT;
    size_t shipped;

    (void)state;
    folder_make(&f, "policy:\n  bind.link: {severity: error}\n");
    assert_ok(config_file_read_defaults("policy/rule_defaults.yaml", &waivers, &err), &err);
    shipped = waivers.count;
    assert_true(shipped > 40);
    assert_ok(config_file_read(f.file, &waivers, &err), &err);
    assert_int_equal(waivers.count, shipped + 1);
    assert_string_equal(waivers.items[shipped].rule, "bind.link");
    assert_int_equal(waivers.items[shipped].severity, SEVERITY_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(a_file_that_was_asked_for_must_be_there),
        cmocka_unit_test(shipped_and_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
