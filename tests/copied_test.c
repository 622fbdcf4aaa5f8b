/* Private copies of libraries that make it hard (tests/copied): that need each other, that take static TLS; and where
 * the system has no memory for them that code runs from. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"
#include "support.h"

static isle_interp create_private(void)
{
    static const char *const path[] = {ISLES_TEST_COPIED};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    config.extensions = ISLE_EXTENSIONS_PRIVATE;
    return create(&config);
}

static uint64_t copies_of(isle_interp it)
{
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    return stats.extension_copies;
}

/* What the process has: copies, descriptors, mappings of memory for copies. */
typedef struct holdings {
    uint64_t copies, left;
    int64_t descriptors, mappings;
} holdings;

static holdings held(isle_interp it)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return (holdings){info.extension_copies, info.extension_copies_left,
                      eval_int(it, "len(__import__('os').listdir('/proc/self/fd'))"),
                      eval_int(it, "sum('memfd:' in line for line in open('/proc/self/maps'))")};
}

static void check_same(holdings a, holdings b)
{
    check(a.copies == b.copies && a.left == b.left);
    check(a.descriptors == b.descriptors && a.mappings == b.mappings);
}

/* --- rings -------------------------------------------------------------------------------------------------------- */

/* FreeType and HarfBuzz. The first of the ring is the interpreter's own, and what it calls of it by the second is the
 * process's. */
static void test_libraries_that_need_each_other(void **state)
{
    (void)state;
    isle_interp a = create_private(), b = create_private();
    holdings before = held(a);
    run(a, "from uses_plain_ring import call\nassert [call(0), call(0)] == [1, 2]");
    run(b, "from uses_plain_ring import call\nassert [call(0), call(0)] == [1, 2]");
    check(copies_of(a) == 3 && copies_of(b) == 3);
    run(a, "assert [call(1), call(1)] == [1, 2]");
    run(b, "assert [call(1), call(1)] == [1, 2]");
    int64_t around = eval_int(a, "call(2)");
    check(eval_int(b, "call(2)") == around + 1);
    end(b);
    run(a, "assert [call(0), call(1)] == [3, 3]");
    end(a);
    a = create_private();
    check_same(before, held(a));
    end(a);
}

/* Where that would be objects of another interpreter it is refused. */
static void test_libraries_with_python_that_need_each_other(void **state)
{
    (void)state;
    isle_interp it = create_private();
    holdings before = held(it);
    isle_error *err = run_fails(it, "import uses_python_ring", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "ImportError: ") != NULL);
    check(strstr(isle_error_message(err), "libraries need each other") != NULL);
    isle_error_free(err);
    check(copies_of(it) == 0);
    check_same(before, held(it));
    run(it, "import single; single.next()");
    end(it);
}

/* --- static TLS --------------------------------------------------------------------------------------------------- */

enum { MOST = 24 };

/* How many have it before one is refused. */
static size_t use_up(isle_interp *its)
{
    for (size_t i = 0; i < MOST; i++) {
        isle_error *err = NULL;
        its[i] = create_private();
        holdings before = held(its[i]);
        if (isle_interp_run(its[i], "import static_tls", SOON, &err) != ISLE_OK) {
            check(strstr(isle_error_message(err), "ImportError: ") != NULL);
            check(strstr(isle_error_message(err), "static_tls.so: cannot allocate memory in static TLS block") != NULL);
            isle_error_free(err);
            check(copies_of(its[i]) == 0);
            check_same(before, held(its[i]));
            return i;
        }
        run(its[i], "assert [static_tls.next(), static_tls.next()] == [1, 2]");
    }
    fail_msg("%d copies with static TLS were loaded", MOST);
    return 0;
}

static void test_static_tls_is_used_up(void **state)
{
    (void)state;
    isle_interp its[MOST];
    size_t count = use_up(its);
    run(its[count], "import single; single.next()"); /* it goes on, and others have what they had */
    for (size_t i = 0; i < count; i++) {
        run(its[i], "assert static_tls.next() == 3");
    }
    for (size_t i = 0; i <= count; i++) {
        end(its[i]);
    }
}

/* --- where no code runs from memory ------------------------------------------------------------------------------- */

/* memfd_create fails so, as with vm.memfd_noexec = 2; and files without a name can't be made, as on some file
 * systems. */
static void forbid(int memory_error, bool files_too)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)memory_error),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_TMPFILE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, files_too ? O_TMPFILE : UINT32_MAX, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    check(memfd_create("x", 0) == -1 && errno == memory_error);
    check(!files_too || (open("/tmp", O_TMPFILE | O_RDWR, 0600) == -1 && errno == EOPNOTSUPP));
}

static void work_with_copies(void)
{
    isle_interp a = create_private(), b = create_private();
    run(a, "import single, uses_helper_a; assert [single.next(), single.next()] == [2, 3]");
    run(b, "import single, uses_helper_a; assert [single.next(), single.next()] == [2, 3]");
    run(a, "import os; assert os.listdir(os.environ['TMPDIR']) == []");
    end(a);
    end(b);
}

static int no_memory_files(const char *how)
{
    char *folder = text_of("%s/tmp", scratch());
    free(write_file("tmp/x", "%s", ""));
    char *file = text_of("%s/x", folder);
    unlink(file);
    setenv("TMPDIR", folder, 1);
    forbid(strcmp(how, "EPERM") == 0 ? EPERM : EACCES, strcmp(how, "no O_TMPFILE") == 0);
    runtime_begin(NULL);
    work_with_copies();
    runtime_end();
    free(file);
    free(folder);
    return 0;
}

static void test_without_files_in_memory(void **state)
{
    (void)state;
    static const char *const ways[] = {"EPERM", "EACCES", "no O_TMPFILE"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        free(child_expect("no_memory_files", ways[i], 60 * ISLE_SECOND, 0));
    }
}

static int nowhere(const char *unused)
{
    (void)unused;
    setenv("TMPDIR", "/proc/self", 1);
    forbid(EPERM, false);
    runtime_begin(NULL);
    isle_interp it = create_private();
    holdings before = held(it);
    isle_error *err = run_fails(it, "import single", ISLE_ERR_PYTHON);
    printf("%s\n", isle_error_message(err));
    isle_error_free(err);
    check(copies_of(it) == 0);
    check_same(before, held(it));
    end(it);
    runtime_end();
    return 0;
}

static void test_nowhere_to_put_a_copy(void **state)
{
    (void)state;
    char *said = child_expect("nowhere", "", 60 * ISLE_SECOND, 0);
    check(strstr(said, "single.so") != NULL && strstr(said, "no copy could be made") != NULL);
    check(strstr(said, "in memory: Operation not permitted") != NULL && strstr(said, "in /proc/self: ") != NULL);
    free(said);
}

int main(int argc, char **argv)
{
    static const child children[] = {{"no_memory_files", no_memory_files}, {"nowhere", nowhere}, {NULL, NULL}};
    child_main(argc, argv, children);
    NOT_FREE_THREADED("it loads no copies of extension modules");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libraries_that_need_each_other),
        cmocka_unit_test(test_libraries_with_python_that_need_each_other),
        cmocka_unit_test(test_static_tls_is_used_up),
        cmocka_unit_test(test_without_files_in_memory),
        cmocka_unit_test(test_nowhere_to_put_a_copy),
    };
    return RUN_TESTS(tests);
}
