/* Queues of values as C and Python code see them: both ends in C, both in Python, one in each; limits, deadlines,
 * closing, names, the descriptor, waiting on several; waits that are interrupted; interpreters that end. */
#include <poll.h>
#include <unistd.h>

#include <isles/queue.h>

#include "queues.h"
#include "support.h"

static isle_queue *new_queue(const char *name, size_t max_items)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q = NULL;
    isle_error *err = NULL;
    config.name = name;
    config.max_items = max_items;
    check_status(isle_queue_create(&config, &q, &err), ISLE_OK, err);
    return q;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* --- C and C ---------------------------------------------------------------------------------------------------- */

static void test_c_to_c(void **state)
{
    (void)state;
    isle_queue *q = new_queue(NULL, 2);
    isle_value *value = isle_value_new_none(), *got = NULL;
    put_int(q, 1);
    put_int(q, 2);
    check_status(isle_queue_put(q, value, 0, NULL), ISLE_ERR_TIMEOUT, NULL);
    check(get_int(q) == 1);
    check(get_int(q) == 2);
    check_status(isle_queue_get(q, 0, &got, NULL), ISLE_ERR_TIMEOUT, NULL);
    put_int(q, 3);
    isle_queue_close(q);
    check_status(isle_queue_put(q, value, ISLE_FOREVER, NULL), ISLE_ERR_CLOSED, NULL);
    check(get_int(q) == 3);
    check_status(isle_queue_get(q, ISLE_FOREVER, &got, NULL), ISLE_ERR_CLOSED, NULL);
    check(got == NULL);
    isle_value_free(value);
    isle_queue_free(q);
}

static void test_names_and_bad_arguments(void **state)
{
    (void)state;
    isle_queue *q = new_queue("here", 0), *other = NULL;
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_error *err = NULL;
    config.name = "here";
    check_status(isle_queue_create(&config, &other, &err), ISLE_ERR_INVALID, NULL);
    check(strstr(isle_error_message(err), "here") != NULL);
    isle_error_free(err);
    check_status(isle_queue_find("here", &other, NULL), ISLE_OK, NULL);
    check(isle_queue_id(other) == isle_queue_id(q));
    isle_queue_free(other);
    isle_queue_free(q);
    check_status(isle_queue_find("here", &other, NULL), ISLE_ERR_INVALID, NULL);
    isle_value *value = isle_value_new_int(1);
    check_status(isle_queue_put(NULL, NULL, 0, NULL), ISLE_ERR_INVALID, NULL);
    check_status(isle_queue_put(NULL, value, 0, NULL), ISLE_ERR_INVALID, NULL);
    isle_value_free(value);
    check_status(isle_queue_get(NULL, 0, &value, &err), ISLE_ERR_INVALID, NULL);
    check(strcmp(isle_error_message(err), "queue is NULL") == 0);
    isle_error_free(err);
    check(isle_queue_fd(NULL) == -1 && isle_queue_room_fd(NULL) == -1);
    isle_queue_close(NULL);
    isle_queue_free(NULL);
}

static void test_select_over_queues_and_descriptors(void **state)
{
    (void)state;
    isle_queue *queues[2] = {new_queue(NULL, 0), new_queue(NULL, 0)};
    bool ready_queues[2], ready_fds[1];
    int fds[2];
    check(pipe(fds) == 0);
    check_status(isle_select(queues, 2, ready_queues, fds, 1, ready_fds, isle_deadline_in(20 * ISLE_MS)),
                 ISLE_ERR_TIMEOUT, NULL);
    put_int(queues[1], 5);
    check_status(isle_select(queues, 2, ready_queues, fds, 1, ready_fds, SOON), ISLE_OK, NULL);
    check(!ready_queues[0] && ready_queues[1] && !ready_fds[0]);
    check(get_int(queues[1]) == 5);
    check(write(fds[1], "x", 1) == 1);
    check_status(isle_select(queues, 2, ready_queues, fds, 1, ready_fds, SOON), ISLE_OK, NULL);
    check(!ready_queues[0] && !ready_queues[1] && ready_fds[0]);
    check_status(isle_select(NULL, 0, NULL, NULL, 0, NULL, 0), ISLE_ERR_INVALID, NULL);
    isle_queue_free(queues[0]);
    isle_queue_free(queues[1]);
    close(fds[0]);
    close(fds[1]);
}

/* --- Python ----------------------------------------------------------------------------------------------------- */

static void test_python_to_c_and_back(void **state)
{
    (void)state;
    isle_queue *to = new_queue("to", 0), *from = new_queue("from", 0);
    isle_interp it = create(NULL);
    isle_job *job = submit(it,
                           "import isles\n"
                           "to, back = isles.find_queue('to'), isles.find_queue('from')\n"
                           "while True:\n"
                           "    try: record = to.get()\n"
                           "    except isles.QueueClosed: break\n"
                           "    record['seen'] = [type(v).__name__ for v in record['items']]\n"
                           "    back.put(record)\n",
                           ISLE_FOREVER);
    for (int i = 0; i < 100; i++) {
        isle_value *record = isle_value_new_dict(), *items = isle_value_new_tuple(), *got = NULL;
        isle_value_append(items, isle_value_new_int(i));
        isle_value_append(items, isle_value_new_str("text"));
        isle_value_append(items, isle_value_new_float(1.5));
        isle_value_set_str(record, "items", items);
        check_status(isle_queue_put(to, record, SOON, NULL), ISLE_OK, NULL);
        check_status(isle_queue_get(from, SOON, &got, NULL), ISLE_OK, NULL);
        check(isle_value_equal(isle_value_get_str(got, "items"), isle_value_get_str(record, "items")));
        char *seen = isle_value_repr(isle_value_get_str(got, "seen"));
        check(strcmp(seen, "['int', 'str', 'float']") == 0);
        isle_string_free(seen);
        isle_value_free(got);
        isle_value_free(record);
    }
    isle_queue_close(to);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    end(it);
    isle_queue_free(to);
    isle_queue_free(from);
}

static void test_python_to_python(void **state)
{
    (void)state;
    isle_queue *work = new_queue("work", 10), *done = new_queue("done", 0);
    isle_interp workers[3];
    isle_job *jobs[3];
    for (int i = 0; i < 3; i++) {
        workers[i] = create(NULL);
        jobs[i] = submit(workers[i],
                         "import isles\n"
                         "work, done = isles.find_queue('work'), isles.find_queue('done')\n"
                         "try:\n"
                         "    while True: done.put(work.get() ** 2)\n"
                         "except isles.QueueClosed: pass\n",
                         ISLE_FOREVER);
    }
    isle_interp boss = create(NULL);
    run(boss, "import isles\n"
              "work, done = isles.find_queue('work'), isles.find_queue('done')\n"
              "for i in range(1000): work.put(i)\n" /* bounded: waits for the workers */
              "work.close()\n"
              "total = 0\n"
              "for i in range(1000): total += done.get(timeout=30)\n");
    check_eval(boss, "total", "332833500");
    for (int i = 0; i < 3; i++) {
        check_status(wait_for(jobs[i], NULL), ISLE_OK, NULL);
        end(workers[i]);
    }
    end(boss);
    isle_queue_free(work);
    isle_queue_free(done);
}

static void test_what_python_code_sees(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it,
        "import isles, time\n"
        "q = isles.create_queue(2, name='seen')\n"
        "assert (q.maxsize, q.name, q.qsize(), q.empty(), q.full(), q.closed) == (2, 'seen', 0, True, False, False)\n"
        "assert isles.find_queue('seen') == q and hash(isles.find_queue('seen')) == hash(q)\n"
        "assert 'seen' in repr(q)\n"
        "q.put(1); q.put_nowait(2)\n"
        "assert q.full()\n"
        "for wait in (lambda: q.put(3, timeout=0.03), lambda: q.put(3, block=False), lambda: q.put_nowait(3)):\n"
        "    try: wait()\n"
        "    except isles.QueueFull: pass\n"
        "    else: raise AssertionError\n"
        "assert q.get_many(5) == [1, 2]\n"
        "before = time.monotonic()\n"
        "try: q.get(timeout=0.05)\n"
        "except isles.QueueEmpty: pass\n"
        "assert time.monotonic() - before >= 0.05\n"
        "try: q.put({'a': [time]})\n"
        "except isles.NotShareableError as e: assert \"['a'][0]\" in str(e), e\n"
        "else: raise AssertionError\n"
        "assert q.empty()\n" /* nothing half-sent */
        "q.close(); q.close()\n"
        "for f in (q.get, lambda: q.put(1)):\n"
        "    try: f()\n"
        "    except isles.QueueClosed: pass\n"
        "    else: raise AssertionError\n");
    run_error(it, "isles.nothing", "AttributeError: module 'isles' has no attribute 'nothing'");
    run_error(it, "isles.create_queue(name='seen')", "ValueError: a queue named seen lives already");
    run_error(it, "isles.find_queue('nowhere')", "LookupError: there is no queue named nowhere");
    run_error(it, "isles.create_queue(unbound='x')",
              "ValueError: unbound: 'x' is none of 'keep', 'remove', 'marker', 'error'");
    run_error(it, "q.get(timeout=-1)", "ValueError: 'timeout' must be a non-negative number");
    run_error(it, "isles.Queue()", "TypeError: cannot create 'isles.Queue' instances");
    end(it);
}

static void test_descriptor_in_python(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "import isles, select, asyncio, threading\n"
            "q = isles.create_queue()\n"
            "assert select.select([q], [], [], 0)[0] == []\n"
            "q.put(1)\n"
            "assert select.select([q], [], [], 0)[0] == [q]\n"
            "q.get()\n"
            "assert select.select([q], [], [], 0)[0] == []\n"
            "async def main():\n"
            "    loop, got = asyncio.get_running_loop(), []\n"
            "    enough = asyncio.Event()\n"
            "    def ready():\n"
            "        got.extend(q.get_many(100))\n"
            "        if len(got) == 50: enough.set()\n"
            "    loop.add_reader(q, ready)\n"
            "    thread = threading.Thread(target=lambda: [q.put(i) for i in range(50)])\n"
            "    thread.start()\n"
            "    await asyncio.wait_for(enough.wait(), 30)\n"
            "    thread.join()\n"
            "    assert got == list(range(50)), got\n"
            "asyncio.run(main())\n");
    end(it);
}

/* --- waits that are interrupted, interpreters that end ---------------------------------------------------------- */

static void await_getter(isle_queue *q)
{
    int64_t deadline = SOON;
    isle_queue_stats stats = {.size = sizeof stats};
    do {
        isle_queue_get_stats(q, &stats);
        check(isle_now() < deadline);
        sched_yield();
    } while (stats.getters == 0);
}

static void test_wait_is_cancelled(void **state)
{
    (void)state;
    isle_queue *q = new_queue("waited", 0);
    isle_interp it = create(NULL);
    isle_job *job = submit(it, "import isles\nisles.find_queue('waited').get()", ISLE_FOREVER);
    await_getter(q);
    isle_job_cancel(job);
    check_status(wait_for(job, NULL), ISLE_ERR_CANCELLED, NULL);
    isle_queue_stats stats = {.size = sizeof stats};
    isle_queue_get_stats(q, &stats);
    check(stats.getters == 0);
    job = submit(it, "isles.find_queue('waited').get()", isle_deadline_in(50 * ISLE_MS));
    check_status(wait_for(job, NULL), ISLE_ERR_TIMEOUT, NULL);
    put_int(q, 4);
    run(it, "assert isles.find_queue('waited').get() == 4");
    end(it);
    isle_queue_free(q);
}

static void test_end_while_its_threads_wait(void **state)
{
    (void)state;
    isle_queue *q = new_queue("ended", 0);
    isle_interp it = create(NULL);
    run(it, "import isles, threading\n"
            "for i in range(4): threading.Thread(target=isles.find_queue('ended').get, daemon=i % 2).start()\n");
    await_getter(q);
    isle_error *err = NULL;
    check_status(isle_interp_end(it, 0, &err), ISLE_OK, err);
    isle_queue_stats stats = {.size = sizeof stats};
    isle_queue_get_stats(q, &stats);
    check(stats.getters == 0);
    isle_queue_free(q);
}

static void test_values_of_an_ended_interpreter(void **state)
{
    (void)state;
    isle_queue *kept = new_queue("kept", 0), *removed = NULL;
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    config.name = "removed";
    config.unbound = ISLE_UNBOUND_REMOVE;
    check_status(isle_queue_create(&config, &removed, NULL), ISLE_OK, NULL);
    isle_interp it = create(NULL);
    put_int(removed, 1);
    run(it, "import isles\nfor name in ('kept', 'removed'): isles.find_queue(name).put(2)");
    put_int(removed, 3);
    end(it);
    check(get_int(kept) == 2);
    check(get_int(removed) == 1);
    check(get_int(removed) == 3);
    check(!readable(isle_queue_fd(removed)));
    isle_queue_free(kept);
    isle_queue_free(removed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c_to_c),
        cmocka_unit_test(test_names_and_bad_arguments),
        cmocka_unit_test(test_select_over_queues_and_descriptors),
        cmocka_unit_test(test_python_to_c_and_back),
        cmocka_unit_test(test_python_to_python),
        cmocka_unit_test(test_what_python_code_sees),
        cmocka_unit_test(test_descriptor_in_python),
        cmocka_unit_test(test_wait_is_cancelled),
        cmocka_unit_test(test_end_while_its_threads_wait),
        cmocka_unit_test(test_values_of_an_ended_interpreter),
    };
    return RUN_TESTS(tests);
}
