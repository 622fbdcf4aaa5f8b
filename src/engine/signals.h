/* Signals of an interpreter's own: their state, and what the files of the room say to each other. See signals.c. */
#ifndef ISLES_ENGINE_SIGNALS_H
#define ISLES_ENGINE_SIGNALS_H

#include <Python.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "platform.h"

/* What was sent to an interpreter, and what its code does about it. Bit n - 1 of a mask is signal n's. */
typedef struct signal_table {
    /* written under the interpreter's lock, read anywhere */
    _Atomic uint64_t pending;   /* sent, and not taken yet */
    _Atomic uint64_t blocked;   /* by signal.pthread_sigmask on the home thread */
    _Atomic uint64_t claimed;   /* by threads that wait in signal.sigwait and its like */
    _Atomic uint64_t callable;  /* a Python function is called */
    _Atomic uint64_t standard;  /* ... which is signal.default_int_handler, for SIGINT */
    _Atomic uint64_t ignored;   /* SIG_IGN */
    _Atomic bool heard;         /* code runs that handlers may come between */
    struct signal_waiter *waiters;

    _Atomic uint64_t unwritten; /* sent, and their bytes not written to the wake-up descriptor yet: home thread */
    _Atomic int wakeup;         /* that descriptor, + 1; 0: none */
    _Atomic int wakeup_error;   /* errno of the last write that failed */
    _Atomic bool warn_when_full;
    _Atomic bool passed_on;     /* another thread has made way for the home thread since it was sent */
    plat_gate taken;            /* for that thread */

    /* of the home thread, attached */
    PyObject **handlers;        /* by number; NULL: nobody has imported _signal */
    PyObject **marked;          /* as they were at isle_interp_mark; NULL: as new */
    PyObject *int_handler;      /* signal.default_int_handler */
    _Atomic unsigned ran;       /* handlers that were run so far */
    int depth;                  /* that run now: one may come between another's steps */
    bool just_wrote;            /* to sys.stdout or sys.stderr, whose buffer is locked */
    int ended_by;               /* the last one that ended the task, by its default action */
    sigset_t floor;             /* what the home thread blocked from the beginning: the host's affair */
} signal_table;

static inline uint64_t signal_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

/* --- signals.c --------------------------------------------------------------------------------------------------- */

/* Home thread. */
void signals_init(engine_interp *interp);
void signals_listen(engine_interp *interp, bool on);  /* may handlers run? */
void signals_write_wakeup(engine_interp *interp);     /* async-signal-safe */
int signals_ended_by(engine_interp *interp);          /* what ended the task by its default action; 0: nothing */

/* Home thread, attached. */
int signals_run(engine_interp *interp);               /* runs what is due; -1: an exception is set */
int signals_run_between_steps(engine_interp *interp); /* ... in a pending call */
bool signals_postpone(engine_interp *interp);         /* handlers had better wait for the next step */
void signals_mark(engine_interp *interp);
void signals_reset(engine_interp *interp);            /* back to the mark */
void signals_drop(engine_interp *interp);
/* What the code asks for. `handler` is callable, or the int of SIG_DFL or SIG_IGN. */
int signals_set_handler(engine_interp *interp, int number, PyObject *handler, PyObject **out_old);
void signals_block(engine_interp *interp, uint64_t mask); /* what is held back */
int signals_pause(engine_interp *interp); /* until a handler has run; -1: an exception is set */

/* Any thread that is attached. */
bool signals_are_due(engine_interp *interp);
void signals_wrote(engine_interp *interp);            /* to a stream of it */
void signals_pass_on(engine_interp *interp);          /* not the home thread, in a pending call */
int signals_imported(engine_interp *interp, PyObject *module);
PyObject *signals_handler(engine_interp *interp, int number); /* new reference; NULL: an exception is set */
/* Waits for one of `set` and takes it, without its handler: its number; 0: the deadline passed; -1: an exception is
 * set. */
int signals_wait(engine_interp *interp, uint64_t set, int64_t deadline);

/* --- signal_functions.c: what _signal has in place of CPython's functions, in interpreters of ours -------------- */
void signal_functions_start(void);                   /* main interpreter, attached */
int signal_functions_install(engine_interp *interp); /* home, attached: os.kill, _thread.interrupt_main */

#endif
