/* Clocks. Any thread. */
#include "platform.h"

#include <time.h>

static int64_t in_ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int64_t plat_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail: the clock exists on every system that we build for */
    return in_ns(&t);
}

/* A pthread_t that was joined, or was detached and has ended, names nothing: its owner asks before that. */
int64_t plat_thread_cpu(pthread_t thread)
{
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        return -1;
    }
    return in_ns(&t);
}
