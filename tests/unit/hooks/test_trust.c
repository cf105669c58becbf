#include "tests/unit/hooks/hook_folder.h"

#include "hooks/trust.h"

static void set_mode(const char *name, mode_t mode)
{
    AUTO_FREE char *path = at(name);
    assert_int_equal(chmod(path, mode), 0);
}

static void link_to(const char *target, const char *name)
{
    AUTO_FREE char *path = at(name);
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void opens(const char *name)
{
    struct err err = ERR_INIT;
    struct trusted_file file;
    AUTO_FREE char *path = at(name);
    assert_ok(trust_open(path, &file, &err), &err);
    close(file.fd);
}

/* `expected` has "@" for the folder. */
static void refuses(const char *name, enum err_kind kind, const char *expected)
{
    struct err err = ERR_INIT;
    struct trusted_file file;
    AUTO_FREE char *path = at(name);
    assert_fails(trust_open(path, &file, &err));
    err_mask(&err, folder);
    assert_err(&err, kind, expected);
}

static void test_what_is_fine(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct trusted_file file;
    put("good", "#!/bin/sh\n", 0755);
    AUTO_FREE char *path = at("good");
    assert_ok(trust_open(path, &file, &err), &err);
    assert_true(file.is_script);
    char digest[DIGEST_HEX_MAX];
    digest_of("#!/bin/sh\n", 10, digest);
    assert_string_equal(file.digest, digest);
    close(file.fd);
    assert_ok(trust_open("/bin/true", &file, &err), &err);
    assert_false(file.is_script);
    close(file.fd);
    AUTO_FREE char *odd = at(".//../");
    AUTO_FREE char *name = mem_printf("%s%s//good", odd, strrchr(folder, '/') + 1);
    assert_ok(trust_open(name, &file, &err), &err);
    close(file.fd);
    put("mine-alone", "#!/bin/sh\n", 0700);
    opens("mine-alone");
}

static void test_file(void **state)
{
    (void)state;
    refuses("missing", ERR_NOT_FOUND,
            "hook '@/missing' cannot be opened: No such file or directory\n"
            "HINT: see that the path is right");
    put("plain", "#!/bin/sh\n", 0644);
    refuses("plain", ERR_PERMISSION, "hook '@/plain' is not executable\nHINT: chmod +x '@/plain'");
    put("open", "#!/bin/sh\n", 0757);
    refuses("open", ERR_REFUSED,
            "hook '@/open' is not to be trusted: '@/open' may be written by others (mode 0757)\n"
            "HINT: chmod go-w '@/open', or move the hook elsewhere");
    set_mode("open", 0775);
    refuses("open", ERR_REFUSED,
            "hook '@/open' is not to be trusted: '@/open' may be written by others (mode 0775)\n"
            "HINT: chmod go-w '@/open', or move the hook elsewhere");
    refuses("good/x", ERR_NOT_FOUND,
            "hook '@/good/x' cannot be opened: Not a directory\nHINT: see that the path is right");
    make_folder("folder", 0700);
    refuses("folder", ERR_PERMISSION,
            "hook '@/folder' is not a file\nHINT: name a program or a script");
}

static void test_owner(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        return;
    }
    put("foreign", "#!/bin/sh\n", 0755);
    AUTO_FREE char *path = at("foreign");
    assert_int_equal(chown(path, 65534, 0), 0);
    refuses("foreign", ERR_REFUSED,
            "hook '@/foreign' is not to be trusted: '@/foreign' belongs to user id 65534, neither "
            "root nor who runs omslaunch (0)\n"
            "HINT: chown it, or move the hook below folders of root");
    link_to("good", "link-of-another");
    AUTO_FREE char *link = at("link-of-another");
    assert_int_equal(lchown(link, 65534, 0), 0);
    refuses("link-of-another", ERR_REFUSED,
            "hook '@/link-of-another' is not to be trusted: '@/link-of-another' belongs to user id "
            "65534, neither root nor who runs omslaunch (0)\n"
            "HINT: chown it, or move the hook below folders of root");
}

static void test_folders(void **state)
{
    (void)state;
    make_folder("shared", 0777);
    put("shared/hook", "#!/bin/sh\n", 0755);
    refuses("shared/hook", ERR_REFUSED,
            "hook '@/shared/hook' is not to be trusted: '@/shared' may be written by others (mode "
            "0777)\nHINT: chmod go-w '@/shared', or move the hook elsewhere");
    /* Others cannot remove what stands in a sticky folder, but who put it there? */
    set_mode("shared", 01777);
    refuses("shared/hook", ERR_REFUSED,
            "hook '@/shared/hook' is not to be trusted: '@/shared' may be written by others (mode "
            "1777)\nHINT: chmod go-w '@/shared', or move the hook elsewhere");
    make_folder("shared/inner", 0755);
    put("shared/inner/hook", "#!/bin/sh\n", 0755);
    refuses("shared/inner/hook", ERR_REFUSED,
            "hook '@/shared/inner/hook' is not to be trusted: '@/shared' may be written by others "
            "(mode 1777)\nHINT: chmod go-w '@/shared', or move the hook elsewhere");
}

static void test_links(void **state)
{
    (void)state;
    link_to("good", "link");
    opens("link");
    AUTO_FREE char *absolute = at("link");
    link_to(absolute, "link-to-link");
    opens("link-to-link");
    link_to("shared/hook", "link-out");
    refuses("link-out", ERR_REFUSED,
            "hook '@/link-out' is not to be trusted: '@/shared' may be written by others (mode "
            "1777)\nHINT: chmod go-w '@/shared', or move the hook elsewhere");
    link_to("open", "link-open");
    refuses("link-open", ERR_REFUSED,
            "hook '@/link-open' is not to be trusted: '@/open' may be written by others (mode "
            "0775)\nHINT: chmod go-w '@/open', or move the hook elsewhere");
    link_to("shared/inner/../../good", "link-through");
    refuses("link-through", ERR_REFUSED,
            "hook '@/link-through' is not to be trusted: '@/shared' may be written by others (mode "
            "1777)\nHINT: chmod go-w '@/shared', or move the hook elsewhere");
    link_to("loop", "loop");
    refuses("loop", ERR_PERMISSION,
            "hook '@/loop' cannot be opened: Too many levels of symbolic links\n"
            "HINT: see that the path is right");
    link_to("/bin/true", "link-away");
    opens("link-away");
}

static void test_the_open_file_stays(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct trusted_file file;
    put("first", "#!/bin/sh\necho first\n", 0755);
    put("second", "#!/bin/sh\necho second\n", 0755);
    AUTO_FREE char *first = at("first");
    AUTO_FREE char *second = at("second");
    assert_ok(trust_open(first, &file, &err), &err);
    assert_int_equal(rename(second, first), 0);
    char text[64] = "";
    assert_true(pread(file.fd, text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(text, "#!/bin/sh\necho first\n");
    close(file.fd);
}

int main(void)
{
    if (!folder_make()) {
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_fine), cmocka_unit_test(test_file),
        cmocka_unit_test(test_owner),        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_links),        cmocka_unit_test(test_the_open_file_stays),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return folder_remove() != 0 && failed == 0 ? 1 : failed;
}
