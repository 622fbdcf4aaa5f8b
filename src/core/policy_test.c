/* Policies in the core, without Python: what kernels with less of Landlock are said to lack. */
#include <string.h>

#include "core.h"
#include "testing/core_testing.h"

static const char *const no_paths[] = {NULL};
static const uint16_t no_ports[] = {0};

/* The message that such a kernel gets; "": all is there. */
static const char *message_of(const isle_policy *p, int abi)
{
    static char text[200];
    isle_error *err = NULL;
    isle_status status = policy_check_landlock(p, (landlock){abi, "the kernel has no Landlock"}, &err);
    assert_int_equal(status, err == NULL ? ISLE_OK : ISLE_ERR_UNSUPPORTED);
    snprintf(text, sizeof text, "%s", err != NULL ? isle_error_message(err) : "");
    isle_error_free(err);
    return text;
}

static void test_what_a_kernel_lacks_is_named(void **state)
{
    (void)state;
    isle_policy p = ISLE_POLICY_INIT;
    assert_string_equal(message_of(&p, 0), "");
    p.bind = no_ports;
    assert_string_equal(message_of(&p, 4), "");
    assert_string_equal(message_of(&p, 3), "policy.bind needs Landlock 4 (Linux 6.7): the kernel has 3");
    p.connect = no_ports;
    assert_string_equal(message_of(&p, 1), "policy.connect needs Landlock 4 (Linux 6.7): the kernel has 1");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.write = no_paths;
    assert_string_equal(message_of(&p, 3), "");
    assert_string_equal(message_of(&p, 2), "policy.write needs Landlock 3 (Linux 6.2): the kernel has 2");
    p.read = no_paths;
    assert_string_equal(message_of(&p, 1), "policy.read needs Landlock 2 (Linux 5.19): the kernel has 1");
    p.read = NULL;
    p.execute = no_paths;
    assert_string_equal(message_of(&p, 0), "policy.write needs Landlock 3 (Linux 6.2): the kernel has no Landlock");
    p.write = NULL;
    assert_string_equal(message_of(&p, 2), "");
}

static void test_rules_need_no_kernel(void **state)
{
    (void)state;
    const char *rules[] = {"deny open"};
    isle_policy p = ISLE_POLICY_INIT;
    p.rules = rules;
    p.rule_count = 1;
    assert_string_equal(message_of(&p, 0), "");
}

/* The thread that creates goes on as it was. */
static void test_a_policy_is_taken_and_reported(void **state)
{
    (void)state;
    const char *rules[] = {"deny open"};
    isle_runtime *rt = start_runtime();
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_policy p = ISLE_POLICY_INIT;
    isle_policy_report *report = NULL;
    isle_interp it;
    p.rules = rules;
    p.rule_count = 1;
    config.policy = &p;
    assert_int_equal(isle_interp_create(rt, &config, &it, NULL), ISLE_OK);
    assert_int_equal(isle_interp_get_policy_report(it, &report, NULL), ISLE_OK);
    assert_int_equal(report->finding_count, 0);
    assert_int_equal(report->unused_rule_count, 1);
    assert_string_equal(report->unused_rules[0], "deny open");
    isle_policy_report_free(report);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    isle_error *err = NULL;
    assert_int_equal(isle_interp_get_policy_report(it, &report, &err), ISLE_ERR_NO_INTERP);
    isle_error_free(err);
    assert_int_equal(isle_interp_get_policy_report(it, NULL, NULL), ISLE_ERR_INVALID);
    stop_runtime(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_kernel_lacks_is_named),
        cmocka_unit_test(test_rules_need_no_kernel),
        cmocka_unit_test(test_a_policy_is_taken_and_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
