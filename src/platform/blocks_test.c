/* Blocks: what is given back is had again, also by another thread; other sizes are malloc()'s; nothing stays when a
 * thread ends; and no block is had twice. */
#include "platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 5000, TRAVELLING = 64, ROUNDS = 20000, PAIRS = 3 };

static void skip_unless_kept(void)
{
    if (!plat_blocks_are_kept()) {
        print_message("skipped: this build keeps no blocks, so that each allocation is seen\n");
        skip();
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t asked, given;
    } sizes[] = {{0, 128},    {1, 128},     {128, 128},   {129, 256},    {512, 512},
                 {513, 1024}, {1024, 1024}, {1025, 1025}, {70000, 70000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = 0;
        unsigned char *block = plat_block_take(sizes[i].asked, &size);
        assert_non_null(block);
        assert_int_equal(size, sizes[i].given);
        memset(block, 0xaa, size);
        plat_block_give(block, size);
    }
    plat_block_give(NULL, 128);
}

static void test_a_block_is_had_again(void **state)
{
    (void)state;
    skip_unless_kept();
    size_t size;
    void *first = plat_block_take(200, &size);
    plat_block_give(first, size);
    void *other_class = plat_block_take(300, &size), *again = plat_block_take(129, &size);
    assert_ptr_not_equal(other_class, first);
    assert_ptr_equal(again, first);
    plat_free(other_class); /* each is one of malloc()'s */
    void *larger = plat_realloc(again, 5000);
    assert_non_null(larger);
    plat_block_give(larger, 5000);
}

/* More than are kept: the rest goes back to malloc(), and none is had twice. */
static void test_many_at_once(void **state)
{
    (void)state;
    static unsigned char *blocks[MANY];
    for (int round = 0; round < 3; round++) {
        size_t size;
        for (int i = 0; i < MANY; i++) {
            blocks[i] = plat_block_take(100, &size);
            assert_non_null(blocks[i]);
            memcpy(blocks[i], &i, sizeof i);
        }
        for (int i = 0; i < MANY; i++) {
            assert_memory_equal(blocks[i], &i, sizeof i);
            plat_block_give(blocks[i], size);
        }
    }
}

struct road { /* from one thread to another */
    plat_lock lock;
    plat_cond changed;
    void *blocks[TRAVELLING];
    int count;
    bool wrong;
};

static void *next_from(struct road *r)
{
    plat_lock_take(&r->lock);
    while (r->count == 0) {
        plat_cond_wait(&r->changed, &r->lock, PLAT_FOREVER);
    }
    void *block = r->blocks[--r->count];
    plat_cond_wake_one(&r->changed);
    plat_lock_give(&r->lock);
    return block;
}

static void send_on(struct road *r, void *block)
{
    plat_lock_take(&r->lock);
    while (r->count == TRAVELLING) {
        plat_cond_wait(&r->changed, &r->lock, PLAT_FOREVER);
    }
    r->blocks[r->count++] = block;
    plat_cond_wake_one(&r->changed);
    plat_lock_give(&r->lock);
}

static void take_and_send(void *road)
{
    for (int i = 0; i < ROUNDS; i++) {
        size_t size;
        unsigned char *block = plat_block_take(250, &size);
        memset(block, i & 0xff, size);
        send_on(road, block);
    }
}

static void receive_and_give(void *road)
{
    struct road *r = road;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *block = next_from(r);
        for (int at = 1; at < 256; at++) {
            r->wrong = r->wrong || block[at] != block[0];
        }
        plat_block_give(block, 256);
    }
}

static plat_thread start(plat_thread_fn fn, void *arg)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "blocks", 0, 0, fn, arg), 0);
    return thread;
}

/* One thread writes into a block what another must find: one that two have at once is written by both. */
static void test_blocks_that_travel(void **state)
{
    (void)state;
    static struct road roads[PAIRS];
    plat_thread threads[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        plat_lock_init(&roads[i].lock);
        plat_cond_init(&roads[i].changed);
        threads[2 * i] = start(take_and_send, &roads[i]);
        threads[2 * i + 1] = start(receive_and_give, &roads[i]);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        plat_thread_join(threads[i]);
    }
    for (int i = 0; i < PAIRS; i++) {
        assert_false(roads[i].wrong);
        plat_cond_destroy(&roads[i].changed);
        plat_lock_destroy(&roads[i].lock);
    }
}

struct passed {
    void *blocks[TRAVELLING];
};

static void take_all(void *arg)
{
    struct passed *p = arg;
    size_t size;
    for (int i = 0; i < TRAVELLING; i++) {
        p->blocks[i] = plat_block_take(1000, &size);
    }
}

static void give_all(void *arg)
{
    struct passed *p = arg;
    for (int i = 0; i < TRAVELLING; i++) {
        plat_block_give(p->blocks[i], 1024);
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t one = *(const uintptr_t *)a, other = *(const uintptr_t *)b;
    return one < other ? -1 : one > other;
}

/* What a thread gave in whole batches is had by another, though the first has ended. */
static void test_another_thread_has_them(void **state)
{
    (void)state;
    skip_unless_kept();
    struct passed before, after;
    int same = 0;
    plat_thread_join(start(take_all, &before));
    plat_thread_join(start(give_all, &before));
    plat_thread_join(start(take_all, &after));
    qsort(before.blocks, TRAVELLING, sizeof *before.blocks, by_address);
    for (int i = 0; i < TRAVELLING; i++) {
        same += bsearch(&after.blocks[i], before.blocks, TRAVELLING, sizeof *before.blocks, by_address) != NULL;
    }
    give_all(&after);
    assert_true(same >= TRAVELLING / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_block_is_had_again),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_blocks_that_travel),
        cmocka_unit_test(test_another_thread_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
