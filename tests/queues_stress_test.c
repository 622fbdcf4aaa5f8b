/* Queues under load, in a child each. Thirty-two threads, half of them Python's in eight interpreters, put into and
 * get from four queues, bounded and not, while queues are closed and interpreters end; then each message is accounted
 * for: got, still inside, or dropped by the rule of its queue. A million messages go through one queue, and nothing
 * stays. */
#include "support.h"

enum { QUEUES = 4, INTERPS = 8, C_THREADS = 16, ROUNDS = 3000 };

/* What threads did to one queue. What C puts is even and what Python puts is odd. */
typedef struct account {
    long put_even, put_odd, got_even, got_odd, unbound;
} account;

static const isle_unbound unbound_of[QUEUES] = {ISLE_UNBOUND_KEEP, ISLE_UNBOUND_REMOVE, ISLE_UNBOUND_MARKER,
                                                ISLE_UNBOUND_ERROR};
static isle_queue *queues[QUEUES];
static account total[QUEUES];
static pthread_mutex_t total_lock = PTHREAD_MUTEX_INITIALIZER;

static void add(const account *accounts)
{
    pthread_mutex_lock(&total_lock);
    for (int i = 0; i < QUEUES; i++) {
        total[i].put_even += accounts[i].put_even;
        total[i].put_odd += accounts[i].put_odd;
        total[i].got_even += accounts[i].got_even;
        total[i].got_odd += accounts[i].got_odd;
        total[i].unbound += accounts[i].unbound;
    }
    pthread_mutex_unlock(&total_lock);
}

/* --- the threads ------------------------------------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

static bool put_one(isle_queue *q, int64_t number, int64_t deadline)
{
    isle_value *value = isle_value_new_int(number);
    isle_status status = isle_queue_put(q, value, deadline, NULL);
    isle_value_free(value);
    check(status == ISLE_OK || status == ISLE_ERR_TIMEOUT || status == ISLE_ERR_CLOSED);
    return status == ISLE_OK;
}

static void get_one(isle_queue *q, int64_t deadline, account *a)
{
    isle_value *value = NULL;
    int64_t number = 0;
    isle_status status = isle_queue_get(q, deadline, &value, NULL);
    if (status == ISLE_OK) {
        check(isle_value_as_int64(value, &number));
        *(number % 2 == 0 ? &a->got_even : &a->got_odd) += 1;
        isle_value_free(value);
    }
    a->unbound += status == ISLE_ERR_UNBOUND;
    check(status == ISLE_OK || status == ISLE_ERR_TIMEOUT || status == ISLE_ERR_CLOSED || status == ISLE_ERR_UNBOUND);
}

static void *c_thread(void *arg)
{
    account accounts[QUEUES] = {{0}};
    uint32_t random = (uint32_t)(uintptr_t)arg * 77 + 1;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t r = next_random(&random), which = r % QUEUES;
        int64_t deadline = r / 8 % 4 == 0 ? isle_deadline_in(100000) : 0;
        if (r / 4 % 2 == 0) {
            accounts[which].put_even += put_one(queues[which], 2 * i, deadline);
        } else {
            get_one(queues[which], deadline, &accounts[which]);
        }
    }
    if ((uintptr_t)arg % 8 == 7) {
        isle_queue_close(queues[(uintptr_t)arg / 8 * 2]); /* a bounded one; the others go on with the rest */
    }
    add(accounts);
    return NULL;
}

static const char python_source[] =
    "import isles, random, threading\n"
    "queues = [isles.find_queue(f'storm{i}') for i in range(4)]\n"
    "def work(seed, counts, rounds):\n"
    "    r = random.Random(seed)\n"
    "    for i in range(rounds):\n"
    "        which, timeout = r.randrange(4), r.choice((0, 0, 0, 0.0001))\n"
    "        q, c = queues[which], counts[which]\n"
    "        try:\n"
    "            if r.random() < 0.5: q.put(2 * i + 1, timeout=timeout); c[0] += 1; continue\n"
    "            got = q.get_many(3, timeout) if i %% 5 == 0 else [q.get(timeout=timeout)]\n"
    "        except isles.QueueItemUnbound: c[3] += 1; continue\n"
    "        except (isles.QueueEmpty, isles.QueueFull, isles.QueueClosed): continue\n"
    "        for value in got:\n"
    "            if value is isles.UNBOUND: c[3] += 1\n"
    "            else: c[1 + value %% 2] += 1\n"
    "counts = [[[0] * 4 for _ in range(4)] for _ in range(2)]\n"
    "threads = [threading.Thread(target=work, args=(%d + i, counts[i], %d)) for i in range(2)]\n"
    "for t in threads: t.start()\n"
    "for t in threads: t.join()\n"
    "counts = [a + b for x, y in zip(*counts) for a, b in zip(x, y)]\n";

/* An interpreter's whole life: they end at different times, and leave messages behind. */
static void *interpreter_thread(void *arg)
{
    int number = (int)(uintptr_t)arg;
    account accounts[QUEUES] = {{0}};
    isle_interp it = create(NULL);
    runf(it, python_source, number * 10, ROUNDS / 8 * (number + 1));
    for (int i = 0; i < QUEUES; i++) {
        long counts[4];
        for (int k = 0; k < 4; k++) {
            char *expression = text_of("counts[%d]", i * 4 + k);
            counts[k] = (long)eval_int(it, expression);
            free(expression);
        }
        accounts[i] = (account){
            .put_odd = counts[0], .got_even = counts[1], .got_odd = counts[2], .unbound = counts[3]};
    }
    add(accounts);
    end(it);
    return NULL;
}

/* --- the account ------------------------------------------------------------------------------------------------ */

static void drain_and_check(int which)
{
    isle_queue *q = queues[which];
    isle_queue_stats stats = {.size = sizeof stats};
    account left = {0}, *t = &total[which];
    isle_queue_get_stats(q, &stats);
    size_t inside = stats.items;
    check(stats.getters == 0 && stats.putters == 0);
    check((long)stats.put == t->put_even + t->put_odd);
    check((long)stats.got == t->got_even + t->got_odd + t->unbound);
    while (inside-- > 0) {
        get_one(q, 0, &left);
    }
    isle_queue_get_stats(q, &stats);
    check(stats.items == 0 && stats.bytes == 0);
    check(t->put_even == t->got_even + left.got_even);
    long odd = t->got_odd + left.got_odd, unbound = t->unbound + left.unbound;
    check(left.got_odd == 0 || unbound_of[which] == ISLE_UNBOUND_KEEP); /* all interpreters have ended */
    if (unbound_of[which] == ISLE_UNBOUND_REMOVE) {
        check(unbound == 0 && t->put_odd >= odd);
    } else {
        check(t->put_odd == odd + unbound);
        check(unbound == 0 || unbound_of[which] != ISLE_UNBOUND_KEEP);
    }
    printf("queue %d: put %ld, got %ld, unbound %ld, left %ld, dropped %ld\n", which, t->put_even + t->put_odd,
           t->got_even + t->got_odd, unbound, left.got_even + left.got_odd + left.unbound, t->put_odd - odd - unbound);
}

static int storm(const char *arg)
{
    pthread_t threads[INTERPS + C_THREADS];
    (void)arg;
    runtime_begin(NULL);
    for (int i = 0; i < QUEUES; i++) {
        isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
        char *name = text_of("storm%d", i);
        config.name = name;
        config.max_items = i % 2 == 0 ? 5 : 0;
        config.unbound = unbound_of[i];
        check_status(isle_queue_create(&config, &queues[i], NULL), ISLE_OK, NULL);
        free(name);
    }
    for (uintptr_t i = 0; i < INTERPS + C_THREADS; i++) {
        void *(*fn)(void *) = i < INTERPS ? interpreter_thread : c_thread;
        check(pthread_create(&threads[i], NULL, fn, (void *)(i < INTERPS ? i : i - INTERPS)) == 0);
    }
    for (int i = 0; i < INTERPS + C_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < QUEUES; i++) {
        drain_and_check(i);
        isle_queue_free(queues[i]);
    }
    runtime_end();
    return 0;
}

/* --- interpreters that are made to end in the midst of it -------------------------------------------------------- */

static int killed(const char *arg)
{
    (void)arg;
    runtime_begin(NULL);
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q;
    isle_queue_stats stats = {.size = sizeof stats};
    int64_t got = 0;
    config.name = "killed";
    config.max_items = 4;
    check_status(isle_queue_create(&config, &q, NULL), ISLE_OK, NULL);
    for (int round = 0; round < 10; round++) {
        isle_interp it = create(NULL);
        isle_job *job = submit(it,
                               "import isles, threading\n"
                               "q = isles.find_queue('killed')\n"
                               "def work(number):\n"
                               "    while True: q.put(number)\n"
                               "for i in range(3): threading.Thread(target=work, args=(i,), daemon=True).start()\n"
                               "work(3)\n",
                               ISLE_FOREVER);
        account a = {0};
        for (int i = 0; i < 200 * (round % 3 + 1); i++) {
            get_one(q, SOON, &a);
        }
        got += a.got_even + a.got_odd;
        check_status(isle_interp_end(it, 0, NULL), ISLE_OK, NULL);
        check_status(wait_for(job, NULL), ISLE_ERR_ENDED, NULL);
    }
    isle_queue_get_stats(q, &stats);
    check(stats.putters == 0 && (int64_t)stats.got == got && stats.put == stats.got + stats.items);
    isle_queue_free(q);
    runtime_end();
    return 0;
}

/* --- a million -------------------------------------------------------------------------------------------------- */

static void stream_of(isle_interp from, isle_interp to, long count)
{
    char *puts = text_of("for i in range(%ld): q.put(i)", count);
    char *gets = text_of("assert sum(q.get() for _ in range(%ld)) == %ld", count, count * (count - 1) / 2);
    isle_job *a = submit(from, puts, ISLE_FOREVER), *b = submit(to, gets, ISLE_FOREVER);
    check_status(isle_job_wait(a, isle_deadline_in(120 * ISLE_SECOND)), ISLE_OK, NULL);
    check_status(wait_for(a, NULL), ISLE_OK, NULL);
    check_status(wait_for(b, NULL), ISLE_OK, NULL);
    free(puts);
    free(gets);
}

static int million(const char *arg)
{
    (void)arg;
    long count = number_from_env("ISLES_STRESS", sanitized() ? 50000 : 1000000);
    runtime_begin(NULL);
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q;
    isle_queue_stats stats = {.size = sizeof stats};
    config.name = "million";
    config.max_items = 1000;
    check_status(isle_queue_create(&config, &q, NULL), ISLE_OK, NULL);
    isle_interp from = create(NULL), to = create(NULL);
    run(from, "import isles\nq = isles.find_queue('million')");
    run(to, "import isles\nq = isles.find_queue('million')");
    stream_of(from, to, count / 20);
    long before = resident_kib();
    int64_t began = isle_now();
    stream_of(from, to, count);
    long grown = resident_kib() - before;
    printf("%ld messages: %.0f ms, %ld KiB more\n", count, MS(isle_now() - began), grown);
    check(sanitized() || grown < 1024); /* a byte for each message would be as much */
    isle_queue_get_stats(q, &stats);
    check(stats.put == stats.got && stats.items == 0 && stats.bytes == 0);
    end(from);
    end(to);
    isle_queue_free(q);
    runtime_end();
    return 0;
}

static void in_child(const char *name)
{
    char *out = child_expect(name, "", 240 * ISLE_SECOND, 0);
    printf("%s", out);
    free(out);
}

static void test_every_message_is_accounted_for(void **state)
{
    (void)state;
    in_child("storm");
}

static void test_producers_are_killed(void **state)
{
    (void)state;
    in_child("killed");
}

static void test_a_million_messages_leave_nothing(void **state)
{
    (void)state;
    in_child("million");
}

int main(int argc, char **argv)
{
    static const child children[] = {{"storm", storm}, {"killed", killed}, {"million", million}, {NULL, NULL}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_is_accounted_for),
        cmocka_unit_test(test_producers_are_killed),
        cmocka_unit_test(test_a_million_messages_leave_nothing),
    };
    child_main(argc, argv, children);
    testing_begins();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
