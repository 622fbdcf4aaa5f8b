/* Budgets of what is neither memory nor time: values in queues, recursion, descriptors. What is over one is refused
 * where it is asked for, on the thread that asks; the core is told, and looks later. */
#include "quota.h"

#include <errno.h>
#include <string.h>

#include "account.h"
#include "replace.h"
#include "value_message.h"

void quota_refuse(engine_interp *interp, isle_budget which)
{
    char text[BUDGET_TEXT_SIZE] = "a budget is used up";
    engine.hooks.on_refused(interp->core, which, text, sizeof text);
    engine_say_budget(interp, text);
    atomic_store(&interp->was_refused, true);
    PyErr_SetString(interp->over_budget != NULL ? interp->over_budget : PyExc_KeyboardInterrupt, text);
}

/* --- values in queues --------------------------------------------------------------------------------------------- */

static void tell(engine_interp *interp, int answer)
{
    if ((answer & TALLY_SOFT_MESSAGES) != 0) {
        engine.hooks.on_budget(interp->core, ISLE_BUDGET_MESSAGES, false);
    }
    if ((answer & TALLY_SOFT_BYTES) != 0) {
        engine.hooks.on_budget(interp->core, ISLE_BUDGET_QUEUE_BYTES, false);
    }
}

bool quota_count_message(engine_interp *interp, struct value_message *m)
{
    int answer = value_message_count(m, interp->tally);
    if (answer == TALLY_OK) {
        return true;
    }
    bool no_bytes = (answer & TALLY_NO_BYTES) != 0;
    if (no_bytes || (answer & TALLY_NO_MESSAGES) != 0) {
        quota_refuse(interp, no_bytes ? ISLE_BUDGET_QUEUE_BYTES : ISLE_BUDGET_MESSAGES);
        return false;
    }
    tell(interp, answer);
    return true;
}

/* --- recursion ---------------------------------------------------------------------------------------------------- */

static struct {
    one_arg_fn set_recursion_limit;
} original;

static void note_recursion(engine_interp *interp)
{
    uint64_t now = (uint64_t)Py_GetRecursionLimit();
    atomic_store(&interp->recursion.now, now);
    if (now > atomic_load(&interp->recursion.peak)) {
        atomic_store(&interp->recursion.peak, now);
    }
}

/* What is asked for; 0: that is for CPython to judge. */
static uint64_t wanted_depth(PyObject *arg)
{
    int overflow;
    PyObject *number = PyNumber_Index(arg);
    long long wanted = number != NULL ? PyLong_AsLongLongAndOverflow(number, &overflow) : 0;
    Py_XDECREF(number);
    PyErr_Clear();
    return wanted > 0 ? (uint64_t)wanted : 0;
}

static PyObject *own_set_recursion_limit(PyObject *module, PyObject *arg)
{
    engine_interp *interp = interp_of_thread();
    if (interp == NULL) {
        return original.set_recursion_limit(module, arg);
    }
    uint64_t wanted = wanted_depth(arg), hard = atomic_load(&interp->recursion.hard);
    uint64_t soft = atomic_load(&interp->recursion.soft);
    if (hard != 0 && wanted > hard) {
        atomic_fetch_add(&interp->recursion.refused, 1);
        engine.hooks.on_budget(interp->core, ISLE_BUDGET_RECURSION, true);
        return PyErr_Format(PyExc_ValueError, "recursion limit: at most %llu is allowed here (the budget recursion)",
                            (unsigned long long)hard);
    }
    PyObject *result = original.set_recursion_limit(module, arg);
    if (result != NULL) {
        note_recursion(interp);
        interp->recursion.own = 0;
    }
    if (result != NULL && soft != 0 && wanted >= soft) {
        engine.hooks.on_budget(interp->core, ISLE_BUDGET_RECURSION, false);
    }
    return result;
}

/* `own` is what the code's limit was before ours went below it: it gets that back. */
void quota_apply(engine_interp *interp)
{
    if (!atomic_load_explicit(&interp->recursion.due, memory_order_relaxed)) {
        return;
    }
    atomic_store(&interp->recursion.due, false);
    uint64_t hard = atomic_load(&interp->recursion.hard), now = (uint64_t)Py_GetRecursionLimit();
    uint64_t own = interp->recursion.own != 0 ? interp->recursion.own : now;
    uint64_t then = hard != 0 && hard < own ? hard : own;
    if (then != now) {
        Py_SetRecursionLimit((int)then);
    }
    interp->recursion.own = then < own ? own : 0;
    note_recursion(interp);
}

static bool says_depth(PyObject *exception)
{
    PyObject *text = PyObject_Str(exception);
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    bool says = utf8 != NULL && strncmp(utf8, "maximum recursion depth", 23) == 0;
    Py_XDECREF(text);
    PyErr_Clear();
    return says;
}

void quota_note_recursion(engine_interp *interp)
{
    uint64_t hard = atomic_load_explicit(&interp->recursion.hard, memory_order_relaxed);
    if (hard == 0 || !PyErr_ExceptionMatches(PyExc_RecursionError) || (uint64_t)Py_GetRecursionLimit() < hard) {
        return;
    }
    PyObject *exception = PyErr_GetRaisedException();
    if (says_depth(exception)) {
        atomic_fetch_add(&interp->recursion.refused, 1);
        engine.hooks.on_budget(interp->core, ISLE_BUDGET_RECURSION, true);
        PyObject *note = PyUnicode_FromFormat("the interpreter's recursion limit of %llu is reached",
                                              (unsigned long long)hard);
        Py_XDECREF(note != NULL ? PyObject_CallMethod(exception, "add_note", "O", note) : NULL);
        Py_XDECREF(note);
    }
    PyErr_Clear();
    PyErr_SetRaisedException(exception);
}

isle_status quota_start(engine_failure *failure)
{
    static const replacement list[] = {{"sys", "setrecursionlimit", METH_O, WAY(own_set_recursion_limit),
                                        ORIGINAL(original.set_recursion_limit), false}};
    return replace_functions(list, 1, failure);
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

uint64_t engine_count_descriptors(engine_interp *interp)
{
    return interp->own_descriptors ? plat_descriptors_count(interp->home_kernel_id) : 0;
}

static void raise_too_many(uint64_t hard)
{
    char text[120];
    snprintf(text, sizeof text, "%s: the interpreter's limit of %llu descriptors is reached", strerror(EMFILE),
             (unsigned long long)hard);
    PyObject *args = Py_BuildValue("is", EMFILE, text);
    if (args != NULL) {
        PyErr_SetObject(PyExc_OSError, args);
        Py_DECREF(args);
    }
}

int quota_before_descriptor(void)
{
    engine_interp *interp = atomic_load_explicit(&engine.descriptor_limits, memory_order_relaxed) != 0
                                ? interp_of_thread()
                                : NULL;
    uint64_t hard = interp != NULL ? atomic_load(&interp->descriptors.hard) : 0;
    if (hard == 0 || interp->destroying || engine_count_descriptors(interp) < hard) {
        return 0;
    }
    atomic_fetch_add(&interp->descriptors.refused, 1);
    engine.hooks.on_budget(interp->core, ISLE_BUDGET_DESCRIPTORS, true);
    raise_too_many(hard);
    return -1;
}

static void limit_descriptors(engine_interp *interp, uint64_t hard)
{
    bool before = atomic_exchange(&interp->descriptors.hard, hard) != 0;
    if (before != (hard != 0)) {
        atomic_fetch_add(&engine.descriptor_limits, before ? (size_t)-1 : 1);
    }
}

/* --- for the core ------------------------------------------------------------------------------------------------- */

static uint64_t or_none(uint64_t limit)
{
    return limit != 0 ? limit : UINT64_MAX;
}

const char *engine_set_limits(engine_interp *interp, const isle_budgets *limits)
{
    const tally_limits waiting = {.soft_messages = or_none(limits->messages.soft),
                                  .hard_messages = or_none(limits->messages.hard),
                                  .soft_bytes = or_none(limits->queue_bytes.soft),
                                  .hard_bytes = or_none(limits->queue_bytes.hard)};
    tally_limit(interp->tally, &waiting);
    atomic_store(&interp->recursion.soft, limits->recursion.soft);
    atomic_store(&interp->recursion.hard, limits->recursion.hard);
    atomic_store(&interp->recursion.due, true);
    limit_descriptors(interp, limits->descriptors.hard);
    return account_set_limits(interp->account, limits->memory_bytes, limits->threads);
}

void engine_get_usage(engine_interp *interp, engine_usage *out)
{
    *out = (engine_usage){.small_bytes = 0};
    account_get_usage(interp->account, out);
    tally_counts waiting = tally_count(interp->tally);
    out->of[ISLE_BUDGET_MESSAGES] = (engine_amount){waiting.messages, waiting.peak_messages, waiting.refused_messages};
    out->of[ISLE_BUDGET_QUEUE_BYTES] = (engine_amount){waiting.bytes, waiting.peak_bytes, waiting.refused_bytes};
    out->of[ISLE_BUDGET_RECURSION] = (engine_amount){atomic_load(&interp->recursion.now),
                                                     atomic_load(&interp->recursion.peak),
                                                     atomic_load(&interp->recursion.refused)};
    out->of[ISLE_BUDGET_DESCRIPTORS].refused = atomic_load(&interp->descriptors.refused);
}

bool quota_open(engine_interp *interp)
{
    interp->tally = tally_new();
    atomic_store(&interp->recursion.now, (uint64_t)Py_GetRecursionLimit()); /* no code of its own has run with that */
    return interp->tally != NULL;
}

void quota_close(engine_interp *interp)
{
    limit_descriptors(interp, 0);
    tally_close(interp->tally);
    interp->tally = NULL;
}
