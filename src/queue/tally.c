/* The tally. `put` only grows, and so does `gone`; the difference is what waits. Who puts compares `put` with a mark:
 * as long as it is below, no limit can be reached however little is gone since `gone` was last read. At the mark it
 * reads `gone`, under the lock, and sets the next one. */
#include "tally.h"

#include <stdatomic.h>

#include "platform.h"

enum { CACHE_LINE = 64, LEAST_LOOK = 64 };
#define OPEN (UINT64_C(1) << 62)

typedef struct counter {
    _Atomic uint64_t messages, bytes;
} counter;

struct tally {
    counter put; /* the sender's */
    counter mark;
    plat_lock lock; /* guards what follows; a leaf */
    tally_limits limits;
    bool told_messages, told_bytes;
    tally_counts seen; /* all but what is there now */
    char apart[CACHE_LINE];
    counter gone; /* of those who take. Its messages begin at OPEN; closing takes that and all that were put away, so
                     that whoever brings it to zero frees the tally */
};

tally *tally_new(void)
{
    tally *t = plat_calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    plat_lock_init(&t->lock);
    t->limits = (tally_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    t->gone.messages = OPEN;
    return t;
}

static void destroy(tally *t)
{
    plat_lock_destroy(&t->lock);
    plat_free(t);
}

void tally_close(tally *t)
{
    if (t == NULL) {
        return;
    }
    uint64_t whole = OPEN + atomic_load(&t->put.messages);
    if (atomic_fetch_sub(&t->gone.messages, whole) == whole) {
        destroy(t);
    }
}

void tally_gone(tally *t, size_t bytes)
{
    if (t == NULL) {
        return;
    }
    atomic_fetch_add_explicit(&t->gone.bytes, bytes, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&t->gone.messages, 1, memory_order_acq_rel) == UINT64_MAX) {
        destroy(t);
    }
}

/* --- under the lock ----------------------------------------------------------------------------------------------- */

/* Of two counters that others move meanwhile: what is gone is read first, so it is never more than what was put. */
static void look(tally *t, tally_counts *now)
{
    uint64_t gone_messages = atomic_load(&t->gone.messages) - OPEN, gone_bytes = atomic_load(&t->gone.bytes);
    *now = t->seen;
    now->messages = atomic_load(&t->put.messages) - gone_messages;
    now->bytes = atomic_load(&t->put.bytes) - gone_bytes;
}

static void note_peak(tally *t, const tally_counts *now)
{
    t->seen.peak_messages = now->messages > t->seen.peak_messages ? now->messages : t->seen.peak_messages;
    t->seen.peak_bytes = now->bytes > t->seen.peak_bytes ? now->bytes : t->seen.peak_bytes;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void set_marks(tally *t, const tally_counts *now)
{
    const tally_limits *l = &t->limits;
    uint64_t gone_messages = atomic_load(&t->put.messages) - now->messages;
    uint64_t gone_bytes = atomic_load(&t->put.bytes) - now->bytes;
    uint64_t look_at = t->seen.peak_messages * 2 > LEAST_LOOK ? t->seen.peak_messages * 2 : LEAST_LOOK;
    uint64_t messages = least(t->told_messages ? UINT64_MAX : l->soft_messages, l->hard_messages);
    uint64_t bytes = least(t->told_bytes ? UINT64_MAX : l->soft_bytes, l->hard_bytes);
    atomic_store(&t->mark.messages, sum(gone_messages, least(messages, look_at)));
    atomic_store(&t->mark.bytes, sum(gone_bytes, bytes));
}

void tally_limit(tally *t, const tally_limits *limits)
{
    tally_counts now;
    plat_lock_take(&t->lock);
    t->limits = *limits;
    t->told_messages = t->told_bytes = false;
    look(t, &now);
    set_marks(t, &now);
    plat_lock_give(&t->lock);
}

static bool passes(bool *told, uint64_t used, uint64_t soft)
{
    bool now = !*told && used >= soft;
    *told |= now;
    return now;
}

/* One was counted, and is over a mark. */
static int judge(tally *t, size_t bytes)
{
    const tally_limits *l = &t->limits;
    tally_counts now;
    look(t, &now);
    bool no_messages = now.messages > l->hard_messages, no_bytes = now.bytes > l->hard_bytes;
    if (no_messages || no_bytes) {
        atomic_fetch_sub(&t->put.messages, 1);
        atomic_fetch_sub(&t->put.bytes, bytes);
        t->seen.refused_messages += no_messages;
        t->seen.refused_bytes += no_bytes;
        return (no_messages ? TALLY_NO_MESSAGES : 0) | (no_bytes ? TALLY_NO_BYTES : 0);
    }
    note_peak(t, &now);
    int answer = passes(&t->told_messages, now.messages, l->soft_messages) ? TALLY_SOFT_MESSAGES : 0;
    answer |= passes(&t->told_bytes, now.bytes, l->soft_bytes) ? TALLY_SOFT_BYTES : 0;
    set_marks(t, &now);
    return answer;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

int tally_add(tally *t, size_t bytes)
{
    uint64_t messages = atomic_fetch_add_explicit(&t->put.messages, 1, memory_order_relaxed) + 1;
    uint64_t all_bytes = atomic_fetch_add_explicit(&t->put.bytes, bytes, memory_order_relaxed) + bytes;
    if (messages < atomic_load_explicit(&t->mark.messages, memory_order_relaxed) &&
        all_bytes < atomic_load_explicit(&t->mark.bytes, memory_order_relaxed)) {
        return TALLY_OK;
    }
    plat_lock_take(&t->lock);
    int answer = judge(t, bytes);
    plat_lock_give(&t->lock);
    return answer;
}

tally_counts tally_count(tally *t)
{
    tally_counts now;
    plat_lock_take(&t->lock);
    look(t, &now);
    note_peak(t, &now);
    now.peak_messages = t->seen.peak_messages;
    now.peak_bytes = t->seen.peak_bytes;
    plat_lock_give(&t->lock);
    return now;
}
