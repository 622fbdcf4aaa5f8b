/* What the OS gives, in one header: memory, clocks, locks, wake-ups and threads. A port implements this file's
 * functions and nothing else. Nothing of Isles is known here.
 *
 * Every allocation and thread creation of src/ goes through here, so that a test build (ISLES_FAULTS) can make
 * the n-th one fail. */
#ifndef ISLES_PLATFORM_H
#define ISLES_PLATFORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a thread, and never allocated lazily: it may be read in a signal handler. */
#define PLAT_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

/* --- memory: NULL when out of memory. plat_free takes NULL. ------------------------------------------------ */
void *plat_malloc(size_t size);
void *plat_calloc(size_t count, size_t size);
void *plat_realloc(void *old, size_t size);
char *plat_strdup(const char *text);                 /* plat_strdup(NULL) is NULL */
char *plat_strndup(const char *text, size_t len);
char *plat_printf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* free with plat_free */
void plat_free(void *memory);
/* Memory that one thread takes and another gives back, of a few sizes up to 1 KiB: cheaper than malloc() for that,
 * which it is for any other size. `*out_size`: how large it is, at least `size`. Free it with that size, or with
 * plat_free. */
void *plat_block_take(size_t size, size_t *out_size);
void plat_block_give(void *memory, size_t size); /* NULL is fine. Of another size than it was taken with: plat_free */
bool plat_blocks_are_kept(void);                 /* false: not in this build, where each allocation is to be seen */
/* Of any block that malloc() gave: how much of it can be used. Only where plat_has_block_size(). */
bool plat_has_block_size(void);
size_t plat_block_size(const void *block);
/* Has malloc() keep, for each of its arenas, between 2 and 8 MiB of what is freed at the end of it, and map only blocks
 * of 32 MiB and more by themselves. glibc's arenas of threads other than the first give such memory back and take it
 * again (7,000 page faults in 400 ms of pandas' work). For the whole process. false: left alone, since the user has set
 * malloc by the environment (mallopt(3)), or the C library is another. */
bool plat_keep_freed(void);

/* --- clocks ------------------------------------------------------------------------------------------------ */
#define PLAT_FOREVER INT64_MAX
int64_t plat_now(void);                              /* ns of CLOCK_MONOTONIC */
int64_t plat_thread_cpu(pthread_t thread);           /* ns of CPU time; -1: it has ended (but is not joined yet) */

/* --- chance: bits of the operating system's, for seeds of hash tables. Never for secrets ------------------------ */
uint64_t plat_random(void);

/* --- gate: one 32-bit word that opens once or is shut again by its owner, the only waiter then; waiting is by futex.
 * Who waits looks for up to 200 us first, where that has been worth it (spin.c). */
enum { PLAT_GATE_SHUT, PLAT_GATE_OPEN, PLAT_GATE_SLEPT_AT }; /* the last: shut, and somebody sleeps */
typedef struct plat_gate { _Atomic uint32_t open; } plat_gate;
void plat_gate_open(plat_gate *gate);                /* wakes all; async-signal-safe */
bool plat_gate_wait(plat_gate *gate, int64_t deadline); /* true: open; false: the deadline passed */
typedef enum plat_wait { PLAT_OPEN, PLAT_TIMEOUT, PLAT_INTERRUPTED } plat_wait;
/* The same, and returns when a signal handler may have run on this thread meanwhile (not in the portable fallback). */
plat_wait plat_gate_wait_interruptible(plat_gate *gate, int64_t deadline);
/* The same without a look first: for who is in no hurry. */
plat_wait plat_gate_sleep_interruptible(plat_gate *gate, int64_t deadline);
/* The two halves of plat_gate_open, for a gate that lies with its waiter and is opened under a lock: the wake-up
 * can follow when the lock is given, by the gate's address only. false: nobody sleeps, none is needed. */
bool plat_gate_set(plat_gate *gate);
void plat_gate_wake(const plat_gate *gate);
static inline bool plat_gate_is_open(const plat_gate *gate)
{
    return atomic_load_explicit(&gate->open, memory_order_acquire) == PLAT_GATE_OPEN;
}

/* --- counts of references to what is found through a list that holds none: one more, unless the last one went just
 * now (false) */
static inline bool plat_ref_if_alive(_Atomic uint32_t *refs)
{
    uint32_t seen = atomic_load(refs);
    while (seen != 0 && !atomic_compare_exchange_weak(refs, &seen, seen + 1)) {}
    return seen != 0;
}

/* --- lock and condition (CLOCK_MONOTONIC) -------------------------------------------------------------------- */
typedef struct plat_lock { pthread_mutex_t mutex; } plat_lock;
typedef struct plat_cond { pthread_cond_t cond; } plat_cond;
void plat_lock_init(plat_lock *lock);
void plat_lock_destroy(plat_lock *lock);
void plat_lock_take(plat_lock *lock);
void plat_lock_give(plat_lock *lock);
void plat_cond_init(plat_cond *cond);
void plat_cond_destroy(plat_cond *cond);
bool plat_cond_wait(plat_cond *cond, plat_lock *lock, int64_t deadline); /* false: the deadline passed */
void plat_cond_wake_one(plat_cond *cond);
void plat_cond_wake_all(plat_cond *cond);

/* --- signal: a descriptor for poll(); eventfd on Linux, else a socket ------------------------------------------- */
int plat_eventfd_create(void);                       /* -1 and errno; end it with plat_descriptor_close() */
void plat_eventfd_set(int fd);                       /* makes it readable, for good; async-signal-safe */
/* One that can be made unreadable again. Each call changes it: call them by turns, under the caller's lock. */
int plat_levelfd_create(void);
void plat_levelfd_set(int fd);
void plat_levelfd_clear(int fd);

/* --- tables of descriptors (Linux; elsewhere a process has one: ENOSYS). The descriptors above always lie in the
 * process's, and are made, set, cleared and closed there, whoever asks --------------------------------------------- */
int plat_descriptors_prepare(void);                  /* first, by a thread of the process's table; 0 or an errno */
/* Gives the calling thread, and those that it starts, a table with these alone, at their numbers; 0 or an errno. */
int plat_descriptors_own(const int *keep, size_t count);
bool plat_descriptors_are_own(void);                 /* of the calling thread */
int plat_descriptor_here(int fd);                    /* a duplicate of one of those, in this table; -1 and errno */
void plat_descriptor_close(int fd);                  /* of those above, in place of close() */
uint64_t plat_descriptors_count(int32_t thread);     /* open in that thread's table; 0: the system does not tell */
typedef int (*plat_descriptor_work)(int fd);
int plat_descriptors_ask(plat_descriptor_work work, int fd); /* has it done in the process's table, and waits */

/* --- threads ---------------------------------------------------------------------------------------------- */
typedef void (*plat_thread_fn)(void *arg);
typedef struct plat_thread { pthread_t id; } plat_thread;
/* Name: up to 15 characters are kept. Returns 0 or an errno. All signals but the synchronous ones are blocked in
 * it. With a `wanted_signal` (not 0) it is a thread for foreign code: that signal is not blocked, SIGPIPE and
 * SIGXFSZ are where they would end the process, and the rest is as in the calling thread, since processes that the
 * code starts inherit it. */
int plat_thread_start(plat_thread *out_thread, const char *name, size_t stack_size, int wanted_signal,
                      plat_thread_fn fn, void *arg);
void plat_thread_join(plat_thread thread);
void plat_thread_detach(plat_thread thread);

/* A thread by the kernel's id: safe to signal when it may have ended, which a pthread_t is not. Linux only;
 * elsewhere the id is 0 and signalling fails with ENOSYS. `value` arrives as si_value.sival_ptr with si_code
 * SI_QUEUE. */
typedef int32_t plat_kernel_id;
plat_kernel_id plat_kernel_id_self(void);
int plat_kernel_id_signal(plat_kernel_id thread, int signal_number, void *value); /* 0 or an errno (ESRCH) */

/* --- what a thread may have for itself ------------------------------------------------------------------------ */
/* From here on the calling thread has its own working directory, umask and root, and so have the threads and processes
 * that it starts. 0 or an errno: ENOSYS where the system has no such thing, EPERM where it forbids it. */
int plat_own_fs(void);
typedef struct plat_own_things { int fs, descriptors; } plat_own_things; /* 0, or an errno why not */
plat_own_things plat_probe_own(void);                /* what plat_own_fs and plat_descriptors_own would say */

/* A locale, and environment variables for native code, that threads have in place of the process's: those that entered
 * it, and those that they start where plat_threads_inherit or the interposition sees to it. Counted: each such thread
 * keeps a reference, too. */
typedef struct plat_own plat_own;
plat_own *plat_own_new(void);                        /* with nothing of its own; one reference. NULL: no memory */
void plat_own_ref(plat_own *own);
void plat_own_unref(plat_own *own);                  /* takes NULL */
plat_own *plat_own_enter(plat_own *own);             /* the calling thread; NULL: in none. Returns what it was in.
                                                        Borrowed, both */
plat_own *plat_own_of_thread(void);                  /* borrowed */

/* Locales (glibc). Any thread. */
const char *plat_locale_reason(void);                /* why no thread can have its own; NULL: they can */
int plat_locale_own(plat_own *own, const char *name); /* NULL: the calling thread's, as it is now. 0 or an errno:
                                                        ENOENT: there is none of that name */
bool plat_locale_is_own(const plat_own *own);        /* takes NULL */
bool plat_locale_category(size_t index, int *out_number, const char **out_name); /* false: past the last */
/* As setlocale() and localeconv() do, for the calling thread: of its own, of the process one at a time. Their answers
 * stay valid: setlocale's until the next change, localeconv's until the thread's next call. */
char *plat_setlocale(int category, const char *name);
struct lconv *plat_localeconv(void);
/* Calls of a function by name from the object (program or library) in which `code` lies go to `ours`. 0 or an errno:
 * ENOENT: it has none. The process's own function is what dlsym finds. */
int plat_relink(const void *code, const char *name, void *ours);
int plat_relink_locale(const void *code);            /* setlocale and localeconv, whichever it calls */
int plat_threads_inherit(const void *code);          /* the threads that code there starts */

/* Environment variables of native code: only where libisles-interpose is linked with the program (src/interpose/). */
bool plat_interposed(void);                          /* the first call looks, and tells it where to ask */
int plat_variables_own(plat_own *own);               /* 0 or an errno */
int plat_variable_set(plat_own *own, const char *name, const char *value); /* NULL: removed; 0 or an errno */
void plat_variables_clear(plat_own *own);
uint64_t plat_variables_changes(plat_own *own);      /* how often native code has changed them */
typedef int (*plat_variable_fn)(void *ctx, const char *name, const char *value);
int plat_variables_visit(plat_own *own, plat_variable_fn fn, void *ctx); /* until it returns another number than 0;
                                                        under their lock: it must not call any of these */

#ifdef ISLES_FAULTS
/* Makes the n-th allocation, thread or eventfd creation from now (from 1) fail once; 0: none. */
void plat_fault_set(long n);
long plat_fault_count(void);                         /* how many there were since plat_fault_set */
long plat_live_count(void);                          /* allocations that were not freed yet */
#endif

#endif
