/* Counting, for one interpreter. See counters.h for who may call. */
#include "counters.h"

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

void counters_job_started(counters *c, int64_t now)
{
    add(&c->jobs_started, 1);
    atomic_store_explicit(&c->busy_since, now, memory_order_relaxed);
}

void counters_job_stopped(counters *c, int64_t now)
{
    int64_t since = atomic_exchange_explicit(&c->busy_since, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->wall_ns, now - since, memory_order_relaxed);
}

void counters_job_ended(counters *c, bool failed)
{
    add(&c->jobs_ended, 1);
    if (failed) {
        add(&c->jobs_failed, 1);
    }
}

void counters_interrupt(counters *c)
{
    add(&c->interrupts, 1);
}

size_t counters_output(counters *c, size_t len, uint64_t most)
{
    if (most == UINT64_MAX) {
        add(&c->output_bytes, len);
        return len;
    }
    uint64_t before = atomic_load_explicit(&c->output_bytes, memory_order_relaxed), may;
    do {
        uint64_t left = before < most ? most - before : 0;
        may = len < left ? len : left;
    } while (may != 0 && !atomic_compare_exchange_weak_explicit(&c->output_bytes, &before, before + may,
                                                                memory_order_relaxed, memory_order_relaxed));
    return (size_t)may;
}

void counters_unwritten(counters *c, size_t len)
{
    atomic_fetch_sub_explicit(&c->output_bytes, len, memory_order_relaxed);
}

void counters_dropped(counters *c, size_t len)
{
    add(&c->dropped_bytes, len);
    add(&c->dropped_writes, 1);
}

void counters_read(const counters *c, int64_t now, counters_snapshot *out)
{
    int64_t since = atomic_load_explicit(&c->busy_since, memory_order_relaxed);
    *out = (counters_snapshot){
        .jobs_started = atomic_load_explicit(&c->jobs_started, memory_order_relaxed),
        .jobs_ended = atomic_load_explicit(&c->jobs_ended, memory_order_relaxed),
        .jobs_failed = atomic_load_explicit(&c->jobs_failed, memory_order_relaxed),
        .interrupts = atomic_load_explicit(&c->interrupts, memory_order_relaxed),
        .output_bytes = atomic_load_explicit(&c->output_bytes, memory_order_relaxed),
        .dropped_bytes = atomic_load_explicit(&c->dropped_bytes, memory_order_relaxed),
        .dropped_writes = atomic_load_explicit(&c->dropped_writes, memory_order_relaxed),
        .wall_ns = atomic_load_explicit(&c->wall_ns, memory_order_relaxed) + (since != 0 ? now - since : 0),
    };
}
