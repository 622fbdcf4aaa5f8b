/* The turn: exclusion, order, who is sent away while its owner waits, who gives up, and taking it again. */
#include "turn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000, MOST = 8 };

static turn the_turn;

static plat_thread start(plat_thread_fn fn, void *arg, int signal_number)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "turn", 0, signal_number, fn, arg), 0);
    return thread;
}

/* How many wait now. */
static size_t waiting(void)
{
    size_t count = 0;
    plat_lock_take(&the_turn.lock);
    for (void *const *w = (void *const *)the_turn.first; w != NULL; w = *w) { /* `next` is its first field */
        count++;
    }
    plat_lock_give(&the_turn.lock);
    return count;
}

static void await_waiting(size_t count)
{
    while (waiting() != count) {
        usleep(200);
    }
}

/* --- exclusion ---------------------------------------------------------------------------------------------------- */

static long counted;

static void count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(turn_take(&the_turn, &(turn_patience){0}), TURN_TAKEN);
        counted++;
        turn_give(&the_turn);
    }
}

static void test_one_at_a_time(void **state)
{
    plat_thread threads[THREADS];
    (void)state;
    turn_init(&the_turn);
    counted = 0;
    for (int i = 0; i < THREADS; i++) {
        threads[i] = start(count_up, NULL, 0);
    }
    for (int i = 0; i < THREADS; i++) {
        plat_thread_join(threads[i]);
    }
    assert_int_equal(counted, (long)THREADS * ROUNDS);
    assert_true(turn_try(&the_turn));
    turn_destroy(&the_turn);
}

static void test_again_by_its_owner(void **state)
{
    (void)state;
    turn_init(&the_turn);
    assert_true(turn_try(&the_turn));
    assert_int_equal(turn_take(&the_turn, &(turn_patience){.unless_blocked = true}), TURN_TAKEN);
    turn_give(&the_turn);
    plat_thread other = start(count_up, NULL, 0);
    await_waiting(1); /* it is still ours */
    turn_give(&the_turn);
    plat_thread_join(other);
    turn_destroy(&the_turn);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static struct comer {
    turn_patience patience;
    turn_result result;
    int place;
} comers[MOST];
static _Atomic int places;

static void come(void *arg)
{
    struct comer *c = arg;
    c->result = turn_take(&the_turn, &c->patience);
    if (c->result == TURN_TAKEN) {
        c->place = atomic_fetch_add(&places, 1);
        turn_give(&the_turn);
    }
}

static plat_thread comes(int index, turn_patience patience, int signal_number)
{
    comers[index] = (struct comer){.patience = patience, .place = -1};
    return start(come, &comers[index], signal_number);
}

static void test_first_come_first_served(void **state)
{
    plat_thread threads[MOST];
    (void)state;
    turn_init(&the_turn);
    atomic_store(&places, 0);
    assert_true(turn_try(&the_turn));
    for (int i = 0; i < MOST; i++) {
        threads[i] = comes(i, (turn_patience){0}, 0);
        await_waiting((size_t)i + 1);
    }
    turn_give(&the_turn);
    for (int i = 0; i < MOST; i++) {
        plat_thread_join(threads[i]);
        assert_int_equal(comers[i].place, i);
    }
    turn_destroy(&the_turn);
}

/* --- who would not wait ------------------------------------------------------------------------------------------- */

static void test_sent_away_while_the_owner_waits(void **state)
{
    plat_thread threads[4];
    (void)state;
    turn_init(&the_turn);
    atomic_store(&places, 0);
    assert_true(turn_try(&the_turn));
    for (int i = 0; i < 4; i++) { /* the first and the third are patient */
        threads[i] = comes(i, (turn_patience){.unless_blocked = i % 2 == 1}, 0);
        await_waiting((size_t)i + 1);
    }
    turn_set_blocked(&the_turn, true);
    plat_thread_join(threads[1]);
    plat_thread_join(threads[3]);
    assert_int_equal(comers[1].result, TURN_BLOCKED);
    assert_int_equal(comers[3].result, TURN_BLOCKED);
    assert_int_equal(waiting(), 2);
    plat_thread late = comes(4, (turn_patience){.unless_blocked = true}, 0);
    plat_thread_join(late);
    assert_int_equal(comers[4].result, TURN_BLOCKED);
    turn_set_blocked(&the_turn, false);
    turn_give(&the_turn);
    plat_thread_join(threads[0]);
    plat_thread_join(threads[2]);
    assert_int_equal(comers[0].place, 0);
    assert_int_equal(comers[2].place, 1);
    turn_destroy(&the_turn);
}

/* --- giving up ---------------------------------------------------------------------------------------------------- */

static void nothing(int number)
{
    (void)number;
}

static bool gives_up(void *ctx)
{
    return atomic_load((_Atomic bool *)ctx);
}

static void test_a_signal_ends_the_wait_of_who_gives_up(void **state)
{
    _Atomic bool wanted = false;
    struct sigaction action = {.sa_handler = nothing};
    (void)state;
    sigaction(SIGUSR1, &action, NULL);
    turn_init(&the_turn);
    atomic_store(&places, 0);
    assert_true(turn_try(&the_turn));
    plat_thread first = comes(0, (turn_patience){.gives_up = gives_up, .ctx = &wanted}, SIGUSR1);
    await_waiting(1);
    plat_thread second = comes(1, (turn_patience){0}, 0);
    await_waiting(2);
    pthread_kill(first.id, SIGUSR1); /* it is asked, and goes on */
    atomic_store(&wanted, true);
    while (waiting() == 2) {
        pthread_kill(first.id, SIGUSR1);
        usleep(500);
    }
    plat_thread_join(first);
    assert_int_equal(comers[0].result, TURN_INTERRUPTED);
    turn_give(&the_turn);
    plat_thread_join(second);
    assert_int_equal(comers[1].place, 0); /* nothing was lost with the first */
    turn_destroy(&the_turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_again_by_its_owner),
        cmocka_unit_test(test_first_come_first_served),
        cmocka_unit_test(test_sent_away_while_the_owner_waits),
        cmocka_unit_test(test_a_signal_ends_the_wait_of_who_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
