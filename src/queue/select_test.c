/* Waiting by descriptors: what queue_poll says and when it gives up, and a consumer that only polls and never misses
 * anything. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform.h"
#include "queue.h"

#define SECOND INT64_C(1000000000)

enum { PRODUCERS = 4, EACH = 5000 };

static const queue_patience no_wait = {.deadline = 0};
static const queue_patience for_ever = {.deadline = PLAT_FOREVER};
static _Atomic long alive;

static void drop(queue_message *message)
{
    atomic_fetch_sub(&alive, 1);
    free(message);
}

static void put_one(queue *q)
{
    queue_message *message = calloc(1, sizeof *message);
    if (message == NULL) {
        abort();
    }
    message->drop = drop;
    atomic_fetch_add(&alive, 1);
    if (queue_put(q, message, &for_ever) != QUEUE_OK) {
        abort();
    }
}

static queue *new_queue(size_t max_items)
{
    bool taken;
    queue *q = queue_new(NULL, (queue_limits){.max_items = max_items}, 0, &taken);
    assert_non_null(q);
    return q;
}

static void test_ready_late_and_not_open(void **state)
{
    (void)state;
    queue *q = new_queue(0);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pollfd polled[] = {{.fd = queue_fd(q), .events = POLLIN}, {.fd = fds[0], .events = POLLIN}};
    int64_t deadline = plat_now() + SECOND / 100;
    assert_int_equal(queue_poll(polled, 2, &no_wait), 0);
    assert_int_equal(queue_poll(polled, 2, &(queue_patience){.deadline = deadline}), 0);
    assert_true(plat_now() >= deadline);
    put_one(q);
    assert_int_equal(queue_poll(polled, 2, &for_ever), 1);
    assert_true(polled[0].revents != 0 && polled[1].revents == 0);
    close(fds[1]);
    close(fds[0]);
    assert_int_equal(queue_poll(polled, 2, &for_ever), -1);
    assert_int_equal(errno, EBADF);
    polled[1].fd = -1;
    assert_int_equal(queue_poll(polled, 2, &for_ever), -1);
    assert_int_equal(errno, EBADF);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static _Atomic long asked;

static void on_signal(int number)
{
    (void)number;
}

/* Twice it goes on, then it gives up. */
static bool gives_up(void *ctx)
{
    (void)ctx;
    return atomic_fetch_add(&asked, 1) == 2;
}

static _Atomic int said, why;

static void polls(void *fd)
{
    struct pollfd polled = {.fd = *(int *)fd, .events = POLLIN};
    said = queue_poll(&polled, 1, &(queue_patience){.deadline = PLAT_FOREVER, .gives_up = gives_up});
    why = errno;
}

static void test_a_signal_asks_whether_to_go_on(void **state)
{
    (void)state;
    plat_thread thread;
    queue *q = new_queue(0);
    int fd = queue_fd(q);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(plat_thread_start(&thread, "polls", 256u << 10, SIGUSR1, polls, &fd), 0);
    int64_t deadline = plat_now() + 20 * SECOND;
    while (atomic_load(&asked) < 3) {
        assert_int_equal(pthread_kill(thread.id, SIGUSR1), 0);
        assert_true(plat_now() < deadline);
        sched_yield();
    }
    plat_thread_join(thread);
    assert_int_equal(said, -1);
    assert_int_equal(why, EINTR);
    queue_unref(q);
}

/* --- nothing is missed ------------------------------------------------------------------------------------------ */

static void produce(void *q)
{
    for (int i = 0; i < EACH; i++) {
        put_one(q);
    }
}

/* The only consumer: when the descriptor is readable there is something, and when there is nothing it becomes so. */
static void consume_by_polling(queue *q, size_t most, long wanted)
{
    struct pollfd polled = {.fd = queue_fd(q), .events = POLLIN};
    for (long got = 0; got < wanted;) {
        queue_message *list;
        size_t count;
        assert_int_equal(queue_poll(&polled, 1, &(queue_patience){.deadline = plat_now() + 30 * SECOND}), 1);
        assert_int_equal(queue_get(q, most, &list, &count, &no_wait), QUEUE_OK);
        got += (long)count;
        while (list != NULL) {
            queue_message *next = list->next;
            list->drop(list);
            list = next;
        }
    }
    assert_int_equal(queue_poll(&polled, 1, &no_wait), 0);
}

static void test_who_only_polls_misses_nothing(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        queue *q = new_queue(limits[i]);
        plat_thread threads[PRODUCERS];
        for (int k = 0; k < PRODUCERS; k++) {
            assert_int_equal(plat_thread_start(&threads[k], "producer", 256u << 10, 0, produce, q), 0);
        }
        consume_by_polling(q, 1 + i, (long)PRODUCERS * EACH);
        for (int k = 0; k < PRODUCERS; k++) {
            plat_thread_join(threads[k]);
        }
        queue_close(q);
        struct pollfd polled = {.fd = queue_fd(q), .events = POLLIN};
        assert_int_equal(queue_poll(&polled, 1, &no_wait), 1);
        queue_unref(q);
        assert_int_equal(alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_late_and_not_open),
        cmocka_unit_test(test_a_signal_asks_whether_to_go_on),
        cmocka_unit_test(test_who_only_polls_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
