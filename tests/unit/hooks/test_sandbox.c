/* On the running kernel: each call that a profile denies, by each entry that the machine has. */
#include "tests/unit/hooks/sandboxed.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "hooks/sandbox_confine.h"
#include "hooks/sandbox_filter.h"
#include "hooks/sandbox_table.h"

static const struct sandbox_spec default_profile = {.profile = SANDBOX_DEFAULT};
static const struct sandbox_spec strict_profile = {.profile = SANDBOX_STRICT};
static const struct sandbox_spec no_profile = {.profile = SANDBOX_NONE};

static char *probe;

static struct sandboxed call_with(const struct sandbox_spec *spec, const char *entry, long number,
                                  const char *first, const char *second)
{
    AUTO_FREE char *text = mem_printf("%ld", number);
    const char *argv[] = {"probe", entry, text, first, second, NULL};
    return sandboxed_run(spec, probe, argv);
}

static struct sandboxed call(const struct sandbox_spec *spec, const char *entry, long number)
{
    return call_with(spec, entry, number, NULL, NULL);
}

static void assert_denied(const struct sandbox_spec *spec, long number, const char *first,
                          const char *second)
{
    AUTO_FREE char *name = sandbox_filter_name((int)number);
    AUTO_SANDBOXED struct sandboxed r = call_with(spec, "native", number, first, second);
    if (r.denied.count != 1 || !str_eq(r.denied.items[0], name) || r.ended.term_signal != SIGKILL) {
        fail_msg("%s (%ld) is not denied by '%s': signal %d, said %s", name, number,
                 sandbox_profile_name(spec->profile), r.ended.term_signal, str_get(&r.said));
    }
}

/* -EACCES and the like: the call came back with that. */
static void assert_answer(const struct sandbox_spec *spec, long number, const char *first,
                          const char *second, long answer)
{
    AUTO_FREE char *expected = mem_printf("%ld\n", answer);
    AUTO_SANDBOXED struct sandboxed r = call_with(spec, "native", number, first, second);
    assert_string_equal(str_get(&r.said), expected);
    assert_int_equal(r.denied.count, 0);
}

static bool is_in(const struct sandbox_call *calls, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(calls[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void test_default_denies_each_of_its_calls(void **state)
{
    (void)state;
    size_t count;
    size_t tried = 0;
    const struct sandbox_call *calls = sandbox_default_denied(&count);
    for (long number = 0; number < SANDBOX_FIRST_UNKNOWN; number++) {
        AUTO_FREE char *name = sandbox_filter_name((int)number);
        if (is_in(calls, count, name)) {
            assert_denied(&default_profile, number, NULL, NULL);
            tried++;
        }
    }
    /* All but those that this architecture has not: stime, umount, vm86, … */
    assert_true(tried > count - 12);
}

static void test_strict_denies_what_it_does_not_allow(void **state)
{
    (void)state;
    /* They depend on their arguments, and have tests of their own. */
    static const struct sandbox_call by_argument[] = {
        {"clone", 0},      {"clone3", 0}, {"execveat", 0},  {"socket", 0},
        {"socketpair", 0}, {"ioctl", 0},  {"prlimit64", 0}, {"tgkill", 0},
    };
    size_t count;
    size_t tried = 0;
    const struct sandbox_call *allowed = sandbox_strict_allowed(&count);
    for (long number = 0; number < SANDBOX_FIRST_UNKNOWN; number++) {
        AUTO_FREE char *name = sandbox_filter_name((int)number);
        /* The kernel makes uretprobe and uprobe for itself, asks no filter, and kills others. */
        if (number == 335 || number == 336) {
            continue;
        }
        if (!is_in(allowed, count, name) && !is_in(by_argument, ARRAY_LEN(by_argument), name)) {
            assert_denied(&strict_profile, number, NULL, NULL);
            tried++;
        }
    }
    assert_true(tried > 250);
}

static void test_calls_that_nobody_knows_yet_are_not_there(void **state)
{
    (void)state;
    assert_answer(&default_profile, SANDBOX_FIRST_UNKNOWN, NULL, NULL, -ENOSYS);
    assert_answer(&strict_profile, SANDBOX_FIRST_UNKNOWN + 500, NULL, NULL, -ENOSYS);
}

static void test_other_entries_are_no_way_round(void **state)
{
    (void)state;
    const struct sandbox_spec *profiles[] = {&default_profile, &strict_profile};
    AUTO_SANDBOXED struct sandboxed plain = call(&no_profile, "i386", 20);
    if (plain.ended.exit_code != 0) {
        print_message("this kernel has no 32-bit entry\n");
        return;
    }
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        for (long number = 0; number < SANDBOX_FIRST_UNKNOWN; number++) {
            AUTO_SANDBOXED struct sandboxed r = call(profiles[p], "i386", number);
            if (r.ended.term_signal != SIGSYS) {
                fail_msg("call %ld by the 32-bit entry: signal %d, said %s", number,
                         r.ended.term_signal, str_get(&r.said));
            }
        }
        AUTO_SANDBOXED struct sandboxed x32 = call(profiles[p], "x32", SYS_getpid);
        assert_int_equal(x32.ended.term_signal, SIGSYS);
    }
    AUTO_SANDBOXED struct sandboxed mount = call(&default_profile, "i386", 21);
    assert_true(mount.was_judged);
    assert_err(&mount.err, ERR_FAILED,
               "hook '10-test' was killed by the sandbox profile 'default', for a system call that "
               "the kernel does not name\n"
               "HINT: it came by the entry of another architecture: hooks are programs of this "
               "machine's own, not of 32 bit");
}

static void test_message_names_call_and_line(void **state)
{
    (void)state;
    AUTO_SANDBOXED struct sandboxed r = call(&default_profile, "native", SYS_mount);
    assert_true(r.was_judged);
    assert_err(
        &r.err, ERR_FAILED,
        "hook '10-test': its process 'probe' made the system call 'mount', which the sandbox "
        "profile 'default' denies; it was killed\n"
        "HINT: if the hook needs it, write 'allow: [mount]' under 'sandbox' of this hook; "
        "'omslaunch hooks trace' shows all that a program needs");
}

static void test_additions(void **state)
{
    (void)state;
    struct sandbox_spec spec = {.profile = SANDBOX_DEFAULT};
    strv_add(&spec.allow, "personality");
    strv_add(&spec.deny, "getpgid");
    assert_answer(&spec, SYS_personality, "0xffffffff", NULL, 0);
    assert_denied(&spec, SYS_getpgid, NULL, NULL);
    assert_denied(&spec, SYS_mount, NULL, NULL);
    spec.profile = SANDBOX_STRICT;
    assert_answer(&spec, SYS_personality, "0xffffffff", NULL, 0);
    assert_denied(&spec, SYS_getpgid, NULL, NULL);
    sandbox_spec_free(&spec);
}

static void test_none_is_nothing(void **state)
{
    (void)state;
    assert_answer(&no_profile, SYS_personality, "0xffffffff", NULL, 0);
    AUTO_SANDBOXED struct sandboxed r = call(&no_profile, "native", SYS_prctl);
    assert_int_equal(r.ended.exit_code, 0);
}

static void test_new_namespaces_by_clone(void **state)
{
    (void)state;
    static const int flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        AUTO_FREE char *flag = mem_printf("%u", (unsigned)flags[i] | SIGCHLD);
        assert_denied(&default_profile, SYS_clone, flag, NULL);
        AUTO_FREE char *thread = mem_printf("%u", (unsigned)flags[i] | CLONE_THREAD);
        assert_denied(&strict_profile, SYS_clone, thread, NULL);
    }
    /* A process of its own. */
    assert_denied(&strict_profile, SYS_clone, "17", "0");
    assert_answer(&default_profile, SYS_clone3, NULL, NULL, -ENOSYS);
    assert_answer(&strict_profile, SYS_clone3, NULL, NULL, -ENOSYS);
}

/* The upper half of an argument is not what the kernel looks at. */
static void test_sockets(void **state)
{
    (void)state;
    const struct sandbox_spec *profiles[] = {&default_profile, &strict_profile};
    for (size_t p = 0; p < ARRAY_LEN(profiles); p++) {
        for (unsigned family = AF_UNIX + 2; family < AF_MAX + 3; family++) {
            AUTO_FREE char *text = mem_printf("0x700000000%02x", family);
            if (family != AF_INET6 && family != AF_NETLINK) {
                assert_denied(profiles[p], SYS_socket, text, "1");
            }
        }
        assert_answer(profiles[p], SYS_socket, "1", "1", -EACCES);
        assert_answer(profiles[p], SYS_socket, "0x100000001", "1", -EACCES);
        assert_answer(profiles[p], SYS_socketpair, "1", "2", -EACCES);
        AUTO_SANDBOXED struct sandboxed internet =
            call_with(profiles[p], "native", SYS_socket, "2", "1");
        assert_int_equal(internet.denied.count, 0);
    }
    struct sandbox_spec local = {.profile = SANDBOX_STRICT};
    strv_add(&local.allow, SANDBOX_LOCAL_SOCKETS);
    AUTO_SANDBOXED struct sandboxed r = call_with(&local, "native", SYS_socket, "1", "1");
    assert_int_equal(r.denied.count, 0);
    assert_true(strtol(str_get(&r.said), NULL, 10) != -EACCES);
    sandbox_spec_free(&local);
}

static void test_by_argument(void **state)
{
    (void)state;
    AUTO_FREE char *push = mem_printf("%u", (unsigned)TIOCSTI);
    AUTO_FREE char *parent = mem_printf("%d", (int)getpid());
    assert_denied(&default_profile, SYS_ioctl, "0", push);
    assert_denied(&strict_profile, SYS_ioctl, "0", push);
    assert_denied(&default_profile, SYS_prlimit64, parent, "7");
    assert_denied(&strict_profile, SYS_prlimit64, parent, "7");
    assert_denied(&strict_profile, SYS_tgkill, parent, parent);
    assert_denied(&strict_profile, SYS_execve, NULL, NULL);
    assert_denied(&strict_profile, SYS_execveat, "5", NULL);
}

static struct sandboxed shell(const struct sandbox_spec *spec, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return sandboxed_run(spec, "/bin/sh", argv);
}

static void test_writes_below_its_folders_only(void **state)
{
    (void)state;
    if (confinement_landlock() == 0) {
        print_message("this kernel has no Landlock\n");
        return;
    }
    char cwd[4096];
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(mkdir("own", 0700), 0);
    assert_int_equal(mkdir("given", 0700), 0);
    struct sandbox_spec spec = {.profile = SANDBOX_DEFAULT};
    AUTO_FREE char *own = mem_printf("%s/own", cwd);
    AUTO_FREE char *given = mem_printf("%s/given", cwd);
    spec.folder = own;
    strv_add(&spec.write, given);
    AUTO_SANDBOXED struct sandboxed r = shell(
        &spec, "pwd; echo x >a && echo own; echo x >../given/b && echo given; mv a ../given/ && "
               "echo moved; rm ../given/a ../given/b; echo x >/dev/null && echo null; "
               "(echo x >../c) 2>/dev/null || echo no; "
               "mkdir ../d 2>/dev/null || echo no; rmdir ../given 2>/dev/null || echo no; "
               "(echo x >/proc/sys/kernel/core_pattern) 2>/dev/null || echo no; "
               "ln -s /etc/passwd link; (echo x >>link) 2>/dev/null || echo no; rm link; umask");
    AUTO_FREE char *expected =
        mem_printf("%s\nown\ngiven\nmoved\nnull\nno\nno\nno\nno\nno\n0077\n", own);
    assert_string_equal(str_get(&r.said), expected);
    assert_int_equal(rmdir("own") | rmdir("given"), 0);
    sandbox_spec_free(&spec);
}

static void test_signals_stay_inside(void **state)
{
    (void)state;
    if (confinement_landlock() < 6) {
        print_message("this kernel's Landlock knows no signals\n");
        return;
    }
    AUTO_FREE char *script = mem_printf(
        "kill -0 %d 2>/dev/null || echo no; sleep 60 & kill $! && echo yes", (int)getpid());
    AUTO_SANDBOXED struct sandboxed r = shell(&default_profile, script);
    assert_string_equal(str_get(&r.said), "no\nyes\n");
}

static void test_capabilities_and_limits(void **state)
{
    (void)state;
    static const char script[] =
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr '\\t' ' '; ulimit -c; ulimit -f";
    struct sandbox_spec spec = {.profile = SANDBOX_DEFAULT, .file_size_max = 1024 * 1024};
    AUTO_SANDBOXED struct sandboxed r = shell(&spec, script);
    static const char none[] = "CapInh: 0000000000000000\nCapPrm: 0000000000000000\n"
                               "CapEff: 0000000000000000\n";
    assert_non_null(strstr(str_get(&r.said), none));
    assert_non_null(strstr(str_get(&r.said), "CapAmb: 0000000000000000\nNoNewPrivs: 1\n0\n2048\n"));
    strv_add(&spec.capabilities, "dac_read_search");
    if (geteuid() == 0) {
        AUTO_SANDBOXED struct sandboxed kept = shell(&spec, script);
        assert_non_null(strstr(str_get(&kept.said),
                               "CapEff: 0000000000000004\nCapBnd: 0000000000000004\n"
                               "CapAmb: 0000000000000004\nNoNewPrivs: 1\n"));
    }
    sandbox_spec_free(&spec);
}

/* An own process is a child that is stopped, too. */
static void test_grandchildren_are_in_it(void **state)
{
    (void)state;
    AUTO_SANDBOXED struct sandboxed r =
        shell(&default_profile, "(exec unshare -m true) & wait; echo on");
    assert_int_equal(r.denied.count, 1);
    assert_string_equal(r.denied.items[0], "unshare");
    assert_string_equal(str_get(&r.said), "");
}

static void test_trace_lists_all_and_goes_on(void **state)
{
    (void)state;
    const struct sandbox_spec spec = {.profile = SANDBOX_STRICT, .trace = true};
    AUTO_SANDBOXED struct sandboxed r =
        shell(&spec, "chroot /tmp true 2>/dev/null; (unshare -m true) 2>/dev/null; echo on");
    assert_string_equal(str_get(&r.said), "on\n");
    assert_int_equal(r.ended.exit_code, 0);
    assert_false(r.was_judged);
    assert_true(strv_has(&r.denied, "execve") && strv_has(&r.denied, "chroot") &&
                strv_has(&r.denied, "unshare"));
}

static void test_names_are_checked(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct sandbox *sandbox;
    struct sandbox_spec spec = {.profile = SANDBOX_DEFAULT};
    strv_add(&spec.allow, "muont");
    assert_fails(sandbox_new(&spec, &sandbox, &err));
    assert_err(&err, ERR_CONFIG,
               "'muont' is not a system call that libseccomp knows\n"
               "HINT: write its name as in `man syscalls`, or local-sockets");
    sandbox_spec_free(&spec);
    strv_add(&spec.deny, "execveat");
    assert_fails(sandbox_new(&spec, &sandbox, &err));
    assert_err(&err, ERR_CONFIG,
               "the system call 'execveat' cannot be denied: no hook starts without it\n"
               "HINT: take it out of the sandbox's 'deny'");
    sandbox_spec_free(&spec);
    strv_add(&spec.capabilities, "CAP_KILL");
    assert_fails(sandbox_new(&spec, &sandbox, &err));
    assert_err(&err, ERR_CONFIG,
               "'CAP_KILL' is not a capability\n"
               "HINT: write its name as in `man capabilities`, in small letters and without "
               "'CAP_': dac_read_search");
    sandbox_spec_free(&spec);
    strv_add(&spec.write, "/nowhere");
    if (confinement_landlock() > 0) {
        assert_fails(sandbox_new(&spec, &sandbox, &err));
        assert_err(
            &err, ERR_CONFIG,
            "a hook may change '/nowhere', which cannot be opened: No such file or directory\n"
            "HINT: make it, or take it out of the hook's 'write'");
    }
    sandbox_spec_free(&spec);
}

int main(void)
{
    char folder[] = "/tmp/omslaunch-sandbox-XXXXXX";
    probe = probe_path();
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_denies_each_of_its_calls),
        cmocka_unit_test(test_strict_denies_what_it_does_not_allow),
        cmocka_unit_test(test_calls_that_nobody_knows_yet_are_not_there),
        cmocka_unit_test(test_other_entries_are_no_way_round),
        cmocka_unit_test(test_message_names_call_and_line),
        cmocka_unit_test(test_additions),
        cmocka_unit_test(test_none_is_nothing),
        cmocka_unit_test(test_new_namespaces_by_clone),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_by_argument),
        cmocka_unit_test(test_writes_below_its_folders_only),
        cmocka_unit_test(test_signals_stay_inside),
        cmocka_unit_test(test_capabilities_and_limits),
        cmocka_unit_test(test_grandchildren_are_in_it),
        cmocka_unit_test(test_trace_lists_all_and_goes_on),
        cmocka_unit_test(test_names_are_checked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(probe);
    return rmdir(folder) != 0 && failed == 0 ? 1 : failed;
}
