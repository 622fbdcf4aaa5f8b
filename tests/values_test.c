/* Values between interpreters with GILs of their own: tests/values/crossing.py sends, echo.py sends back what it made
 * of it. And memory that is lent: it is released in its owner's interpreter by its home thread, and stays valid when
 * the owner ends first. */
#include <stdatomic.h>

#include <isles/queue.h>

#include "support.h"

static isle_interp create_here(void)
{
    const char *const path[] = {ISLES_TEST_PROGRAMS "/../values"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    return create(&config);
}

static void test_crossing(void **state)
{
    (void)state;
    isle_error *err = NULL;
    isle_interp here = create_here(), other = create_here();
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.kind = ISLE_JOB_FILE;
    config.target = ISLES_TEST_PROGRAMS "/../values/echo.py";
    isle_job *echo = NULL;
    check_status(isle_job_submit(other, &config, &echo, &err), ISLE_OK, err);
    check_status(isle_interp_run_file(here, ISLES_TEST_PROGRAMS "/../values/crossing.py",
                                      isle_deadline_in(120 * ISLE_SECOND), &err),
                 ISLE_OK, err);
    check_status(wait_for(echo, &err), ISLE_OK, err);
    end(here);
    end(other);
}

/* --- memory that is lent ------------------------------------------------------------------------------------------ */

static flag released = FLAG_INIT;

static const char lends[] = "import isles, threading\n"
                            "class Memory(bytearray):\n"
                            "    def __del__(self):\n"
                            "        if threading.get_ident() == home: isles.host.released()\n"
                            "home = threading.get_ident()\n"
                            "q = isles.create_queue(name='lent')\n"
                            "def lend(size=100_000, kind=Memory):\n"
                            "    q.put(memoryview(kind(b'x' * size)))";

static const char looks[] = "import isles\nq = isles.find_queue('lent')\nview = q.get(timeout=10)\n"
                            "assert len(view) == 100_000 and set(view) == {ord('x')}";

static const char still_there[] = "import gc; gc.collect(); assert len(view) == 100_000 and set(view) == {ord('x')}\n"
                                  "more = [bytearray(100_000) for i in range(50)]\n"
                                  "assert set(view) == {ord('x')}";

/* The owner does nothing at all when the last view goes. */
static void test_released_by_an_idle_owner(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    flag_clear(&released);
    run(owner, lends);
    run(owner, "lend()");
    run(user, looks);
    run(user, "del view");
    flag_await(&released, 1);
    end(user);
    end(owner);
}

/* The last view goes just before the owner's thread begins to wait: between the end of its job and that. */
static isle_interp looker;
static _Atomic bool look_now;

static void look_between_jobs(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind == ISLE_EVENT_JOB_ENDED && atomic_exchange(&look_now, false)) {
        run(looker, looks);
        run(looker, "del view");
    }
}

static void test_released_by_an_owner_between_jobs(void **state)
{
    (void)state;
    isle_interp owner = create(NULL);
    looker = create(NULL);
    flag_clear(&released);
    run(owner, lends);
    atomic_store(&look_now, true);
    run(owner, "lend()");
    flag_await(&released, 1);
    end(looker);
    end(owner);
}

static void test_released_by_a_busy_owner(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    flag_clear(&released);
    run(owner, lends);
    run(owner, "lend()");
    run(user, looks);
    isle_job *busy = submit(owner, "while True: pass", ISLE_FOREVER);
    run(user, "del view");
    flag_await(&released, 1);
    isle_job_cancel(busy);
    check_status(wait_for(busy, NULL), ISLE_ERR_CANCELLED, NULL);
    end(user);
    end(owner);
}

static void test_released_when_its_message_is_dropped(void **state)
{
    (void)state;
    isle_interp owner = create(NULL);
    flag_clear(&released);
    run(owner, lends);
    run(owner, "lend(); del q"); /* the queue goes, with what is in it */
    flag_await(&released, 1);
    end(owner);
}

static void test_owner_ends_while_it_is_seen(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        isle_interp owner = create(NULL), user = create(NULL);
        run(owner, lends);
        run(owner, "lend(kind=bytearray)"); /* what stays is that, and all that it refers to */
        run(user, looks);
        end(owner);
        run(user, still_there);
        run(user, "del view");
        end(user);
    }
}

static void test_owner_ends_before_it_is_seen(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    flag_clear(&released);
    run(owner, lends);
    run(user, "import isles; kept = isles.find_queue('lent')");
    run(owner, "lend()");
    end(owner);
    flag_await(&released, 1); /* a copy was made, and the object went with its interpreter */
    run(user, looks);
    run(user, still_there);
    end(user);
}

static void test_small_memory_survives_too(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    run(owner, lends);
    run(owner, "lend(5, bytearray)");
    run(user, "import isles; view = isles.find_queue('lent').get(timeout=10); assert bytes(view) == b'xxxxx'");
    end(owner);
    for (int i = 0; i < 3; i++) { /* what would reuse its memory */
        isle_interp other = create(NULL);
        run(other, "import json, decimal, asyncio");
        end(other);
    }
    run(user, "assert bytes(view) == b'xxxxx'; del view");
    end(user);
}

static void test_large_bytes_of_an_ended_owner(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    run(owner, "import isles; q = isles.create_queue(name='large')");
    run(user, "import isles; q = isles.find_queue('large')");
    run(owner, "q.put(b'y' * 1_000_000)");
    end(owner);
    run(user, "assert q.get(timeout=10) == b'y' * 1_000_000");
    end(user);
}

/* What finalizers put is copied, or refused: nobody could give it back. */
static void test_finalizers_lend_nothing(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    run(user, "import isles; q = isles.create_queue(name='last')");
    run(owner, "import isles, sys\n"
               "class Last:\n"
               "    def __del__(self, q=isles.find_queue('last')):\n"
               "        q.put(b'z' * 100_000)\n"
               "        try: q.put(memoryview(bytearray(9)))\n"
               "        except TypeError: q.put('refused')\n"
               "sys.last_one = Last()");
    end(owner);
    run(user, "assert q.get(timeout=10) == b'z' * 100_000; assert q.get(timeout=10) == 'refused'");
    end(user);
}

/* One object in many messages is copied once when its owner ends. */
static void test_one_object_many_times(void **state)
{
    (void)state;
    isle_interp owner = create(NULL), user = create(NULL);
    run(owner, "import isles; q = isles.create_queue(name='many')");
    run(user, "import isles; q = isles.find_queue('many')");
    long before = resident_kib();
    run(owner, "large, view = b'y' * 1_000_000, memoryview(bytearray(1_000_000))\n"
               "for i in range(2000): q.put(large); q.put(memoryview(view.obj))");
    end(owner);
    check(resident_kib() - before < 100 * 1024);
    run(user, "for i in range(2000): assert len(q.get(timeout=10)) == len(q.get(timeout=10)) == 1_000_000\n"
              "assert q.empty()");
    end(user);
}

/* Two that see each other's memory, ended in either order, and by the runtime's stop. */
static void test_each_sees_the_other(void **state)
{
    (void)state;
    isle_interp both[2] = {create(NULL), create(NULL)};
    run(both[0], "import isles; a = isles.create_queue(name='a'); b = isles.create_queue(name='b')");
    run(both[1], "import isles; a = isles.find_queue('a'); b = isles.find_queue('b')");
    run(both[0], "a.put(memoryview(bytearray(70000)))");
    run(both[1], "b.put(memoryview(bytearray(80000))); x = a.get()");
    run(both[0], "y = b.get()");
    end(both[0]);
    end(both[1]);
}

int main(int argc, char **argv)
{
    child_main(argc, argv, (const child[]){{NULL, NULL}});
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crossing),
        cmocka_unit_test(test_released_by_an_idle_owner),
        cmocka_unit_test(test_released_by_an_owner_between_jobs),
        cmocka_unit_test(test_released_by_a_busy_owner),
        cmocka_unit_test(test_released_when_its_message_is_dropped),
        cmocka_unit_test(test_owner_ends_while_it_is_seen),
        cmocka_unit_test(test_owner_ends_before_it_is_seen),
        cmocka_unit_test(test_small_memory_survives_too),
        cmocka_unit_test(test_large_bytes_of_an_ended_owner),
        cmocka_unit_test(test_finalizers_lend_nothing),
        cmocka_unit_test(test_one_object_many_times),
        cmocka_unit_test(test_each_sees_the_other),
    };
    const isle_host_function host[] = {{"released", host_flag, &released}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.on_event = look_between_jobs;
    config.host_functions = host;
    config.host_function_count = 1;
    runtime_begin(&config);
    testing_begins();
    return cmocka_run_group_tests(tests, NULL, without_runtime);
}
