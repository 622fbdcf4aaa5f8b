/* Gates: one word that opens once. Whoever opens it may see it freed by
 * a waiter the moment the word is set, so nothing here reads the gate after that: the wake-up goes by the word's
 * address only (on Linux a futex; waking an address that is no longer in use wakes nobody, or someone who looks
 * again and waits on).
 *
 * Elsewhere (or with PLAT_PORTABLE, for the tests) waiters sleep on one of a few locks and conditions picked by the
 * gate's address. There plat_gate_open is not async-signal-safe. */
#include "platform.h"

#include "spin.h"

#include <limits.h>
#include <time.h>

static struct timespec timespec_of(int64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    return t;
}

#if defined(__linux__) && !defined(PLAT_PORTABLE)

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

bool plat_gate_set(plat_gate *gate)
{
    return atomic_exchange_explicit(&gate->open, PLAT_GATE_OPEN, memory_order_acq_rel) == PLAT_GATE_SLEPT_AT;
}

void plat_gate_wake(const plat_gate *gate)
{
    int saved = errno; /* a signal handler may call us */
    syscall(SYS_futex, &gate->open, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

void plat_gate_open(plat_gate *gate)
{
    if (plat_gate_set(gate)) {
        plat_gate_wake(gate);
    }
}

plat_wait plat_gate_sleep_interruptible(plat_gate *gate, int64_t deadline)
{
    struct timespec until = timespec_of(deadline > 0 ? deadline : 0);
    const struct timespec *timeout = deadline == PLAT_FOREVER ? NULL : &until;
    while (!plat_gate_is_open(gate)) {
        if (deadline <= 0) {
            return PLAT_TIMEOUT;
        }
        uint32_t shut = PLAT_GATE_SHUT;
        atomic_compare_exchange_strong(&gate->open, &shut, PLAT_GATE_SLEPT_AT);
        /* _BITSET: its timeout is a point on CLOCK_MONOTONIC, not a length of time */
        long rc = syscall(SYS_futex, &gate->open, FUTEX_WAIT_BITSET_PRIVATE, PLAT_GATE_SLEPT_AT, timeout, NULL,
                          FUTEX_BITSET_MATCH_ANY);
        if (rc == -1 && errno != EAGAIN) {
            return plat_gate_is_open(gate) ? PLAT_OPEN : errno == EINTR ? PLAT_INTERRUPTED : PLAT_TIMEOUT;
        }
    }
    return PLAT_OPEN;
}

plat_wait plat_gate_wait_interruptible(plat_gate *gate, int64_t deadline)
{
    if (plat_gate_is_open(gate)) {
        return PLAT_OPEN;
    }
    spin_result seen = deadline > 0 ? spin_before_sleep(gate, deadline) : SPIN_NOT_WANTED;
    if (seen == SPIN_OPEN) {
        return PLAT_OPEN;
    }
    if (seen == SPIN_IN_VAIN) {
        return PLAT_INTERRUPTED; /* perhaps: a signal that came meanwhile would be slept through */
    }
    int64_t began = plat_now();
    plat_wait result = plat_gate_sleep_interruptible(gate, deadline);
    if (result == PLAT_OPEN) {
        spin_learn_from_sleep(plat_now() - began);
    }
    return result;
}

bool plat_gate_wait(plat_gate *gate, int64_t deadline)
{
    plat_wait result;
    do {
        result = plat_gate_wait_interruptible(gate, deadline);
    } while (result == PLAT_INTERRUPTED);
    return result == PLAT_OPEN;
}

#else

#include <errno.h>

#define BUCKETS 16

static struct bucket {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
} buckets[BUCKETS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_buckets(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    for (int i = 0; i < BUCKETS; i++) {
        pthread_mutex_init(&buckets[i].mutex, NULL);
        pthread_cond_init(&buckets[i].cond, &attr);
    }
    pthread_condattr_destroy(&attr);
}

static struct bucket *bucket_of(const plat_gate *gate)
{
    pthread_once(&once, init_buckets);
    return &buckets[(uintptr_t)gate / sizeof(*gate) % BUCKETS];
}

bool plat_gate_set(plat_gate *gate)
{
    struct bucket *bucket = bucket_of(gate);
    pthread_mutex_lock(&bucket->mutex); /* or a waiter that has just looked would sleep through the wake-up */
    atomic_store_explicit(&gate->open, PLAT_GATE_OPEN, memory_order_release);
    pthread_mutex_unlock(&bucket->mutex);
    return true;
}

void plat_gate_wake(const plat_gate *gate)
{
    pthread_cond_broadcast(&bucket_of(gate)->cond);
}

void plat_gate_open(plat_gate *gate)
{
    plat_gate_set(gate);
    plat_gate_wake(gate);
}

plat_wait plat_gate_wait_interruptible(plat_gate *gate, int64_t deadline)
{
    return plat_gate_wait(gate, deadline) ? PLAT_OPEN : PLAT_TIMEOUT;
}

plat_wait plat_gate_sleep_interruptible(plat_gate *gate, int64_t deadline)
{
    return plat_gate_wait_interruptible(gate, deadline);
}

bool plat_gate_wait(plat_gate *gate, int64_t deadline)
{
    if (deadline <= 0 || plat_gate_is_open(gate)) {
        return plat_gate_is_open(gate);
    }
    struct bucket *bucket = bucket_of(gate);
    struct timespec until = timespec_of(deadline);
    int rc = 0;
    pthread_mutex_lock(&bucket->mutex);
    while (!plat_gate_is_open(gate) && rc != ETIMEDOUT) {
        rc = deadline == PLAT_FOREVER ? pthread_cond_wait(&bucket->cond, &bucket->mutex)
                                      : pthread_cond_timedwait(&bucket->cond, &bucket->mutex, &until);
    }
    bool open = plat_gate_is_open(gate);
    pthread_mutex_unlock(&bucket->mutex);
    return open;
}

#endif
