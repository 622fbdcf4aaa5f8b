/* The file of verdicts: what is added, what stays, and what is not kept. */
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
#include <jansson.h>

#include "check.h"

static char folder[] = "/tmp/isles-remember-XXXXXX";
static char *file;

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || setenv("XDG_CACHE_HOME", folder, 1) != 0) {
        return 1;
    }
    file = check_format("%s/isles/verdicts.json", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char *inside = check_format("%s/isles", folder), *lock = check_format("%s/isles/verdicts.lock", folder);
    unlink(file);
    unlink(lock);
    rmdir(inside);
    free(inside);
    free(lock);
    free(file);
    return rmdir(folder); /* nothing else is left */
}

static char *remember(const char *sha256, check_verdict verdict, const char *basis, probe_end private_end)
{
    probe_result probed = {.scene = PROBE_PRIVATE, .end = private_end};
    check_extension extension = {.module = "mine",
                                 .sha256 = (char *)sha256,
                                 .verdict = verdict,
                                 .basis = basis,
                                 .probes = {.items = &probed, .count = 1}};
    check_report report = {.items = &extension, .count = 1, .engine_short = "3.14"};
    return check_remember(&report);
}

static const char *kept(const char *sha256, const char *engine)
{
    static char verdict[64];
    json_t *all = json_load_file(file, 0, NULL), *one = json_object_get(json_object_get(all, sha256), engine);
    const char *text = json_string_value(json_object_get(one, "verdict"));
    snprintf(verdict, sizeof verdict, "%s", text != NULL ? text : "none");
    json_decref(all);
    return verdict;
}

static void test_verdicts_are_added_and_replaced(void **state)
{
    (void)state;
    assert_null(remember("aa", VERDICT_PRIVATE, "probes", PROBE_OK));
    assert_null(remember("bb", VERDICT_SHARED, "probes", PROBE_CRASHED));
    assert_string_equal(kept("aa", "3.14"), "private copy");
    assert_string_equal(kept("bb", "3.14"), "shared GIL");
    assert_null(remember("aa", VERDICT_OWN, "probes", PROBE_NOT_RUN));
    assert_string_equal(kept("aa", "3.14"), "own GIL");
    assert_string_equal(kept("aa", "3.13"), "none");
    assert_string_equal(kept("bb", "3.14"), "shared GIL");
}

static void test_what_was_not_tried_is_not_kept(void **state)
{
    (void)state;
    assert_null(remember("cc", VERDICT_PRIVATE, "file", PROBE_NOT_RUN));
    assert_null(remember("cc", VERDICT_UNKNOWN, "nothing", PROBE_NOT_RUN));
    assert_null(remember("cc", VERDICT_SHARED, "probes", PROBE_NOT_RUN)); /* no private copy was tried */
    assert_null(remember("", VERDICT_OWN, "probes", PROBE_NOT_RUN));      /* built in */
    assert_string_equal(kept("cc", "3.14"), "none");
    assert_string_equal(kept("", "3.14"), "none");
}

static void test_a_damaged_file_is_replaced(void **state)
{
    (void)state;
    FILE *damaged = fopen(file, "w");
    assert_non_null(damaged);
    fputs("{\"aa\": [", damaged);
    fclose(damaged);
    assert_null(remember("dd", VERDICT_MAIN, "probes", PROBE_FAILED));
    assert_string_equal(kept("dd", "3.14"), "main only");
}

static void test_a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    char *why = remember("ee", VERDICT_OWN, "probes", PROBE_OK);
    setenv("XDG_CACHE_HOME", folder, 1);
    assert_non_null(why);
    assert_non_null(strstr(why, "/dev/null/isles"));
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_are_added_and_replaced),
        cmocka_unit_test(test_what_was_not_tried_is_not_kept),
        cmocka_unit_test(test_a_damaged_file_is_replaced),
        cmocka_unit_test(test_a_folder_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
