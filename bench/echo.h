/* A C thread that adds one to what it is asked, woken by a futex: nobody who sleeps could be answered faster. What
 * calls and messages are compared with. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* --- a word that one thread sets and another waits for, by futex ------------------------------------------------- */
void word_set(_Atomic uint32_t *word, uint32_t value);
void word_wait_while(_Atomic uint32_t *word, uint32_t value);

struct echo {
    pthread_t thread;
    _Atomic uint32_t asked, answered;
    int64_t number; /* below 0: end */
};

bool echo_start(struct echo *e); /* false: no thread */
/* One thread at a time. A number below 0 ends it. */
int64_t echo_call(struct echo *e, int64_t number);

#endif
