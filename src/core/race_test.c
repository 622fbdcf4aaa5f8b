/* Races: jobs that end by themselves, by their deadline, by being cancelled and by their interpreter's end, all at
 * once. Each must end once, and whoever waits must wake. Bounded in time; most telling under the thread sanitizer. */
#include <pthread.h>

#include "platform.h"
#include "testing/core_testing.h"

#define THREADS 8
#define FOR_NS (700 * ISLE_MS)

static int64_t stop_at;
static _Atomic uint64_t shared; /* an interpreter that all use, or 0 */
static _Atomic uint64_t submitted;

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static bool is_possible(isle_status status)
{
    return status == ISLE_OK || status == ISLE_ERR_CANCELLED || status == ISLE_ERR_TIMEOUT || status == ISLE_ERR_ENDED;
}

/* One job: submitted, perhaps cancelled, always waited for. */
static void one_job(isle_interp it, unsigned *seed)
{
    static const char *const sources[] = {"ok", "ok", "sleep 1", "spin", "finish"};
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    unsigned source = next_random(seed) % 5;
    config.target = sources[source];
    bool lasts = source >= 3;
    if (lasts || next_random(seed) % 2) {
        config.deadline = isle_deadline_in(next_random(seed) % 3000 * 1000);
    }
    isle_status status = isle_job_submit(it, &config, &job, NULL);
    check(status == ISLE_OK || status == ISLE_ERR_NO_INTERP);
    if (status != ISLE_OK) {
        return;
    }
    atomic_fetch_add(&submitted, 1);
    if (next_random(seed) % 3 == 0) {
        isle_job_fd(job);
    }
    if (next_random(seed) % 3 == 0) {
        isle_job_cancel(job);
    }
    isle_status waited = isle_job_wait(job, isle_deadline_in(next_random(seed) % 2000 * 1000));
    check(waited == ISLE_OK || waited == ISLE_ERR_TIMEOUT);
    if (waited == ISLE_ERR_TIMEOUT && next_random(seed) % 2) {
        isle_job_cancel(job);
    }
    check(is_possible(wait_for(job)));
}

static isle_interp the_shared(unsigned *seed)
{
    isle_interp it = {atomic_load(&shared)};
    if (it.id == 0 || next_random(seed) % 20 == 0) {
        isle_interp made = create(test_runtime);
        it.id = atomic_exchange(&shared, made.id);
        if (it.id != 0) {
            int64_t deadline = isle_deadline_in(next_random(seed) % 2 * ISLE_MS);
            if (next_random(seed) % 2) {
                check(isle_interp_end(it, deadline, NULL) == ISLE_OK);
            } else {
                check(isle_interp_end_later(it, deadline) == ISLE_OK);
            }
        }
        it = made;
    }
    return it;
}

static void *play(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg * 7919u + 1;
    while (isle_now() < stop_at) {
        isle_interp it = the_shared(&seed);
        isle_entry entry;
        isle_interp_stats stats = {.size = sizeof stats};
        switch (next_random(&seed) % 4) {
        case 0:
            isle_interp_run(it, "ok", ISLE_FOREVER, NULL);
            break;
        case 1:
            if (isle_interp_enter(it, &entry, NULL) == ISLE_OK) {
                isle_interp_leave(&entry);
            }
            isle_interp_get_stats(it, &stats);
            break;
        default:
            one_job(it, &seed);
        }
    }
    return NULL;
}

/* Each job that was accepted has ended once, and was told to have ended once. */
static void check_events(void)
{
    enum { MAX = 200000 };
    static unsigned char ended[MAX];
    uint64_t first = UINT64_MAX;
    size_t count = record_count();
    memset(ended, 0, sizeof ended);
    for (size_t i = 0; i < count; i++) {
        recorded r = record_at(i);
        if (r.job_id != 0 && r.job_id < first) {
            first = r.job_id;
        }
    }
    for (size_t i = 0; i < count; i++) {
        recorded r = record_at(i);
        if (r.job_id != 0 && r.job_id - first < MAX) {
            unsigned char *e = &ended[r.job_id - first];
            check(*e == 0); /* nothing comes after the end */
            *e = r.kind == ISLE_EVENT_JOB_ENDED;
        }
    }
}

static void test_every_job_ends_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    test_runtime = start_runtime();
    shared = 0;
    stop_at = isle_deadline_in(FOR_NS);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, play, (void *)i);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    stop_runtime(test_runtime);
    check_events();
    assert_true(submitted > 0);
}

/* The same, and the runtime stops in the midst of it. */
static void *play_until_refused(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg * 104729u + 1;
    isle_interp it;
    while (isle_interp_create(test_runtime, NULL, &it, NULL) == ISLE_OK) {
        for (int i = 0; i < 3; i++) {
            one_job(it, &seed);
        }
        if (next_random(&seed) % 2) {
            isle_status status = isle_interp_end(it, isle_now(), NULL);
            check(status == ISLE_OK);
        }
    }
    return NULL;
}

static void test_the_runtime_stops_in_the_midst(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        pthread_t threads[THREADS];
        plat_gate never = {0};
        test_runtime = start_runtime();
        for (size_t i = 0; i < THREADS; i++) {
            pthread_create(&threads[i], NULL, play_until_refused, (void *)(i + (size_t)round * THREADS));
        }
        plat_gate_wait(&never, isle_deadline_in(100 * ISLE_MS));
        assert_int_equal(isle_runtime_stop(test_runtime, isle_now(), NULL), ISLE_OK);
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(fake.created, fake.freed);
        check_events();
    }
}

/* A handle that several threads cancel and wait for. */
static void *cancel_and_wait(void *arg)
{
    isle_job_cancel(arg);
    check(isle_job_wait(arg, SOON) == ISLE_OK);
    return NULL;
}

static void test_one_job_cancelled_by_all(void **state)
{
    (void)state;
    test_runtime = start_runtime();
    isle_interp it = create(test_runtime);
    for (int round = 0; round < 100; round++) {
        pthread_t threads[THREADS];
        isle_job *job = submit(it, "spin", isle_deadline_in(ISLE_MS));
        for (size_t i = 0; i < THREADS; i++) {
            pthread_create(&threads[i], NULL, cancel_and_wait, job);
        }
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        isle_status status = wait_for(job);
        assert_true(status == ISLE_ERR_CANCELLED || status == ISLE_ERR_TIMEOUT);
    }
    assert_int_equal(stats_of(it).jobs_ended, 100);
    stop_runtime(test_runtime);
    check_events();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_ends_once),
        cmocka_unit_test(test_the_runtime_stops_in_the_midst),
        cmocka_unit_test(test_one_job_cancelled_by_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
