/* Copies of a library that is there anyway, libelf: each in all media, and unloaded again. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libelf.h>

#include "library_copy.h"
#include "platform.h"

static bool nobody(const char *symbol)
{
    (void)symbol;
    return false;
}

static bool everybody(const char *symbol)
{
    (void)symbol;
    return true;
}

static const plat_copies_rules loose = {nobody, nobody, NULL, true, NULL},
                               tight = {nobody, everybody, NULL, false, NULL};

static const char *original(void)
{
    static char path[PATH_MAX];
    Dl_info info;
    unsigned (*function)(unsigned) = elf_version;
    void *address;
    memcpy(&address, &function, sizeof address);
    assert_true(dladdr(address, &info) != 0 && realpath(info.dli_fname, path) != NULL);
    return path;
}

static void *function_in(plat_copies *copies)
{
    char *error = NULL;
    void *library = plat_copies_load(copies, original(), &error);
    if (library == NULL) {
        fail_msg("%s", error);
    }
    return dlsym(library, "elf_version");
}

static void check_copy(void *at)
{
    char path[PATH_MAX];
    Dl_info info;
    unsigned (*version)(unsigned);
    memcpy(&version, &at, sizeof version);
    assert_true(version != elf_version);
    assert_int_equal(version(EV_CURRENT), EV_CURRENT);
    assert_int_not_equal(dladdr(at, &info), 0);
    assert_non_null(realpath(info.dli_fname, path));
    assert_string_equal(path, original());
    assert_string_not_equal(info.dli_fname, original());
}

static size_t files_in(const char *folder)
{
    size_t count = 0;
    DIR *d = opendir(folder);
    while (readdir(d) != NULL) {
        count++;
    }
    closedir(d);
    return count - 2;
}

static void test_in_all_media(void **state)
{
    (void)state;
    char folder[] = "/tmp/isles-copies-XXXXXX";
    assert_non_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    for (int medium = PLAT_COPY_MEMFD; medium < PLAT_COPY_MEDIA; medium++) {
        plat_copies_begin_with((plat_copy_medium)medium);
        plat_copies *a = plat_copies_new(&loose, NULL), *b = plat_copies_new(&loose, NULL);
        void *in_a = function_in(a), *in_b = function_in(b);
        assert_ptr_not_equal(in_a, in_b);
        assert_ptr_equal(function_in(a), in_a); /* one for a set */
        check_copy(in_a);
        check_copy(in_b);
        assert_int_equal(plat_copies_count(a), 1);
        assert_true(plat_copies_bytes(a) > 0);
        assert_int_equal(files_in(folder), 0);
        plat_copies_free(a, true);
        check_copy(in_b);
        plat_copies_free(b, true);
        Dl_info info;
        assert_int_equal(dladdr(in_a, &info), 0); /* nothing is there */
        assert_int_equal(dladdr(in_b, &info), 0);
    }
    plat_copies_begin_with(PLAT_COPY_MEMFD);
    unsetenv("TMPDIR");
    rmdir(folder);
}

static void test_what_stays(void **state)
{
    (void)state;
    plat_copies_totals before = plat_copies_total();
    plat_copies *copies = plat_copies_new(&tight, NULL);
    void *at = function_in(copies);
    assert_int_equal(plat_copies_total().live, before.live + 1);
    plat_copies_free(copies, true);
    check_copy(at);
    copies = plat_copies_new(&loose, NULL);
    function_in(copies);
    plat_copies_free(copies, false);
    plat_copies_totals after = plat_copies_total();
    assert_int_equal(after.live, before.live);
    assert_int_equal(after.left, before.left + 2);
    assert_true(after.left_bytes > before.left_bytes && after.live_bytes == before.live_bytes);
}

static void test_dropped(void **state)
{
    (void)state;
    plat_copies *copies = plat_copies_new(&loose, NULL);
    Dl_info info;
    void *at = function_in(copies);
    plat_copies_drop(copies, 0);
    assert_int_equal(dladdr(at, &info), 0);
    assert_int_equal(plat_copies_count(copies), 0);
    check_copy(function_in(copies));
    plat_copies_free(copies, true);
}

static void test_no_library(void **state)
{
    (void)state;
    static const char *const files[] = {"/nowhere/x.so", "/etc/passwd", "/tmp", "/dev/null"};
    plat_copies *copies = plat_copies_new(&loose, NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *error = NULL;
        assert_null(plat_copies_load(copies, files[i], &error));
        assert_non_null(error);
        assert_memory_equal(error, files[i], strlen(files[i]));
        plat_free(error);
    }
    assert_int_equal(plat_copies_count(copies), 0);
    plat_copies_free(copies, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_all_media),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_no_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
