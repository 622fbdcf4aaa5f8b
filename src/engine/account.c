#include "account.h"

#include "python.h"

enum { BUCKETS = 256 };
static const int64_t ALLOWANCE = 4 << 20, ROOM_AT_LEAST = 1 << 20;
static const int64_t BATCH = 32 << 10; /* bytes that a thread pays for at once, and the most it keeps is twice that */

typedef struct account_thread {
    account_purse purse;
    pthread_t id;
    int64_t began_cpu_ns;
    struct account_thread *next, **link;
} account_thread;

struct account {
    /* What blocks have and its threads keep as credit, and one more while `users` is not zero: whoever brings it to
     * zero frees the account. */
    _Atomic int64_t held;
    _Atomic int64_t small, peak;
    _Atomic int64_t mark; /* beyond it something is to be done */
    _Atomic bool ended, was_denied;
    bool counts_memory;
    _Atomic(const PyInterpreterState *) state; /* changed with the lock */

    /* guarded by the lock */
    account *next; /* of its bucket */
    engine_interp *interp;
    size_t users;                  /* the interpreter, and each thread */
    int64_t soft, hard, allowance; /* INT64_MAX: none */
    bool told_soft;
    uint64_t denied;
    isle_limit thread_limit;
    bool told_threads;
    uint64_t threads_refused;
    account_thread *threads;
    size_t thread_count, thread_peak;
    int64_t ended_cpu_ns; /* of threads that have ended */
};

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER};
static account *buckets[BUCKETS];  /* those that have a state */
static _Atomic uint64_t epoch = 1; /* another one: what a thread knows of states may be wrong */
static _Atomic int64_t left_bytes; /* held for interpreters that have ended */
static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static bool has_thread_key;

PLAT_THREAD_LOCAL account_purse *account_here;

/* What a thread that is no home thread found for its interpreter. */
static PLAT_THREAD_LOCAL struct {
    const PyInterpreterState *state;
    account *account;
    uint64_t epoch;
} seen;

/* --- lifetime --------------------------------------------------------------------------------------------------- */

static void thread_ends(void *thread);

static void make_thread_key(void)
{
    has_thread_key = pthread_key_create(&thread_key, thread_ends) == 0;
}

account *account_new(engine_interp *interp, bool counts_memory)
{
    pthread_once(&thread_key_once, make_thread_key);
    account *a = has_thread_key ? plat_calloc(1, sizeof *a) : NULL;
    if (a == NULL) {
        return NULL;
    }
    a->held = 1;
    a->mark = a->soft = a->hard = INT64_MAX;
    a->counts_memory = counts_memory;
    a->interp = interp;
    a->users = 1;
    return a;
}

/* Lock held. true: give_back(1) is to follow, without the lock. */
static bool leave(account *a)
{
    if (--a->users != 0) {
        return false;
    }
    atomic_store(&a->ended, true);
    atomic_fetch_add(&left_bytes, atomic_load(&a->held) - 1);
    return true;
}

static void lower(account *a, size_t bytes)
{
    if (atomic_fetch_sub(&a->held, (int64_t)bytes) == (int64_t)bytes) {
        plat_free(a);
    }
}

static const PyInterpreterState *state_of(const account *a)
{
    return atomic_load_explicit(&a->state, memory_order_relaxed);
}

static account **bucket_of(const void *state)
{
    return &buckets[((uintptr_t)state >> 6) % BUCKETS];
}

/* Lock held. */
static void unlist(account *a)
{
    account **link = bucket_of(state_of(a));
    while (*link != a) {
        link = &(*link)->next;
    }
    *link = a->next;
    atomic_store(&a->state, NULL);
    atomic_fetch_add(&epoch, 1);
}

void account_set_state(account *a, void *state)
{
    if (a == NULL) {
        return;
    }
    plat_lock_take(&lock);
    if (state_of(a) != NULL) {
        unlist(a);
    }
    if (state != NULL) {
        atomic_store(&a->state, state);
        a->next = *bucket_of(state);
        *bucket_of(state) = a;
        atomic_fetch_add(&epoch, 1);
    }
    plat_lock_give(&lock);
}

void account_free(account *a)
{
    if (a == NULL) {
        return;
    }
    account_set_state(a, NULL);
    plat_lock_take(&lock);
    a->interp = NULL;
    bool last = leave(a);
    plat_lock_give(&lock);
    if (last) {
        lower(a, 1);
    }
}

/* --- threads ---------------------------------------------------------------------------------------------------- */

/* Lock held. */
static void add_thread(account *a, account_thread *t, int64_t began_cpu_ns)
{
    *t = (account_thread){.id = pthread_self(), .began_cpu_ns = began_cpu_ns, .next = a->threads};
    t->purse.owner = a;
    t->purse.state = &a->state;
    t->link = &a->threads;
    if (t->next != NULL) {
        t->next->link = &t->next;
    }
    a->threads = t;
    account_here = &t->purse;
    if (++a->thread_count > a->thread_peak) {
        a->thread_peak = a->thread_count;
    }
    a->users++;
}

/* pthread's destructor, on that thread: the last that it does. */
static void thread_ends(void *thread)
{
    account_thread *t = thread;
    account *a = t->purse.owner;
    account_here = NULL;
    memory_free_kept(&t->purse);
    lower(a, (size_t)atomic_exchange(&t->purse.credit, 0)); /* never its last bytes: this thread is a user */
    plat_lock_take(&lock);
    a->ended_cpu_ns += plat_thread_cpu(t->id) - t->began_cpu_ns;
    *t->link = t->next;
    if (t->next != NULL) {
        t->next->link = t->link;
    }
    a->thread_count--;
    bool last = leave(a);
    plat_lock_give(&lock);
    plat_free(t);
    if (last) {
        lower(a, 1);
    }
}

bool account_add_home(account *a)
{
    account_thread *t = plat_malloc(sizeof *t);
    if (t == NULL || pthread_setspecific(thread_key, t) != 0) {
        plat_free(t);
        return false;
    }
    plat_lock_take(&lock);
    add_thread(a, t, plat_thread_cpu(pthread_self()));
    plat_lock_give(&lock);
    return true;
}

/* A thread that Python started is noted with its first allocation, which its first frame needs. */
static account *look_up(const PyThreadState *current)
{
    bool is_new = threads_started_by_python(current) && account_here == NULL;
    account_thread *t = is_new ? plat_malloc(sizeof *t) : NULL;
    plat_lock_take(&lock);
    account *a = *bucket_of(current->interp);
    while (a != NULL && state_of(a) != current->interp) {
        a = a->next;
    }
    seen.state = current->interp;
    seen.account = a;
    seen.epoch = atomic_load(&epoch);
    if (a != NULL && t != NULL && pthread_setspecific(thread_key, t) == 0) {
        add_thread(a, t, 0);
        t = NULL;
    }
    plat_lock_give(&lock);
    plat_free(t);
    return a;
}

static account *find(void)
{
    const engine_interp *home = engine_home;
    const PyThreadState *current = PyThreadState_GetUnchecked();
    if (home != NULL && (current == NULL || home->state == NULL || current->interp == home->state)) {
        return home->account;
    }
    if (current == NULL || !has_thread_key) {
        return NULL;
    }
    if (current->interp == seen.state && seen.epoch == atomic_load_explicit(&epoch, memory_order_relaxed)) {
        return seen.account;
    }
    return look_up(current);
}

/* Is there room for one more beside the `count` that there are? */
static bool admit(account *a, size_t count)
{
    isle_limit limit = a->thread_limit;
    plat_lock_take(&lock);
    bool refused = limit.hard != 0 && count >= limit.hard;
    bool tell = refused || (limit.soft != 0 && count >= limit.soft && !a->told_threads);
    a->threads_refused += refused;
    a->told_threads |= tell && !refused;
    void *core = a->interp != NULL ? a->interp->core : NULL;
    plat_lock_give(&lock);
    if (tell && core != NULL) {
        engine.hooks.on_budget(core, ISLE_BUDGET_THREADS, refused);
    }
    return !refused;
}

int account_before_thread(void)
{
    account *a = find();
    if (a == NULL || (a->thread_limit.hard == 0 && a->thread_limit.soft == 0)) {
        return 0;
    }
    uint64_t hard = a->thread_limit.hard;
    if (admit(a, threads_count(a->interp))) {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError, "can't start new thread: the limit of %llu (threads) is reached",
                 (unsigned long long)hard);
    return -1;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

account *account_of_thread(void)
{
    account *a = find();
    return a != NULL && a->counts_memory ? a : NULL;
}

/* Lock held. What its blocks have. */
static int64_t used(const account *a)
{
    int64_t bytes = atomic_load(&a->held) - 1;
    for (const account_thread *t = a->threads; t != NULL; t = t->next) {
        bytes -= purse_credit(&t->purse);
    }
    return bytes > 0 ? bytes : 0; /* less where a thread is just paying */
}

/* Lock held. */
static void set_mark(account *a)
{
    int64_t hard = a->hard < INT64_MAX - a->allowance ? a->hard + a->allowance : INT64_MAX;
    atomic_store(&a->mark, !a->told_soft && a->soft < hard ? a->soft : hard);
}

/* `held` was over the mark, with these bytes. */
static bool pass_mark(account *a, size_t bytes, bool is_refusal)
{
    plat_lock_take(&lock);
    int64_t now = used(a);
    bool denied = a->hard != INT64_MAX && now > a->hard + a->allowance;
    bool tell = denied ? is_refusal : !a->told_soft && now > a->soft;
    if (denied && is_refusal) {
        a->denied++;
        atomic_store(&a->was_denied, true);
    }
    if (!denied && tell) {
        a->told_soft = true;
        set_mark(a);
    }
    void *core = a->interp != NULL ? a->interp->core : NULL;
    plat_lock_give(&lock);
    if (denied) {
        lower(a, bytes);
    }
    if (tell && core != NULL) {
        engine.hooks.on_budget(core, ISLE_BUDGET_MEMORY, denied);
    }
    return !denied;
}

static int64_t add(account *a, size_t bytes)
{
    return atomic_fetch_add_explicit(&a->held, (int64_t)bytes, memory_order_relaxed) + (int64_t)bytes;
}

static bool is_over_mark(account *a, int64_t held)
{
    return held - 1 > atomic_load_explicit(&a->mark, memory_order_relaxed);
}

/* Over the mark what its threads keep does not count: there the peak is never more than the limit. */
static void note_peak(account *a, int64_t held)
{
    if (is_over_mark(a, held)) {
        plat_lock_take(&lock);
        held = used(a) + 1;
        plat_lock_give(&lock);
    }
    if (held > atomic_load_explicit(&a->peak, memory_order_relaxed)) {
        atomic_store_explicit(&a->peak, held, memory_order_relaxed); /* two of its threads at once: nearly right */
    }
}

static bool charge(account *a, size_t bytes, bool is_refusal)
{
    int64_t held = add(a, bytes);
    if (is_over_mark(a, held) && !pass_mark(a, bytes, is_refusal)) {
        return false;
    }
    note_peak(a, held);
    return true;
}

/* The calling thread's, for small amounts of its own account: there it counts without an atomic operation. */
static account_purse *purse_of(const account *a, size_t bytes)
{
    account_purse *p = account_here;
    return p != NULL && p->owner == a && bytes <= (size_t)BATCH / 2 ? p : NULL;
}

/* Pays for the bytes and a batch of credit; near the mark not. */
static bool refill(account *a, account_purse *p, size_t bytes)
{
    size_t wanted = bytes + (size_t)(BATCH - purse_credit(p));
    if (is_over_mark(a, atomic_load_explicit(&a->held, memory_order_relaxed) + (int64_t)wanted)) {
        return false;
    }
    note_peak(a, add(a, wanted));
    purse_set_credit(p, BATCH);
    return true;
}

bool account_charge(account *a, size_t bytes)
{
    account_purse *p = purse_of(a, bytes);
    if (p != NULL && purse_credit(p) >= (int64_t)bytes) {
        purse_set_credit(p, purse_credit(p) - (int64_t)bytes);
        return true;
    }
    return (p != NULL && refill(a, p, bytes)) || charge(a, bytes, true);
}

bool account_charge_if_room(account *a, size_t bytes)
{
    return charge(a, bytes, false);
}

void account_charge_freely(account *a, size_t bytes)
{
    if (a != NULL) {
        note_peak(a, add(a, bytes));
    }
}

/* The thread keeps them for what it allocates next; of too many the account gets back all but a batch. */
static void save(account *a, account_purse *p, size_t bytes)
{
    int64_t credit = purse_credit(p) + (int64_t)bytes;
    int64_t over = credit > 2 * BATCH ? credit - BATCH : 0;
    purse_set_credit(p, credit - over);
    if (over != 0) {
        lower(a, (size_t)over);
    }
}

void account_give_back(account *a, size_t bytes)
{
    if (a == NULL) {
        return;
    }
    account_purse *p = purse_of(a, bytes);
    if (p != NULL) {
        save(a, p, bytes);
        return;
    }
    if (atomic_load_explicit(&a->ended, memory_order_relaxed)) {
        atomic_fetch_sub(&left_bytes, (int64_t)bytes);
    }
    lower(a, bytes);
}

void account_count_small(account *a, int64_t bytes)
{
    atomic_fetch_add_explicit(&a->small, bytes, memory_order_relaxed);
}

/* Lock held. Code that begins at the limit has a little room, or it could not even let go of something. */
static int64_t allowance_for_code(const account *a)
{
    int64_t short_of = a->hard != INT64_MAX ? used(a) + ROOM_AT_LEAST - a->hard : 0;
    return short_of < 0 ? 0 : short_of < ALLOWANCE ? short_of : ALLOWANCE;
}

void account_relax(account *a, bool on)
{
    if (a == NULL || atomic_load_explicit(&a->mark, memory_order_relaxed) == INT64_MAX) {
        return;
    }
    plat_lock_take(&lock);
    a->allowance = on ? ALLOWANCE : allowance_for_code(a);
    set_mark(a);
    plat_lock_give(&lock);
}

bool account_was_denied(account *a)
{
    return a != NULL && atomic_load_explicit(&a->was_denied, memory_order_relaxed) &&
           atomic_exchange(&a->was_denied, false);
}

/* --- maps --------------------------------------------------------------------------------------------------------- */

static bool fits(account *a, long long bytes)
{
    plat_lock_take(&lock);
    int64_t most = a->hard < INT64_MAX - a->allowance ? a->hard + a->allowance : INT64_MAX;
    bool fit = bytes <= most - used(a);
    void *core = a->interp != NULL ? a->interp->core : NULL;
    if (!fit) {
        a->denied++;
        atomic_store(&a->was_denied, true);
    }
    plat_lock_give(&lock);
    if (!fit && core != NULL) {
        engine.hooks.on_budget(core, ISLE_BUDGET_MEMORY, true);
    }
    return fit;
}

int account_before_map(PyObject *args)
{
    account *a = account_of_thread();
    if (a == NULL || atomic_load_explicit(&a->mark, memory_order_relaxed) == INT64_MAX || PyTuple_GET_SIZE(args) < 2) {
        return 0;
    }
    long fd = PyLong_AsLong(PyTuple_GET_ITEM(args, 0));
    long long bytes = PyLong_AsLongLong(PyTuple_GET_ITEM(args, 1));
    if (PyErr_Occurred()) {
        PyErr_Clear(); /* that is for mmap to judge */
        return 0;
    }
    if (fd != -1 || fits(a, bytes)) {
        return 0;
    }
    PyErr_NoMemory();
    return -1;
}

/* --- for the core ----------------------------------------------------------------------------------------------- */

static int64_t limit_of(uint64_t bytes)
{
    return bytes != 0 && bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX;
}

static const char *why_not(const account *a)
{
    return memory_reason() != NULL || a->counts_memory
               ? memory_reason()
               : "an interpreter that shares the GIL shares the allocator of small objects, too";
}

const char *account_set_limits(account *a, isle_limit memory_bytes, isle_limit threads)
{
    const char *why = why_not(a);
    plat_lock_take(&lock);
    if (why == NULL) {
        a->soft = limit_of(memory_bytes.soft);
        a->hard = limit_of(memory_bytes.hard);
        a->told_soft = false;
        set_mark(a);
    }
    a->thread_limit = threads;
    a->told_threads = false;
    plat_lock_give(&lock);
    return why;
}

static uint64_t but_one(uint64_t count)
{
    return count > 0 ? count - 1 : 0;
}

void account_get_usage(account *a, engine_usage *out)
{
    engine_amount *memory = &out->of[ISLE_BUDGET_MEMORY], *threads = &out->of[ISLE_BUDGET_THREADS];
    plat_lock_take(&lock);
    int64_t cpu_ns = a->ended_cpu_ns;
    for (const account_thread *t = a->threads; t != NULL; t = t->next) {
        int64_t used = plat_thread_cpu(t->id);
        cpu_ns += used > t->began_cpu_ns ? used - t->began_cpu_ns : 0;
    }
    out->of[ISLE_BUDGET_CPU].used = (uint64_t)cpu_ns;
    memory->refused = a->denied;
    memory->used = (uint64_t)used(a);
    *threads = (engine_amount){but_one(a->thread_count), but_one(a->thread_peak), a->threads_refused};
    plat_lock_give(&lock);
    int64_t peak = atomic_load(&a->peak);
    memory->peak = peak > 0 ? (uint64_t)(peak - 1) : 0;
    out->small_bytes = (uint64_t)atomic_load(&a->small);
}

uint64_t engine_memory_left(void)
{
    return (uint64_t)atomic_load(&left_bytes);
}
