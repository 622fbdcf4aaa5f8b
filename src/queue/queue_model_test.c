/* The queue's steps in every order. queue.c is compiled here a second time, with locks and gates that belong to a
 * model: each thread is a coroutine that stops before it takes the lock, before it wakes somebody and where it would
 * sleep, and a scheduler chooses who goes on. It runs each scenario again and again until every choice was made at
 * every point (depth first; a state that was seen before is not entered again).
 *
 * That these points are enough: what a thread does between taking the lock and giving it touches only what the lock
 * guards, and gates, of which a waiter reads only whether they are open; so its other threads could see no difference
 * if they ran in the midst of it.
 *
 * What must hold is checked whenever the lock is given, and at each end. The last tests break the queue on purpose, and
 * the model must find that. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "platform.h"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define NOT_SANITIZED __attribute__((no_sanitize("thread")))
#define MOST_RUNS 100 /* of a scenario: a fiber is dear there, and with one thread there is no race to be found */
#elif defined(__SANITIZE_ADDRESS__)
#define NOT_SANITIZED __attribute__((no_sanitize("address")))
#define MOST_RUNS 2000 /* of a scenario: it may move locals off the stacks, so states can't be told apart */
#else
#define NOT_SANITIZED
#endif
#ifdef MOST_RUNS
enum { ALL_ORDERS = false };
#else
#define MOST_RUNS LONG_MAX
enum { ALL_ORDERS = true };
#endif

/* --- queue.c on the model --------------------------------------------------------------------------------------- */

static void model_lock_take(plat_lock *lock);
static void model_lock_give(plat_lock *lock);
static bool model_gate_set(plat_gate *gate);
static void model_gate_wake(const plat_gate *gate);
static plat_wait model_gate_wait(plat_gate *gate, int64_t deadline);

#define plat_lock_take model_lock_take
#define plat_lock_give model_lock_give
#define plat_gate_set model_gate_set
#define plat_gate_wake model_gate_wake
#define plat_gate_wait_interruptible model_gate_wait
#define plat_gate_sleep_interruptible model_gate_wait
#define queue_put model_put
#define queue_get model_get
#define queue_close model_close
#define queue_drop_all model_drop_all
#define queue_sender_ended model_sender_ended
#define queue_fd model_fd
#define queue_room_fd model_room_fd
#define queue_count model_count
#include "queue.c"

enum { LARGE = 2 /* this note, where bytes are limited */ };
enum { MOST_THREADS = 4, STACK = 32 << 10, FRAME = 128, MOST_STEPS = 200, MOST_NOTES = 8, SEEN = 1 << 22 };

/* --- threads ---------------------------------------------------------------------------------------------------- */

typedef enum point { READY, ASLEEP, DONE } point; /* where a thread stands */

typedef struct thread {
    void (*body)(void);
    bool may_time_out; /* its deadline can pass while it sleeps */
    bool may_be_interrupted;
    ucontext_t context;
    point at;
    const char *top; /* its stack is in use from here on */
    plat_gate *gate; /* asleep at it */
    plat_gate *last_gate;
    bool awake; /* somebody woke it */
    plat_wait woken_by;
    int waits; /* how often it slept for this put */
    bool puts;
    queue_result result;
    void *fiber;
} thread;

static struct {
    thread threads[MOST_THREADS];
    size_t count;
    thread *running; /* NULL: the scheduler */
    ucontext_t scheduler;
    void *scheduler_fiber;
    queue q;
    const thread *lock_owner;
    const thread *break_at;          /* it was interrupted, and its call is to be lost */
    const char *broken;              /* what does not hold */
    bool wake_is_lost, call_is_lost; /* the queue is broken on purpose */
} model;

static _Alignas(64) char stacks[MOST_THREADS][STACK];

static void switch_fiber(void *fiber)
{
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(fiber, 0);
#else
    (void)fiber;
#endif
}

/* The running thread stands at a point where another may go on. */
static void pause_at(point at)
{
    thread *me = model.running;
    me->at = at;
    me->top = (const char *)__builtin_frame_address(0) - FRAME;
    model.running = NULL;
    switch_fiber(model.scheduler_fiber);
    swapcontext(&me->context, &model.scheduler);
}

static void begin(void)
{
    thread *me = model.running;
    me->body();
    me->at = DONE;
    model.running = NULL;
    switch_fiber(model.scheduler_fiber);
    setcontext(&model.scheduler);
}

static void resume(thread *t)
{
    model.running = t;
    switch_fiber(t->fiber);
    swapcontext(&model.scheduler, &t->context);
}

static void broken(const char *what)
{
    if (model.broken == NULL) {
        model.broken = what;
    }
}

/* --- the platform ----------------------------------------------------------------------------------------------- */

static void model_lock_take(plat_lock *lock)
{
    (void)lock;
    thread *me = model.running;
    pause_at(READY);
    if (model.break_at == me && plat_gate_is_open(me->last_gate)) {
        model.q.getters.called++; /* as if its call stayed counted, and so were not passed on */
    }
    if (model.lock_owner != NULL) {
        broken("two threads hold the lock");
    }
    model.lock_owner = model.running;
}

static void check_invariants(void);

static void model_lock_give(plat_lock *lock)
{
    (void)lock;
    if (model.lock_owner != model.running) {
        broken("the lock is given by somebody who has not got it");
    }
    check_invariants();
    model.lock_owner = NULL;
}

static void check_call(const waiter *w);

static bool model_gate_set(plat_gate *gate)
{
    atomic_store(&gate->open, PLAT_GATE_OPEN);
    check_call((const waiter *)((const char *)gate - offsetof(waiter, gate)));
    return true;
}

/* By the address only: the waiter may be gone. */
static void model_gate_wake(const plat_gate *gate)
{
    if (model.lock_owner != model.running) {
        pause_at(READY);
    }
    if (model.wake_is_lost) {
        return;
    }
    for (size_t i = 0; i < model.count; i++) {
        thread *t = &model.threads[i];
        if (t->at == ASLEEP && t->gate == gate) {
            t->awake = true;
            t->woken_by = PLAT_OPEN;
        }
    }
}

static plat_wait model_gate_wait(plat_gate *gate, int64_t deadline)
{
    thread *me = model.running;
    pause_at(READY);
    if (model.lock_owner == me) {
        broken("a thread sleeps with the lock");
    }
    if (me->puts && ++me->waits > 2) {
        broken("a producer was overtaken twice");
    }
    while (!plat_gate_is_open(gate)) {
        if (deadline <= 0) {
            return PLAT_TIMEOUT;
        }
        me->gate = me->last_gate = gate;
        me->awake = false;
        pause_at(ASLEEP);
        me->gate = NULL;
        if (me->woken_by == PLAT_INTERRUPTED && model.call_is_lost) {
            model.break_at = me;
        }
        if (me->woken_by != PLAT_OPEN) {
            return plat_gate_is_open(gate) ? PLAT_OPEN : me->woken_by;
        }
    }
    return PLAT_OPEN;
}

/* --- messages --------------------------------------------------------------------------------------------------- */

typedef struct note {
    queue_message message;
    int put, got, dropped;
    int place; /* what number its producer gave it */
} note;

static note notes[MOST_NOTES];
static int64_t last_place[MOST_THREADS][4]; /* by getter and sender: the last that it got */

static void drop_note(queue_message *message)
{
    ((note *)message)->dropped++;
}

static void put_note(int number, int sender)
{
    note *n = &notes[number];
    size_t size = number == LARGE && model.q.limits.max_bytes != 0 ? 5 : 1;
    n->message = (queue_message){.size_bytes = size, .sender = (uint64_t)sender, .drop = drop_note};
    n->place = number;
    thread *me = model.running;
    me->puts = true;
    me->waits = 0;
    queue_patience patience = {.deadline = PLAT_FOREVER};
    me->result = queue_put(&model.q, &n->message, &patience);
    n->put = me->result == QUEUE_OK;
    me->puts = false;
}

static bool gives_up(void *ctx)
{
    (void)ctx;
    return true;
}

static void get_note(void)
{
    thread *me = model.running;
    queue_message *message;
    queue_patience patience = {.deadline = PLAT_FOREVER, .gives_up = gives_up};
    me->result = queue_get(&model.q, 1, &message, NULL, &patience);
    if (me->result != QUEUE_OK) {
        return;
    }
    note *n = (note *)message;
    n->got++;
    int64_t *last = &last_place[me - model.threads][n->message.sender];
    if (n->place <= *last) {
        broken("what one producer put came in another order");
    }
    *last = n->place;
}

/* --- what must hold --------------------------------------------------------------------------------------------- */

/* At each giving of the lock; queue.c's opening words say it. */
static void check_invariants(void)
{
    const queue *q = &model.q;
    const waiters *p = &q->putters;
    if (q->closed && (q->getters.first != NULL || p->first != NULL)) {
        broken("a thread waits in a closed queue");
    }
    if (q->getters.first != NULL && q->items > q->getters.called) {
        broken("a getter waits, and a message for it is there");
    }
    if (p->first != NULL && fits_beside(q, q->items + p->called, q->bytes + p->called_bytes, p->first->size_bytes)) {
        broken("a producer waits, and there is room for it");
    }
    if (q->limits.max_items != 0 && q->items > q->limits.max_items) {
        broken("more messages than the limit");
    }
}

/* At each call: it is made for a message, or a place, for which nobody else is called. */
static void check_call(const waiter *w)
{
    const queue *q = &model.q;
    bool puts = w->size_bytes != 0;
    if (!q->closed && !puts && q->getters.called > q->items) {
        broken("more getters are called than there are messages");
    }
    if (!q->closed && puts && q->limits.max_items != 0 && q->items + q->putters.called > q->limits.max_items) {
        broken("more producers are called than there are places");
    }
}

/* Nobody can go on. Who sleeps has nothing to wait for, and each message is in one place. */
static void check_end(void)
{
    const queue *q = &model.q;
    for (size_t i = 0; i < model.count; i++) {
        if (model.threads[i].at == ASLEEP && plat_gate_is_open(model.threads[i].gate)) {
            broken("a thread sleeps at an open gate");
        }
    }
    if (q->getters.first != NULL && q->items != 0) {
        broken("a getter sleeps, and a message is there");
    }
    if (q->putters.first != NULL && fits(q, q->putters.first->size_bytes)) {
        broken("a producer sleeps, and there is room");
    }
    if (q->getters.called + q->putters.called + q->putters.called_bytes + q->putters.called_again != 0) {
        broken("a call is under way to nobody");
    }
    size_t inside = 0, bytes = 0;
    for (const queue_message *m = q->first; m != NULL; m = m->next) {
        inside++;
        bytes += m->size_bytes;
        ((note *)m)->got++; /* counts as one of the places */
    }
    for (int i = 0; i < MOST_NOTES; i++) {
        if (notes[i].put != notes[i].got + notes[i].dropped && notes[i].message.drop != NULL) {
            broken("a message is lost, or is there twice");
        }
    }
    if (inside != q->items || bytes != q->bytes) {
        broken("the queue counts wrongly");
    }
}

/* --- running one schedule --------------------------------------------------------------------------------------- */

typedef struct scenario {
    const char *name;
    void (*bodies[MOST_THREADS])(void);
    unsigned time_out, interrupted; /* bits: which threads' deadlines can pass, which can be interrupted */
    size_t max_items;
    void (*prepare)(void);
    void (*check)(void); /* at each end, beside the rest; may be NULL */
    size_t max_bytes;
} scenario;

typedef struct choice {
    size_t thread;
    plat_wait how; /* of one that sleeps */
} choice;

static void start_thread(size_t i, void (*body)(void), const scenario *s)
{
    thread *t = &model.threads[i];
    void *fiber = t->fiber;
    *t = (thread){.body = body,
                  .may_time_out = (s->time_out >> i & 1) != 0,
                  .may_be_interrupted = (s->interrupted >> i & 1) != 0,
                  .fiber = fiber};
    getcontext(&t->context);
    t->context.uc_stack.ss_sp = stacks[i];
    t->context.uc_stack.ss_size = STACK;
    makecontext(&t->context, begin, 0);
#if defined(__SANITIZE_THREAD__)
    if (t->fiber != NULL) {
        __tsan_destroy_fiber(t->fiber);
    }
    t->fiber = __tsan_create_fiber(0);
    model.scheduler_fiber = __tsan_get_current_fiber();
#endif
}

static void start(const scenario *s)
{
    memset(stacks, 0, sizeof stacks);
    memset(notes, 0, sizeof notes);
    memset(last_place, -1, sizeof last_place);
    model.q = (queue){.limits = {.max_items = s->max_items, .max_bytes = s->max_bytes},
                      .readable = {.fd = -1},
                      .writable = {.fd = -1}};
    model.lock_owner = model.break_at = NULL;
    model.broken = NULL;
    model.count = 0;
    while (model.count < MOST_THREADS && s->bodies[model.count] != NULL) {
        start_thread(model.count, s->bodies[model.count], s);
        model.count++;
    }
    if (s->prepare != NULL) {
        s->prepare();
    }
}

static size_t choices(choice *out)
{
    size_t count = 0;
    for (size_t i = 0; i < model.count; i++) {
        const thread *t = &model.threads[i];
        if (t->at == READY || (t->at == ASLEEP && t->awake)) {
            out[count++] = (choice){i, PLAT_OPEN};
        }
        if (t->at == ASLEEP && !t->awake && t->may_time_out) {
            out[count++] = (choice){i, PLAT_TIMEOUT};
        }
        if (t->at == ASLEEP && !t->awake && t->may_be_interrupted) {
            out[count++] = (choice){i, PLAT_INTERRUPTED};
        }
    }
    return count;
}

static void step(choice c)
{
    thread *t = &model.threads[c.thread];
    if (t->at == ASLEEP) {
        t->woken_by = c.how;
    }
    resume(t);
}

/* --- states that were seen -------------------------------------------------------------------------------------- */

static uint64_t *seen; /* hashes, open addressing; 0: free */
static size_t seen_count;

NOT_SANITIZED static uint64_t mix(uint64_t hash, const void *memory, size_t size)
{
    const volatile uint64_t *at = memory; /* volatile: no call of memcpy, which a sanitizer would look into */
    for (size_t i = 0; i < size / sizeof *at; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

/* What a coroutine will do lies on its stack and in its registers, which are in its context. Old rubbish there only
 * makes two states of one. */
NOT_SANITIZED static uint64_t state_now(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < model.count; i++) {
        const thread *t = &model.threads[i];
        const uint64_t stands[] = {
            t->at, t->awake, t->result, (uint64_t)t->waits, t->puts, (uint64_t)(t == model.break_at)};
        hash = mix(hash, stands, sizeof stands);
        if (t->at != DONE && t->top != NULL) {
            hash = mix(hash, (const void *)((uintptr_t)t->top & ~(uintptr_t)7), (size_t)(stacks[i] + STACK - t->top));
            hash = mix(hash, &t->context.uc_mcontext, sizeof t->context.uc_mcontext);
        }
    }
    hash = mix(hash, notes, sizeof notes);
    hash = mix(hash, last_place, sizeof last_place);
    return mix(hash, &model.q, sizeof model.q) | 1;
}

static bool is_new(uint64_t state)
{
    if (!ALL_ORDERS) {
        return true;
    }
    size_t at = state % SEEN;
    while (seen[at] != 0 && seen[at] != state) {
        at = (at + 1) % SEEN;
    }
    if (seen[at] == state || seen_count > SEEN / 2) {
        return false;
    }
    seen[at] = state;
    seen_count++;
    return true;
}

/* --- all schedules ---------------------------------------------------------------------------------------------- */

typedef struct decision {
    choice choices[MOST_THREADS * 2];
    size_t count, taken;
} decision;

static struct {
    decision path[MOST_STEPS];
    size_t depth;
    long runs, ends;
} search;

/* Runs from the start along the path, and further, always taking the first choice, until an end or a known state. */
static void run_once(const scenario *s)
{
    start(s);
    search.runs++;
    for (size_t i = 0; model.broken == NULL; i++) {
        if (i == search.depth) {
            assert_true(i < MOST_STEPS);
            decision *d = &search.path[i];
            d->taken = 0;
            d->count = is_new(state_now()) ? choices(d->choices) : 0;
            if (d->count == 0) {
                break;
            }
            search.depth++;
        }
        step(search.path[i].choices[search.path[i].taken]);
    }
    choice none[MOST_THREADS * 2];
    if (model.broken == NULL && choices(none) == 0) {
        search.ends++;
        check_end();
        if (s->check != NULL) {
            s->check();
        }
    }
}

static bool go_back(void)
{
    while (search.depth > 0) {
        decision *d = &search.path[search.depth - 1];
        if (++d->taken < d->count) {
            return true;
        }
        search.depth--;
    }
    return false;
}

/* What does not hold, or NULL. */
static const char *explore(const scenario *s)
{
    memset(seen, 0, SEEN * sizeof *seen);
    seen_count = search.depth = 0;
    search.runs = search.ends = 0;
    do {
        run_once(s);
    } while (model.broken == NULL && search.runs < MOST_RUNS && go_back());
    assert_true(seen_count < SEEN / 2); /* else some were not entered */
    printf("%-44s %8zu states, %8ld runs, %7ld ends%s%s\n", s->name, seen_count, search.runs, search.ends,
           model.broken != NULL ? ": " : "", model.broken != NULL ? model.broken : "");
    return model.broken;
}

/* --- scenarios -------------------------------------------------------------------------------------------------- */

static void fill(int first, int count)
{
    for (int i = first; i < first + count; i++) {
        notes[i].message = (queue_message){.size_bytes = 1, .sender = 3, .drop = drop_note};
        notes[i].place = i;
        notes[i].put = 1;
        append(&model.q, &notes[i].message);
    }
}

static void one_inside(void)
{
    fill(0, 1);
}

static void two_inside(void)
{
    fill(0, 2);
}

static void puts_2(void)
{
    put_note(2, 2);
}

static void puts_3(void)
{
    put_note(3, 1);
}

static void puts_4_and_5(void)
{
    put_note(4, 1);
    put_note(5, 1);
}

static void puts_6_and_7(void)
{
    put_note(6, 2);
    put_note(7, 2);
}

static void gets_one(void)
{
    get_note();
}

static void gets_two(void)
{
    get_note();
    get_note();
}

static void gets_three(void)
{
    gets_two();
    get_note();
}

static void gets_four(void)
{
    gets_two();
    gets_two();
}

static void gets_many(void)
{
    queue_message *list;
    queue_patience patience = {.deadline = PLAT_FOREVER};
    if (queue_get(&model.q, 2, &list, NULL, &patience) == QUEUE_OK) {
        for (; list != NULL; list = list->next) {
            ((note *)list)->got++;
        }
    }
}

/* A thread that does not wait: it comes between a wake-up and its getter. */
static void snatches(void)
{
    queue_message *message;
    if (queue_get(&model.q, 1, &message, NULL, &(queue_patience){.deadline = 0}) == QUEUE_OK) {
        ((note *)message)->got++;
    }
}

static void closes(void)
{
    queue_close(&model.q);
}

static bool keep_none(queue_message *message, void *ctx)
{
    (void)message;
    (void)ctx;
    return false;
}

static void ends_sender_3(void)
{
    queue_sender_ended(&model.q, 3, keep_none, NULL);
}

static void all_are_done(void)
{
    for (size_t i = 0; i < model.count; i++) {
        if (model.threads[i].at != DONE) {
            broken("a thread sleeps for ever");
        }
    }
}

static void nothing_is_inside(void)
{
    all_are_done();
    if (model.q.items != 0) {
        broken("a message was left behind");
    }
}

static const scenario scenarios[] = {
    {"two producers, a consumer, one place",
     {puts_4_and_5, puts_6_and_7, gets_four},
     0,
     0,
     1,
     NULL,
     nothing_is_inside,
     0},
    {"two producers, two consumers, one place",
     {puts_2, puts_3, gets_one, gets_one},
     0,
     0,
     1,
     NULL,
     nothing_is_inside,
     0},
    {"two consumers, one deadline passes", {puts_2, gets_one, gets_one}, 2, 0, 0, NULL, NULL, 0},
    {"two messages, two consumers, one deadline", {puts_4_and_5, gets_two, gets_one}, 4, 0, 1, NULL, NULL, 0},
    {"a producer's deadline, one place", {puts_2, puts_3, gets_two}, 1, 0, 1, one_inside, NULL, 0},
    {"a large one among small ones, by bytes", {puts_2, puts_4_and_5, gets_three}, 0, 0, 0, NULL, nothing_is_inside, 2},
    {"get and close", {gets_one, gets_one, closes}, 0, 0, 0, NULL, all_are_done, 0},
    {"put, get and close", {puts_2, gets_one, closes}, 0, 0, 0, NULL, all_are_done, 0},
    {"a put that waits, get and close", {puts_2, gets_one, closes}, 0, 0, 1, one_inside, all_are_done, 0},
    {"an interrupted getter's call is passed on", {gets_one, gets_one, puts_2}, 0, 1, 0, NULL, NULL, 0},
    {"interrupted, late, and a third getter", {gets_one, gets_one, gets_one, puts_2}, 2, 1, 0, NULL, NULL, 0},
    {"one that just comes is quicker", {gets_one, snatches, puts_2, puts_3}, 0, 0, 0, NULL, all_are_done, 0},
    {"... with a deadline", {gets_two, snatches, puts_4_and_5}, 1, 0, 1, NULL, NULL, 0},
    {"room for two at once", {puts_2, puts_3, gets_many}, 0, 0, 2, two_inside, all_are_done, 0},
    {"a sender ends, and a getter waits", {ends_sender_3, gets_one, puts_2}, 0, 0, 1, one_inside, all_are_done, 0},
    {"a sender ends, two put", {ends_sender_3, puts_2, puts_3, snatches}, 0, 0, 2, two_inside, all_are_done, 0},
};

static void test_every_order_of_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const char *why = explore(&scenarios[i]);
        if (why != NULL) {
            fail_msg("%s: %s", scenarios[i].name, why);
        }
    }
}

static void test_the_model_finds_a_lost_wake_up(void **state)
{
    (void)state;
    model.wake_is_lost = true;
    const char *why = explore(&(scenario){"broken: nobody is woken", {gets_one, puts_2}, 0, 0, 0, NULL, NULL, 0});
    model.wake_is_lost = false;
    assert_non_null(why);
}

static void test_the_model_finds_a_call_that_is_not_passed_on(void **state)
{
    (void)state;
    model.call_is_lost = true;
    const char *why = explore(
        &(scenario){"broken: a call is not passed on", {gets_one, gets_one, puts_2}, 0, 1, 0, NULL, NULL, 0});
    model.call_is_lost = false;
    assert_non_null(why);
}

static int make_room(void **state)
{
    (void)state;
    seen = calloc(SEEN, sizeof *seen);
    return seen != NULL ? 0 : -1;
}

static int clear_up(void **state)
{
    (void)state;
    free(seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order_of_steps),
        cmocka_unit_test(test_the_model_finds_a_lost_wake_up),
        cmocka_unit_test(test_the_model_finds_a_call_that_is_not_passed_on),
    };
    return cmocka_run_group_tests(tests, make_room, clear_up);
}
