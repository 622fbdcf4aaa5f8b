/* The functions of _signal, and os.kill and _thread.interrupt_main, for signals of an interpreter's own; signals.c has
 * what they do. CPython's refuse to work outside the main interpreter, or act on the process.
 *
 * They are put in where an interpreter of ours imports _signal, which most never do: by a step behind those that fill
 * the module in. The main interpreter and those that are not ours keep CPython's. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "python.h"

enum { SIGNALS = 64, MOST_SLOTS = 16 };

static engine_interp *interp_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, "isles.interp");
}

/* --- arguments and refusals ------------------------------------------------------------------------------------- */

static PyObject *system_error(int error)
{
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static bool is_in_range(int number)
{
    if (number >= 1 && number <= SIGNALS) {
        return true;
    }
    PyErr_SetString(PyExc_ValueError, "signal number out of range");
    return false;
}

static bool is_main_thread(const engine_interp *interp, const char *function)
{
    if (engine_home == interp) {
        return true;
    }
    PyErr_Format(PyExc_ValueError, "%s only works in main thread of the interpreter", function);
    return false;
}

/* Can code be sent it? */
static bool is_sendable(int number)
{
    if (number == SIGKILL || number == SIGSTOP) {
        PyObject *error = PyObject_CallFunction(PyExc_OSError, "is", EPERM,
                                                "SIGKILL and SIGSTOP are for processes, and this one has others in it");
        if (error != NULL) {
            PyErr_SetObject((PyObject *)Py_TYPE(error), error);
            Py_DECREF(error);
        }
        return false;
    }
    if (!engine_signal_exists(number)) {
        system_error(EINVAL);
        return false;
    }
    return true;
}

static bool read_mask(PyObject *numbers, uint64_t *out)
{
    PyObject *iterator = PyObject_GetIter(numbers), *item;
    *out = 0;
    while (iterator != NULL && (item = PyIter_Next(iterator)) != NULL) {
        int overflow;
        long number = PyLong_AsLongAndOverflow(item, &overflow);
        Py_DECREF(item);
        if (number >= 1 && number <= SIGNALS) {
            *out |= signal_bit((int)number);
        } else if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "signal number %ld out of range [1; %i]", number, SIGNALS);
        }
        if (PyErr_Occurred()) {
            break;
        }
    }
    Py_XDECREF(iterator);
    return !PyErr_Occurred();
}

static PyObject *set_of(uint64_t mask)
{
    PyObject *set = PySet_New(NULL);
    for (int n = 1; set != NULL && n <= SIGNALS; n++) {
        PyObject *number = (mask & signal_bit(n)) != 0 ? PyLong_FromLong(n) : NULL;
        if (number != NULL && PySet_Add(set, number) < 0) {
            Py_CLEAR(set);
        }
        Py_XDECREF(number);
    }
    return set;
}

/* --- handlers --------------------------------------------------------------------------------------------------- */

static bool is_handler(PyObject *handler)
{
    if (PyCallable_Check(handler)) {
        return true;
    }
    long number = PyLong_CheckExact(handler) ? PyLong_AsLong(handler) : -1;
    if (number == 0 || number == 1) {
        return true;
    }
    PyErr_Clear();
    PyErr_SetString(PyExc_TypeError, "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object");
    return false;
}

static PyObject *set_handler(PyObject *capsule, PyObject *args)
{
    engine_interp *interp = interp_of(capsule);
    int number;
    PyObject *handler, *old = NULL;
    if (!PyArg_ParseTuple(args, "iO:signal", &number, &handler) || !is_main_thread(interp, "signal") ||
        !is_in_range(number) || !is_handler(handler)) {
        return NULL;
    }
    if (!engine_signal_exists(number)) {
        return system_error(EINVAL);
    }
    return signals_set_handler(interp, number, handler, &old) == 0 ? old : NULL;
}

static PyObject *get_handler(PyObject *capsule, PyObject *args)
{
    int number;
    if (!PyArg_ParseTuple(args, "i:getsignal", &number) || !is_in_range(number)) {
        return NULL;
    }
    return signals_handler(interp_of(capsule), number);
}

/* CPython's calls are begun again after a signal in any case (PEP 475). */
static PyObject *set_restart(PyObject *capsule, PyObject *args)
{
    int number, flag;
    (void)capsule;
    if (!PyArg_ParseTuple(args, "ii:siginterrupt", &number, &flag) || !is_in_range(number)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static bool is_wakeup(int fd)
{
    struct stat about;
    int flags = fd == -1 || fstat(fd, &about) == 0 ? 0 : -1;
    if (fd != -1 && flags == 0) {
        flags = fcntl(fd, F_GETFL);
    }
    if (flags < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return false;
    }
    if (fd != -1 && (flags & O_NONBLOCK) == 0) {
        PyErr_Format(PyExc_ValueError, "the fd %i must be in non-blocking mode", fd);
        return false;
    }
    return true;
}

static PyObject *set_wakeup(PyObject *capsule, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "warn_on_full_buffer", NULL};
    engine_interp *interp = interp_of(capsule);
    int fd, warn = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|$p:set_wakeup_fd", names, &fd, &warn) ||
        !is_main_thread(interp, "set_wakeup_fd") || !is_wakeup(fd)) {
        return NULL;
    }
    atomic_store(&interp->signals.warn_when_full, warn != 0);
    return PyLong_FromLong(atomic_exchange(&interp->signals.wakeup, fd < 0 ? 0 : fd + 1) - 1);
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

/* As the process's own, it has been handled when this returns, unless this is another thread. */
static PyObject *send_to_self(engine_interp *interp, int number)
{
    if (!is_sendable(number)) {
        return NULL;
    }
    engine.hooks.on_raise(interp->core, number);
    if (engine_home == interp && signals_run(interp) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *raise_here(PyObject *capsule, PyObject *args)
{
    int number;
    if (!PyArg_ParseTuple(args, "i:raise_signal", &number)) {
        return NULL;
    }
    engine_interp *interp = interp_of(capsule);
    uint64_t handled = atomic_load(&interp->signals.callable) | atomic_load(&interp->signals.ignored);
    if (number == SIGABRT && (handled & (UINT64_C(1) << (SIGABRT - 1))) == 0) {
        return exit_by_abort(interp, "signal.raise_signal(SIGABRT)");
    }
    return send_to_self(interp, number);
}

static PyObject *kill_thread(PyObject *capsule, PyObject *args)
{
    engine_interp *interp = interp_of(capsule);
    unsigned long thread;
    int number;
    if (!PyArg_ParseTuple(args, "ki:pthread_kill", &thread, &number) ||
        PySys_Audit("signal.pthread_kill", "ki", thread, number) < 0) {
        return NULL;
    }
    if (!threads_has(interp, thread)) {
        return system_error(ESRCH);
    }
    return number != 0 ? send_to_self(interp, number) : Py_NewRef(Py_None);
}

/* self is (capsule, CPython's os.kill). */
static PyObject *kill_process(PyObject *self, PyObject *args)
{
    int pid, number;
    if (!PyArg_ParseTuple(args, "ii:kill", &pid, &number) || pid != (int)getpid()) {
        PyErr_Clear();
        return PyObject_Call(PyTuple_GET_ITEM(self, 1), args, NULL);
    }
    if (PySys_Audit("os.kill", "ii", pid, number) < 0) {
        return NULL;
    }
    engine_interp *interp = interp_of(PyTuple_GET_ITEM(self, 0));
    return number != 0 ? send_to_self(interp, number) : Py_NewRef(Py_None);
}

/* The process that a descriptor of pidfd_open stands for; 0: it is none. */
static int process_behind(int pidfd)
{
    char path[64], line[128];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE *file = fopen(path, "re");
    while (file != NULL && pid == 0 && fgets(line, sizeof line, file) != NULL) {
        pid = strncmp(line, "Pid:", 4) == 0 ? (int)strtol(line + 4, NULL, 10) : 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pid;
}

/* The other kind of descriptor that pidfd_send_signal takes. */
static bool is_own_folder(int fd)
{
    char path[64], own[64], target[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int size = snprintf(own, sizeof own, "/proc/%d", (int)getpid());
    return readlink(path, target, sizeof target) == size && memcmp(target, own, (size_t)size) == 0;
}

static bool is_own_process(int pidfd)
{
    return process_behind(pidfd) == (int)getpid() || is_own_folder(pidfd);
}

/* self is (capsule, CPython's signal.pidfd_send_signal). */
static PyObject *kill_pidfd(PyObject *self, PyObject *args)
{
    int pidfd, number;
    if (!PyArg_ParseTuple(args, "ii:pidfd_send_signal", &pidfd, &number) || !is_own_process(pidfd)) {
        PyErr_Clear();
        return PyObject_Call(PyTuple_GET_ITEM(self, 1), args, NULL);
    }
    engine_interp *interp = interp_of(PyTuple_GET_ITEM(self, 0));
    return number != 0 ? send_to_self(interp, number) : Py_NewRef(Py_None);
}

/* CPython's would interrupt the main thread of the main interpreter. On the main thread itself it has been handled when
 * this returns, as there: code relies on KeyboardInterrupt coming from the call. */
static PyObject *interrupt_main(PyObject *capsule, PyObject *args)
{
    engine_interp *interp = interp_of(capsule);
    int number = SIGINT;
    if (!PyArg_ParseTuple(args, "|i:interrupt_main", &number) || !is_in_range(number)) {
        return NULL;
    }
    bool is_handled = (atomic_load(&interp->signals.callable) & signal_bit(number)) != 0;
    return is_handled ? send_to_self(interp, number) : Py_NewRef(Py_None);
}

/* --- alarms ----------------------------------------------------------------------------------------------------- */

static PyObject *itimer_error(int error, const char *text)
{
    PyObject *module = PyImport_ImportModule("_signal");
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, "ItimerError") : NULL;
    PyObject *value = type != NULL ? Py_BuildValue("(is)", error, text != NULL ? text : strerror(error)) : NULL;
    if (value != NULL) {
        PyErr_SetObject(type, value);
    }
    Py_XDECREF(value);
    Py_XDECREF(type);
    Py_XDECREF(module);
    return NULL;
}

static bool read_seconds(PyObject *object, int64_t *out)
{
    *out = 0;
    double seconds = object != NULL ? PyFloat_AsDouble(object) : 0;
    if (seconds == -1.0 && PyErr_Occurred()) {
        return false;
    }
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "Invalid value NaN (not a number)");
        return false;
    }
    if (seconds < 0) {
        itimer_error(EINVAL, NULL);
        return false;
    }
    *out = seconds < 9e9 ? (int64_t)ceil(seconds * 1e9) : INT64_MAX / 2;
    return true;
}

static PyObject *pair_of(engine_alarm alarm)
{
    return Py_BuildValue("(dd)", (double)alarm.left_ns / 1e9, (double)alarm.interval_ns / 1e9);
}

/* Those of CPU time count the process's. */
static bool is_real_time(int which, bool sets)
{
    if (which == ITIMER_REAL) {
        return true;
    }
    if (which != ITIMER_VIRTUAL && which != ITIMER_PROF) {
        itimer_error(EINVAL, NULL);
    } else if (sets) {
        itimer_error(EOPNOTSUPP, "an interpreter has ITIMER_REAL only: the others count the CPU time of the process");
    }
    return false;
}

static PyObject *set_timer(PyObject *capsule, PyObject *args)
{
    int which;
    PyObject *seconds, *interval = NULL;
    engine_alarm alarm;
    if (!PyArg_ParseTuple(args, "iO|O:setitimer", &which, &seconds, &interval) ||
        !read_seconds(seconds, &alarm.left_ns) || !read_seconds(interval, &alarm.interval_ns)) {
        return NULL;
    }
    if (!is_real_time(which, alarm.left_ns != 0)) {
        return PyErr_Occurred() ? NULL : pair_of((engine_alarm){0});
    }
    return pair_of(engine.hooks.on_alarm(interp_of(capsule)->core, &alarm));
}

static PyObject *get_timer(PyObject *capsule, PyObject *args)
{
    int which;
    if (!PyArg_ParseTuple(args, "i:getitimer", &which)) {
        return NULL;
    }
    if (!is_real_time(which, false)) {
        return PyErr_Occurred() ? NULL : pair_of((engine_alarm){0});
    }
    return pair_of(engine.hooks.on_alarm(interp_of(capsule)->core, NULL));
}

/* The rest in whole seconds, and never 0 where one is coming, as alarm() has it. */
static PyObject *set_alarm(PyObject *capsule, PyObject *args)
{
    int seconds;
    if (!PyArg_ParseTuple(args, "i:alarm", &seconds)) {
        return NULL;
    }
    engine_alarm alarm = {.left_ns = (int64_t)(unsigned)seconds * ISLE_SECOND};
    int64_t left = engine.hooks.on_alarm(interp_of(capsule)->core, &alarm).left_ns;
    int64_t rounded = (left + ISLE_SECOND / 2) / ISLE_SECOND;
    return PyLong_FromLongLong(left > 0 && rounded == 0 ? 1 : rounded);
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

/* On another thread there is nothing to wait for: handlers run on the home thread. It ends when that thread is to. */
static int pause_elsewhere(void)
{
    PyThreadState *state = PyEval_SaveThread();
    pause();
    PyEval_RestoreThread(state);
    return interrupt_is_wanted() || PyErr_CheckSignals() < 0 ? -1 : 0;
}

static PyObject *pause_here(PyObject *capsule, PyObject *unused)
{
    engine_interp *interp = interp_of(capsule);
    (void)unused;
    int failed = engine_home == interp ? signals_pause(interp) : pause_elsewhere();
    return failed == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *wait_for(PyObject *capsule, PyObject *args)
{
    uint64_t set;
    PyObject *numbers;
    if (!PyArg_ParseTuple(args, "O:sigwait", &numbers) || !read_mask(numbers, &set)) {
        return NULL;
    }
    int number = signals_wait(interp_of(capsule), set, PLAT_FOREVER);
    return number > 0 ? PyLong_FromLong(number) : NULL;
}

/* Sent by this process: more is not known. */
static PyObject *info_of(int number)
{
    PyObject *module = PyImport_ImportModule("_signal");
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, "struct_siginfo") : NULL;
    PyObject *info = type != NULL ? PyObject_CallFunction(type, "((iiiiiii))", number, SI_USER, 0, (int)getpid(),
                                                          (int)getuid(), 0, 0)
                                  : NULL;
    Py_XDECREF(type);
    Py_XDECREF(module);
    return info;
}

static PyObject *wait_for_info(PyObject *capsule, PyObject *args)
{
    uint64_t set;
    PyObject *numbers;
    if (!PyArg_ParseTuple(args, "O:sigwaitinfo", &numbers) || !read_mask(numbers, &set)) {
        return NULL;
    }
    int number = signals_wait(interp_of(capsule), set, PLAT_FOREVER);
    return number > 0 ? info_of(number) : NULL;
}

static PyObject *wait_until(PyObject *capsule, PyObject *args)
{
    uint64_t set;
    int64_t deadline;
    PyObject *numbers, *timeout;
    if (!PyArg_ParseTuple(args, "OO:sigtimedwait", &numbers, &timeout) || !read_mask(numbers, &set)) {
        return NULL;
    }
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    if (seconds < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout must be non-negative");
        return NULL;
    }
    if (!queue_deadline(timeout, &deadline)) {
        return NULL;
    }
    int number = signals_wait(interp_of(capsule), set, deadline);
    return number > 0 ? info_of(number) : number == 0 ? Py_NewRef(Py_None) : NULL;
}

/* --- masks ------------------------------------------------------------------------------------------------------ */

static void add_mask(sigset_t *set, uint64_t mask)
{
    for (int n = 1; n <= SIGNALS; n++) {
        if ((mask & signal_bit(n)) != 0) {
            sigaddset(set, n);
        }
    }
}

static uint64_t mask_in(const sigset_t *set)
{
    uint64_t mask = 0;
    for (int n = 1; n <= SIGNALS; n++) {
        mask |= sigismember(set, n) == 1 ? signal_bit(n) : 0;
    }
    return mask;
}

/* For processes that the thread starts, which inherit its mask; and signals of the process. What wakes the thread must
 * get through. */
static int set_thread_mask(int how, sigset_t *set, uint64_t *out_before)
{
    sigset_t before;
    if (how != SIG_UNBLOCK) {
        sigdelset(set, engine.signal);
    }
    int error = pthread_sigmask(how, set, &before);
    *out_before = error == 0 ? mask_in(&before) : 0;
    return error;
}

static bool change_mask(uint64_t *mask, int how, uint64_t change)
{
    switch (how) {
    case SIG_BLOCK:
        *mask |= change;
        return true;
    case SIG_UNBLOCK:
        *mask &= ~change;
        return true;
    case SIG_SETMASK:
        *mask = change;
        return true;
    default:
        return false;
    }
}

/* The home thread's own signals are held back; so are the process's, besides those that the host keeps from it. */
static PyObject *mask_home(engine_interp *interp, int how, uint64_t change)
{
    uint64_t before = atomic_load(&interp->signals.blocked), mask = before, ignored;
    sigset_t real = interp->signals.floor;
    if (!change_mask(&mask, how, change)) {
        return system_error(EINVAL);
    }
    mask &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    add_mask(&real, mask);
    int error = set_thread_mask(SIG_SETMASK, &real, &ignored);
    if (error != 0) {
        return system_error(error);
    }
    signals_block(interp, mask);
    return signals_run(interp) == 0 ? set_of(before) : NULL;
}

static PyObject *mask_other(int how, uint64_t change)
{
    sigset_t set;
    uint64_t before;
    sigemptyset(&set);
    add_mask(&set, change);
    int error = set_thread_mask(how, &set, &before);
    return error == 0 ? set_of(before) : system_error(error);
}

static PyObject *set_mask(PyObject *capsule, PyObject *args)
{
    engine_interp *interp = interp_of(capsule);
    int how;
    uint64_t change;
    PyObject *numbers;
    if (!PyArg_ParseTuple(args, "iO:pthread_sigmask", &how, &numbers) || !read_mask(numbers, &change)) {
        return NULL;
    }
    return engine_home == interp ? mask_home(interp, how, change) : mask_other(how, change);
}

static PyObject *get_pending(PyObject *capsule, PyObject *unused)
{
    const signal_table *s = &interp_of(capsule)->signals;
    (void)unused;
    return set_of(atomic_load(&s->pending) & atomic_load(&s->blocked));
}

/* --- putting them in -------------------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"signal", set_handler, METH_VARARGS, NULL},
    {"getsignal", get_handler, METH_VARARGS, NULL},
    {"siginterrupt", set_restart, METH_VARARGS, NULL},
    {"set_wakeup_fd", (PyCFunction)(void (*)(void))set_wakeup, METH_VARARGS | METH_KEYWORDS, NULL},
    {"raise_signal", raise_here, METH_VARARGS, NULL},
    {"pthread_kill", kill_thread, METH_VARARGS, NULL},
    {"setitimer", set_timer, METH_VARARGS, NULL},
    {"getitimer", get_timer, METH_VARARGS, NULL},
    {"alarm", set_alarm, METH_VARARGS, NULL},
    {"pause", pause_here, METH_NOARGS, NULL},
    {"sigwait", wait_for, METH_VARARGS, NULL},
    {"sigwaitinfo", wait_for_info, METH_VARARGS, NULL},
    {"sigtimedwait", wait_until, METH_VARARGS, NULL},
    {"pthread_sigmask", set_mask, METH_VARARGS, NULL},
    {"sigpending", get_pending, METH_NOARGS, NULL},
};

static PyMethodDef kill_pidfd_def = {"pidfd_send_signal", kill_pidfd, METH_VARARGS, NULL};

static int add_function(PyObject *module, PyMethodDef *def, PyObject *self)
{
    PyObject *name = PyModule_GetNameObject(module);
    PyObject *function = name != NULL ? PyCFunction_NewEx(def, self, name) : NULL;
    int failed = function == NULL || PyObject_SetAttrString(module, def->ml_name, function) < 0;
    Py_XDECREF(function);
    Py_XDECREF(name);
    return failed ? -1 : 0;
}

/* One that goes on to CPython's where it is not for this interpreter. */
static int replace(PyObject *module, PyMethodDef *def, PyObject *capsule)
{
    PyObject *original = PyObject_GetAttrString(module, def->ml_name);
    PyObject *self = original != NULL ? PyTuple_Pack(2, capsule, original) : NULL;
    int failed = self == NULL || add_function(module, def, self) < 0;
    Py_XDECREF(self);
    Py_XDECREF(original);
    return failed ? -1 : 0;
}

/* The last step of an import of _signal. */
static int fill(PyObject *module)
{
    engine_interp *interp = interp_of_thread();
    if (interp == NULL) {
        return 0;
    }
    PyObject *capsule = PyCapsule_New(interp, "isles.interp", NULL);
    int failed = capsule == NULL;
    for (size_t i = 0; !failed && i < sizeof functions / sizeof *functions; i++) {
        failed = add_function(module, &functions[i], capsule) < 0;
    }
    if (!failed && kill_pidfd_def.ml_doc != NULL) { /* else this system has none */
        failed = replace(module, &kill_pidfd_def, capsule) < 0;
    }
    Py_XDECREF(capsule);
    return failed || signals_imported(interp, module) < 0 ? -1 : 0;
}

/* CPython's definition of the module. Importing it in the main interpreter would do more: that takes over the process's
 * SIGINT. */
static PyModuleDef *definition(void)
{
    for (const struct _inittab *entry = PyImport_Inittab; entry->name != NULL; entry++) {
        if (strcmp(entry->name, "_signal") == 0) {
            PyObject *def = entry->initfunc();
            return def != NULL && PyObject_TypeCheck(def, &PyModuleDef_Type) ? (PyModuleDef *)def : NULL;
        }
    }
    return NULL;
}

/* What help() and inspect.signature() say of it is CPython's text. */
static void take_doc(const PyModuleDef *from, PyMethodDef *to)
{
    for (const PyMethodDef *theirs = from->m_methods; theirs != NULL && theirs->ml_name != NULL; theirs++) {
        if (strcmp(theirs->ml_name, to->ml_name) == 0) {
            to->ml_doc = theirs->ml_doc;
        }
    }
}

static void take_docs(const PyModuleDef *def)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        take_doc(def, &functions[i]);
    }
    take_doc(def, &kill_pidfd_def);
}

void signal_functions_start(void)
{
    static PyModuleDef_Slot slots[MOST_SLOTS + 2];
    size_t count = 0;
    PyModuleDef *def = slots[0].slot == 0 ? definition() : NULL; /* else done by an earlier runtime */
    if (def == NULL || def->m_slots == NULL) {
        PyErr_Clear();
        return;
    }
    for (; def->m_slots[count].slot != 0; count++) {
        if (count == MOST_SLOTS) {
            return;
        }
        slots[count] = def->m_slots[count];
    }
    take_docs(def);
    slots[count] = (PyModuleDef_Slot){Py_mod_exec, (void *)fill};
    def->m_slots = slots;
}

static PyMethodDef kill_def = {"kill", kill_process, METH_VARARGS,
                               "kill($module, pid, signal, /)\n--\n\nKill a process with a signal.\n\nOne that is sent "
                               "to this process is for this interpreter."};
static PyMethodDef interrupt_main_def = {
    "interrupt_main", interrupt_main, METH_VARARGS,
    "interrupt_main($module, signum=signal.SIGINT, /)\n--\n\nSimulate the arrival of the given "
    "signal in the main thread of this\ninterpreter, where the corresponding signal "
    "handler will be executed."};

static int replace_kill(PyObject *capsule)
{
    PyObject *posix = PyImport_ImportModule("posix");
    int failed = posix == NULL || replace(posix, &kill_def, capsule) < 0;
    PyObject *os = failed ? NULL : PyDict_GetItemString(PyImport_GetModuleDict(), "os"); /* borrowed */
    if (os != NULL) { /* it has taken its names from there already */
        PyObject *ours = PyObject_GetAttrString(posix, "kill");
        failed = ours == NULL || PyObject_SetAttrString(os, "kill", ours) < 0;
        Py_XDECREF(ours);
    }
    Py_XDECREF(posix);
    return failed ? -1 : 0;
}

int signal_functions_install(engine_interp *interp)
{
    PyObject *capsule = PyCapsule_New(interp, "isles.interp", NULL);
    PyObject *thread = PyImport_ImportModule("_thread");
    int failed = capsule == NULL || thread == NULL || add_function(thread, &interrupt_main_def, capsule) < 0 ||
                 replace_kill(capsule) < 0;
    Py_XDECREF(thread);
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}
