/* Memory of an interpreter's objects that others see without a copy. A loan holds the object's Py_buffer (or the bytes
 * object), which belongs to the owner's interpreter and is released there, whoever lets go last: by a pending call, or
 * when the owner's home thread next has nothing to do.
 *
 * When the owner ends first, what nobody has looked at yet (it lies in a queue) is copied, and the object released.
 * Memory that somebody sees can't be moved: its object is never released, so that the memory stays valid. It stays
 * allocated until the process ends, also when the last view has gone.
 *
 * A bytes object that only its loan has left (the owner made it, sent it and kept no reference) is not copied when it
 * is received: the object itself, whose type, layout and allocator are the same in every interpreter, becomes the
 * receiver's. Never in a free-threaded build, whose objects know their thread (memory_can_move()).
 *
 * A lender is counted: its interpreter has a reference, and each loan. Its lock is a leaf; with it held nothing is
 * called but _PyEval_AddPendingCall and the hook that wakes the home thread. */
#include <string.h>

#include "values.h"

typedef struct lent { /* what the owner keeps for it */
    Py_buffer view;   /* of any exporter; not used for bytes */
    PyObject *bytes;  /* NULL: see view */
    bool taken;       /* the receiver has it */
} lent;

typedef struct loan {
    attachment a;
    struct lender *lender;
    lent object;
    const void *place;            /* where the memory was when it was lent */
    struct loan *next, *previous; /* in its bucket; then, in `due`, next only */
    bool pinned;                  /* somebody may hold the pointer */
    bool moved;                   /* data is a copy of ours (or nothing), and the object was released */
} loan;

enum { FEW_BUCKETS = 8 };

struct lender {
    _Atomic uint32_t refs;
    plat_lock lock;        /* guards all that follows, and the loans' last four */
    engine_interp *interp; /* NULL: it has ended */
    loan **buckets;        /* those that are out, by place; a power of two */
    size_t bucket_count, count;
    loan *few[FEW_BUCKETS];
    loan *due;
    bool asked; /* a pending call is under way */
};

/* Declared by CPython in an internal header; exported in 3.13 to 3.15. */
extern int _PyEval_AddPendingCall(PyInterpreterState *interp, int (*func)(void *), void *arg, int flags);

static void lender_unref(lender *l)
{
    if (atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1) {
        plat_lock_destroy(&l->lock);
        if (l->buckets != l->few) {
            plat_free(l->buckets);
        }
        plat_free(l);
    }
}

static lender *lender_ref(lender *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

/* CPython counts what its allocator of objects gave to each interpreter, and keeps the memory of one whose count is not
 * zero at its end: large blocks are counted only. */
enum { LARGE_BLOCK = 1024 };

static void count_one_more(void)
{
    void *block = PyObject_Malloc(LARGE_BLOCK);
    PyMem_RawFree(block);
}

static void count_one_less(void)
{
    void *block = PyMem_RawMalloc(LARGE_BLOCK);
    PyObject_Free(block);
}

/* Attached to the owner. */
static void release_object(lent *object)
{
    if (object->taken) {
        count_one_less();
    } else if (object->bytes != NULL) {
        Py_CLEAR(object->bytes);
    } else {
        PyBuffer_Release(&object->view);
    }
}

static void loan_free(loan *it)
{
    lender *l = it->lender;
    if (it->moved) {
        plat_free(it->a.data);
    }
    plat_free(it);
    lender_unref(l);
}

static loan *take_due(lender *l)
{
    plat_lock_take(&l->lock);
    loan *list = l->due;
    l->due = NULL;
    plat_lock_give(&l->lock);
    return list;
}

static void release_all(loan *list)
{
    while (list != NULL) {
        loan *it = list;
        list = it->next;
        release_object(&it->object);
        loan_free(it);
    }
}

/* A pending call of the owner's interpreter; has a reference to the lender. An exception that runs stays as it is. */
static int release_pending(void *arg)
{
    lender *l = arg;
    plat_lock_take(&l->lock);
    l->asked = false;
    bool alive = l->interp != NULL;
    plat_lock_give(&l->lock);
    if (alive) {
        PyObject *before = PyErr_GetRaisedException();
        release_all(take_due(l));
        PyErr_SetRaisedException(before);
    }
    lender_unref(l);
    return 0;
}

/* Lock held. Where CPython's list of pending calls is full, the home thread does it between tasks. */
static void ask_owner(lender *l)
{
    if (!l->asked) {
        l->asked = true;
        lender_ref(l);
        if (_PyEval_AddPendingCall(l->interp->state, release_pending, l, 0) != 0) {
            l->asked = false;
            atomic_fetch_sub(&l->refs, 1); /* never the last: the interpreter has one */
        }
    }
    if (l->interp->core != NULL) { /* the main interpreter has no home thread of ours */
        engine.hooks.on_due(l->interp->core);
    }
}

/* --- those that are out; lock held ------------------------------------------------------------------------------- */

static loan **bucket_of(const lender *l, const void *place)
{
    return &l->buckets[(((uintptr_t)place >> 4) * 0x9E3779B97F4A7C15u >> 32) & (l->bucket_count - 1)];
}

static void push(lender *l, loan *it)
{
    loan **bucket = bucket_of(l, it->place);
    it->previous = NULL;
    it->next = *bucket;
    if (it->next != NULL) {
        it->next->previous = it;
    }
    *bucket = it;
}

/* Without memory the buckets just get fuller. */
static void grow(lender *l)
{
    lender larger = {.bucket_count = 4 * l->bucket_count};
    larger.buckets = plat_calloc(larger.bucket_count, sizeof *larger.buckets);
    if (larger.buckets == NULL) {
        return;
    }
    for (size_t i = 0; i < l->bucket_count; i++) {
        for (loan *it = l->buckets[i], *next; it != NULL; it = next) {
            next = it->next;
            push(&larger, it);
        }
    }
    if (l->buckets != l->few) {
        plat_free(l->buckets);
    }
    l->buckets = larger.buckets;
    l->bucket_count = larger.bucket_count;
}

static void enter(lender *l, loan *it)
{
    if (l->count >= 2 * l->bucket_count) {
        grow(l);
    }
    push(l, it);
    l->count++;
}

static void leave(loan *it)
{
    *(it->previous != NULL ? &it->previous->next : bucket_of(it->lender, it->place)) = it->next;
    if (it->next != NULL) {
        it->next->previous = it->previous;
    }
    it->lender->count--;
}

/* One of the same memory, with a reference; NULL: there is none. */
static loan *find(const lender *l, const loan *like)
{
    for (loan *it = *bucket_of(l, like->place); it != NULL; it = it->next) {
        if (it->place == like->place && it->a.len == like->a.len && it->a.kind == like->a.kind &&
            it->a.writable == like->a.writable && plat_ref_if_alive(&it->a.refs)) {
            return it;
        }
    }
    return NULL;
}

/* --- letting go --------------------------------------------------------------------------------------------------- */

/* Detached: CPython's own lock is taken, and whoever waits for that gives its GIL up, and wants it back under ours. */
static void ask_owner_detached(lender *l)
{
    PyThreadState *current = PyThreadState_GetUnchecked() != NULL ? PyEval_SaveThread() : NULL;
    plat_lock_take(&l->lock);
    if (l->interp != NULL && l->due != NULL) {
        ask_owner(l);
    }
    plat_lock_give(&l->lock);
    if (current != NULL) {
        PyEval_RestoreThread(current);
    }
}

static void drop(attachment *a)
{
    loan *it = (loan *)a;
    lender *l = lender_ref(it->lender);
    PyThreadState *current = PyThreadState_GetUnchecked();
    PyInterpreterState *attached = current != NULL ? PyThreadState_GetInterpreter(current) : NULL;
    plat_lock_take(&l->lock);
    bool owned = l->interp != NULL && !it->moved; /* there is something to be released */
    bool here = owned && l->interp->state == attached;
    if (l->interp != NULL) {
        leave(it);
    }
    if (owned && !here) {
        it->next = l->due;
        l->due = it;
    }
    plat_lock_give(&l->lock);
    if (owned && !here) {
        ask_owner_detached(l);
    } else {
        if (here) {
            release_object(&it->object);
        }
        loan_free(it);
    }
    lender_unref(l);
}

static void pin(attachment *a)
{
    loan *it = (loan *)a;
    plat_lock_take(&it->lender->lock);
    it->pinned = true;
    plat_lock_give(&it->lender->lock);
}

/* --- lending ---------------------------------------------------------------------------------------------------- */

/* NULL: no memory, or the interpreter is ending: what its finalizers put must not outlive it. */
static lender *lender_of(engine_interp *interp)
{
    if (interp->lends_no_more) {
        return NULL;
    }
    plat_lock_take(&interp->lock); /* free-threaded builds: two threads may lend for the first time */
    if (interp->lender == NULL) {
        lender *l = plat_calloc(1, sizeof *l);
        if (l != NULL) {
            l->refs = 1;
            l->interp = interp;
            l->buckets = l->few;
            l->bucket_count = FEW_BUCKETS;
            plat_lock_init(&l->lock);
        }
        interp->lender = l;
    }
    lender *l = interp->lender;
    plat_lock_give(&interp->lock);
    return l;
}

static loan *loan_new(engine_interp *interp, attachment_kind kind)
{
    lender *l = lender_of(interp);
    loan *it = l != NULL ? plat_calloc(1, sizeof *it) : NULL;
    if (it != NULL) {
        it->a = (attachment){.refs = 1, .kind = kind, .drop = drop, .pin = pin};
        it->lender = lender_ref(l);
    }
    return it;
}

/* The same memory is lent once at a time: what was sent twice is released once, and copied once at the end. */
static attachment *hand_out(loan *it)
{
    lender *l = it->lender;
    it->place = it->a.data;
    plat_lock_take(&l->lock);
    loan *known = find(l, it);
    if (known == NULL) {
        enter(l, it);
    }
    plat_lock_give(&l->lock);
    if (known == NULL) {
        return &it->a;
    }
    release_object(&it->object);
    loan_free(it);
    return &known->a;
}

attachment *lend_bytes(engine_interp *interp, PyObject *bytes)
{
    loan *it = loan_new(interp, ATTACHMENT_BYTES);
    if (it == NULL) {
        return NULL;
    }
    it->object.bytes = Py_NewRef(bytes);
    it->a.data = PyBytes_AS_STRING(bytes);
    it->a.len = (size_t)PyBytes_GET_SIZE(bytes);
    return hand_out(it);
}

/* The owner can't get a reference again, so the count stays 1 once it is, and nobody but us has the loan. */
static bool is_sole_holder(const loan *it)
{
    return !it->moved && it->object.bytes != NULL && Py_REFCNT(it->object.bytes) == 1 && atomic_load(&it->a.refs) == 1;
}

/* The reader has pinned it: the owner's end leaves it alone meanwhile. */
PyObject *take_lent_bytes(attachment *a)
{
    loan *it = (loan *)a;
    if (a->drop != drop || !memory_can_move()) {
        return NULL;
    }
    plat_lock_take(&it->lender->lock);
    bool is_ours = it->pinned && is_sole_holder(it);
    plat_lock_give(&it->lender->lock);
    if (!is_ours || !memory_adopt(it->object.bytes)) {
        return NULL;
    }
    plat_lock_take(&it->lender->lock);
    PyObject *bytes = it->object.bytes;
    it->object = (lent){.taken = true};
    it->a.data = NULL;
    it->a.len = 0; /* what is lent next may have its place: not the same memory */
    plat_lock_give(&it->lender->lock);
    count_one_more();
    return bytes;
}

/* The range of memory that a view reaches: from its lowest byte, and how far. */
static char *reach(const Py_buffer *view, size_t *out_len)
{
    char *low = view->buf, *high = (char *)view->buf + view->itemsize;
    if (view->len == 0) {
        *out_len = 0;
        return low;
    }
    for (int i = 0; view->strides != NULL && i < view->ndim; i++) {
        Py_ssize_t span = view->strides[i] * (view->shape[i] - 1);
        *(span < 0 ? &low : &high) += span;
    }
    *out_len = view->strides != NULL ? (size_t)(high - low) : (size_t)view->len;
    return low;
}

bool shape_of(const Py_buffer *view, const char *base, memory_shape *out)
{
    const char *format = view->format != NULL ? view->format : "B";
    if (view->suboffsets != NULL || strlen(format) >= sizeof out->format) {
        PyErr_SetString(PyExc_BufferError,
                        view->suboffsets != NULL ? "memory in several pieces" : "a format that is too long");
        return false;
    }
    memcpy(out->format, format, strlen(format) + 1);
    out->ndim = view->ndim;
    out->itemsize = view->itemsize;
    out->offset = (char *)view->buf - base;
    Py_ssize_t stride = view->itemsize;
    for (int i = view->ndim - 1; i >= 0; i--) {
        out->shape[i] = view->shape != NULL ? view->shape[i] : view->len / view->itemsize;
        out->strides[i] = view->strides != NULL ? view->strides[i] : stride;
        stride *= out->shape[i];
    }
    return true;
}

attachment *lend_buffer(engine_interp *interp, PyObject *exporter, bool writable, memory_shape *shape)
{
    loan *it = loan_new(interp, ATTACHMENT_BUFFER);
    if (it == NULL) {
        PyErr_SetString(interp->lends_no_more ? PyExc_BufferError : PyExc_MemoryError,
                        interp->lends_no_more ? "the interpreter is ending" : "out of memory");
        return NULL;
    }
    if (PyObject_GetBuffer(exporter, &it->object.view, writable ? PyBUF_FULL : PyBUF_FULL_RO) < 0) {
        loan_free(it);
        return NULL;
    }
    it->a.data = reach(&it->object.view, &it->a.len);
    it->a.writable = writable;
    if (shape != NULL && !shape_of(&it->object.view, it->a.data, shape)) {
        PyBuffer_Release(&it->object.view);
        loan_free(it);
        return NULL;
    }
    return hand_out(it);
}

/* --- the owner --------------------------------------------------------------------------------------------------- */

void lender_release_due(engine_interp *interp)
{
    if (interp->lender != NULL) {
        release_all(take_due(interp->lender));
    }
}

bool lender_has_due(engine_interp *interp)
{
    lender *l = interp->lender;
    if (l == NULL) {
        return false;
    }
    plat_lock_take(&l->lock);
    bool has = l->due != NULL;
    plat_lock_give(&l->lock);
    return has;
}

/* Lock held. What nobody has looked at becomes a copy; what somebody is letting go of just now needs none. false: it
 * must stay. */
static bool move(loan *it)
{
    bool is_over = atomic_load(&it->a.refs) == 0 || it->object.taken;
    void *copy = is_over || it->pinned ? NULL : plat_malloc(it->a.len);
    if (copy == NULL && !is_over) {
        return false;
    }
    if (copy != NULL) {
        memcpy(copy, it->a.data, it->a.len);
    }
    it->a.data = copy;
    return it->moved = true;
}

/* Releasing runs Python, which must not happen under the lock: so one at a time. false: no more in this bucket. */
static bool move_one(lender *l, size_t bucket, lent *out_object, size_t *out_left)
{
    bool found = false;
    plat_lock_take(&l->lock);
    *out_left = 0;
    for (loan *it = l->buckets[bucket]; it != NULL && !found; it = it->next) {
        if (!it->moved && move(it)) {
            found = true;
            *out_object = it->object;
        } else if (!it->moved) {
            ++*out_left;
        }
    }
    plat_lock_give(&l->lock);
    return found;
}

/* Nothing is lent any more, so the buckets stay as they are. */
static size_t move_all(lender *l)
{
    size_t left = 0;
    for (size_t i = 0; i < l->bucket_count; i++) {
        size_t left_here;
        lent object;
        while (move_one(l, i, &object, &left_here)) {
            release_object(&object);
        }
        left += left_here;
    }
    return left;
}

bool lender_close(engine_interp *interp)
{
    lender *l = interp->lender;
    interp->lends_no_more = true;
    if (l == NULL) {
        return true;
    }
    size_t left = move_all(l);
    release_all(take_due(l));
    plat_lock_take(&l->lock);
    loan *due = l->due; /* came just now */
    l->due = NULL;
    l->interp = NULL;
    plat_lock_give(&l->lock);
    release_all(due);
    interp->lender = NULL;
    lender_unref(l);
    return left == 0;
}
