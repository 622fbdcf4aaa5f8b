/* Locks and conditions. A failure here is a broken invariant (a lock that was destroyed, or never made), and going on
 * would lose a wake-up: the process ends with a message. Any thread. */
#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "isles: %s: %s\n", what, strerror(rc));
        abort();
    }
}

/* What a lock of Isles guards is short: on another core, looking again costs less than going to sleep and being woken.
 * glibc looks up to a hundred times (PTHREAD_MUTEX_ADAPTIVE_NP), not at all where there is one core. */
void plat_lock_init(plat_lock *lock)
{
    pthread_mutexattr_t attr;
    must(pthread_mutexattr_init(&attr), "plat_lock_init");
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP), "plat_lock_init");
#endif
    must(pthread_mutex_init(&lock->mutex, &attr), "plat_lock_init");
    pthread_mutexattr_destroy(&attr);
}

void plat_lock_destroy(plat_lock *lock)
{
    must(pthread_mutex_destroy(&lock->mutex), "plat_lock_destroy");
}

void plat_lock_take(plat_lock *lock)
{
    must(pthread_mutex_lock(&lock->mutex), "plat_lock_take");
}

void plat_lock_give(plat_lock *lock)
{
    must(pthread_mutex_unlock(&lock->mutex), "plat_lock_give");
}

void plat_cond_init(plat_cond *cond)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "plat_cond_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "plat_cond_init");
    must(pthread_cond_init(&cond->cond, &attr), "plat_cond_init");
    pthread_condattr_destroy(&attr);
}

void plat_cond_destroy(plat_cond *cond)
{
    must(pthread_cond_destroy(&cond->cond), "plat_cond_destroy");
}

bool plat_cond_wait(plat_cond *cond, plat_lock *lock, int64_t deadline)
{
    if (deadline == PLAT_FOREVER) {
        must(pthread_cond_wait(&cond->cond, &lock->mutex), "plat_cond_wait");
        return true;
    }
    if (deadline < 0) {
        deadline = 0; /* a time before the clock's beginning has passed too */
    }
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000)};
    int rc = pthread_cond_timedwait(&cond->cond, &lock->mutex, &until);
    if (rc == ETIMEDOUT) {
        return false;
    }
    must(rc, "plat_cond_wait");
    return true;
}

void plat_cond_wake_one(plat_cond *cond)
{
    must(pthread_cond_signal(&cond->cond), "plat_cond_wake_one");
}

void plat_cond_wake_all(plat_cond *cond)
{
    must(pthread_cond_broadcast(&cond->cond), "plat_cond_wake_all");
}
