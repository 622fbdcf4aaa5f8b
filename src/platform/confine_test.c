/* Confining a thread: it, and what it starts, is held; others are not. With PLAT_PORTABLE: there is nothing, and that
 * is said. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform.h"

/* 0 or an errno of opening it. */
static int open_error(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    return 0;
}

static void on_a_thread(plat_thread_fn fn, void *arg)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "confined", 0, 0, fn, arg), 0);
    plat_thread_join(thread);
}

static void needs_landlock(int abi)
{
    const char *reason = NULL;
    if (plat_landlock_abi(&reason) < abi) {
        print_message("skipped: the kernel has no Landlock %d%s%s\n", abi, reason != NULL ? ": " : "",
                      reason != NULL ? reason : "");
        skip();
    }
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static void test_abi_or_a_reason(void **state)
{
    (void)state;
    const char *reason = NULL;
    int abi = plat_landlock_abi(&reason);
    assert_true(abi > 0 ? reason == NULL : abi == 0 && reason != NULL);
}

static void test_the_loader_is_known(void **state)
{
    (void)state;
    const char *loader = plat_program_loader();
    assert_non_null(loader);
    assert_int_equal(open_error(loader, O_RDONLY), 0);
}

#ifdef PLAT_PORTABLE

static void test_nothing_is_promised(void **state)
{
    (void)state;
    const char *reason = NULL;
    assert_int_equal(plat_landlock_abi(&reason), 0);
    assert_int_equal(plat_rules_new(PLAT_READ), -1);
    assert_int_equal(errno, ENOSYS);
    assert_int_equal(plat_rules_add_path(-1, PLAT_READ, "/", PLAT_READ), ENOSYS);
    assert_int_equal(plat_rules_add_port(-1, 80, PLAT_BIND), ENOSYS);
    assert_int_equal(plat_rules_allow_moves(-1, PLAT_READ), ENOSYS);
    assert_int_equal(plat_rules_apply(-1), ENOSYS);
    assert_int_equal(plat_profiles_apply(1), ENOSYS);
    assert_null(plat_profile_at(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abi_or_a_reason),
        cmocka_unit_test(test_the_loader_is_known),
        cmocka_unit_test(test_nothing_is_promised),
    };
    (void)on_a_thread;
    (void)needs_landlock;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* --- Landlock ----------------------------------------------------------------------------------------------------- */

typedef struct tries {
    int applied, allowed, refused, null_written, of_child;
} tries;

static void try_open(void *arg)
{
    *(int *)arg = open_error("/etc/passwd", O_RDONLY);
}

static void try_files(void *arg)
{
    tries *t = arg;
    const unsigned limits = PLAT_READ | PLAT_WRITE;
    int rules = plat_rules_new(limits);
    if (rules < 0 || plat_rules_add_path(rules, limits, "/usr", PLAT_READ | PLAT_EXECUTE) != 0 ||
        plat_rules_add_path(rules, limits, "/dev/null", PLAT_READ | PLAT_WRITE) != 0 ||
        plat_rules_add_path(rules, limits, "/no/such/path", PLAT_READ) != ENOENT ||
        plat_rules_allow_moves(rules, limits) != 0) {
        return;
    }
    t->applied = plat_rules_apply(rules) == 0;
    close(rules);
    t->allowed = open_error("/usr", O_RDONLY);
    t->refused = open_error("/etc/passwd", O_RDONLY);
    t->null_written = open_error("/dev/null", O_WRONLY);
    plat_thread thread;
    if (plat_thread_start(&thread, "child", 0, 0, try_open, &t->of_child) == 0) {
        plat_thread_join(thread);
    }
}

static void test_files_are_held_for_the_thread_alone(void **state)
{
    (void)state;
    needs_landlock(plat_landlock_abi_for(PLAT_WRITE, &(const char *){NULL}));
    tries t = {0};
    on_a_thread(try_files, &t);
    assert_true(t.applied);
    assert_int_equal(t.allowed, 0);
    assert_int_equal(t.refused, EACCES);
    assert_int_equal(t.null_written, 0);
    assert_int_equal(t.of_child, EACCES);
    assert_int_equal(open_error("/etc/passwd", O_RDONLY), 0);
}

/* --- profiles ----------------------------------------------------------------------------------------------------- */

typedef struct calls {
    unsigned profiles;
    int applied, inet, udp, unix_, exec, admin;
} calls;

static int socket_error(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    return 0;
}

static int exec_error(void)
{
    static const char *const none[] = {NULL};
    execve("/no/such/program", (char *const *)none, (char *const *)none);
    return errno;
}

static int admin_error(void)
{
    return unshare(0) == 0 ? 0 : errno; /* does nothing, and may be done by anybody */
}

static void try_calls(void *arg)
{
    calls *c = arg;
    c->applied = plat_profiles_apply(c->profiles);
    c->inet = socket_error(AF_INET, SOCK_STREAM);
    c->udp = socket_error(AF_INET6, SOCK_DGRAM);
    c->unix_ = socket_error(AF_UNIX, SOCK_STREAM);
    c->exec = exec_error();
    c->admin = admin_error();
}

static calls with(unsigned profiles)
{
    calls c = {.profiles = profiles};
    on_a_thread(try_calls, &c);
    if (c.applied == ENOSYS || c.applied == EINVAL) {
        print_message("skipped: the system has no seccomp filters: %s\n", strerror(c.applied));
        skip();
    }
    assert_int_equal(c.applied, 0);
    assert_int_equal(c.unix_, 0);
    return c;
}

static unsigned bit_of(const char *name)
{
    for (size_t i = 0; plat_profile_at(i) != NULL; i++) {
        if (strcmp(plat_profile_at(i)->name, name) == 0) {
            return 1U << i;
        }
    }
    fail();
    return 0;
}

static void test_each_profile_denies_its_own(void **state)
{
    (void)state;
    int inet6 = socket_error(AF_INET6, SOCK_DGRAM); /* a system may have no IPv6 */
    calls c = with(bit_of("no-network"));
    assert_int_equal(c.inet, EPERM);
    assert_int_equal(c.udp, EPERM);
    assert_int_equal(c.exec, ENOENT);
    assert_int_equal(c.admin, 0);
    c = with(bit_of("no-exec"));
    assert_int_equal(c.inet, 0);
    assert_int_equal(c.udp, inet6);
    assert_int_equal(c.exec, EPERM);
    assert_int_equal(c.admin, 0);
    c = with(bit_of("no-admin"));
    assert_int_equal(c.inet, 0);
    assert_int_equal(c.exec, ENOENT);
    assert_int_equal(c.admin, EPERM);
    c = with(bit_of("no-network") | bit_of("no-exec") | bit_of("no-admin"));
    assert_int_equal(c.inet, EPERM);
    assert_int_equal(c.exec, EPERM);
    assert_int_equal(c.admin, EPERM);
    assert_int_equal(socket_error(AF_INET, SOCK_STREAM), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abi_or_a_reason),
        cmocka_unit_test(test_the_loader_is_known),
        cmocka_unit_test(test_files_are_held_for_the_thread_alone),
        cmocka_unit_test(test_each_profile_denies_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
