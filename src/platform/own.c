/* What a thread is in (plat_own): entered, left, and inherited by the threads that it starts. Each thread knows its
 * own; one that inherited it keeps a reference until its last key destructor has run, so what it is in outlives it.
 * Here is what any system can do; locales and variables are in linux/. */
#include "own.h"

#include <errno.h>
#include <stdlib.h>

#include "fault.h"

static _Thread_local plat_own *of_thread;

plat_own *plat_own_new(void)
{
    plat_own *own = plat_calloc(1, sizeof *own);
    if (own != NULL) {
        atomic_init(&own->refs, 1);
    }
    return own;
}

void plat_own_ref(plat_own *own)
{
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
}

void plat_own_unref(plat_own *own)
{
    if (own != NULL && atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) == 1) {
        own_locale_free(own->locale);
        own_variables_free(own->variables);
        plat_free(own);
    }
}

plat_own *plat_own_of_thread(void)
{
    return of_thread;
}

plat_own *plat_own_enter(plat_own *own)
{
    plat_own *before = of_thread;
    if (own != before) {
        of_thread = own;
        own_locale_use(own, before == NULL);
    }
    return before;
}

void *own_keep(size_t size)
{
    return plat_fault_hit() ? NULL : malloc(size);
}

void own_keep_not(void *memory)
{
    free(memory);
}

/* --- threads that it starts ------------------------------------------------------------------------------------- */

struct own_start {
    void *(*fn)(void *);
    void *arg;
    plat_own *own;
};

static pthread_key_t inherited;

static void leave(void *own)
{
    plat_own_enter(NULL);
    plat_own_unref(own);
}

static void make_key(void)
{
    if (pthread_key_create(&inherited, leave) != 0) {
        inherited = (pthread_key_t)-1;
    }
}

static void *run(void *arg)
{
    own_start start = *(own_start *)arg;
    plat_free(arg);
    plat_own_enter(start.own);
    pthread_setspecific(inherited, start.own); /* where that fails what it is in is never freed */
    return start.fn(start.arg);
}

int own_start_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg,
                     int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (of_thread == NULL) {
        return create(thread, attr, fn, arg);
    }
    pthread_once(&once, make_key);
    own_start *start = inherited != (pthread_key_t)-1 ? plat_malloc(sizeof *start) : NULL;
    if (start == NULL) {
        return EAGAIN;
    }
    plat_own_ref(of_thread);
    *start = (own_start){.fn = fn, .arg = arg, .own = of_thread};
    int error = create(thread, attr, run, start);
    if (error != 0) {
        plat_own_unref(start->own);
        plat_free(start);
    }
    return error;
}
