/* Budgets: what an interpreter may use, and what becomes of it when it does.
 *
 * The warden looks: when the fastest use there can be would reach a limit, and when the engine or a stream says that
 * one was reached. It tells, and has the job stopped by the ladder. What an allocation or a new thread may not have is
 * refused in the engine, at once. All here is guarded by the interpreter's lock. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

#define LEAST_NAP_NS ISLE_MS
#define IDLE_NAP_NS (5 * ISLE_MS) /* where nothing was used since the last look */
#define MANY_REFUSALS 1000        /* in one job: it takes no for an answer only from outside */
#define SAMPLE_NS (10 * ISLE_MS)  /* of what is only seen by looking */
#define LEAST_RECURSION 100       /* below it not even a traceback could be described */

typedef struct note {
    bool hard;
    char text[120];
} note;

typedef struct sight { /* what one look finds */
    engine_usage usage;
    uint64_t descriptors;
    int64_t now;
    unsigned soft, refused; /* what the engine has told since the last: a bit for each isle_budget */
} sight;

typedef struct notes {
    note items[3 * ISLE_BUDGET_COUNT_];
    size_t count;
} notes;

const char *isle_budget_name(isle_budget budget)
{
#define BUDGET_NAME(name, field, called, text) called,
    static const char *const names[] = {ISLE_BUDGET_LIST(BUDGET_NAME)};
#undef BUDGET_NAME
    return (unsigned)budget < ISLE_BUDGET_COUNT_ ? names[budget] : "unknown";
}

/* --- amounts ------------------------------------------------------------------------------------------------------ */

static isle_limit limit_of(const interp *in, isle_budget b)
{
    switch (b) {
#define BUDGET_CASE(name, field, called, text) \
    case ISLE_BUDGET_##name: \
        return in->budgets.limits.field;
        ISLE_BUDGET_LIST(BUDGET_CASE)
#undef BUDGET_CASE
    default:
        return (isle_limit){0};
    }
}

static uint64_t output_of(const interp *in)
{
    return atomic_load_explicit(&in->counters.output_bytes, memory_order_relaxed);
}

static uint64_t wall_of(const interp *in, int64_t now)
{
    return in->current != NULL && now > in->current->started_ns ? (uint64_t)(now - in->current->started_ns) : 0;
}

static bool is_limited(const interp *in, isle_budget b)
{
    isle_limit limit = limit_of(in, b);
    return limit.soft != 0 || limit.hard != 0;
}

static sight look_around(interp *in, bool at_all)
{
    sight s = {.now = plat_now()};
    engine_get_usage(in->engine, &s.usage);
    if (at_all || is_limited(in, ISLE_BUDGET_DESCRIPTORS)) {
        s.descriptors = engine_count_descriptors(in->engine);
        in->budgets.descriptors_peak = s.descriptors > in->budgets.descriptors_peak ? s.descriptors
                                                                                    : in->budgets.descriptors_peak;
    }
    return s;
}

static uint64_t used_of(const interp *in, isle_budget b, const sight *s)
{
    switch (b) {
    case ISLE_BUDGET_WALL:
        return wall_of(in, s->now);
    case ISLE_BUDGET_OUTPUT:
        return output_of(in);
    case ISLE_BUDGET_DESCRIPTORS:
        return s->descriptors;
    default:
        return s->usage.of[b].used;
    }
}

static bool is_a_count(isle_budget b)
{
    return b == ISLE_BUDGET_THREADS || b == ISLE_BUDGET_MESSAGES || b == ISLE_BUDGET_RECURSION ||
           b == ISLE_BUDGET_DESCRIPTORS;
}

static void print_amount(char *out, size_t size, isle_budget b, uint64_t amount)
{
    if (b == ISLE_BUDGET_CPU || b == ISLE_BUDGET_WALL) {
        snprintf(out, size, "%.4g s", (double)amount / ISLE_SECOND);
    } else if (is_a_count(b)) {
        snprintf(out, size, "%llu", (unsigned long long)amount);
    } else if (amount < 10u << 10) {
        snprintf(out, size, "%llu bytes", (unsigned long long)amount);
    } else if (amount < 10u << 20) {
        snprintf(out, size, "%.4g KiB", (double)amount / (1 << 10));
    } else {
        snprintf(out, size, "%.4g MiB", (double)amount / (1 << 20));
    }
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void say(notes *out, isle_budget b, bool hard, const char *what, uint64_t limit, uint64_t used)
{
    note *n = &out->items[out->count++];
    char limit_text[32], used_text[32];
    print_amount(limit_text, sizeof limit_text, b, limit);
    print_amount(used_text, sizeof used_text, b, used);
    n->hard = hard;
    snprintf(n->text, sizeof n->text, "%s: the %s of %s is %s (%s)", isle_budget_name(b), hard ? "limit" : "soft limit",
             limit_text, what, used_text);
}

static const char *what_happened(isle_budget b)
{
    switch (b) {
    case ISLE_BUDGET_CPU:
    case ISLE_BUDGET_OUTPUT:
        return "used up";
    default:
        return "reached";
    }
}

/* --- acting ------------------------------------------------------------------------------------------------------- */

static bool runs_job(const interp *in)
{
    return in->current != NULL && in->activity == ACTIVITY_JOB;
}

/* `raised`: the job has got its first exception already. */
static void stop(interp *in, const note *why, bool raised)
{
    if (runs_job(in) && in->ladder.reason == 0) {
        engine_say_budget(in->engine, why->text);
        ladder_start(in, ISLE_ERR_BUDGET);
        in->ladder.raised = raised;
    }
}

static bool is_for_life(isle_budget b)
{
    return b == ISLE_BUDGET_CPU || b == ISLE_BUDGET_OUTPUT;
}

/* What came past the audit events. A job that begins with too many may close them. */
static bool opened_too_many(const interp *in, uint64_t hard, uint64_t used)
{
    return runs_job(in) && used > hard && used > in->budgets.descriptors_before;
}

static bool is_reached(const interp *in, isle_budget b, const sight *s, uint64_t hard, uint64_t used)
{
    switch (b) {
    case ISLE_BUDGET_CPU:
        return used >= hard;
    case ISLE_BUDGET_WALL:
        return used >= hard && runs_job(in);
    case ISLE_BUDGET_DESCRIPTORS:
        return (s->refused & (1u << b)) != 0 || opened_too_many(in, hard, used);
    default:
        return (s->refused & (1u << b)) != 0;
    }
}

/* Which of them a job is stopped for when it reaches its limit the first time. */
static bool stops_job(const interp *in, isle_budget b, uint64_t hard, uint64_t used)
{
    return is_for_life(b) || b == ISLE_BUDGET_WALL || (b == ISLE_BUDGET_DESCRIPTORS && opened_too_many(in, hard, used));
}

/* Its other threads have no job that could be stopped. */
static void stop_threads(interp *in, const sight *s)
{
    budgets *own = &in->budgets;
    if (own->stopping_threads == 0) {
        own->stopping_threads = s->now;
        own->insists_on_threads = own->threads_parked = false;
        engine_stop_threads(in->engine, false);
    }
}

/* An answer of no is an exception that code may catch; so it can ask for ever. */
static bool goes_on_asking(isle_budget b)
{
    return b == ISLE_BUDGET_MEMORY || b == ISLE_BUDGET_QUEUE_BYTES || b == ISLE_BUDGET_MESSAGES;
}

static void look_at_hard(interp *in, isle_budget b, const sight *s, uint64_t used, notes *out)
{
    budgets *own = &in->budgets;
    uint64_t hard = limit_of(in, b).hard;
    if (hard == 0 || !is_reached(in, b, s, hard, used)) {
        return;
    }
    if (!own->told_hard[b] || (!is_for_life(b) && stops_job(in, b, hard, used) && in->ladder.reason == 0)) {
        own->told_hard[b] = true;
        own->reached[b]++;
        own->spent |= is_for_life(b);
        say(out, b, true, what_happened(b), hard, used);
        if (stops_job(in, b, hard, used)) {
            stop(in, &out->items[out->count - 1], b == ISLE_BUDGET_OUTPUT && own->raised_here);
        }
        if (b == ISLE_BUDGET_CPU) {
            stop_threads(in, s);
        }
    }
    if (s->usage.of[b].refused - own->refusals_before[b] >= MANY_REFUSALS && goes_on_asking(b) && !own->insisted[b]) {
        own->insisted[b] = true;
        say(out, b, true, "reached, again and again", hard, used);
        stop(in, &out->items[out->count - 1], false);
    }
}

static void look_at_soft(interp *in, isle_budget b, const sight *s, uint64_t used, notes *out)
{
    uint64_t soft = limit_of(in, b).soft;
    bool seen = (s->soft & (1u << b)) != 0;
    if (soft != 0 && (seen || used >= soft) && !in->budgets.told_soft[b]) {
        in->budgets.told_soft[b] = true;
        say(out, b, false, what_happened(b), soft, used);
    }
}

/* --- when to look again ------------------------------------------------------------------------------------------- */

/* The next limit that is to be told; 0: none. */
static uint64_t next_limit(const interp *in, isle_budget b)
{
    isle_limit limit = limit_of(in, b);
    if (limit.soft != 0 && !in->budgets.told_soft[b]) {
        return limit.soft;
    }
    return in->budgets.told_hard[b] ? 0 : limit.hard;
}

static int64_t later(int64_t now, uint64_t ns)
{
    return ns < (uint64_t)(INT64_MAX - now) ? now + (int64_t)ns : INT64_MAX;
}

static int64_t next_cpu_look(interp *in, const sight *s)
{
    uint64_t limit = next_limit(in, ISLE_BUDGET_CPU), used = s->usage.of[ISLE_BUDGET_CPU].used;
    uint64_t threads = s->usage.of[ISLE_BUDGET_THREADS].used;
    if (limit == 0 || (!runs_job(in) && threads == 0)) {
        return INT64_MAX;
    }
    uint64_t nap = limit > used ? (limit - used) / (threads + 1) : 0;
    uint64_t least = used > in->budgets.cpu_seen + 1000 ? LEAST_NAP_NS : IDLE_NAP_NS;
    in->budgets.cpu_seen = used;
    return later(s->now, nap > least ? nap : least);
}

static void arm(interp *in, const sight *s)
{
    int64_t at = next_cpu_look(in, s), sample = later(s->now, SAMPLE_NS);
    uint64_t wall = runs_job(in) ? next_limit(in, ISLE_BUDGET_WALL) : 0;
    if (wall != 0 && later(in->current->started_ns, wall) < at) {
        at = later(in->current->started_ns, wall);
    }
    if (is_limited(in, ISLE_BUDGET_DESCRIPTORS) && runs_job(in) && sample < at) {
        at = sample;
    }
    if (in->budgets.stopping_threads != 0 && s->usage.of[ISLE_BUDGET_THREADS].used != 0 && sample < at) {
        at = sample;
    }
    if ((atomic_load(&in->budgets.soft) | atomic_load(&in->budgets.refused)) != 0) {
        at = s->now; /* there is something to tell, which whoever asked for this look may have moved */
    }
    uint64_t output = in->budgets.told_soft[ISLE_BUDGET_OUTPUT] ? 0 : limit_of(in, ISLE_BUDGET_OUTPUT).soft;
    atomic_store(&in->budgets.output_mark, output != 0 ? output : UINT64_MAX);
    if (at != INT64_MAX) {
        warden_arm(&in->rt->warden, &in->budgets.timer, at);
    }
}

/* The rungs of the ladder, for threads: once at the limit, at every step after cancel_grace_ns, and parked after
 * stuck_after_ns. One that waits uses no CPU time, but holds on to what it has: it is stopped, too. */
static void press_threads(interp *in, const sight *s, notes *out)
{
    budgets *own = &in->budgets;
    int64_t since = s->now - own->stopping_threads;
    if (own->stopping_threads == 0 || s->usage.of[ISLE_BUDGET_THREADS].used == 0 || in->ending) {
        return;
    }
    if (since >= in->stuck_after_ns && own->insists_on_threads && !own->threads_parked) {
        own->threads_parked = engine_park_threads(in->engine);
        if (own->threads_parked) {
            say(out, ISLE_BUDGET_CPU, true, "used up, and threads that could not be stopped are parked",
                limit_of(in, ISLE_BUDGET_CPU).hard, s->usage.of[ISLE_BUDGET_CPU].used);
            in->stuck = true; /* they may hold the GIL */
        }
    } else if (since >= in->cancel_grace_ns && !own->threads_parked) {
        own->insists_on_threads = true;
        engine_stop_threads(in->engine, true);
    }
}

static void look(interp *in, notes *out)
{
    sight s = look_around(in, false);
    s.soft = atomic_exchange(&in->budgets.soft, 0);
    s.refused = atomic_exchange(&in->budgets.refused, 0);
    atomic_store(&in->budgets.looked, s.now);
    for (isle_budget b = 0; b < ISLE_BUDGET_COUNT_; b++) {
        uint64_t used = used_of(in, b, &s);
        look_at_soft(in, b, &s, used, out);
        look_at_hard(in, b, &s, used, out);
    }
    press_threads(in, &s, out);
    arm(in, &s);
}

static interp *interp_of(timer *t)
{
    return (interp *)((char *)t - offsetof(interp, budgets.timer));
}

static void hold(timer *t)
{
    interp_ref(interp_of(t));
}

static void tell(interp *in, const notes *n, uint64_t job_id)
{
    for (size_t i = 0; i < n->count; i++) {
        isle_status status = n->items[i].hard ? ISLE_ERR_BUDGET : ISLE_OK;
        event_tell(in->rt, in, ISLE_EVENT_BUDGET,
                   (event_details){.status = status, .job_id = job_id, .message = n->items[i].text});
    }
}

static void fire(timer *t)
{
    interp *in = interp_of(t);
    notes n = {.count = 0};
    isle_job *queued = NULL;
    interp_lock(in);
    bool lives = in->budgets.alive;
    uint64_t job_id = in->current != NULL ? in->current->id : 0;
    if (lives) {
        look(in, &n);
        if (in->budgets.spent) {
            queued = job_end_queued(in, ISLE_ERR_BUDGET, "the interpreter has used up a budget");
        }
        interp_use(in);
    }
    interp_unlock(in);
    if (lives) {
        tell(in, &n, job_id);
        job_tell_all(queued);
        interp_give(in);
    }
    interp_unref(in);
}

const timer_class budget_timer_class = {.hold = hold, .fire = fire};

/* What is refused again and again is not looked at each time. */
static void look_soon(interp *in)
{
    int64_t earliest = atomic_load(&in->budgets.looked) + IDLE_NAP_NS, now = plat_now();
    warden_arm(&in->rt->warden, &in->budgets.timer, earliest > now ? earliest : now);
}

void budget_on_engine(interp *in, isle_budget b, bool refused)
{
    _Atomic unsigned *flags = refused ? &in->budgets.refused : &in->budgets.soft;
    if ((atomic_fetch_or(flags, 1u << b) & (1u << b)) == 0) {
        look_soon(in);
    }
}

size_t budget_on_output(interp *in, size_t len)
{
    uint64_t most = atomic_load_explicit(&in->budgets.output_hard, memory_order_relaxed);
    size_t may = counters_output(&in->counters, len, most);
    if (output_of(in) >= atomic_load_explicit(&in->budgets.output_mark, memory_order_relaxed)) {
        atomic_store(&in->budgets.output_mark, UINT64_MAX);
        look_soon(in);
    }
    return may;
}

void budget_on_refused(interp *in, isle_budget b, char *text, size_t size)
{
    notes n = {.count = 0};
    interp_lock(in);
    in->budgets.spent |= is_for_life(b); /* before the job can end: the next one must not begin */
    in->budgets.raised_here |= home_of_this_thread() == in;
    sight s = look_around(in, false);
    say(&n, b, true, what_happened(b), limit_of(in, b).hard, used_of(in, b, &s));
    snprintf(text, size, "%s", n.items[0].text);
    interp_unlock(in);
    budget_on_engine(in, b, true);
}

/* --- the home thread's -------------------------------------------------------------------------------------------- */

static bool is_set(isle_limit limit)
{
    return limit.soft != 0 || limit.hard != 0;
}

/* More may be used: what was stopped for good is free again. */
static void forget(budgets *own)
{
    own->spent = own->raised_here = false;
    memset(own->told_soft, 0, sizeof own->told_soft);
    memset(own->told_hard, 0, sizeof own->told_hard);
    own->stopping_threads = 0;
    atomic_store(&own->refused, 0); /* of the limits that were */
    atomic_store(&own->soft, 0);
}

static isle_status set(interp *in, const isle_budgets *limits, const char **out_why)
{
    budgets *own = &in->budgets;
    *out_why = NULL;
    if (is_set(limits->descriptors) && !in->own_descriptors) {
        *out_why = "descriptors: the interpreter has no table of its own (private_descriptors)";
        return ISLE_ERR_INVALID;
    }
    *out_why = engine_set_limits(in->engine, limits);
    if (*out_why != NULL && is_set(limits->memory_bytes)) {
        return ISLE_ERR_UNSUPPORTED;
    }
    own->limits = *limits;
    atomic_store(&own->output_hard, limits->output_bytes.hard != 0 ? limits->output_bytes.hard : UINT64_MAX);
    if (own->stopping_threads != 0) {
        engine_let_threads(in->engine);
    }
    forget(own);
    own->any = false;
    for (isle_budget b = 0; b < ISLE_BUDGET_COUNT_; b++) {
        own->any |= is_limited(in, b);
    }
    return ISLE_OK;
}

/* The engine says only why memory can't be limited. */
static const char *prefix_of(isle_status status)
{
    return status == ISLE_ERR_UNSUPPORTED ? "memory_bytes: " : "";
}

isle_status budget_start(interp *in, const isle_budgets *limits, engine_failure *failure)
{
    const char *why = NULL;
    isle_status status = ISLE_OK;
    in->budgets.timer.class = &budget_timer_class;
    atomic_store(&in->budgets.output_mark, UINT64_MAX);
    atomic_store(&in->budgets.output_hard, UINT64_MAX);
    engine_usage u;
    engine_get_usage(in->engine, &u);
    uint64_t held = u.of[ISLE_BUDGET_MEMORY].used;
    if (limits->memory_bytes.hard != 0 && limits->memory_bytes.hard <= held) {
        status = ISLE_ERR_INVALID;
        failure->message = plat_printf("isle_interp_config.budgets: memory_bytes: a new interpreter holds %llu already",
                                       (unsigned long long)held);
    } else if ((status = set(in, limits, &why)) != ISLE_OK) {
        failure->message = plat_printf("isle_interp_config.budgets: %s%s", prefix_of(status), why);
    }
    failure->status = status;
    in->budgets.alive = status == ISLE_OK;
    return status;
}

void budget_end(interp *in)
{
    interp_lock(in);
    in->budgets.alive = false;
    warden_disarm(&in->rt->warden, &in->budgets.timer);
    interp_unlock(in);
}

void budget_job_begins(interp *in)
{
    budgets *own = &in->budgets;
    if (!own->any) {
        return;
    }
    sight s = look_around(in, false);
    for (isle_budget b = 0; b < ISLE_BUDGET_COUNT_; b++) {
        own->refusals_before[b] = s.usage.of[b].refused;
        own->insisted[b] = false;
        own->told_hard[b] = own->told_hard[b] && is_for_life(b);
    }
    own->told_soft[ISLE_BUDGET_WALL] = own->raised_here = false;
    own->descriptors_before = s.descriptors;
    arm(in, &s);
}

void budget_job_ended(interp *in, const isle_job *job)
{
    if (job->wall_ns > in->budgets.longest_ns) {
        in->budgets.longest_ns = job->wall_ns;
    }
}

/* --- public ------------------------------------------------------------------------------------------------------- */

static isle_status check_limit(const char *field, isle_limit limit, isle_error **err)
{
    if (limit.soft != 0 && limit.hard != 0 && limit.soft > limit.hard) {
        return error_set(err, ISLE_ERR_INVALID, "isle_budgets.%s: the soft limit is above the hard one", field);
    }
    return ISLE_OK;
}

isle_status budget_take(isle_budgets *own, const isle_budgets *callers, isle_error **err)
{
    isle_status status = config_take(own, sizeof *own, callers, "isle_budgets", err);
#define BUDGET_CHECK(name, field, called, text) \
    status = status != ISLE_OK ? status : check_limit(#field, own->field, err);
    ISLE_BUDGET_LIST(BUDGET_CHECK)
#undef BUDGET_CHECK
    if (status == ISLE_OK && own->recursion.hard != 0 && own->recursion.hard < LEAST_RECURSION) {
        return error_set(err, ISLE_ERR_INVALID, "budgets: recursion: less than %d is not enough for Python itself",
                         LEAST_RECURSION);
    }
    return status;
}

isle_status isle_interp_set_budgets(isle_interp handle, const isle_budgets *limits, isle_error **err)
{
    isle_budgets own;
    const char *why = NULL;
    isle_status status = budget_take(&own, limits, err);
    interp *in = status == ISLE_OK ? table_take(handle.id) : NULL;
    if (in == NULL) {
        return status != ISLE_OK ? status : error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter");
    }
    interp_lock(in);
    status = set(in, &own, &why);
    if (status == ISLE_OK) {
        look_soon(in);
    }
    interp_unlock(in);
    interp_give(in);
    return status == ISLE_OK ? status : error_set(err, status, "isle_budgets.%s%s", prefix_of(status), why);
}

static uint64_t peak_of(const interp *in, isle_budget b, const sight *s)
{
    switch (b) {
    case ISLE_BUDGET_WALL:
        return (uint64_t)in->budgets.longest_ns;
    case ISLE_BUDGET_DESCRIPTORS:
        return in->budgets.descriptors_peak;
    default:
        return s->usage.of[b].peak;
    }
}

/* What is refused one by one is counted where that is done; descriptors in both ways. */
static uint64_t reached_of(const interp *in, isle_budget b, const sight *s)
{
    bool stops = is_for_life(b) || b == ISLE_BUDGET_WALL;
    return stops ? in->budgets.reached[b] : s->usage.of[b].refused;
}

static void fill_amounts(interp *in, isle_usage *out)
{
    const sight s = look_around(in, true);
    const budgets *own = &in->budgets;
#define BUDGET_FILL(name, field, called, text) \
    { \
        uint64_t used = used_of(in, ISLE_BUDGET_##name, &s), peak = peak_of(in, ISLE_BUDGET_##name, &s); \
        out->field = (isle_amount){.used = used, \
                                   .peak = peak > used ? peak : used, \
                                   .soft = own->limits.field.soft, \
                                   .hard = own->limits.field.hard, \
                                   .reached = reached_of(in, ISLE_BUDGET_##name, &s)}; \
    }
    ISLE_BUDGET_LIST(BUDGET_FILL)
#undef BUDGET_FILL
    out->memory_small_bytes = s.usage.small_bytes;
}

isle_status isle_interp_get_usage(isle_interp handle, isle_usage *out)
{
    if (out == NULL || out->size < sizeof out->size) {
        return ISLE_ERR_INVALID;
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return ISLE_ERR_NO_INTERP;
    }
    isle_usage usage = {.size = out->size};
    interp_lock(in);
    fill_amounts(in, &usage);
    interp_unlock(in);
    interp_give(in);
    memcpy(out, &usage, out->size < sizeof usage ? out->size : sizeof usage);
    return ISLE_OK;
}
