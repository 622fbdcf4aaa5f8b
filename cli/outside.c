/* A thread that makes one call after the other for those who wait. All state is under the lock. */
#include "outside.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "text.h"

struct call {
    void (*fn)(void *);
    void *arg;
    bool done;
};

struct outside {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct call *call; /* the caller's; NULL: none */
    bool ending;
};

static void *work(void *argument)
{
    struct outside *o = argument;
    pthread_mutex_lock(&o->lock);
    while (!o->ending) {
        if (o->call == NULL || o->call->done) {
            pthread_cond_wait(&o->changed, &o->lock);
            continue;
        }
        struct call *call = o->call;
        pthread_mutex_unlock(&o->lock);
        call->fn(call->arg);
        pthread_mutex_lock(&o->lock);
        call->done = true;
        pthread_cond_broadcast(&o->changed);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

struct outside *outside_new(void)
{
    struct outside *o = text_alloc(sizeof *o);
    *o = (struct outside){.call = NULL};
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    if (pthread_create(&o->thread, NULL, work, o) != 0) {
        pthread_cond_destroy(&o->changed);
        pthread_mutex_destroy(&o->lock);
        free(o);
        return NULL;
    }
    return o;
}

void outside_run(struct outside *o, void (*fn)(void *), void *arg)
{
    struct call mine = {.fn = fn, .arg = arg};
    pthread_mutex_lock(&o->lock);
    while (o->call != NULL) {
        pthread_cond_wait(&o->changed, &o->lock);
    }
    o->call = &mine;
    pthread_cond_broadcast(&o->changed);
    while (!mine.done) {
        pthread_cond_wait(&o->changed, &o->lock);
    }
    o->call = NULL;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

void outside_free(struct outside *o)
{
    if (o == NULL) {
        return;
    }
    pthread_mutex_lock(&o->lock);
    o->ending = true;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}
