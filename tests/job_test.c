/* Jobs: values both ways, globals, the queue's order, handles that wait and are polled, and functions of the host. */
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "support.h"

static flag ready = FLAG_INIT;
static isle_interp it, other; /* the group's: tests leave them usable */

/* --- values ----------------------------------------------------------------------------------------------------- */

static isle_value *call(const char *target, isle_value *args /* taken */)
{
    isle_error *err = NULL;
    isle_value *result = NULL;
    check_status(isle_interp_call(it, target, args, SOON, &result, &err), ISLE_OK, err);
    isle_value_free(args);
    return must(result);
}

static isle_value *tuple1(isle_value *item)
{
    isle_value *tuple = isle_value_new_tuple();
    check(isle_value_append(tuple, item) == ISLE_OK);
    return tuple;
}

static void check_echo(isle_value *value /* taken */, const char *told)
{
    isle_value *back = call("calls:echo", tuple1(isle_value_copy(value)));
    isle_value *says = call("calls:told", tuple1(isle_value_copy(value)));
    if (!isle_value_equal(value, back) || strcmp(isle_value_as_str(says, NULL), told) != 0) {
        fprintf(stderr, "%s came as %s and back as %s\n", told, isle_value_as_str(says, NULL), isle_value_repr(back));
        check(false);
    }
    isle_value_free(back);
    isle_value_free(says);
    isle_value_free(value);
}

static void test_values(void **state)
{
    (void)state;
    static const uint8_t big[] = {1, 0, 0, 0, 0, 0, 0, 0, 0};
    check_echo(isle_value_new_none(), "NoneType None");
    check_echo(isle_value_new_bool(true), "bool True");
    check_echo(isle_value_new_bool(false), "bool False");
    check_echo(isle_value_new_int(0), "int 0");
    check_echo(isle_value_new_int(-1), "int -1");
    check_echo(isle_value_new_int(INT64_MAX), "int 9223372036854775807");
    check_echo(isle_value_new_int(INT64_MIN), "int -9223372036854775808");
    check_echo(isle_value_new_bigint(false, big, sizeof big), "int 18446744073709551616");
    check_echo(isle_value_new_bigint(true, big, sizeof big), "int -18446744073709551616");
    check_echo(isle_value_new_bigint(true, big, 8), "int -72057594037927936");
    check_echo(isle_value_new_float(0.1), "float 0.1");
    check_echo(isle_value_new_float(-0.0), "float -0.0");
    check_echo(isle_value_new_float(INFINITY), "float inf");
    check_echo(isle_value_new_float(NAN), "float nan");
    check_echo(isle_value_new_float(5e-324), "float 5e-324");
    check_echo(isle_value_new_str(""), "str ''");
    check_echo(isle_value_new_str("é漢😀"), "str '\\xe9\\u6f22\\U0001f600'");
    check_echo(isle_value_new_str_n("a\0b", 3), "str 'a\\x00b'");
    check_echo(isle_value_new_str("\xff"), "str '\\udcff'");
    check_echo(isle_value_new_bytes("a\0\xff", 3), "bytes b'a\\x00\\xff'");
    check_echo(isle_value_new_bytes("", 0), "bytes b''");
}

static void test_containers(void **state)
{
    (void)state;
    isle_value *list = isle_value_new_list(), *dict = isle_value_new_dict(), *key = isle_value_new_tuple();
    check_echo(isle_value_new_list(), "list []");
    check_echo(isle_value_new_tuple(), "tuple ()");
    check_echo(isle_value_new_dict(), "dict {}");
    isle_value_append(key, isle_value_new_int(1));
    isle_value_append(key, isle_value_new_none());
    isle_value_append(list, isle_value_new_str("x"));
    isle_value_set_str(dict, "b", list);
    isle_value_set(dict, isle_value_new_int(5), isle_value_new_dict());
    isle_value_set(dict, key, isle_value_new_bytes("y", 1));
    isle_value_set_str(dict, "a", isle_value_new_none());
    check_echo(dict, "dict {'b': ['x'], 5: {}, (1, None): b'y', 'a': None}");
}

static void test_deep_and_large(void **state)
{
    (void)state;
    isle_value *deep = isle_value_new_list();
    for (int i = 1; i < 490; i++) {
        isle_value *outer = isle_value_new_list();
        check(isle_value_append(outer, deep) == ISLE_OK);
        deep = outer;
    }
    isle_value *back = call("calls:echo", tuple1(isle_value_copy(deep)));
    check(isle_value_equal(deep, back));
    isle_value_free(back);
    isle_value_free(deep);
    char *text = must(malloc(10 << 20));
    memset(text, 'x', 10 << 20);
    isle_value *large = isle_value_new_str_n(text, 10 << 20);
    back = call("calls:echo", tuple1(isle_value_copy(large)));
    check(isle_value_equal(large, back));
    isle_value_free(large);
    isle_value_free(back);
    free(text);
}

static isle_error *call_fails(const char *target, isle_value *args /* taken */, isle_status status)
{
    isle_error *err = NULL;
    isle_value *result = NULL;
    check_status(isle_interp_call(it, target, args, SOON, &result, &err), status, err);
    check(result == NULL && err != NULL);
    isle_value_free(args);
    return err;
}

static void test_what_cannot_cross(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *path;
    } rows[] = {
        {"lock", "result: _thread.lock"},
        {"inside", "result['a'][1]['b'][1]: _thread.lock"},
        {"attribute", "result.held: _thread.lock"},
        {"key", "result (a key)[0]: _thread.lock"},
        {"deep", "[0][0]: list: nested too deeply"},
        {"closure", "result: function: unshareable.<locals>.closure is a closure"},
        {"module", "result: module cannot cross"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        isle_error *err = call_fails("calls:unshareable", tuple1(isle_value_new_str(rows[i].kind)),
                                     ISLE_ERR_NOT_SHAREABLE);
        if (strstr(isle_error_message(err), rows[i].path) == NULL) {
            fprintf(stderr, "%s: %s\n", rows[i].path, isle_error_message(err));
            check(false);
        }
        isle_error_free(err);
    }
}

/* --- calls ------------------------------------------------------------------------------------------------------ */

static void test_arguments(void **state)
{
    (void)state;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_value *args = isle_value_new_list(), *kwargs = isle_value_new_dict(), *result = NULL;
    isle_job *job = NULL;
    isle_error *err = NULL;
    isle_value_append(args, isle_value_new_int(1));
    isle_value_set_str(kwargs, "c", isle_value_new_str("C"));
    config.kind = ISLE_JOB_CALL;
    config.target = "calls:Class.Inner.method";
    config.args = args;
    config.kwargs = kwargs;
    check_status(isle_job_submit(it, &config, &job, &err), ISLE_OK, err);
    isle_value_free(args); /* they were copied */
    isle_value_free(kwargs);
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    check_status(isle_job_result(job, &result, &err), ISLE_OK, err);
    char *text = isle_value_repr(result);
    assert_string_equal(text, "(1, 2, 'C')");
    isle_string_free(text);
    isle_value_free(result);
    isle_job_free(job);
}

static void test_targets_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *target, *message;
    } rows[] = {
        {"nosuch:f", "ModuleNotFoundError: No module named 'nosuch'"},
        {"calls:nosuch", "AttributeError: module 'calls' has no attribute 'nosuch'"},
        {"calls:Class.nosuch", "AttributeError: type object 'Class' has no attribute 'nosuch'"},
        {"calls:not_callable", "TypeError: 'int' object is not callable"},
        {"calls:Class", "TypeError: Class.__init__() missing 1 required positional argument: 'x'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        isle_error *err = call_fails(rows[i].target, NULL, ISLE_ERR_PYTHON);
        assert_string_equal(isle_error_message(err), rows[i].message);
        isle_error_free(err);
    }
    static const char *const malformed[] = {"", "calls", "calls:", ":f", "calls:a..b", "calls:.a"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        isle_error *err = NULL;
        isle_status status = isle_interp_call(it, malformed[i], NULL, SOON, NULL, &err);
        check(status == ISLE_ERR_PYTHON || status == ISLE_ERR_INVALID);
        isle_error_free(err);
    }
    isle_error *err = call_fails("calls:fail", tuple1(isle_value_new_str("m")), ISLE_ERR_PYTHON);
    assert_string_equal(isle_error_message(err), "ValueError: m");
    check(isle_exception_frame_count(isle_error_exception(err)) == 1);
    isle_error_free(err);
}

static void test_configs_that_are_wrong(void **state)
{
    (void)state;
    isle_value *number = isle_value_new_int(1), *dict = isle_value_new_dict();
    isle_value_set(dict, isle_value_new_int(1), isle_value_new_int(1));
    const isle_job_config configs[] = {
        {.size = sizeof(isle_job_config), .target = NULL},
        {.size = sizeof(isle_job_config), .target = "x", .kind = (isle_job_kind)17},
        {.size = sizeof(isle_job_config), .target = "x", .argc = 1},
        {.size = sizeof(isle_job_config), .target = "a:b", .kind = ISLE_JOB_CALL, .args = number},
        {.size = sizeof(isle_job_config), .target = "a:b", .kind = ISLE_JOB_CALL, .kwargs = number},
        {.size = sizeof(isle_job_config), .target = "a:b", .kind = ISLE_JOB_CALL, .kwargs = dict},
        {.size = 0, .target = "x"},
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        isle_error *err = NULL;
        isle_job *job = NULL;
        check_status(isle_job_submit(it, &configs[i], &job, &err), ISLE_ERR_INVALID, err);
        check(job == NULL && strlen(isle_error_message(err)) > 5);
        isle_error_free(err);
    }
    check(isle_job_submit(it, NULL, NULL, NULL) == ISLE_ERR_INVALID);
    check(isle_job_wait(NULL, 0) == ISLE_ERR_INVALID && isle_job_result(NULL, NULL, NULL) == ISLE_ERR_INVALID);
    isle_value_free(number);
    isle_value_free(dict);
}

static void test_globals(void **state)
{
    (void)state;
    isle_error *err = NULL;
    isle_value *value = isle_value_new_str("v"), *back = NULL;
    check_status(isle_interp_set_global(it, "set_here", value, SOON, &err), ISLE_OK, err);
    run(it, "set_here += 'w'");
    check_status(isle_interp_get_global(it, "set_here", SOON, &back, &err), ISLE_OK, err);
    assert_string_equal(isle_value_as_str(back, NULL), "vw");
    isle_value_free(back);
    back = NULL;
    check_status(isle_interp_get_global(it, "nosuch", SOON, &back, &err), ISLE_ERR_PYTHON, err);
    assert_string_equal(isle_error_message(err), "NameError: name 'nosuch' is not defined");
    isle_error_free(err);
    err = NULL;
    run(it, "import threading; thing = [threading.Lock()]");
    check_status(isle_interp_get_global(it, "thing", SOON, &back, &err), ISLE_ERR_NOT_SHAREABLE, err);
    check(strstr(isle_error_message(err), "thing[0]: _thread.lock") != NULL && back == NULL);
    isle_error_free(err);
    isle_value_free(value);
}

/* --- the queue -------------------------------------------------------------------------------------------------- */

static void test_jobs_run_in_order(void **state)
{
    (void)state;
    enum { MANY = 200 };
    isle_job *jobs[MANY];
    run(it, "order = []");
    flag_clear(&ready);
    for (int i = 0; i < MANY; i++) {
        char *source = text_of("order.append(%d)", i);
        jobs[i] = submit(it, source, SOON);
        free(source);
        check(i == 0 || isle_job_id(jobs[i]) > isle_job_id(jobs[i - 1]));
    }
    for (int i = MANY - 1; i >= 0; i--) { /* waited for in any order */
        check_status(wait_for(jobs[i], NULL), ISLE_OK, NULL);
    }
    check_eval(it, "order == list(range(200))", "True");
}

static void test_handles(void **state)
{
    (void)state;
    flag_clear(&ready);
    isle_job *job = submit(it,
                           "import isles, threading\nlock = threading.Lock()\nlock.acquire()\nisles.host.ready()\n"
                           "lock.acquire()",
                           ISLE_FOREVER);
    isle_job *next = submit(it, "x = sum(range(100000))", ISLE_FOREVER);
    flag_await(&ready, 1);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.state == ISLE_INTERP_RUNNING && stats.current_job == isle_job_id(job) && stats.jobs_queued == 1);
    check(!isle_job_done(job) && isle_job_result(job, NULL, NULL) == ISLE_ERR_BUSY);
    check(isle_job_wait(job, 0) == ISLE_ERR_TIMEOUT);
    check(isle_job_wait(job, isle_deadline_in(2 * ISLE_MS)) == ISLE_ERR_TIMEOUT);
    struct pollfd fds[2] = {{.fd = isle_job_fd(job), .events = POLLIN}, {.fd = isle_job_fd(next), .events = POLLIN}};
    check(fds[0].fd >= 0 && fds[0].fd == isle_job_fd(job) && poll(fds, 2, 0) == 0);
    isle_job_cancel(job);
    check(poll(&fds[1], 1, 30000) == 1 && poll(fds, 1, 0) == 1); /* and stays readable */
    check(isle_job_done(job) && isle_job_wait(job, 0) == ISLE_OK);
    check(isle_job_result(job, NULL, NULL) == ISLE_ERR_CANCELLED &&
          isle_job_result(job, NULL, NULL) == ISLE_ERR_CANCELLED);
    check(isle_job_wall_ns(next) > 0 && isle_job_cpu_ns(next) > 0 &&
          isle_job_cpu_ns(next) <= 2 * isle_job_wall_ns(next));
    check(isle_job_wall_ns(job) >= 2 * ISLE_MS && isle_job_cpu_ns(job) < isle_job_wall_ns(job));
    isle_job_free(job);
    check_status(wait_for(next, NULL), ISLE_OK, NULL);
    isle_job_free(NULL);
}

static void test_an_event_loop(void **state)
{
    (void)state;
    enum { MANY = 20 };
    isle_job *jobs[MANY];
    int loop = epoll_create1(0), left = MANY;
    for (int i = 0; i < MANY; i++) {
        jobs[i] = submit(i % 2 ? it : other, i % 3 ? "x = 1" : "1 / 0", SOON);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        check(epoll_ctl(loop, EPOLL_CTL_ADD, isle_job_fd(jobs[i]), &event) == 0);
    }
    while (left > 0) {
        struct epoll_event event;
        check(epoll_wait(loop, &event, 1, 30000) == 1);
        isle_job *job = jobs[event.data.u32];
        check(isle_job_done(job));
        check(isle_job_result(job, NULL, NULL) == (event.data.u32 % 3 ? ISLE_OK : ISLE_ERR_PYTHON));
        /* first: the home thread may hold the job, and so its descriptor, for a moment longer than we do */
        check(epoll_ctl(loop, EPOLL_CTL_DEL, isle_job_fd(job), NULL) == 0);
        isle_job_free(job);
        left--;
    }
    close(loop);
}

static void test_handles_let_go(void **state)
{
    (void)state;
    isle_interp short_lived = create(NULL);
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.target = "count = globals().get('count', 0) + 1";
    for (int i = 0; i < 50; i++) {
        check(isle_job_submit(short_lived, &config, NULL, NULL) == ISLE_OK); /* nobody will ask */
        isle_job_free(submit(short_lived, config.target, ISLE_FOREVER));     /* the same, later */
    }
    check_eval(short_lived, "count", "100");
    isle_job *job = submit(short_lived, "1 / 0", SOON);
    end(short_lived);
    isle_status status = wait_for(job, NULL); /* a handle outlives its interpreter */
    check(status == ISLE_ERR_PYTHON || status == ISLE_ERR_ENDED);
}

/* --- functions of the host -------------------------------------------------------------------------------------- */

static _Atomic int host_calls;

static isle_status host_echo(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)err;
    check(ctx == &host_calls && (id == it.id || id == other.id));
    atomic_fetch_add(&host_calls, 1);
    *out = isle_value_copy(args);
    return ISLE_OK;
}

static isle_status host_fail(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)id, (void)out;
    if (isle_value_len(args) > 0) {
        *err = isle_error_new(ISLE_ERR_LIMIT, isle_value_as_str(isle_value_at(args, 0), NULL));
    }
    return ISLE_ERR_LIMIT;
}

/* Runs its argument in the other interpreter. */
static isle_status host_run_other(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    isle_interp target = id == it.id ? other : it;
    (void)ctx, (void)out;
    return isle_interp_run(target, isle_value_as_str(isle_value_at(args, 0), NULL), isle_deadline_in(100 * ISLE_MS),
                           err);
}

static isle_status host_run_same(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)args, (void)err;
    *out = isle_value_new_str(isle_status_name(isle_interp_run((isle_interp){id}, "pass", ISLE_FOREVER, NULL)));
    return ISLE_OK;
}

static void test_host_functions(void **state)
{
    (void)state;
    run(it, "import isles\nfrom isles import host\nfrom isles.host import echo\n"
            "assert echo(1, 'a', [None]) == (1, 'a', [None]) and echo() == ()\n"
            "assert host.ready() is None and isles.host.echo is not None\n"
            "assert sorted(n for n in dir(host) if n[0] != '_') == ['echo', 'fail', 'ready', 'run_other', 'run_same']");
    run_error(it, "isles.host.fail('too much')", "isles.HostError: fail: too much");
    run_error(it, "isles.host.fail()", "isles.HostError: fail: a limit was reached");
    run(it, "try: isles.host.fail('x')\nexcept RuntimeError as e: assert type(e) is isles.HostError");
    run_error(it, "import sys; isles.host.echo(1, [sys])", "TypeError: args[1][0]: module cannot cross");
    run_error(it, "isles.host.nosuch()", "AttributeError: module 'isles.host' has no attribute 'nosuch'");
    run(it, "try: echo(a=1)\nexcept TypeError: pass\nelse: assert False");
}

static void test_host_functions_from_threads(void **state)
{
    (void)state;
    atomic_store(&host_calls, 0);
    run(it, "import threading\ndef f():\n    for i in range(200): assert echo(i) == (i,)\n"
            "t = [threading.Thread(target=f) for i in range(8)]\n[x.start() for x in t]; [x.join() for x in t]");
    check(atomic_load(&host_calls) == 1600);
}

static void test_host_functions_that_call_back(void **state)
{
    (void)state;
    run(it, "isles.host.run_other('from_it = 1')");
    check_eval(other, "from_it", "1");
    run(other, "import isles");
    run(it, "assert isles.host.run_same() == 'ISLE_ERR_STATE'");
    isle_error *err = run_fails(it, "isles.host.run_other('1 / 0')", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "ZeroDivisionError: division by zero") != NULL);
    isle_error_free(err);
    /* there and back again: `it` waits for the other, which waits for `it` until its deadline */
    err = run_fails(it, "isles.host.run_other('isles.host.run_other(\"pass\")')", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "deadline") != NULL);
    isle_error_free(err);
}

static void *wait_for_it(void *job)
{
    return (void *)(intptr_t)isle_job_wait(job, SOON);
}

static void test_several_wait_for_one_job(void **state)
{
    (void)state;
    enum { MANY = 8 };
    pthread_t threads[MANY];
    isle_job *job = submit(it, "import time; time.sleep(0.02)", SOON);
    for (int i = 0; i < MANY; i++) {
        pthread_create(&threads[i], NULL, wait_for_it, job);
    }
    for (int i = 0; i < MANY; i++) {
        void *status;
        pthread_join(threads[i], &status);
        check((isle_status)(intptr_t)status == ISLE_OK);
    }
    isle_job_free(job);
}

static int begin(void **state)
{
    static const isle_host_function host[] = {{"ready", host_flag, &ready},
                                              {"echo", host_echo, &host_calls},
                                              {"fail", host_fail, NULL},
                                              {"run_other", host_run_other, NULL},
                                              {"run_same", host_run_same, NULL}};
    static const char *const path[] = {ISLES_TEST_PROGRAMS};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_interp_config interp = ISLE_INTERP_CONFIG_INIT;
    (void)state;
    config.host_functions = host;
    config.host_function_count = sizeof host / sizeof *host;
    interp.path = path;
    interp.path_count = 1;
    interp.no_bytecode = true;
    runtime_begin(&config);
    it = create(&interp);
    other = create(&interp);
    testing_begins();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_deep_and_large),
        cmocka_unit_test(test_what_cannot_cross),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_targets_that_fail),
        cmocka_unit_test(test_configs_that_are_wrong),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_jobs_run_in_order),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_an_event_loop),
        cmocka_unit_test(test_handles_let_go),
        cmocka_unit_test(test_several_wait_for_one_job),
        cmocka_unit_test(test_host_functions),
        cmocka_unit_test(test_host_functions_from_threads),
        cmocka_unit_test(test_host_functions_that_call_back),
    };
    return cmocka_run_group_tests(tests, begin, without_runtime);
}
