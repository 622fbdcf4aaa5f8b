/* A program with an allocator of its own. A thread that runs away inside it may hold its lock, which all others need:
 * it is not parked there, only where it has left it. */
#include <poll.h>
#include <stdatomic.h>

#include "allocator.h"
#include "support.h"

static atomic_int stuck, not_parked;

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind == ISLE_EVENT_STUCK) {
        atomic_fetch_add(&not_parked, strstr(event->message, "not yet parked") != NULL);
        atomic_fetch_add(&stuck, 1);
    }
}

static int held_child(const char *unused)
{
    (void)unused;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.on_event = on_event;
    runtime_begin(&config);
    isle_interp_config quick = ISLE_INTERP_CONFIG_INIT;
    quick.stuck_after_ns = 300 * ISLE_MS;
    isle_interp it = create(&quick), other = create(NULL);
    char *source = text_of(
        "import ctypes, itertools\nctypes.PYFUNCTYPE(ctypes.c_bool)(%ju)() and sum(itertools.count())",
        (uintmax_t)(uintptr_t)allocator_hold);
    isle_job *job = submit(it, source, isle_deadline_in(200 * ISLE_MS));
    free(source);
    check_status(wait_for(job, NULL), ISLE_ERR_TIMEOUT, NULL);
    int64_t until = isle_deadline_in(20 * ISLE_SECOND);
    while (atomic_load(&stuck) == 0) {
        check(isle_now() < until);
        poll(NULL, 0, 1);
    }
    check(atomic_load(&not_parked) == 1);
    check(process_cpu_in(200 * ISLE_MS) > 20 * ISLE_MS); /* it still runs */
    run(other, "x = [object() for i in range(10000)]");

    allocator_let_go();
    while (process_cpu_in(100 * ISLE_MS) > 20 * ISLE_MS) {
        check(isle_now() < until);
    }
    run(other, "x = [object() for i in range(10000)]");
    end(other);
    something_stays();
    check_status(isle_runtime_stop(runtime, isle_deadline_in(ISLE_SECOND), NULL), ISLE_ERR_STUCK, NULL);
    return 7;
}

static void test_a_thread_inside_the_allocator_is_not_parked(void **state)
{
    (void)state;
    if (sanitized()) {
        print_message("             the sanitizer's allocator comes before the test's\n");
        skip();
    }
    free(child_expect("held", NULL, 60 * ISLE_SECOND, 7));
}

int main(int argc, char **argv)
{
    static const child children[] = {{"held", held_child}, {NULL, NULL}};
    child_main(argc, argv, children);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_thread_inside_the_allocator_is_not_parked)};
    testing_begins();
    return cmocka_run_group_tests_name("a program's own allocator", tests, NULL, NULL);
}
