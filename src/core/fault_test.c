/* Each allocation and thread creation of a whole life made to fail once (in builds with ISLES_FAULTS; in others the
 * life is lived once): a clean error, no leak (the address sanitizer looks), no hang, and all works afterwards. */
#include "platform.h"
#include "testing/core_testing.h"

#ifdef ISLES_FAULTS
#define FAULTS 1
#else
#define FAULTS 0
#define plat_fault_set(n) ((void)(n))
#define plat_fault_count() 0L
#endif

static isle_status give_two(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                            isle_error **err)
{
    (void)ctx, (void)interp_id, (void)args, (void)err;
    *out_value = isle_value_new_int(2);
    return *out_value != NULL ? ISLE_OK : ISLE_ERR_NOMEM;
}

/* True when it came as expected; else it must be a clean failure for want of memory or a thread. */
static bool came(isle_status status, isle_status expected, isle_error **err)
{
    if (status != expected) {
        check(status == ISLE_ERR_NOMEM || status == ISLE_ERR_SYSTEM || status == ISLE_ERR_PYTHON);
    }
    check((status == ISLE_OK) == (*err == NULL));
    check(isle_error_status(*err) == status && (status == ISLE_OK || isle_error_message(*err)[0] != '\0'));
    isle_error_free(*err);
    *err = NULL;
    return status == expected;
}

static bool live_job(isle_interp it)
{
    static const char *const argv[] = {"a", "b"};
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_error *err = NULL;
    isle_job *job = NULL;
    isle_value *args = isle_value_new_list(), *kwargs = isle_value_new_dict(), *value = NULL;
    bool built = isle_value_append(args, isle_value_new_str("a text that needs memory")) == ISLE_OK &&
                 isle_value_set_str(kwargs, "k", isle_value_new_int(1)) == ISLE_OK;
    config.kind = ISLE_JOB_CALL;
    config.target = "echo";
    config.args = args;
    config.kwargs = kwargs;
    config.argv = argv;
    config.argc = 2;
    config.deadline = SOON;
    bool ok = built && came(isle_job_submit(it, &config, &job, &err), ISLE_OK, &err);
    isle_value_free(args);
    isle_value_free(kwargs);
    if (!ok) {
        return false;
    }
    isle_job_fd(job); /* -1 is fine */
    check(isle_job_wait(job, SOON) == ISLE_OK);
    ok = came(isle_job_result(job, &value, &err), ISLE_OK, &err);
    isle_value_free(value);
    isle_job_free(job);
    return ok;
}

static bool live_interp(isle_interp it)
{
    isle_error *err = NULL;
    isle_value *value = NULL;
    if (!live_job(it) || !came(isle_interp_run(it, "ok", SOON, &err), ISLE_OK, &err)) {
        return false;
    }
    if (!came(isle_interp_call(it, "host give_two", NULL, SOON, &value, &err), ISLE_OK, &err)) {
        return false;
    }
    isle_value_free(value);
    if (!came(isle_interp_run(it, "fail", SOON, &err), ISLE_ERR_PYTHON, &err)) {
        return false;
    }
    if (!came(isle_interp_run(it, "spin", isle_deadline_in(ISLE_MS), &err), ISLE_ERR_TIMEOUT, &err)) {
        return false;
    }
    return came(isle_interp_reset(it, SOON, &err), ISLE_OK, &err);
}

/* One that the kernel here can keep. */
static isle_policy a_policy(void)
{
    static const char *const paths[] = {"/usr"}, *const profiles[] = {"no-admin"};
    static const char *const rules[] = {"deny open", "allow open:a*"};
    static const uint16_t ports[] = {80};
    isle_policy p = ISLE_POLICY_INIT;
    p.rules = rules;
    p.rule_count = 2;
    p.seccomp = profiles;
    p.seccomp_count = 1;
    if (isle_policy_landlock(NULL) >= 4) {
        p.read = paths;
        p.connect = ports;
        p.read_count = p.connect_count = 1;
    }
    return p;
}

static bool live_policy(isle_interp it)
{
    isle_policy_report *report = NULL;
    isle_error *err = NULL;
    if (!came(isle_interp_get_policy_report(it, &report, &err), ISLE_OK, &err)) {
        return false;
    }
    check(report->unused_rule_count == 1);
    isle_policy_report_free(report);
    return true;
}

static bool live_runtime(isle_runtime *rt)
{
    const isle_policy policy = a_policy();
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp named = {0}, unnamed = {0};
    isle_error *err = NULL;
    config.name = "named";
    config.policy = &policy;
    bool ok = came(isle_interp_create(rt, &config, &named, &err), ISLE_OK, &err);
    ok = ok && came(isle_interp_create(rt, NULL, &unnamed, &err), ISLE_OK, &err);
    ok = ok && live_interp(named) && live_policy(named);
    return ok && came(isle_interp_end(named, SOON, &err), ISLE_OK, &err);
}

static bool live(bool adopted)
{
    const isle_host_function function = {"give_two", give_two, NULL};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    config.on_event = record;
    config.host_functions = &function;
    config.host_function_count = 1;
    isle_status status = adopted ? isle_runtime_adopt(&config, &rt, &err) : isle_runtime_start(&config, &rt, &err);
    if (!came(status, ISLE_OK, &err)) {
        return false;
    }
    bool ok = live_runtime(rt);
    check(isle_runtime_stop(rt, SOON, NULL) == ISLE_OK); /* whatever failed before */
    check(fake.created == fake.freed);
    check(isle_interp_list(NULL, 0) == 0);
    return ok;
}

static void live_with_each_fault(bool adopted)
{
    fake_reset();
    record_clear();
    plat_fault_set(0);
    assert_true(live(adopted));
    long count = plat_fault_count();
    assert_true(!FAULTS || count > 20);
    long failures = 0;
    for (long n = 1; n <= count; n++) {
        fake_reset();
        record_clear();
        plat_fault_set(n);
        failures += !live(adopted);
        plat_fault_set(0);
    }
    assert_true(failures >= count / 2); /* some are only for messages, which may be lacking */
    assert_true(live(adopted));
}

static void test_each_allocation_and_thread_fails_once(void **state)
{
    (void)state;
    live_with_each_fault(false);
}

static void test_each_fails_once_when_adopted(void **state)
{
    (void)state;
    fake_attach_main();
    live_with_each_fault(true);
    fake_detach_main();
}

/* Without memory for the words, one that would not end is told of all the same. */
static void stuck_without_memory(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_impatient(rt, 5, 20);
    isle_error *err = NULL;
    isle_job *job = submit(it, "deaf", ISLE_FOREVER);
    await_running(job);
    plat_fault_set(1); /* the STUCK event's message */
    check(isle_interp_end(it, 0, &err) == ISLE_ERR_STUCK);
    isle_error_free(err);
    err = NULL;
    plat_fault_set(1);
    check(isle_runtime_stop(rt, 0, &err) == ISLE_ERR_STUCK);
    check(err != NULL);
    plat_fault_set(0);
    isle_error_free(err);
    isle_job_free(job);
    fake_release_parked();
}

static void test_stuck_without_memory(void **state)
{
    (void)state;
    in_child(stuck_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_and_thread_fails_once),
        cmocka_unit_test(test_each_fails_once_when_adopted),
        cmocka_unit_test(test_stuck_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
