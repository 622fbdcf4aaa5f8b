/* The queue without Python: order, limits, waiting, closing, the descriptor, and races with many threads in which
 * every message is accounted for. Threads meet at gates; nothing sleeps to be early or late. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform.h"
#include "queue.h"

#define SECOND INT64_C(1000000000)

typedef struct note {
    queue_message message;
    uint64_t number;
} note;

static _Atomic long alive;

static void drop(queue_message *message)
{
    atomic_fetch_sub(&alive, 1);
    free(message);
}

static queue_message *new_note(uint64_t number, size_t size)
{
    note *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->message.drop = drop;
    n->message.size_bytes = size;
    n->message.sender = number % 10;
    n->number = number;
    atomic_fetch_add(&alive, 1);
    return &n->message;
}

static uint64_t open_note(queue_message *message)
{
    uint64_t number = ((note *)message)->number;
    message->drop(message);
    return number;
}

static queue *new_queue(queue_limits limits)
{
    bool taken;
    queue *q = queue_new(NULL, limits, 0, &taken);
    assert_non_null(q);
    return q;
}

static const queue_patience no_wait = {.deadline = 0};
static const queue_patience for_ever = {.deadline = PLAT_FOREVER};

static queue_result put_number(queue *q, uint64_t number, const queue_patience *patience)
{
    queue_message *message = new_note(number, 1);
    queue_result result = queue_put(q, message, patience);
    if (result != QUEUE_OK) {
        message->drop(message);
    }
    return result;
}

static void expect_number(queue *q, uint64_t number)
{
    queue_message *message;
    assert_int_equal(queue_get(q, 1, &message, NULL, &no_wait), QUEUE_OK);
    assert_int_equal(open_note(message), number);
}

static void test_order_and_emptiness(void **state)
{
    (void)state;
    queue_message *message;
    queue *q = new_queue((queue_limits){0});
    assert_int_equal(queue_get(q, 1, &message, NULL, &no_wait), QUEUE_TIMEOUT);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(put_number(q, i, &no_wait), QUEUE_OK);
    }
    for (uint64_t i = 0; i < 100; i++) {
        expect_number(q, i);
    }
    assert_int_equal(queue_get(q, 1, &message, NULL, &no_wait), QUEUE_TIMEOUT);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_limits_of_items_and_bytes(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){.max_items = 2});
    assert_int_equal(put_number(q, 1, &no_wait), QUEUE_OK);
    assert_int_equal(put_number(q, 2, &no_wait), QUEUE_OK);
    assert_int_equal(put_number(q, 3, &no_wait), QUEUE_TIMEOUT);
    expect_number(q, 1);
    assert_int_equal(put_number(q, 3, &no_wait), QUEUE_OK);
    queue_unref(q); /* drops two */
    q = new_queue((queue_limits){.max_bytes = 10});
    queue_message *large = new_note(1, 50), *small = new_note(2, 5), *other = new_note(3, 6);
    assert_int_equal(queue_put(q, large, &no_wait), QUEUE_OK); /* into an empty queue */
    assert_int_equal(queue_put(q, small, &no_wait), QUEUE_TIMEOUT);
    expect_number(q, 1);
    assert_int_equal(queue_put(q, small, &no_wait), QUEUE_OK);
    assert_int_equal(queue_put(q, other, &no_wait), QUEUE_TIMEOUT);
    other->drop(other);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_get_many(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){0});
    queue_message *list;
    size_t count;
    for (uint64_t i = 0; i < 10; i++) {
        put_number(q, i, &no_wait);
    }
    assert_int_equal(queue_get(q, 4, &list, &count, &no_wait), QUEUE_OK);
    assert_int_equal(count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        queue_message *next = list->next;
        assert_int_equal(open_note(list), i);
        list = next;
    }
    assert_null(list);
    assert_int_equal(queue_get(q, 100, &list, &count, &no_wait), QUEUE_OK);
    assert_int_equal(count, 6);
    while (list != NULL) {
        queue_message *next = list->next;
        list->drop(list);
        list = next;
    }
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_closed_queue_is_drained(void **state)
{
    (void)state;
    queue_message *message;
    queue *q = new_queue((queue_limits){0});
    put_number(q, 1, &no_wait);
    queue_close(q);
    queue_close(q);
    assert_int_equal(put_number(q, 2, &for_ever), QUEUE_CLOSED);
    expect_number(q, 1);
    assert_int_equal(queue_get(q, 1, &message, NULL, &for_ever), QUEUE_CLOSED);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

typedef struct waiting {
    queue *q;
    queue_patience patience;
    queue_result result;
    uint64_t number;
    bool puts;
} waiting;

static void wait_main(void *arg)
{
    waiting *w = arg;
    queue_message *message;
    if (w->puts) {
        w->result = put_number(w->q, w->number, &w->patience);
        return;
    }
    w->result = queue_get(w->q, 1, &message, NULL, &w->patience);
    if (w->result == QUEUE_OK) {
        w->number = open_note(message);
    }
}

static plat_thread start(waiting *w)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "waiting", 256u << 10, SIGUSR1, wait_main, w), 0);
    return thread;
}

/* Until that many wait: the queue itself says so. */
static void await_waiters(queue *q, size_t getters, size_t putters)
{
    int64_t deadline = plat_now() + 20 * SECOND;
    for (;;) {
        queue_counts c = queue_count(q);
        if (c.getters == getters && c.putters == putters) {
            return;
        }
        assert_true(plat_now() < deadline);
        sched_yield();
    }
}

static void test_one_message_wakes_one_getter(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){0});
    waiting w[4];
    plat_thread threads[4];
    for (int i = 0; i < 4; i++) {
        w[i] = (waiting){.q = q, .patience = for_ever};
        threads[i] = start(&w[i]);
    }
    await_waiters(q, 4, 0);
    put_number(q, 7, &no_wait);
    await_waiters(q, 3, 0);
    queue_close(q);
    int got = 0;
    for (int i = 0; i < 4; i++) {
        plat_thread_join(threads[i]);
        got += w[i].result == QUEUE_OK && w[i].number == 7;
        assert_true(w[i].result == QUEUE_OK || w[i].result == QUEUE_CLOSED);
    }
    assert_int_equal(got, 1);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_room_wakes_producers_in_their_order(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){.max_items = 1});
    waiting w[3];
    plat_thread threads[3];
    put_number(q, 0, &no_wait);
    for (size_t i = 0; i < 3; i++) {
        w[i] = (waiting){.q = q, .patience = for_ever, .puts = true, .number = i + 1};
        threads[i] = start(&w[i]);
        await_waiters(q, 0, i + 1);
    }
    for (uint64_t i = 0; i < 4; i++) {
        queue_message *message;
        assert_int_equal(queue_get(q, 1, &message, NULL, &for_ever), QUEUE_OK);
        assert_int_equal(open_note(message), i);
    }
    for (int i = 0; i < 3; i++) {
        plat_thread_join(threads[i]);
        assert_int_equal(w[i].result, QUEUE_OK);
    }
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_get_many_makes_room_for_many(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){.max_items = 3});
    waiting w[3];
    plat_thread threads[3];
    queue_message *list;
    for (size_t i = 0; i < 3; i++) {
        put_number(q, i, &no_wait);
    }
    for (size_t i = 0; i < 3; i++) {
        w[i] = (waiting){.q = q, .patience = for_ever, .puts = true, .number = 9};
        threads[i] = start(&w[i]);
    }
    await_waiters(q, 0, 3);
    assert_int_equal(queue_get(q, 3, &list, NULL, &no_wait), QUEUE_OK);
    for (int i = 0; i < 3; i++) {
        plat_thread_join(threads[i]); /* hangs if room for three woke one */
        assert_int_equal(w[i].result, QUEUE_OK);
    }
    while (list != NULL) {
        queue_message *next = list->next;
        list->drop(list);
        list = next;
    }
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void test_deadline_passes(void **state)
{
    (void)state;
    queue_message *message;
    queue *q = new_queue((queue_limits){.max_items = 1});
    int64_t began = plat_now();
    queue_patience soon = {.deadline = began + 20000000};
    assert_int_equal(queue_get(q, 1, &message, NULL, &soon), QUEUE_TIMEOUT);
    assert_true(plat_now() - began >= 20000000);
    put_number(q, 1, &no_wait);
    soon.deadline = plat_now() + 20000000;
    assert_int_equal(put_number(q, 2, &soon), QUEUE_TIMEOUT);
    assert_int_equal(queue_count(q).putters, 0);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static _Atomic bool wants_to_give_up;
static _Atomic long asked;

static bool gives_up(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&asked, 1);
    return wants_to_give_up;
}

static void on_signal(int number)
{
    (void)number;
}

static void signal_until(plat_thread thread, long count)
{
    int64_t deadline = plat_now() + 20 * SECOND;
    while (atomic_load(&asked) < count) {
        assert_int_equal(pthread_kill(thread.id, SIGUSR1), 0);
        assert_true(plat_now() < deadline);
        sched_yield();
    }
}

static void test_signal_interrupts_only_who_gives_up(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    queue *q = new_queue((queue_limits){0});
    waiting w = {.q = q, .patience = {.deadline = PLAT_FOREVER, .gives_up = gives_up}};
    atomic_store(&asked, 0);
    wants_to_give_up = false;
    plat_thread thread = start(&w);
    await_waiters(q, 1, 0);
    signal_until(thread, 3);
    assert_int_equal(queue_count(q).getters, 1); /* still there */
    wants_to_give_up = true;
    signal_until(thread, atomic_load(&asked) + 1);
    plat_thread_join(thread);
    assert_int_equal(w.result, QUEUE_INTERRUPTED);
    assert_int_equal(queue_count(q).getters, 0);
    queue_unref(q);
}

/* --- the descriptor --------------------------------------------------------------------------------------------- */

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_descriptor_is_readable_while_something_can_be_taken(void **state)
{
    (void)state;
    queue_message *message;
    queue *q = new_queue((queue_limits){0});
    int fd = queue_fd(q);
    assert_true(fd >= 0);
    assert_int_equal(queue_fd(q), fd);
    assert_false(readable(fd));
    put_number(q, 1, &no_wait);
    put_number(q, 2, &no_wait);
    assert_true(readable(fd));
    expect_number(q, 1);
    assert_true(readable(fd));
    expect_number(q, 2);
    assert_false(readable(fd));
    put_number(q, 3, &no_wait);
    assert_true(readable(fd));
    queue_close(q);
    expect_number(q, 3);
    assert_true(readable(fd)); /* closed: a get returns at once */
    assert_int_equal(queue_get(q, 1, &message, NULL, &no_wait), QUEUE_CLOSED);
    queue_unref(q);
    q = new_queue((queue_limits){0});
    put_number(q, 1, &no_wait);
    assert_true(readable(queue_fd(q))); /* made when something was there already */
    queue_unref(q);
    assert_int_equal(alive, 0);
}

static void *put_one(void *q)
{
    assert_int_equal(put_number(q, 9, &for_ever), QUEUE_OK);
    return NULL;
}

static void test_descriptor_is_readable_while_there_is_room(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){.max_items = 2, .max_bytes = 10});
    int fd = queue_room_fd(q);
    assert_true(fd >= 0 && fd != queue_fd(q));
    assert_true(readable(fd));
    put_number(q, 1, &no_wait);
    assert_true(readable(fd));
    put_number(q, 2, &no_wait);
    assert_false(readable(fd)); /* items */
    expect_number(q, 1);
    assert_true(readable(fd));
    queue_message *large = new_note(3, 10);
    assert_int_equal(queue_put(q, large, &no_wait), QUEUE_TIMEOUT);
    assert_false(readable(fd)); /* there is room, but not for that one */
    expect_number(q, 2);
    assert_true(readable(fd));
    assert_int_equal(queue_put(q, large, &no_wait), QUEUE_OK);
    assert_int_equal(put_number(q, 4, &no_wait), QUEUE_TIMEOUT);
    assert_false(readable(fd));
    pthread_t putter;
    assert_int_equal(pthread_create(&putter, NULL, put_one, q), 0);
    while (queue_count(q).putters == 0) {
        sched_yield();
    }
    expect_number(q, 3); /* this place is the waiting one's */
    pthread_join(putter, NULL);
    assert_true(readable(fd));
    put_number(q, 5, &no_wait);
    assert_false(readable(fd));
    queue_close(q);
    assert_true(readable(fd)); /* closed: a put returns at once */
    queue_unref(q);
    assert_int_equal(alive, 0);
}

/* --- a sender ends ---------------------------------------------------------------------------------------------- */

static bool keep_even(queue_message *message, void *ctx)
{
    note *n = (note *)message;
    ++*(int *)ctx;
    if (n->number / 10 % 2 == 0) {
        n->number += 1000;
        return true;
    }
    return false;
}

static void test_messages_of_an_ended_sender(void **state)
{
    (void)state;
    queue *q = new_queue((queue_limits){0});
    int seen = 0;
    for (uint64_t i = 0; i < 40; i++) {
        put_number(q, i, &no_wait); /* sender: the last digit */
    }
    queue_sender_ended(q, 3, keep_even, &seen);
    assert_int_equal(seen, 4);
    assert_int_equal(queue_count(q).items, 38);
    assert_int_equal(queue_count(q).bytes, 38);
    put_number(q, 99, &no_wait);
    for (uint64_t i = 0; i < 40; i++) {
        if (i % 10 != 3) {
            expect_number(q, i);
        } else if (i / 10 % 2 == 0) {
            expect_number(q, i + 1000);
        }
    }
    expect_number(q, 99);
    queue_unref(q);
    assert_int_equal(alive, 0);
}

/* --- names and ids ---------------------------------------------------------------------------------------------- */

static void count(queue *q, void *ctx)
{
    (void)q;
    ++*(int *)ctx;
}

static void test_queues_are_found_while_they_live(void **state)
{
    (void)state;
    bool taken;
    int living = 0;
    queue *a = queue_new("a", (queue_limits){.max_items = 3}, 7, &taken);
    assert_non_null(a);
    assert_null(queue_new("a", (queue_limits){0}, 0, &taken));
    assert_true(taken);
    queue *found = queue_find("a");
    assert_ptr_equal(found, a);
    assert_int_equal(queue_tag(found), 7);
    assert_int_equal(queue_limits_of(found).max_items, 3);
    queue_unref(found);
    found = queue_find_id(queue_id(a));
    assert_ptr_equal(found, a);
    assert_null(queue_find("b"));
    queue *nameless = new_queue((queue_limits){0});
    assert_true(queue_id(nameless) > queue_id(a));
    queue_for_each(count, &living);
    assert_int_equal(living, 2);
    queue_unref(a);
    assert_non_null(found);
    uint64_t id = queue_id(found);
    queue_unref(found);
    assert_null(queue_find("a"));
    assert_null(queue_find_id(id));
    queue_unref(nameless);
}

/* --- many threads ----------------------------------------------------------------------------------------------- */

enum { PRODUCERS = 6, CONSUMERS = 6, EACH = 4000 };

typedef struct storm {
    queue *q;
    plat_gate go;
    _Atomic uint64_t next_producer;
    _Atomic long put, got, refused;
    _Atomic bool out_of_order;
} storm;

static void produce(void *arg)
{
    storm *s = arg;
    uint64_t me = atomic_fetch_add(&s->next_producer, 1);
    plat_gate_wait(&s->go, PLAT_FOREVER);
    for (uint64_t i = 0; i < EACH; i++) {
        /* some give up soon, so that calls are lost if they can be */
        queue_patience patience = {.deadline = i % 3 == 0 ? plat_now() + 1000 : PLAT_FOREVER};
        queue_result result = put_number(s->q, me << 32 | i, &patience);
        atomic_fetch_add(result == QUEUE_OK ? &s->put : &s->refused, 1);
        if (result == QUEUE_CLOSED) {
            return;
        }
    }
}

static void consume(void *arg)
{
    storm *s = arg;
    uint64_t last[PRODUCERS];
    bool seen[PRODUCERS] = {false};
    plat_gate_wait(&s->go, PLAT_FOREVER);
    for (unsigned turn = 0;; turn++) {
        queue_message *list;
        queue_patience patience = {.deadline = turn % 3 == 0 ? plat_now() + 1000 : PLAT_FOREVER};
        queue_result result = queue_get(s->q, 1 + turn % 4, &list, NULL, &patience);
        if (result == QUEUE_CLOSED) {
            return;
        }
        while (result == QUEUE_OK && list != NULL) {
            queue_message *next = list->next;
            uint64_t number = open_note(list), producer = number >> 32, i = number & 0xffffffff;
            if (seen[producer] && i <= last[producer]) {
                atomic_store(&s->out_of_order, true);
            }
            seen[producer] = true;
            last[producer] = i;
            atomic_fetch_add(&s->got, 1);
            list = next;
        }
    }
}

static void run_storm(queue_limits limits, bool close_early)
{
    storm s = {.q = new_queue(limits)};
    plat_thread producers[PRODUCERS], consumers[CONSUMERS];
    for (int i = 0; i < PRODUCERS; i++) {
        assert_int_equal(plat_thread_start(&producers[i], "producer", 256u << 10, 0, produce, &s), 0);
    }
    for (int i = 0; i < CONSUMERS; i++) {
        assert_int_equal(plat_thread_start(&consumers[i], "consumer", 256u << 10, 0, consume, &s), 0);
    }
    plat_gate_open(&s.go);
    if (close_early) {
        while (atomic_load(&s.got) < EACH) {
            sched_yield();
        }
        queue_close(s.q);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        plat_thread_join(producers[i]);
    }
    queue_close(s.q);
    for (int i = 0; i < CONSUMERS; i++) {
        plat_thread_join(consumers[i]);
    }
    assert_int_equal(s.put, s.got);
    assert_false(s.out_of_order);
    if (!close_early) {
        assert_int_equal(s.put + s.refused, (long)PRODUCERS * EACH);
    }
    queue_unref(s.q);
    assert_int_equal(alive, 0);
}

static void test_storm_every_message_accounted_for(void **state)
{
    (void)state;
    run_storm((queue_limits){.max_items = 3}, false);
    run_storm((queue_limits){.max_bytes = 7}, false);
    run_storm((queue_limits){0}, false);
}

static void test_storm_and_close(void **state)
{
    (void)state;
    run_storm((queue_limits){.max_items = 3}, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_emptiness),
        cmocka_unit_test(test_limits_of_items_and_bytes),
        cmocka_unit_test(test_get_many),
        cmocka_unit_test(test_closed_queue_is_drained),
        cmocka_unit_test(test_one_message_wakes_one_getter),
        cmocka_unit_test(test_room_wakes_producers_in_their_order),
        cmocka_unit_test(test_get_many_makes_room_for_many),
        cmocka_unit_test(test_deadline_passes),
        cmocka_unit_test(test_signal_interrupts_only_who_gives_up),
        cmocka_unit_test(test_descriptor_is_readable_while_something_can_be_taken),
        cmocka_unit_test(test_descriptor_is_readable_while_there_is_room),
        cmocka_unit_test(test_messages_of_an_ended_sender),
        cmocka_unit_test(test_queues_are_found_while_they_live),
        cmocka_unit_test(test_storm_every_message_accounted_for),
        cmocka_unit_test(test_storm_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
