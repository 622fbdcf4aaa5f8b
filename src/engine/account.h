/* The account of one interpreter: the memory that its Python allocations hold, its threads and their CPU time.
 *
 * Whose an allocation is   the interpreter's that the thread is attached to; on a home thread that is attached to
 *                          nothing, its own. The main interpreter has no account.
 * Threads                  any. One leaf lock for what is seldom done; the bytes are counted without a lock.
 * Lifetime                 until its interpreter is freed, its threads have ended and its last byte is given back:
 *                          CPython frees some blocks after the interpreter, and 3.13 some never. */
#ifndef ISLES_ENGINE_ACCOUNT_H
#define ISLES_ENGINE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "python.h"

typedef struct account account;

/* --- what a thread keeps of its account's memory; only the thread itself changes it ------------------------------- */

enum { PURSE_SIZES = 16, PURSE_DEPTH = 16 };

typedef struct account_purse {
    account *owner;
    const _Atomic(const PyInterpreterState *) *state; /* ... that the account is of */
    _Atomic int64_t credit;                           /* bytes that are counted and in no block that is in use */
    void *kept[PURSE_SIZES]; /* free blocks, by their size; each begins with the next (memory.c) */
    uint8_t count[PURSE_SIZES];
} account_purse;

extern PLAT_THREAD_LOCAL account_purse *account_here; /* NULL: the thread has none, or is at its end */

static inline int64_t purse_credit(const account_purse *p)
{
    return atomic_load_explicit(&p->credit, memory_order_relaxed);
}

static inline void purse_set_credit(account_purse *p, int64_t bytes)
{
    atomic_store_explicit(&p->credit, bytes, memory_order_relaxed);
}

void memory_free_kept(account_purse *p); /* memory.c */

account *account_new(engine_interp *interp, bool counts_memory); /* NULL: no memory */
void account_free(account *a);                                   /* NULL is fine */
/* Its threads are found by that; NULL: no more are. `a` may be NULL. */
void account_set_state(account *a, void *state);

/* Any thread. NULL, or why memory can't be limited (then it is not; threads are). */
const char *account_set_limits(account *a, isle_limit memory_bytes, isle_limit threads);
void account_get_usage(account *a, engine_usage *out); /* memory, CPU time, threads */

/* --- memory; `a` may be NULL ----------------------------------------------------------------------------------- */

account *account_of_thread(void);                      /* whom the calling thread allocates for; NULL: nobody counts */
bool account_charge(account *a, size_t bytes);         /* false: over its limit, nothing was counted */
bool account_charge_if_room(account *a, size_t bytes); /* the same; a refusal is none, since there is another way */
void account_charge_freely(account *a, size_t bytes);
void account_give_back(account *a, size_t bytes);    /* may free it */
void account_count_small(account *a, int64_t bytes); /* of those bytes, in arenas: more or fewer */
/* While it is so, the limit is 4 MiB higher: to describe the exception, to flush, to end. Afterwards as much as is
 * needed for 1 MiB of room. */
void account_relax(account *a, bool on);
bool account_was_denied(account *a); /* ... an allocation, since it was last asked */

/* --- threads --------------------------------------------------------------------------------------------------- */

/* Attached: another thread is to be started. -1 with an exception set: the interpreter has as many as it may. */
int account_before_thread(void);
bool account_add_home(account *a); /* the calling thread; its CPU time counts from now on. false: no memory */

/* --- maps ------------------------------------------------------------------------------------------------------- */

/* Attached: mmap.mmap is called; args as its audit event has them. Anonymous memory is not counted, but one map that
 * alone is more than is left is refused. -1 with an exception set. */
int account_before_map(PyObject *args);

#endif
