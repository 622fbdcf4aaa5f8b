/* The descriptor for poll(): not readable, then readable for good. eventfd_portable_test.c runs the same against the
 * implementation for systems without eventfd. */
#include "platform.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_true(poll(&p, 1, timeout_ms) >= 0);
    return p.revents & POLLIN;
}

static void test_set_makes_readable(void **state)
{
    (void)state;
    int fd = plat_eventfd_create();
    assert_true(fd >= 0);
    assert_false(readable(fd, 0));
    plat_eventfd_set(fd);
    assert_true(readable(fd, 10000)); /* a socket's datagram may take a moment */
    plat_eventfd_set(fd);
    plat_eventfd_set(fd);
    assert_true(readable(fd, 0));
    close(fd);
}

static void test_not_inherited_and_never_blocks(void **state)
{
    (void)state;
    int fd = plat_eventfd_create();
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

#ifndef PLAT_PORTABLE
static void test_reading_does_not_reset(void **state)
{
    (void)state;
    int fd = plat_eventfd_create();
    plat_eventfd_set(fd);
    for (int i = 0; i < 3; i++) {
        uint64_t count;
        assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
        assert_true(readable(fd, 0));
    }
    close(fd);
}
#endif

static void set_it(void *arg)
{
    plat_eventfd_set(*(int *)arg);
}

static void test_set_while_polled(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        int fd = plat_eventfd_create();
        plat_thread thread;
        assert_int_equal(plat_thread_start(&thread, "set", 0, 0, set_it, &fd), 0);
        assert_true(readable(fd, 20000));
        plat_thread_join(thread);
        close(fd);
    }
}

static void test_level_is_set_and_cleared(void **state)
{
    (void)state;
    int fd = plat_levelfd_create();
    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) {
        assert_false(readable(fd, 0));
        plat_levelfd_set(fd);
        assert_true(readable(fd, 0));
        plat_levelfd_clear(fd);
    }
    assert_false(readable(fd, 0));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_makes_readable),     cmocka_unit_test(test_not_inherited_and_never_blocks),
#ifndef PLAT_PORTABLE
        cmocka_unit_test(test_reading_does_not_reset),
#endif
        cmocka_unit_test(test_set_while_polled),       cmocka_unit_test(test_level_is_set_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
