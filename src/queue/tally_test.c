/* What a sender has in queues: limits, what is seen of them, and who frees the tally. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "platform.h"
#include "tally.h"
#include "value_message.h"

static const tally_limits none = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

static tally *new_tally(const tally_limits *limits)
{
    tally *t = tally_new();
    assert_non_null(t);
    tally_limit(t, limits);
    return t;
}

static void test_messages(void **state)
{
    (void)state;
    tally_limits limits = none;
    limits.soft_messages = 2;
    limits.hard_messages = 3;
    tally *t = new_tally(&limits);
    assert_int_equal(tally_add(t, 10), TALLY_OK);
    assert_int_equal(tally_add(t, 10), TALLY_SOFT_MESSAGES);
    assert_int_equal(tally_add(t, 10), TALLY_OK); /* told once */
    assert_int_equal(tally_add(t, 10), TALLY_NO_MESSAGES);
    assert_int_equal(tally_add(t, 10), TALLY_NO_MESSAGES);
    tally_counts c = tally_count(t);
    assert_int_equal(c.messages, 3);
    assert_int_equal(c.bytes, 30);
    assert_int_equal(c.refused_messages, 2);
    tally_gone(t, 10);
    assert_int_equal(tally_add(t, 5), TALLY_OK);
    assert_int_equal(tally_add(t, 5), TALLY_NO_MESSAGES);
    limits.hard_messages = 4;
    tally_limit(t, &limits);
    assert_int_equal(tally_add(t, 5), TALLY_SOFT_MESSAGES); /* new limits are told anew */
    for (int i = 0; i < 4; i++) {
        tally_gone(t, 5);
    }
    c = tally_count(t);
    assert_int_equal(c.messages, 0);
    assert_int_equal(c.peak_messages, 4);
    tally_close(t);
}

static void test_bytes(void **state)
{
    (void)state;
    tally_limits limits = none;
    limits.soft_bytes = 50;
    limits.hard_bytes = 100;
    tally *t = new_tally(&limits);
    assert_int_equal(tally_add(t, 101), TALLY_NO_BYTES);
    assert_int_equal(tally_add(t, 100), TALLY_SOFT_BYTES);
    assert_int_equal(tally_add(t, 1), TALLY_NO_BYTES);
    assert_int_equal(tally_add(t, 0), TALLY_OK);
    tally_gone(t, 100);
    assert_int_equal(tally_add(t, 100), TALLY_OK);
    assert_int_equal(tally_count(t).refused_bytes, 2);
    assert_int_equal(tally_count(t).peak_bytes, 100);
    tally_gone(t, 100);
    tally_gone(t, 0);
    tally_close(t);
}

/* However many come and go, what waits decides; and without limits the most that waited is seen, about. */
static void test_what_comes_and_goes(void **state)
{
    (void)state;
    tally_limits limits = none;
    limits.hard_messages = 2;
    tally *t = new_tally(&limits);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(tally_add(t, 1), TALLY_OK);
        tally_gone(t, 1);
    }
    assert_int_equal(tally_count(t).messages, 0);
    tally_limit(t, &none);
    for (int i = 0; i < 1000; i++) {
        tally_add(t, 1);
    }
    for (int i = 0; i < 1000; i++) {
        tally_gone(t, 1);
    }
    assert_true(tally_count(t).peak_messages >= 500 && tally_count(t).peak_messages <= 1000);
    tally_close(t);
}

/* A value as it is sent; its sender ends while it waits. */
static value_message *message_of(tally *t)
{
    attachments beside;
    cbor_writer w;
    value_message_begin(&w, &beside, 0);
    cbor_write_uint(&w, 7);
    value_message *m = value_message_take(&w, 1);
    assert_non_null(m);
    assert_int_equal(value_message_count(m, t), TALLY_OK);
    return m;
}

static void test_the_sender_ends_first(void **state)
{
    (void)state;
    bool taken;
    tally *t = new_tally(&none);
    queue *q = queue_new(NULL, (queue_limits){0, 0}, 0, &taken);
    queue_message *got;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(queue_put(q, &message_of(t)->message, &(queue_patience){.deadline = 0}), QUEUE_OK);
    }
    assert_int_equal(queue_get(q, 1, &got, NULL, &(queue_patience){.deadline = 0}), QUEUE_OK);
    assert_int_equal(tally_count(t).messages, 3); /* until it has been read */
    got->drop(got);
    assert_int_equal(tally_count(t).messages, 2);
    tally_close(t);
    assert_int_equal(queue_get(q, 1, &got, NULL, &(queue_patience){.deadline = 0}), QUEUE_OK);
    got->drop(got);
    queue_unref(q); /* with the last: the sanitizer knows whether the tally went */
}

/* --- many threads ------------------------------------------------------------------------------------------------- */

enum { THREADS = 4, EACH = 20000, MOST = 50 };

static tally *shared;
static _Atomic long there, over;

static void *come_and_go(void *unused)
{
    (void)unused;
    for (int i = 0; i < EACH; i++) {
        if (tally_add(shared, 3) == TALLY_OK) {
            over += atomic_fetch_add(&there, 1) >= MOST;
            atomic_fetch_sub(&there, 1);
            tally_gone(shared, 3);
        }
    }
    return NULL;
}

static void *go(void *unused)
{
    (void)unused;
    for (int i = 0; i < EACH; i++) {
        tally_gone(shared, 1);
    }
    return NULL;
}

static void start(pthread_t threads[THREADS], void *(*fn)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fn, NULL), 0);
    }
}

static void join(pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    tally_limits limits = none;
    limits.hard_messages = MOST;
    shared = new_tally(&limits);
    start(threads, come_and_go);
    join(threads);
    assert_int_equal(over, 0);
    tally_counts c = tally_count(shared);
    assert_int_equal(c.messages, 0);
    assert_int_equal(c.bytes, 0);
    tally_limit(shared, &none);
    for (int i = 0; i < THREADS * EACH; i++) {
        tally_add(shared, 1);
    }
    start(threads, go); /* one of them, or we, frees it */
    tally_close(shared);
    join(threads);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_what_comes_and_goes),
        cmocka_unit_test(test_the_sender_ends_first),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
