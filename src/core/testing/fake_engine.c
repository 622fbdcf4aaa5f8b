/* The engine of the core's tests; see fake_engine.h. Each interpreter has a lock and a condition of its own, so
 * that the fake orders the core's threads no more than CPython would. */
#include "fake_engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "platform.h"
#include "value_codec.h"

#define MAX_INTERPS 4096

typedef enum ending {
    ENDS_AT_ONCE,
    ENDS_BY_INTERRUPT, /* after `wanted` of them */
    ENDS_BY_NUDGING,
    ENDS_BY_INSISTING,
    ENDS_BY_PARKING
} ending;

struct engine_interp {
    uint64_t id;
    void *core;
    plat_lock lock;
    plat_cond changed;
    bool running, lasting, insist, parkable, parked;
    isle_status reason;
    int interrupts, nudges, wanted;
    int threads, hostile, entered;
    ending at_exit, at_destroy;
    bool left;                   /* it called os._exit */
    _Atomic int signals_untaken; /* so many times engine_signal_again says that one still waits */
};

fake_engine fake;

static engine_hooks hooks;
static _Atomic uint32_t gate_is_open, parked_may_go;

static plat_lock all_lock = {PTHREAD_MUTEX_INITIALIZER};
static engine_interp *all[MAX_INTERPS];

static _Thread_local engine_interp *attached;
static _Thread_local engine_interp *calling;
static engine_interp main_interp;

static void must(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "fake engine: %s\n", what);
        abort();
    }
}

/* --- for the tests ------------------------------------------------------------------------------------------------ */

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    gate_is_open = parked_may_go = 0;
}

static void wake_all(void)
{
    plat_lock_take(&all_lock);
    for (size_t i = 0; i < MAX_INTERPS; i++) {
        if (all[i] != NULL) {
            plat_lock_take(&all[i]->lock);
            plat_cond_wake_all(&all[i]->changed);
            plat_lock_give(&all[i]->lock);
        }
    }
    plat_lock_give(&all_lock);
}

void fake_open_gate(void)
{
    atomic_store(&gate_is_open, 1);
    wake_all();
}

void fake_release_parked(void)
{
    atomic_store(&parked_may_go, 1);
    wake_all();
}

void fake_refuse(uint64_t id, isle_budget which)
{
    plat_lock_take(&all_lock);
    for (size_t i = 0; i < MAX_INTERPS; i++) {
        if (all[i] != NULL && all[i]->id == id) {
            hooks.on_budget(all[i]->core, which, true);
        }
    }
    plat_lock_give(&all_lock);
}

static bool is_lasting(uint64_t id)
{
    bool lasting = false;
    plat_lock_take(&all_lock);
    for (size_t i = 0; i < MAX_INTERPS; i++) {
        if (all[i] != NULL && all[i]->id == id) {
            plat_lock_take(&all[i]->lock);
            lasting = all[i]->lasting;
            plat_lock_give(&all[i]->lock);
        }
    }
    plat_lock_give(&all_lock);
    return lasting;
}

bool fake_await_lasting(uint64_t id, int64_t deadline)
{
    plat_gate never = {0};
    bool lasting;
    while (!(lasting = is_lasting(id)) && plat_now() < deadline) {
        plat_gate_wait(&never, plat_now() + ISLE_MS / 10);
    }
    return lasting;
}

void fake_attach_main(void)
{
    attached = &main_interp;
}

void fake_detach_main(void)
{
    must(attached == &main_interp, "the thread is not attached to main any more");
    attached = NULL;
}

static void replace_in_all(engine_interp *old, engine_interp *new)
{
    plat_lock_take(&all_lock);
    size_t i = 0;
    while (i < MAX_INTERPS && all[i] != old) {
        i++;
    }
    must(i < MAX_INTERPS, "too many interpreters");
    all[i] = new;
    plat_lock_give(&all_lock);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

void engine_failure_clear(engine_failure *failure)
{
    plat_free(failure->message);
    parcel_clear(&failure->report);
    *failure = (engine_failure){0};
}

static isle_status fail(engine_failure *failure, isle_status status, const char *message)
{
    failure->status = status;
    failure->message = plat_strdup(message);
    return status;
}

static void write_text(cbor_writer *w, const char *text)
{
    cbor_write_text(w, text, strlen(text));
}

static isle_status fail_with_report(engine_failure *failure, bool odd)
{
    cbor_writer w;
    cbor_writer_init(&w);
    cbor_write_map(&w, odd ? 3 : 2); /* odd: one is missing */
    write_text(&w, "type");
    write_text(&w, "ValueError");
    write_text(&w, "message");
    write_text(&w, "no such colour");
    cbor_writer_take_parcel(&w, &failure->report);
    return fail(failure, ISLE_ERR_PYTHON, "an exception");
}

/* --- the runtime -------------------------------------------------------------------------------------------------- */

isle_status engine_start(const isle_runtime_config *config, const engine_hooks *core_hooks, engine_failure *failure)
{
    (void)config;
    hooks = *core_hooks;
    atomic_fetch_add(&fake.starts, 1);
    return fake.start_status != ISLE_OK ? fail(failure, fake.start_status, "the fake engine won't start") : ISLE_OK;
}

isle_status engine_adopt(const isle_runtime_config *config, const engine_hooks *core_hooks, void (*on_exit)(void *),
                         void *ctx, engine_failure *failure)
{
    must(attached == &main_interp, "engine_adopt: the caller is not attached");
    fake.on_exit = on_exit;
    fake.on_exit_ctx = ctx;
    return engine_start(config, core_hooks, failure);
}

isle_status engine_stop(engine_failure *failure)
{
    must(fake.created == fake.destroyed, "engine_stop with live interpreters");
    must(fake.created == fake.freed, "engine_stop with interpreters that were not freed");
    atomic_fetch_add(&fake.stops, 1);
    return fake.stop_status != ISLE_OK ? fail(failure, fake.stop_status, "the fake engine stopped badly") : ISLE_OK;
}

void engine_abandon(void)
{
    atomic_fetch_add(&fake.abandons, 1);
}

void engine_leave_behind(engine_interp *interp)
{
    (void)interp; /* the fake's end waits for nobody */
}

void *engine_detach(void)
{
    engine_interp *before = attached;
    attached = NULL;
    return before;
}

const char *engine_locale_reason(void)
{
    return NULL;
}

void engine_reattach(void *detached)
{
    must(attached == NULL, "engine_reattach: attached");
    attached = detached;
}

bool engine_is_inside(const engine_interp *interp)
{
    return attached == interp || calling == interp;
}

bool engine_is_to_stop(void)
{
    return false;
}

bool engine_is_inside_any(void)
{
    return (attached != NULL && attached != &main_interp) || calling != NULL;
}

/* --- interpreters ------------------------------------------------------------------------------------------------- */

isle_status engine_extension_inspect(const char *file, const char *module, isle_extension_info *out,
                                     engine_failure *failure)
{
    (void)file;
    (void)module;
    out->init = ISLE_EXTENSION_MULTI_PHASE;
    (void)failure;
    return ISLE_OK;
}

const char *engine_library_folder(size_t index)
{
    (void)index;
    return NULL;
}

isle_status engine_interp_create(const isle_interp_config *config, uint64_t id, const char *name, void *core_interp,
                                 struct policy *policy, engine_interp **out_interp, engine_failure *failure)
{
    (void)policy;
    must(config->size == sizeof *config && name != NULL, "engine_interp_create: a strange config");
    if (fake.create_status != ISLE_OK) {
        return fail(failure, fake.create_status, "the fake engine makes no interpreter");
    }
    engine_interp *interp = plat_calloc(1, sizeof *interp);
    if (interp == NULL) {
        failure->status = ISLE_ERR_NOMEM;
        return ISLE_ERR_NOMEM;
    }
    interp->id = id;
    interp->core = core_interp;
    plat_lock_init(&interp->lock);
    plat_cond_init(&interp->changed);
    replace_in_all(NULL, interp);
    atomic_fetch_add(&fake.created, 1);
    *out_interp = interp;
    return ISLE_OK;
}

static void begin(engine_interp *interp)
{
    must(attached == NULL, "a task while attached");
    plat_lock_take(&interp->lock);
    must(!interp->running, "two tasks at once");
    interp->running = true;
    interp->insist = interp->parkable = false;
    interp->interrupts = interp->nudges = 0;
    interp->wanted = 1;
    interp->reason = ISLE_OK;
    plat_lock_give(&interp->lock);
    attached = calling = interp;
}

static void end(engine_interp *interp)
{
    attached = calling = NULL;
    plat_lock_take(&interp->lock);
    interp->running = false;
    plat_lock_give(&interp->lock);
}

static bool is_over(const engine_interp *interp, ending how, bool gate)
{
    if (gate && atomic_load(&gate_is_open)) {
        return true;
    }
    switch (how) {
    case ENDS_BY_INTERRUPT:
        return interp->interrupts >= interp->wanted;
    case ENDS_BY_NUDGING:
        return interp->nudges >= interp->wanted;
    case ENDS_BY_INSISTING:
        return interp->insist;
    case ENDS_BY_PARKING:
        return interp->parked && atomic_load(&parked_may_go);
    default:
        return true;
    }
}

/* Returns the reason of the interrupt that ended it, or ISLE_OK. */
static isle_status last(engine_interp *interp, ending how, bool gate, int64_t deadline)
{
    plat_lock_take(&interp->lock);
    interp->parkable = how == ENDS_BY_PARKING && !gate;
    interp->lasting = true;
    while (!is_over(interp, how, gate) && plat_cond_wait(&interp->changed, &interp->lock, deadline)) {}
    bool by_gate = gate && atomic_load(&gate_is_open);
    bool interrupted = !by_gate && how != ENDS_BY_PARKING && is_over(interp, how, false);
    isle_status reason = interrupted ? interp->reason : ISLE_OK;
    interp->lasting = false;
    plat_lock_give(&interp->lock);
    return reason;
}

static ending ending_named(const char *name)
{
    return strcmp(name, "deaf") == 0       ? ENDS_BY_PARKING
           : strcmp(name, "stubborn") == 0 ? ENDS_BY_INSISTING
           : strcmp(name, "spin") == 0     ? ENDS_BY_INTERRUPT
                                           : ENDS_AT_ONCE;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

typedef struct run { /* what engine_run was given */
    engine_interp *interp;
    const engine_task *task;
    parcel *out_value;
    engine_failure *failure;
} run;

static isle_status give(run *r, const isle_value *value)
{
    return value_to_parcel(value, r->out_value);
}

static isle_status echo(run *r)
{
    isle_value *both;
    isle_status status = value_from_parcel(&r->task->args, &both);
    if (status != ISLE_OK) {
        return status;
    }
    const isle_value *args = isle_value_at(both, 0);
    must(isle_value_type(args) == ISLE_LIST, "args is no array");
    must(isle_value_type(isle_value_at(both, 1)) == ISLE_DICT, "kwargs is no map");
    const isle_value *first = isle_value_at(args, 0);
    status = first != NULL ? give(r, first) : ISLE_OK;
    isle_value_free(both);
    return status;
}

static isle_status give_id(run *r)
{
    isle_value *value = isle_value_new_int((int64_t)r->interp->id);
    isle_status status = give(r, value);
    isle_value_free(value);
    return status;
}

/* isles.host.NAME(1) */
static isle_status call_host(run *r, const char *name)
{
    cbor_writer w;
    parcel args = {.data = NULL};
    char *message = NULL;
    cbor_writer_init(&w);
    cbor_write_tuple(&w, 1);
    cbor_write_int(&w, 1);
    isle_status status = cbor_writer_take_parcel(&w, &args);
    if (status != ISLE_OK) {
        return status;
    }
    status = hooks.on_host_call(r->interp->core, name, &args, r->out_value, &message);
    parcel_clear(&args);
    if (status != ISLE_OK) {
        r->failure->status = ISLE_ERR_PYTHON;
        r->failure->message = message;
        return ISLE_ERR_PYTHON;
    }
    return ISLE_OK;
}

/* "5,2" in ms, as signal.setitimer() has it. */
static void set_alarm(engine_interp *interp, const char *arg)
{
    int left = 0, interval = 0;
    must(sscanf(arg, "%d,%d", &left, &interval) == 2, "an alarm takes two numbers");
    const engine_alarm alarm = {.left_ns = left * ISLE_MS, .interval_ns = interval * ISLE_MS};
    hooks.on_alarm(interp->core, &alarm);
    engine_alarm now = hooks.on_alarm(interp->core, NULL);
    must(now.left_ns <= alarm.left_ns, "the alarm is another"); /* it may have come already */
    must(now.interval_ns == alarm.interval_ns, "its interval is another");
}

static void put_out(engine_interp *interp, size_t len)
{
    char text[120];
    if (hooks.on_output(interp->core, 1, len) < len) {
        hooks.on_refused(interp->core, ISLE_BUDGET_OUTPUT, text, sizeof text);
    }
}

static isle_status call_out(run *r, const char *what, const char *arg)
{
    engine_interp *interp = r->interp;
    isle_status status = ISLE_OK;
    attached = NULL;
    if (strcmp(what, "output") == 0) {
        put_out(interp, strlen(arg));
    } else if (strcmp(what, "error") == 0) {
        hooks.on_error(interp->core, arg);
    } else if (strcmp(what, "host") == 0) {
        status = call_host(r, arg);
    } else if (strcmp(what, "alarm") == 0) {
        set_alarm(interp, arg);
    } else if (strcmp(what, "raise") == 0) {
        hooks.on_raise(interp->core, SIGUSR1);
    } else {
        fake.callback(fake.callback_ctx);
    }
    must(attached == NULL, "a hook came back attached");
    attached = interp;
    return status;
}

/* As os._exit */
static isle_status leave(run *r, int exit_status)
{
    char call[32];
    snprintf(call, sizeof call, "os._exit(%d)", exit_status);
    r->interp->left = true;
    attached = NULL;
    hooks.on_exit(r->interp->core, exit_status, call);
    attached = r->interp;
    r->failure->exit_status = exit_status;
    return exit_status == 0 ? ISLE_OK : fail(r->failure, ISLE_ERR_EXIT, call);
}

static bool is(const char *text, const char *name)
{
    return strcmp(text, name) == 0;
}

static isle_status do_task(run *r, const char *what, const char *arg)
{
    engine_interp *interp = r->interp;
    if (is(what, "ok")) {
        return ISLE_OK;
    }
    if (is(what, "echo")) {
        return echo(r);
    }
    if (is(what, "id")) {
        return give_id(r);
    }
    if (is(what, "fail")) {
        return fail_with_report(r->failure, is(arg, "oddly"));
    }
    if (is(what, "exit")) {
        r->failure->exit_status = atoi(arg);
        return fail(r->failure, ISLE_ERR_EXIT, "SystemExit");
    }
    if (is(what, "leave")) {
        return leave(r, atoi(arg));
    }
    if (is(what, "sleep")) {
        return last(interp, ENDS_BY_INTERRUPT, false, plat_now() + atoi(arg) * ISLE_MS);
    }
    if (is(what, "wait")) {
        return last(interp, ENDS_BY_INTERRUPT, true, PLAT_FOREVER);
    }
    if (is(what, "hold")) {
        return last(interp, ENDS_BY_PARKING, true, PLAT_FOREVER);
    }
    if (is(what, "again") || is(what, "nudged")) {
        interp->wanted = atoi(arg);
        return last(interp, is(what, "again") ? ENDS_BY_INTERRUPT : ENDS_BY_NUDGING, false, PLAT_FOREVER);
    }
    if (is(what, "finish")) {
        last(interp, ENDS_BY_INTERRUPT, false, PLAT_FOREVER);
        return ISLE_OK;
    }
    if (is(what, "threads")) {
        interp->threads = atoi(arg);
        return ISLE_OK;
    }
    if (is(what, "hostile")) {
        interp->hostile = atoi(arg);
        return ISLE_OK;
    }
    if (is(what, "atexit")) {
        interp->at_exit = ending_named(arg);
        return ISLE_OK;
    }
    if (is(what, "destroy")) {
        interp->at_destroy = ending_named(arg);
        return ISLE_OK;
    }
    if (ending_named(what) != ENDS_AT_ONCE) {
        return last(interp, ending_named(what), false, PLAT_FOREVER);
    }
    return call_out(r, what, arg);
}

static isle_status do_target(run *r)
{
    char what[64] = "", arg[64] = "";
    sscanf(r->task->target, "%63s %63s", what, arg);
    return do_task(r, what, arg);
}

static isle_status dispatch(run *r)
{
    switch (r->task->kind) {
    case ENGINE_JOIN_THREADS:
        return r->interp->threads > 0 ? last(r->interp, ENDS_BY_INTERRUPT, false, PLAT_FOREVER) : ISLE_OK;
    case ENGINE_ATEXIT:
        return last(r->interp, r->interp->at_exit, false, PLAT_FOREVER);
    case ENGINE_RESET:
        atomic_fetch_add(&fake.resets, 1);
        return ISLE_OK;
    case ENGINE_MARK:
    case ENGINE_SET_GLOBAL:
        return ISLE_OK;
    default:
        return do_target(r);
    }
}

isle_status engine_run(engine_interp *interp, const engine_task *task, parcel *out_value, engine_failure *failure)
{
    run r = {interp, task, out_value, failure};
    *out_value = (parcel){.data = NULL};
    must(!interp->left, "a task of an interpreter that has left");
    begin(interp);
    isle_status status = dispatch(&r);
    end(interp);
    return status;
}

/* --- budgets ------------------------------------------------------------------------------------------------------ */

void engine_get_usage(engine_interp *interp, engine_usage *out)
{
    (void)interp;
    *out = (engine_usage){.small_bytes = 0};
    out->of[ISLE_BUDGET_MEMORY].used = atomic_load(&fake.memory_bytes);
    out->of[ISLE_BUDGET_MEMORY].refused = atomic_load(&fake.memory_denied);
    out->of[ISLE_BUDGET_CPU].used = (uint64_t)atomic_load(&fake.cpu_ns);
    out->of[ISLE_BUDGET_THREADS].used = atomic_load(&fake.burning);
    out->of[ISLE_BUDGET_MESSAGES].refused = atomic_load(&fake.messages_refused);
}

uint64_t engine_count_descriptors(engine_interp *interp)
{
    (void)interp;
    return atomic_load(&fake.descriptors);
}

void engine_stop_threads(engine_interp *interp, bool insist)
{
    (void)interp;
    atomic_fetch_add(insist ? &fake.thread_insists : &fake.thread_stops, 1);
}

void engine_let_threads(engine_interp *interp)
{
    (void)interp;
    atomic_fetch_add(&fake.thread_lets, 1);
}

bool engine_park_threads(engine_interp *interp)
{
    (void)interp;
    atomic_store(&fake.burning, 0);
    return true;
}

const char *engine_set_limits(engine_interp *interp, const isle_budgets *limits)
{
    (void)interp;
    (void)limits;
    return atomic_load(&fake.counts_no_memory) ? "this engine can't" : NULL;
}

void engine_say_budget(engine_interp *interp, const char *text)
{
    (void)interp;
    must(text[0] != '\0', "engine_say_budget without a text");
}

void engine_get_copies(engine_interp *interp, uint64_t *out_count, uint64_t *out_bytes)
{
    (void)interp;
    *out_count = 2;
    *out_bytes = 4096;
}

uint64_t engine_memory_left(void)
{
    return 0;
}

bool engine_has_environment(void)
{
    return false;
}

char **engine_copy_environment(size_t more, size_t *out_count)
{
    (void)more;
    (void)out_count;
    return NULL;
}

/* --- stopping code ------------------------------------------------------------------------------------------------ */

bool engine_interrupt(engine_interp *interp, isle_status reason, bool insist)
{
    plat_lock_take(&interp->lock);
    bool taken = interp->running;
    if (taken) {
        interp->interrupts++;
        interp->insist |= insist;
        interp->reason = reason;
        atomic_fetch_add(insist ? &fake.insists : &fake.interrupts, 1);
        plat_cond_wake_all(&interp->changed);
    }
    plat_lock_give(&interp->lock);
    return taken;
}

void engine_nudge(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    interp->nudges++;
    plat_cond_wake_all(&interp->changed);
    plat_lock_give(&interp->lock);
}

bool engine_park(engine_interp *interp)
{
    if (atomic_load(&fake.park_refusals) > 0) {
        atomic_fetch_sub(&fake.park_refusals, 1);
        return false;
    }
    plat_lock_take(&interp->lock);
    bool parked = interp->running && interp->parkable;
    interp->parked |= parked;
    plat_lock_give(&interp->lock);
    if (parked) {
        atomic_fetch_add(&fake.parks, 1);
    }
    return parked;
}

char *engine_stuck_stack(engine_interp *interp)
{
    (void)interp;
    return plat_strdup("\n  File \"fake\", line 1, in deaf");
}

size_t engine_reap_threads(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    if (interp->threads > 0) {
        interp->threads--;
    }
    size_t left = (size_t)(interp->threads + interp->hostile + interp->entered);
    if (left > 0 && interp->threads == 0) { /* a moment, or until somebody leaves */
        plat_cond_wait(&interp->changed, &interp->lock, plat_now() + 2 * ISLE_MS);
    }
    plat_lock_give(&interp->lock);
    return left;
}

char *engine_thread_names(engine_interp *interp)
{
    return interp->hostile > 0 ? plat_printf("Hostile-%d", interp->hostile) : NULL;
}

void engine_interp_destroy(engine_interp *interp)
{
    must(interp->threads + interp->hostile + interp->entered == 0, "engine_interp_destroy with threads");
    begin(interp);
    last(interp, interp->at_destroy, false, PLAT_FOREVER);
    plat_lock_take(&interp->lock);
    bool insisted = interp->insist;
    plat_lock_give(&interp->lock);
    must(!insisted, "engine_interp_destroy was interrupted insistently");
    end(interp);
    atomic_fetch_add(&fake.destroyed, 1);
}

void engine_interp_free(engine_interp *interp)
{
    if (interp == NULL) {
        return;
    }
    must(interp->entered == 0 && !interp->running, "engine_interp_free while it is used");
    replace_in_all(interp, NULL);
    plat_cond_destroy(&interp->changed);
    plat_lock_destroy(&interp->lock);
    plat_free(interp);
    atomic_fetch_add(&fake.freed, 1);
}

isle_status engine_enter(engine_interp *interp, isle_entry *out_entry)
{
    out_entry->opaque[0] = interp;
    out_entry->opaque[1] = engine_detach();
    plat_lock_take(&interp->lock);
    interp->entered++;
    plat_lock_give(&interp->lock);
    attached = interp;
    return ISLE_OK;
}

void engine_leave(isle_entry *entry)
{
    engine_interp *interp = entry->opaque[0];
    must(attached == interp, "engine_leave: not attached there");
    attached = NULL;
    plat_lock_take(&interp->lock);
    interp->entered--;
    plat_cond_wake_all(&interp->changed);
    plat_lock_give(&interp->lock);
    engine_reattach(entry->opaque[1]);
}

bool engine_signal_exists(int number)
{
    return number >= 1 && number <= SIGRTMAX;
}

void engine_signal(engine_interp *interp, int number, bool code_runs)
{
    (void)number;
    atomic_fetch_add(&fake.signals, 1);
    atomic_fetch_add(&fake.signals_to_code, code_runs);
    atomic_store(&interp->signals_untaken, atomic_load(&fake.signal_repeats));
}

bool engine_signal_again(engine_interp *interp)
{
    atomic_fetch_add(&fake.signals_again, 1);
    return atomic_fetch_sub(&interp->signals_untaken, 1) > 1;
}

void engine_signal_forget(engine_interp *interp)
{
    atomic_store(&interp->signals_untaken, 0);
    atomic_fetch_add(&fake.signals_forgotten, 1);
}

bool engine_handles_signal(const engine_interp *interp, int number)
{
    (void)interp;
    return number == SIGUSR1;
}

bool engine_has_due(engine_interp *interp)
{
    (void)interp;
    return false;
}

void engine_release_due(engine_interp *interp)
{
    (void)interp;
}
