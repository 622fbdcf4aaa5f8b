/* Worker threads with one queue in order. One lock, not held while a task runs. */
#include "workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "text.h"

struct task {
    worker_fn fn;
    void *arg;
    struct task *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct task *first, **last = &first;
static bool ending;
static pthread_t *threads;
static size_t thread_count;

/* The next task; NULL: none will come any more. */
static struct task *next_task(void)
{
    pthread_mutex_lock(&lock);
    while (first == NULL && !ending) {
        pthread_cond_wait(&changed, &lock);
    }
    struct task *task = first;
    if (task != NULL) {
        first = task->next;
        last = first == NULL ? &first : last;
    }
    pthread_mutex_unlock(&lock);
    return task;
}

static void *work(void *unused)
{
    struct task *task;
    while ((task = next_task()) != NULL) {
        task->fn(task->arg);
        free(task);
    }
    return unused;
}

int workers_begin(size_t count)
{
    int error = 0;
    ending = false;
    threads = text_alloc(count * sizeof *threads);
    for (thread_count = 0; thread_count < count; thread_count++) {
        error = pthread_create(&threads[thread_count], NULL, work, NULL);
        if (error != 0) {
            break;
        }
    }
    return thread_count > 0 ? 0 : error;
}

void workers_push(worker_fn fn, void *arg)
{
    struct task *task = text_alloc(sizeof *task);
    *task = (struct task){.fn = fn, .arg = arg};
    pthread_mutex_lock(&lock);
    *last = task;
    last = &task->next;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

void workers_end(void)
{
    pthread_mutex_lock(&lock);
    ending = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    threads = NULL;
}
