/* Build and run:
 *   cc pool.c -o pool_host $(pkg-config --cflags --libs isles) -pthread && ./pool_host
 *
 * A service that runs a small script for each request, in an interpreter that no other request uses meanwhile. To make
 * one takes milliseconds, and more with imports, so a pool keeps four of them ready, with the imports done. Two worker
 * threads serve 40 requests. Each request leaves a global variable and an imported module behind; the next one to get
 * that interpreter does not find them, since the pool resets it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>

enum { WORKERS = 2, REQUESTS_EACH = 20 };

typedef struct worker {
    pthread_t thread;
    isle_pool *pool;
    int64_t first;
    int served;
    int64_t acquire_ns[REQUESTS_EACH];
} worker;

/* What a request runs. It fails if it finds anything of an earlier one. */
static const char script[] =
    "import sys\n"
    "assert 'leftover' not in globals() and 'colorsys' not in sys.modules, 'an earlier request is still here'\n"
    "assert 'json' in sys.modules, 'the warm-up was not done'\n"
    "import colorsys\n"
    "leftover = json.dumps({'square': request * request})\n";

static bool run_request(isle_interp interp, int64_t request, isle_error **err)
{
    int64_t deadline = isle_deadline_in(10 * ISLE_SECOND);
    isle_value *number = isle_value_new_int(request), *answer = NULL;
    char expected[64];
    snprintf(expected, sizeof expected, "{\"square\": %lld}", (long long)(request * request));
    isle_value *wanted = isle_value_new_str(expected);
    bool good = isle_interp_set_global(interp, "request", number, deadline, err) == ISLE_OK &&
                isle_interp_run(interp, script, deadline, err) == ISLE_OK &&
                isle_interp_get_global(interp, "leftover", deadline, &answer, err) == ISLE_OK &&
                isle_value_equal(answer, wanted);
    isle_value_free(number);
    isle_value_free(answer);
    isle_value_free(wanted);
    return good;
}

static void *work(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < REQUESTS_EACH; i++) {
        isle_interp interp;
        isle_error *err = NULL;
        int64_t began = isle_now();
        if (isle_pool_acquire(w->pool, isle_deadline_in(30 * ISLE_SECOND), &interp, &err) != ISLE_OK) {
            fprintf(stderr, "acquire: %s\n", isle_error_text(err));
            isle_error_free(err);
            return NULL;
        }
        w->acquire_ns[i] = isle_now() - began;
        bool good = run_request(interp, w->first + i, &err);
        if (err != NULL) {
            fputs(isle_error_text(err), stderr);
            isle_error_free(err);
        }
        isle_pool_release(w->pool, interp);
        w->served += good;
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int serve(isle_pool *pool)
{
    worker workers[WORKERS];
    int64_t waits[WORKERS * REQUESTS_EACH];
    int served = 0, started = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.pool = pool, .first = (int64_t)i * REQUESTS_EACH};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        served += workers[i].served;
        memcpy(waits + i * REQUESTS_EACH, workers[i].acquire_ns, sizeof workers[i].acquire_ns);
    }
    qsort(waits, (size_t)started * REQUESTS_EACH, sizeof *waits, by_size);
    printf("%d requests served; half of them got an interpreter within %.1f µs\n", served,
           started > 0 ? (double)waits[started * REQUESTS_EACH / 2] / 1000 : 0.0);
    return served;
}

int main(void)
{
    isle_runtime *runtime = NULL;
    isle_pool *pool = NULL;
    isle_error *err = NULL;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 2 * WORKERS; /* while some are in use, others are made fit again */
    config.reuse = ISLE_REUSE_RESET;
    config.warm_up = "import json";

    bool good = false;
    if (isle_runtime_start(NULL, &runtime, &err) == ISLE_OK &&
        isle_pool_create(runtime, &config, &pool, &err) == ISLE_OK) {
        int served = serve(pool);
        isle_pool_stats stats = {.size = sizeof stats};
        isle_pool_get_stats(pool, &stats);
        printf("interpreters made: %llu, handed out: %llu times\n", (unsigned long long)stats.created,
               (unsigned long long)stats.acquired);
        good = served == WORKERS * REQUESTS_EACH && stats.acquired == (uint64_t)served &&
               stats.created <= config.capacity;
    }
    if (err != NULL) {
        fprintf(stderr, "%s\n", isle_error_text(err));
        isle_error_free(err);
    }
    good = isle_pool_destroy(pool, isle_deadline_in(10 * ISLE_SECOND), NULL) == ISLE_OK && good;
    good = isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL) == ISLE_OK && good;
    return good ? 0 : 1;
}
