/* What queues do when something ends or is waited for: items of interpreters that have ended, isle_select and
 * isles.select, waits that are interrupted in every way, the descriptor, names that come and go. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <isles/queue.h>

#include "queues.h"
#include "support.h"

static isle_queue *queue_with(const char *name, isle_unbound unbound)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q = NULL;
    isle_error *err = NULL;
    config.name = name;
    config.unbound = unbound;
    check_status(isle_queue_create(&config, &q, &err), ISLE_OK, err);
    return q;
}

static bool readable(isle_queue *q)
{
    struct pollfd p = {.fd = isle_queue_fd(q), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static isle_queue_stats stats_of(isle_queue *q)
{
    isle_queue_stats stats = {.size = sizeof stats};
    isle_queue_get_stats(q, &stats);
    return stats;
}

static void await_getters(isle_queue *q, size_t count)
{
    int64_t deadline = SOON;
    while (stats_of(q).getters != count) {
        check(isle_now() < deadline);
        sched_yield();
    }
}

/* --- items whose interpreter has ended -------------------------------------------------------------------------- */

/* 1 of the host's, 2 and 3 of an interpreter that has ended, 4 of the host's. */
static void fill_and_end(isle_queue *q)
{
    isle_interp it = create(NULL);
    put_int(q, 1);
    run(it, "import isles\nq = isles.find_queue('mixed')\nq.put(2)\nq.put(3)");
    put_int(q, 4);
    end(it);
}

static void test_unbound_items_as_c_sees_them(void **state)
{
    (void)state;
    for (int unbound = ISLE_UNBOUND_MARKER; unbound <= ISLE_UNBOUND_ERROR; unbound++) {
        isle_queue *q = queue_with("mixed", (isle_unbound)unbound);
        isle_value *values[10];
        size_t count = 0;
        isle_error *err = NULL;
        fill_and_end(q);
        check(stats_of(q).items == 4);
        check_status(isle_queue_get_many(q, 0, values, 10, &count, NULL), ISLE_OK, NULL);
        check(count == 1); /* it ends before the one that is an error */
        isle_value_free(values[0]);
        check_status(isle_queue_get_many(q, 0, values, 10, &count, &err), ISLE_ERR_UNBOUND, NULL);
        check(strstr(isle_error_message(err), "has ended") != NULL);
        isle_error_free(err);
        check_status(isle_queue_get(q, 0, values, NULL), ISLE_ERR_UNBOUND, NULL);
        check(get_int(q) == 4);
        check(stats_of(q).got == 4 && !readable(q));
        isle_queue_free(q);
    }
}

static void test_unbound_items_as_python_sees_them(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_queue *q = queue_with("mixed", ISLE_UNBOUND_MARKER);
    fill_and_end(q);
    run(it, "import isles\n"
            "q = isles.find_queue('mixed')\n"
            "assert repr(isles.UNBOUND) == 'UNBOUND'\n"
            "assert [q.get(), q.get(), q.get_many(5), q.get()] == [1, isles.UNBOUND, [isles.UNBOUND], 4]\n"
            "try: q.put(isles.UNBOUND)\n"
            "except isles.NotShareableError: pass\n"
            "del q");
    isle_queue_free(q);
    q = queue_with("mixed", ISLE_UNBOUND_ERROR);
    fill_and_end(q);
    run(it, "q = isles.find_queue('mixed')\n"
            "assert q.get_many(5) == [1]\n"
            "for get in (q.get, lambda: q.get_many(5)):\n"
            "    try: get()\n"
            "    except isles.QueueItemUnbound as e: assert 'has ended' in str(e)\n"
            "    else: raise AssertionError\n"
            "assert q.get_many(5) == [4] and q.empty()\n"
            "for unbound in ('keep', 'remove', 'marker', 'error'): isles.create_queue(unbound=unbound)");
    end(it);
    isle_queue_free(q);
}

static void test_descriptor_after_batches_and_removals(void **state)
{
    (void)state;
    isle_queue *q = queue_with("mixed", ISLE_UNBOUND_REMOVE);
    isle_value *values[3];
    size_t count;
    isle_interp it = create(NULL);
    check(!readable(q));
    run(it, "import isles\nfor i in range(3): isles.find_queue('mixed').put(i)");
    check(readable(q));
    check_status(isle_queue_get_many(q, 0, values, 2, &count, NULL), ISLE_OK, NULL);
    check(count == 2 && readable(q));
    isle_value_free(values[0]);
    isle_value_free(values[1]);
    end(it);
    check(!readable(q) && stats_of(q).items == 0);
    put_int(q, 1);
    put_int(q, 2);
    check_status(isle_queue_get_many(q, 0, values, 3, &count, NULL), ISLE_OK, NULL);
    check(count == 2 && !readable(q));
    isle_value_free(values[0]);
    isle_value_free(values[1]);
    isle_queue_close(q);
    check(readable(q));
    isle_queue_free(q);
}

/* --- select ----------------------------------------------------------------------------------------------------- */

static void test_select_says_exactly_what_is_ready(void **state)
{
    (void)state;
    isle_queue *queues[3] = {queue_with(NULL, 0), queue_with(NULL, 0), queue_with(NULL, 0)};
    bool rq[3] = {true, true, true}, rf[1] = {true};
    int fds[2];
    check(pipe(fds) == 0);
    check_status(isle_select(queues, 3, rq, fds, 1, rf, 0), ISLE_ERR_TIMEOUT, NULL);
    check(!rq[0] && !rq[1] && !rq[2] && !rf[0]);
    put_int(queues[0], 1);
    isle_queue_close(queues[2]);
    check_status(isle_select(queues, 3, rq, fds, 1, rf, ISLE_FOREVER), ISLE_OK, NULL);
    check(rq[0] && !rq[1] && rq[2] && !rf[0]); /* closed: a get would not wait */
    check(get_int(queues[0]) == 1);
    close(fds[1]);
    check_status(isle_select(queues, 2, rq, fds, 1, rf, ISLE_FOREVER), ISLE_OK, NULL);
    check(!rq[0] && !rq[1] && rf[0]); /* hung up */
    close(fds[0]);
    put_int(queues[0], 1);
    check_status(isle_select(queues, 2, rq, fds, 1, rf, 0), ISLE_ERR_SYSTEM, NULL);
    check(errno == EBADF && !rq[0] && !rf[0]); /* no longer open, whatever else is ready */
    check_status(isle_select(NULL, 0, NULL, &(int){-1}, 1, rf, 0), ISLE_ERR_SYSTEM, NULL);
    check_status(isle_select(NULL, 1, rq, NULL, 0, NULL, 0), ISLE_ERR_INVALID, NULL);
    check_status(isle_select(queues, 1, NULL, NULL, 0, NULL, 0), ISLE_ERR_INVALID, NULL);
    check_status(isle_select(NULL, 0, NULL, NULL, 1, rf, 0), ISLE_ERR_INVALID, NULL);
    check_status(isle_select(&(isle_queue *){NULL}, 1, rq, NULL, 0, NULL, 0), ISLE_ERR_INVALID, NULL);
    for (int i = 0; i < 3; i++) {
        isle_queue_free(queues[i]);
    }
}

static void test_select_in_python(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "import isles, os, time, threading\n"
            "a, b = isles.create_queue(), isles.create_queue()\n"
            "r, w = os.pipe()\n"
            "assert isles.select([a, b, r], 0) == []\n"
            "before = time.monotonic()\n"
            "assert isles.select([a, b, r], timeout=0.03) == [] and time.monotonic() - before >= 0.03\n"
            "b.put(1)\n"
            "assert isles.select((a, b, r)) == [b]\n"
            "os.write(w, b'x')\n"
            "assert isles.select(iter([a, b, r])) == [b, r]\n"
            "b.get()\n"
            "with open(os.dup(r), 'rb') as file: assert isles.select([a, file]) == [file]\n"
            "os.read(r, 1)\n"
            "thread = threading.Thread(target=lambda: (time.sleep(0.02), a.close()))\n"
            "thread.start()\n" /* the GIL is free while it waits */
            "assert isles.select([a, b, r], 30) == [a]\n"
            "thread.join()\n");
    run_error(it, "isles.select([])", "ValueError: there is nothing to wait for");
    run_error(it, "isles.select(5)", "TypeError: 'int' object is not iterable");
    run_error(it, "isles.select([a, 'x'])", "TypeError: argument must be an int, or have a fileno() method.");
    run_error(it, "isles.select([b], -1)", "ValueError: 'timeout' must be a non-negative number");
    run_error(it, "isles.select()", "TypeError: select() missing required argument 'things'");
    run_error(it, "isles.select([b], time=3)", "TypeError: select() got an unexpected keyword argument 'time'");
    run_error(it, "os.close(w); isles.select([a, w])", "OSError: [Errno 9] Bad file descriptor");
    end(it);
}

static void test_arguments(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "import isles, fractions, time\n"
            "q = isles.create_queue(1)\n"
            "q.put(obj=1, block=True, timeout=None)\n"
            "for args, kwargs in ((2, False), {}), ((2, True, 0), {}), ((2,), dict(timeout=1e-9)), "
            "((2, 0), {}), ((), dict(obj=2, timeout=fractions.Fraction(1, 1000))):\n"
            "    try: q.put(*args, **kwargs)\n"
            "    except isles.QueueFull: pass\n"
            "    else: raise AssertionError\n"
            "assert q.get(True, 10**30) == 1\n"
            "q.put(1); assert q.get(timeout=float('inf')) == 1\n"
            "q.put(1); assert q.get(block=[]) == 1\n"
            "q.put(1); assert q.get_many(most=3, timeout=1) == [1]\n"
            "before = time.monotonic_ns()\n"
            "try: q.get(timeout=0.012345678)\n"
            "except isles.QueueEmpty: pass\n"
            "assert time.monotonic_ns() - before >= 12345678\n");
    run_error(it, "q.put()", "TypeError: put() missing required argument 'obj'");
    run_error(it, "q.get(1, 2, 3)", "TypeError: get() takes at most 2 arguments (3 given)");
    run_error(it, "q.get(True, block=1)", "TypeError: get() got multiple values for argument 'block'");
    run_error(it, "q.get(timeout='x')", "TypeError: 'timeout' must be a number of seconds or None, not str");
    run_error(it, "q.get(timeout=-1)", "ValueError: 'timeout' must be a non-negative number");
    run_error(it, "q.get(timeout=float('nan'))", "ValueError: 'timeout' must be a non-negative number");
    run_error(it, "q.get_many(0)", "ValueError: 'most' must be 1 at the least");
    run_error(it, "q.get_many('x')", "TypeError: 'str' object cannot be interpreted as an integer");
    end(it);
}

/* --- waits that are interrupted --------------------------------------------------------------------------------- */

static flag begun = FLAG_INIT;
static isle_queue *empty; /* for the host's functions */

static isle_status host_get(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx;
    (void)interp_id;
    (void)args;
    flag_raise(&begun);
    return isle_queue_get(empty, ISLE_FOREVER, out, err);
}

static isle_status host_select(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out,
                               isle_error **err)
{
    bool ready;
    (void)ctx;
    (void)interp_id;
    (void)args;
    (void)out;
    (void)err;
    flag_raise(&begun);
    return isle_select(&empty, 1, &ready, NULL, 0, NULL, ISLE_FOREVER);
}

static void test_each_wait_ends_with_its_job(void **state)
{
    (void)state;
    isle_queue *full = NULL;
    empty = queue_with("empty", 0);
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    config.name = "full";
    config.max_items = 1;
    check_status(isle_queue_create(&config, &full, NULL), ISLE_OK, NULL);
    put_int(full, 1);
    static const char *const waits[] = {"empty.get()",           "full.put(2)",      "empty.get_many(3)",
                                        "isles.select([empty])", "isles.host.get()", "isles.host.select()",
                                        "empty.get(timeout=60)"};
    isle_interp it = create(NULL);
    run(it, "import isles\nempty, full = isles.find_queue('empty'), isles.find_queue('full')");
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        char *source = text_of("%s%s", strstr(waits[i], "host") != NULL ? "" : "isles.host.begun()\n", waits[i]);
        flag_clear(&begun);
        isle_job *job = submit(it, source, ISLE_FOREVER);
        flag_await(&begun, 1);
        isle_job_cancel(job);
        check_status(wait_for(job, NULL), ISLE_ERR_CANCELLED, NULL);
        free(source);
    }
    isle_job *job = submit(it, "isles.select([empty])", isle_deadline_in(30 * ISLE_MS));
    check_status(wait_for(job, NULL), ISLE_ERR_TIMEOUT, NULL);
    job = submit(it, "empty.get()", ISLE_FOREVER);
    await_getters(empty, 1);
    check_status(isle_interp_end(it, 0, NULL), ISLE_OK, NULL);
    check_status(wait_for(job, NULL), ISLE_ERR_ENDED, NULL);
    check(stats_of(empty).getters == 0 && stats_of(full).putters == 0);
    isle_queue_free(empty);
    isle_queue_free(full);
}

static void test_a_get_is_woken_by_put_close_and_deadline(void **state)
{
    (void)state;
    isle_queue *q = queue_with("woken", 0);
    isle_interp it = create(NULL);
    run(it, "import isles\nq = isles.find_queue('woken')");
    isle_job *job = submit(it, "assert q.get() == 5", ISLE_FOREVER);
    await_getters(q, 1);
    put_int(q, 5);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    job = submit(it, "try: q.get(timeout=0.02)\nexcept isles.QueueEmpty: pass\nelse: raise AssertionError",
                 ISLE_FOREVER);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    job = submit(it, "try: q.get()\nexcept isles.QueueClosed: pass\nelse: raise AssertionError", ISLE_FOREVER);
    await_getters(q, 1);
    isle_queue_close(q);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    end(it);
    isle_queue_free(q);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static _Atomic bool names_go_on;
static _Atomic long made, found, refused;

static void *make_and_free(void *arg)
{
    (void)arg;
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    config.name = "contested";
    while (names_go_on) {
        isle_queue *q = NULL;
        isle_status status = isle_queue_create(&config, &q, NULL);
        check(status == ISLE_OK || status == ISLE_ERR_INVALID);
        made += status == ISLE_OK;
        refused += status != ISLE_OK;
        isle_queue_free(q);
    }
    return NULL;
}

static void *find_and_free(void *arg)
{
    (void)arg;
    while (names_go_on) {
        isle_queue *q = NULL;
        if (isle_queue_find("contested", &q, NULL) == ISLE_OK) {
            check(stats_of(q).items == 0); /* it lives, whoever let it go meanwhile */
            found++;
            isle_queue_free(q);
        }
    }
    return NULL;
}

static void test_names_while_the_last_reference_goes(void **state)
{
    (void)state;
    pthread_t threads[4];
    isle_interp it = create(NULL);
    names_go_on = true;
    for (int i = 0; i < 4; i++) {
        check(pthread_create(&threads[i], NULL, i % 2 ? make_and_free : find_and_free, NULL) == 0);
    }
    run(it, "import isles, time\n"
            "until = time.monotonic() + 0.3\n"
            "seen = [0, 0]\n"
            "while time.monotonic() < until:\n"
            "    try: isles.create_queue(name='contested'); seen[0] += 1\n"
            "    except ValueError as e: assert 'a queue named contested lives already' in str(e)\n"
            "    try: isles.find_queue('contested').qsize(); seen[1] += 1\n"
            "    except LookupError: pass\n");
    names_go_on = false;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    check(made > 0);
    isle_queue *q = queue_with("contested", 0); /* nothing of them is left */
    run_error(it, "isles.create_queue(name='contested')", "ValueError: a queue named contested lives already");
    end(it);
    isle_queue_free(q);
}

static int with_host_functions(void **state)
{
    static const isle_host_function host[] = {
        {"get", host_get, NULL}, {"select", host_select, NULL}, {"begun", host_flag, &begun}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    (void)state;
    config.host_functions = host;
    config.host_function_count = sizeof host / sizeof *host;
    runtime_begin(&config);
    testing_begins();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unbound_items_as_c_sees_them),
        cmocka_unit_test(test_unbound_items_as_python_sees_them),
        cmocka_unit_test(test_descriptor_after_batches_and_removals),
        cmocka_unit_test(test_select_says_exactly_what_is_ready),
        cmocka_unit_test(test_select_in_python),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_each_wait_ends_with_its_job),
        cmocka_unit_test(test_a_get_is_woken_by_put_close_and_deadline),
        cmocka_unit_test(test_names_while_the_last_reference_goes),
    };
    return cmocka_run_group_tests(tests, with_host_functions, without_runtime);
}
