/* Probes of the odd extensions (tests/extensions): whatever a module does to its process is told apart, and does
 * nothing to this one. Their verdicts, and the other odd ones, are in tests/cli/test_check_verdicts.py. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe.h"

static const char *folder; /* of the odd extensions */

static probe_results results;

static void probe(const char *module, const char *snippet, int64_t seconds)
{
    probe_request request = {.module = module,
                             .path = &folder,
                             .path_count = 1,
                             .snippet = snippet,
                             .deadline_ns = seconds * INT64_C(1000000000)};
    probe_run(&request, &results);
}

static int teardown(void **state)
{
    (void)state;
    probe_results_free(&results);
    return 0;
}

static const probe_result *result_of(const char *scene)
{
    for (size_t i = 0; i < results.count; i++) {
        if (strcmp(results.items[i].scene, scene) == 0) {
            return &results.items[i];
        }
    }
    fail_msg("no scene \"%s\"", scene);
    return NULL;
}

static void assert_end(const char *scene, probe_end end, const char *detail)
{
    const probe_result *result = result_of(scene);
    if (result->end != end || (detail != NULL && (result->detail == NULL || strstr(result->detail, detail) == NULL))) {
        fail_msg("%s: end %d, not %d: %s", scene, (int)result->end, (int)end, result->detail);
    }
}

static void test_a_crash_is_a_result_with_its_signal_and_place(void **state)
{
    (void)state;
    probe("crashes_elsewhere", NULL, 60);
    assert_end(PROBE_MAIN, PROBE_OK, NULL);
    assert_end(PROBE_MAIN_TWICE, PROBE_OK, NULL);
    assert_end(PROBE_OWN, PROBE_CRASHED, "import");
    assert_int_equal(result_of(PROBE_OWN)->signal, SIGSEGV);
    assert_end(PROBE_OWN_TWO, PROBE_NOT_RUN, "own gil");
    assert_end(PROBE_SHARED, PROBE_CRASHED, "import");
}

static void test_a_module_that_calls_exit_has_ended_too_early(void **state)
{
    (void)state;
    probe("exits", NULL, 60);
    assert_end(PROBE_MAIN, PROBE_CRASHED, "import: the process ended with status 3");
    assert_end(PROBE_OWN, PROBE_CRASHED, "import: the process ended with status 3");
    assert_int_equal(result_of(PROBE_OWN)->signal, 0);
}

static void test_a_module_that_hangs_in_c_is_killed_at_its_deadline(void **state)
{
    (void)state;
    probe("hangs", NULL, 3);
    assert_end(PROBE_MAIN, PROBE_OK, NULL);
    assert_end(PROBE_OWN, PROBE_HUNG, "import");
}

static void test_a_second_init_that_fails_is_an_exception(void **state)
{
    (void)state;
    probe("second_init_fails", NULL, 60);
    assert_end(PROBE_MAIN, PROBE_OK, NULL);
    assert_end(PROBE_MAIN_TWICE, PROBE_FAILED, "ImportError: cannot load module more than once per process");
    assert_end(PROBE_OWN, PROBE_OK, NULL);
    assert_end(PROBE_OWN_TWO, PROBE_FAILED, "more than once");
    assert_end(PROBE_OWN_AGAIN, PROBE_FAILED, "more than once");
}

static void test_cpythons_refusal_is_told_from_a_failure(void **state)
{
    (void)state;
    probe("static_type", NULL, 60);
    assert_end(PROBE_SHARED, PROBE_OK, NULL);
    assert_end(PROBE_SHARED_STATE, PROBE_SHARES, "static_type.Point");
    assert_end(PROBE_OWN, PROBE_REFUSED, "does not support loading in subinterpreters");
}

static void test_a_flood_is_read_and_dropped(void **state)
{
    (void)state;
    probe("floods", "", 60);
    assert_end(PROBE_MAIN, PROBE_OK, "32.0 MiB");
    assert_end(PROBE_OWN, PROBE_OK, "32.0 MiB");
}

/* A counter in a C static is no object: only a snippet can see that it is shared. */
static void test_a_snippet_tells_whose_state_a_module_has(void **state)
{
    (void)state;
    probe("kept_callback",
          "def change(module): module.set_callback(lambda: 'mine')\n"
          "def state(module): return module.call()\n",
          60);
    assert_end(PROBE_SHARED_STATE, PROBE_SHARES, "None became 'mine'");
}

static void test_a_snippet_that_raises_is_a_failure(void **state)
{
    (void)state;
    probe("cpp_statics", "assert module.lookup('two') == 3, 'wrong number'", 60);
    assert_end(PROBE_MAIN, PROBE_FAILED, "AssertionError: wrong number");
    assert_end(PROBE_OWN, PROBE_FAILED, "AssertionError: wrong number");
}

static void test_a_module_that_is_not_there_fails(void **state)
{
    (void)state;
    probe("no_such_module", NULL, 60);
    assert_end(PROBE_MAIN, PROBE_FAILED, "ModuleNotFoundError");
}

static void inspect(const char *module, probe_facts *out_facts)
{
    char file[4096];
    snprintf(file, sizeof file, "%s/%s%s", folder, module, getenv("ISLES_EXTENSION_SUFFIX"));
    probe_request request = {.module = module, .file = file, .deadline_ns = INT64_C(60000000000)};
    probe_inspect(&request, out_facts);
}

static void test_a_module_tells_its_slots(void **state)
{
    (void)state;
    probe_facts facts;
    inspect("lying", &facts);
    assert_int_equal(facts.end, PROBE_OK);
    assert_int_equal(facts.init, PROBE_INIT_MULTI);
    assert_int_equal(facts.interpreters, PROBE_INTERPRETERS_OWN_GIL);
    assert_int_equal(facts.gil, PROBE_GIL_NOT_USED);
    assert_int_equal(facts.state_bytes, 0);
    probe_facts_free(&facts);
    inspect("static_type", &facts);
    assert_int_equal(facts.init, PROBE_INIT_MULTI);
    assert_int_equal(facts.interpreters, PROBE_INTERPRETERS_NONE);
    assert_int_equal(facts.gil, PROBE_GIL_NONE);
    probe_facts_free(&facts);
    inspect("static_counter", &facts);
    assert_int_equal(facts.init, PROBE_INIT_SINGLE);
    assert_int_equal(facts.state_bytes, -1);
    probe_facts_free(&facts);
    inspect("no_such_module", &facts);
    assert_int_equal(facts.end, PROBE_FAILED);
    assert_non_null(facts.detail);
    probe_facts_free(&facts);
}

int main(int argc, char **argv)
{
    if (probe_is_child(argc, argv)) {
        return probe_child(argc, argv);
    }
    folder = getenv("ISLES_EXTENSIONS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_crash_is_a_result_with_its_signal_and_place, teardown),
        cmocka_unit_test_teardown(test_a_module_that_calls_exit_has_ended_too_early, teardown),
        cmocka_unit_test_teardown(test_a_module_that_hangs_in_c_is_killed_at_its_deadline, teardown),
        cmocka_unit_test_teardown(test_a_second_init_that_fails_is_an_exception, teardown),
        cmocka_unit_test_teardown(test_cpythons_refusal_is_told_from_a_failure, teardown),
        cmocka_unit_test_teardown(test_a_flood_is_read_and_dropped, teardown),
        cmocka_unit_test_teardown(test_a_snippet_tells_whose_state_a_module_has, teardown),
        cmocka_unit_test_teardown(test_a_snippet_that_raises_is_a_failure, teardown),
        cmocka_unit_test_teardown(test_a_module_that_is_not_there_fails, teardown),
        cmocka_unit_test(test_a_module_tells_its_slots),
    };
    cmocka_set_test_filter(getenv("ISLES_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
