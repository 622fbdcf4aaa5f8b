/* A table of descriptors for a thread: what is in it, that the library's own stay in the process's, and a duplicate. */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

enum { OTHER = 200 };

static struct {
    int kept, closed, level, duplicate, made;
    bool own, kept_is_open, closed_is_open, other_is_open, inherited;
    int error;
} seen;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static bool is_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

static void look(void *unused)
{
    (void)unused;
    seen.inherited = plat_descriptors_are_own() && is_open(OTHER);
}

static void have_own_table(void *unused)
{
    (void)unused;
    const int keep[] = {seen.kept, 0, 2, 1, seen.kept};
    plat_thread thread;
    seen.error = plat_descriptors_own(keep, sizeof keep / sizeof *keep);
    if (seen.error != 0) {
        return;
    }
    seen.own = plat_descriptors_are_own();
    seen.kept_is_open = is_open(seen.kept) && is_open(2);
    seen.closed_is_open = is_open(seen.closed) || is_open(seen.level);
    dup2(seen.kept, OTHER);
    plat_thread_start(&thread, "inherits", 0, 0, look, NULL);
    plat_thread_join(thread);
    plat_levelfd_set(seen.level);
    seen.made = plat_eventfd_create();
    plat_eventfd_set(seen.made);
    seen.duplicate = plat_descriptor_here(seen.level);
    plat_levelfd_clear(seen.level);
    plat_levelfd_set(seen.level);
    seen.error = seen.duplicate >= 0 && !is_readable(seen.duplicate) ? EIO : 0;
}

static void test_a_table_of_its_own(void **state)
{
    plat_thread thread;
    (void)state;
    assert_int_equal(plat_descriptors_prepare(), 0);
    assert_int_equal(plat_descriptors_prepare(), 0);
    assert_false(plat_descriptors_are_own());
    seen.kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
    seen.closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    seen.level = plat_levelfd_create();
    assert_int_equal(plat_thread_start(&thread, "own", 0, 0, have_own_table, NULL), 0);
    plat_thread_join(thread);
    if (seen.error == ENOSYS) {
        skip();
    }
    assert_int_equal(seen.error, 0);
    assert_true(seen.own && seen.kept_is_open && !seen.closed_is_open && seen.inherited);
    assert_true(is_open(seen.closed) && !is_open(OTHER)); /* here nothing has changed */
    assert_true(is_readable(seen.level) && is_readable(seen.made));
    plat_descriptor_close(seen.made);
    assert_false(is_open(seen.made));
    plat_descriptor_close(seen.level);
    close(seen.kept);
    close(seen.closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_table_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
