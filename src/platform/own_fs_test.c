/* A working directory and umask of a thread's own: inherited by its threads and processes, unseen by others. */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The portable one, under another name. */
#define PLAT_PORTABLE
#define plat_own_fs portable_own_fs
#include "linux/own_fs.c"
#undef plat_own_fs
int plat_own_fs(void);

static void in_thread(plat_thread_fn fn, void *arg)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "own_fs", 0, 0, fn, arg), 0);
    plat_thread_join(thread);
}

typedef struct seen {
    int error;
    char cwd[4096], child[64];
    mode_t mask;
} seen;

static void look(void *arg)
{
    seen *s = arg;
    FILE *child = popen("pwd -P; umask", "r");
    size_t len = fread(s->child, 1, sizeof s->child - 1, child);
    pclose(child);
    s->child[len] = '\0';
    s->error = getcwd(s->cwd, sizeof s->cwd) != NULL ? s->error : errno;
    s->mask = umask(0);
    umask(s->mask);
}

static void move_and_look(void *arg)
{
    seen *s = arg;
    s->error = plat_own_fs();
    if (s->error == 0 && chdir("/proc") == 0) {
        umask(0123);
        in_thread(look, s);
    }
}

static void test_it_is_the_threads_and_those_that_it_starts(void **state)
{
    (void)state;
    char before[4096], after[4096];
    seen s = {0};
    mode_t mask = umask(022);
    assert_non_null(getcwd(before, sizeof before));
    in_thread(move_and_look, &s);
    assert_int_equal(s.error, 0);
    assert_string_equal(s.cwd, "/proc");
    assert_string_equal(s.child, "/proc\n0123\n");
    assert_int_equal(s.mask, 0123);
    assert_non_null(getcwd(after, sizeof after));
    assert_string_equal(before, after);
    assert_int_equal(umask(mask), 022);
}

static void test_elsewhere_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(portable_own_fs(), ENOSYS);
}

/* Asking takes nothing from who asks. */
static void test_what_there_is(void **state)
{
    (void)state;
    plat_own_things there = plat_probe_own();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd > 2);
    assert_int_equal(plat_probe_own().descriptors, there.descriptors);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    seen s = {.error = 0};
    in_thread(move_and_look, &s);
    assert_int_equal(there.fs, s.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_there_is),
        cmocka_unit_test(test_it_is_the_threads_and_those_that_it_starts),
        cmocka_unit_test(test_elsewhere_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
