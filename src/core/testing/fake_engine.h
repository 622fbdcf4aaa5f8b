/* An engine without Python, for the core's own tests: it implements engine.h on threads and conditions, so that the
 * thread sanitizer sees all of it. What a task does is said by its target:
 *
 *   "ok"              nothing
 *   "echo"            CALL: gives back its first argument
 *   "id"              GET_GLOBAL: the interpreter's id
 *   "fail"            raises ValueError, with a report;  "fail oddly": the report is malformed
 *   "exit 3"          SystemExit;  "leave 3": os._exit, after which nothing of the interpreter may run
 *   "sleep 5"         takes 5 ms, unless it is interrupted
 *   "spin"            lasts until it is interrupted
 *   "finish"          lasts until it is interrupted, and then succeeds
 *   "again 3"         lasts until it is interrupted so often
 *   "nudged 3"        lasts until its system calls were made to return so often
 *   "stubborn"        lasts until it is interrupted insistently
 *   "deaf"            lasts until it is parked; that thread goes on at fake_release_parked
 *   "wait"            lasts until fake_open_gate, or an interrupt
 *   "hold"            lasts until fake_open_gate, whatever comes; it can't be parked
 *   "threads 2"       leaves non-daemon threads: they last until they are interrupted
 *   "hostile 2"       leaves threads that never go
 *   "atexit spin", "destroy deaf", ...   what the end will do
 *   "alarm 5,2"       sets an alarm in 5 ms, and then each 2 ms; 0,0: none
 *   "raise"           sends itself a signal
 *   "output abc", "error abc", "host NAME", "callback"   calls a hook, or fake.callback
 * */
#ifndef ISLES_FAKE_ENGINE_H
#define ISLES_FAKE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

typedef struct fake_engine {
    isle_status start_status, stop_status, create_status; /* what these shall return */
    void (*callback)(void *ctx);
    void *callback_ctx;
    void (*on_exit)(void *); /* as engine_adopt got it */
    void *on_exit_ctx;
    _Atomic int starts, stops, abandons;
    _Atomic int created, destroyed, freed;
    _Atomic int interrupts, insists, parks;
    _Atomic int park_refusals; /* so many times engine_park says no */
    _Atomic int resets;
    _Atomic int64_t cpu_ns;    /* what engine_get_usage says */
    _Atomic uint64_t memory_bytes, memory_denied;
    _Atomic bool counts_no_memory;
    _Atomic uint64_t burning; /* threads; until they are parked */
    _Atomic uint64_t messages_refused, descriptors;
    _Atomic int thread_stops, thread_insists, thread_lets;
    _Atomic int signals, signals_to_code, signals_again, signals_forgotten;
    _Atomic int signal_repeats; /* how often each is to be sent again */
} fake_engine;
extern fake_engine fake;

void fake_reset(void);
void fake_open_gate(void);
void fake_refuse(uint64_t id, isle_budget which); /* as the engine tells of what it has refused */
void fake_release_parked(void);
/* Until a task of that interpreter is inside one of the lasting things above. */
bool fake_await_lasting(uint64_t id, int64_t deadline);

/* Attaches the calling thread to an interpreter that is none of Isles: engine_detach must be called before a wait. */
void fake_attach_main(void);
void fake_detach_main(void);

#endif
