/* Threads. plat_thread_start gives one to its caller, who joins or detaches it once. Signals are the host's business:
 * a thread of ours takes none but those that its own instructions cause; one that runs foreign code is to signals
 * what a thread of the host is. */
#include "fault.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 16 /* the kernel's, with the NUL */

typedef struct start {
    plat_thread_fn fn;
    void *arg;
    char name[NAME_SIZE];
} start;

static void *run(void *start_of_thread)
{
    start s = *(start *)start_of_thread;
    plat_free(start_of_thread);
#ifdef __linux__
    pthread_setname_np(pthread_self(), s.name);
#endif
    s.fn(s.arg);
    return NULL;
}

/* A thread of our own handles no signal at all. */
static void block_all(sigset_t *mask)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(mask);
    for (size_t i = 0; i < sizeof(synchronous) / sizeof(synchronous[0]); i++) {
        sigdelset(mask, synchronous[i]);
    }
}

/* A write to a closed pipe must be an error of the code that wrote, not the end of the process. */
static void block_if_deadly(sigset_t *mask, int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        sigaddset(mask, number);
    }
}

/* One that runs foreign code has the mask of its maker, as a thread of the host would: the processes which that code
 * starts inherit it, and must not find SIGTERM blocked. */
static void mask_for_thread(sigset_t *mask, const sigset_t *maker, int wanted_signal)
{
    if (wanted_signal == 0) {
        block_all(mask);
        return;
    }
    *mask = *maker;
    block_if_deadly(mask, SIGPIPE);
    block_if_deadly(mask, SIGXFSZ);
    sigdelset(mask, wanted_signal);
}

static int set_stack_size(pthread_attr_t *attr, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t least = (size_t)PTHREAD_STACK_MIN;
    if (size < least) {
        size = least;
    }
    if (size > SIZE_MAX - page) {
        return EINVAL;
    }
    return pthread_attr_setstacksize(attr, (size + page - 1) / page * page);
}

/* The new thread inherits the mask of the one that makes it, so no signal can slip in before it sets its own. */
static int create(pthread_t *id, const pthread_attr_t *attr, int wanted_signal, start *s)
{
    sigset_t mask, old;
    pthread_sigmask(SIG_SETMASK, NULL, &old);
    mask_for_thread(&mask, &old, wanted_signal);
    int rc = pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (rc != 0) {
        return rc;
    }
    plat_own *own = plat_own_enter(NULL); /* where the interposition has threads inherit it: ours are in none */
    rc = plat_fault_hit() ? EAGAIN : pthread_create(id, attr, run, s);
    plat_own_enter(own);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int plat_thread_start(plat_thread *out_thread, const char *name, size_t stack_size, int wanted_signal,
                      plat_thread_fn fn, void *arg)
{
    start *s = plat_calloc(1, sizeof(*s));
    if (!s) {
        return ENOMEM;
    }
    s->fn = fn;
    s->arg = arg;
    if (name) {
        memcpy(s->name, name, strnlen(name, NAME_SIZE - 1));
    }
    pthread_attr_t attr;
    int rc = pthread_attr_init(&attr);
    if (rc != 0) {
        plat_free(s);
        return rc;
    }
    pthread_t id;
    rc = set_stack_size(&attr, stack_size);
    if (rc == 0) {
        rc = create(&id, &attr, wanted_signal, s);
    }
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        plat_free(s);
        return rc;
    }
    out_thread->id = id;
    return 0;
}

void plat_thread_join(plat_thread thread)
{
    pthread_join(thread.id, NULL);
}

void plat_thread_detach(plat_thread thread)
{
    pthread_detach(thread.id);
}
