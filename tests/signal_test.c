/* Signals that the host sends to an interpreter: handlers run on its home thread between two steps of the code,
 * blocking calls wake for them and go on, defaults are a process's, and nobody else notices: neither another
 * interpreter nor the process. */
#include <signal.h>
#include <stdatomic.h>

#include "support.h"

static flag ready = FLAG_INIT;
static _Atomic int process_heard;

static void on_process_signal(int number)
{
    (void)number;
    atomic_fetch_add(&process_heard, 1);
}

static const int watched[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGCHLD, SIGWINCH, SIGXFSZ};
enum { WATCHED = sizeof watched / sizeof *watched };
static struct sigaction before[WATCHED];

static void note_dispositions(void)
{
    signal(SIGUSR1, on_process_signal);
    for (size_t i = 0; i < WATCHED; i++) {
        sigaction(watched[i], NULL, &before[i]);
    }
}

static void check_dispositions(void)
{
    for (size_t i = 0; i < WATCHED; i++) {
        struct sigaction now;
        sigaction(watched[i], NULL, &now);
        int flags = SA_SIGINFO | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_ONSTACK; /* libc adds one of its own */
        bool same = now.sa_handler == before[i].sa_handler && ((now.sa_flags ^ before[i].sa_flags) & flags) == 0;
        if (!same) {
            fprintf(stderr, "signal %d: the process has another handler: %p (%x), was %p (%x)\n", watched[i],
                    (void *)now.sa_handler, (unsigned)now.sa_flags, (void *)before[i].sa_handler,
                    (unsigned)before[i].sa_flags);
        }
        check(same);
    }
    check(atomic_load(&process_heard) == 0);
}

static int begin(void **state)
{
    (void)state;
    const isle_host_function host[] = {{"ready", host_flag, &ready}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = host;
    config.host_function_count = 1;
    note_dispositions();
    runtime_begin(&config);
    testing_begins();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    runtime_end();
    check_dispositions();
    return 0;
}

static const char prelude[] =
    "import isles, os, queue, select, signal, socket, subprocess, sys, threading, time, asyncio\n"
    "ready = isles.host.ready\n"
    "heard = []\n"
    "def note(number, frame):\n"
    "    on_home = threading.current_thread() is threading.main_thread()\n"
    "    heard.append((number, frame is None or frame.f_code.co_name, on_home))\n";

static isle_interp create_listener(void)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stuck_after_ns = 20 * ISLE_SECOND;
    isle_interp it = create(&config);
    run(it, prelude);
    return it;
}

static void tell(isle_interp it, int number)
{
    isle_error *err = NULL;
    check_status(isle_interp_signal(it, number, &err), ISLE_OK, err);
}

/* Begun, and as far as ready(); then some time for it to block. */
static isle_job *begin_job(isle_interp it, const char *source)
{
    flag_clear(&ready);
    isle_job *job = submit(it, source, SOON);
    flag_await(&ready, 1);
    check_status(isle_job_wait(job, isle_deadline_in(20 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    return job;
}

static bool has_hook(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info.hook_active;
}

/* --- handlers --------------------------------------------------------------------------------------------------- */

typedef struct row {
    const char *what;
    bool by_hook; /* else it wakes without the hook, too */
    bool lasts;   /* it takes 0.3 s, in spite of the signal */
    const char *wait;
} row;

static const row rows[] = {
    {"a loop", false, false, "while not heard: pass"},
    {"time.sleep", true, true, "time.sleep(0.3)"},
    {"Lock.acquire with a timeout", true, true, "l = threading.Lock(); l.acquire(); assert not l.acquire(timeout=0.3)"},
    {"Event.wait", true, true, "assert not threading.Event().wait(0.3)"},
    {"Condition.wait", true, true, "c = threading.Condition()\nwith c: assert not c.wait(0.3)"},
    {"Queue.get", true, true, "try: queue.Queue().get(timeout=0.3)\nexcept queue.Empty: pass"},
    {"SimpleQueue.get", true, true, "try: queue.SimpleQueue().get(timeout=0.3)\nexcept queue.Empty: pass"},
    {"Thread.join", true, true, "t = threading.Thread(target=time.sleep, args=(0.3,)); t.start(); t.join()"},
    {"select.select", true, true, "assert select.select([], [], [], 0.3) == ([], [], [])"},
    {"poll", true, true, "assert select.poll().poll(300) == []"},
    {"epoll", true, true, "assert select.epoll().poll(0.3) == []"},
    {"socket.recv", true, true,
     "a, b = socket.socketpair(); threading.Timer(0.3, b.send, [b'x']).start(); assert a.recv(1) == b'x'"},
    {"socket.recv with a timeout", true, true,
     "a, b = socket.socketpair(); a.settimeout(0.3)\ntry: a.recv(1)\nexcept TimeoutError: pass"},
    {"os.read", true, true,
     "r, w = os.pipe(); threading.Timer(0.3, os.write, [w, b'x']).start(); assert os.read(r, 1) == b'x'"},
    {"waiting for a child process", true, true, "assert subprocess.run(['sleep', '0.3']).returncode == 0"},
    {"asyncio.sleep", true, true, "asyncio.run(asyncio.sleep(0.3))"},
    {"get of a queue of Isles", false, true,
     "try: isles.create_queue().get(timeout=0.3)\nexcept isles.QueueEmpty: pass"},
    {"put into a full queue of Isles", false, true,
     "q = isles.create_queue(1); q.put(1)\ntry: q.put(2, timeout=0.3)\nexcept isles.QueueFull: pass"},
    {"isles.select", false, true, "assert isles.select([isles.create_queue()], timeout=0.3) == []"},
    {"a loop in C that asks", true, false, "while not heard: 3 ** 200000"},
};
enum { row_count = sizeof rows / sizeof *rows };

/* The handler has run when the wait ends, but not after it: it was woken for that. */
static void test_row(void **state)
{
    const row *r = *state;
    isle_error *err = NULL;
    if (r->by_hook && !has_hook()) {
        skip();
    }
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, lambda *a: (note(*a), heard.append(time.monotonic())))");
    char *source = text_of("began = time.monotonic()\nready()\n%s\nended = time.monotonic()", r->wait);
    isle_job *job = begin_job(it, source);
    tell(it, SIGUSR1);
    check_status(wait_for(job, &err), ISLE_OK, err);
    check_eval(it, "(len(heard), heard[0][0], heard[0][2])", "(2, 10, True)");
    check_eval(it, "heard[1] < ended", "True");
    if (r->lasts) {
        check_eval(it, "ended - began >= 0.29", "True");
    }
    free(source);
    end(it);
}

static void test_the_handler_sees_the_frame(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, note)\ndef spin():\n    while not heard: pass\n");
    isle_job *job = begin_job(it, "ready()\nspin()");
    tell(it, SIGUSR1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check_eval(it, "heard", "[(10, 'spin', True)]");
    end(it);
}

static void test_what_a_handler_raises_ends_the_job(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    isle_error *err = NULL;
    run(it, "def fail(number, frame): raise ValueError(f'heard {number}')\nsignal.signal(signal.SIGUSR1, fail)");
    isle_job *job = begin_job(it, "ready()\nwhile True: time.sleep(0.001)");
    tell(it, SIGUSR1);
    check_status(wait_for(job, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "ValueError: heard 10") == 0);
    isle_error_free(err);
    run(it, "pass");
    end(it);
}

/* The home thread waits for a lock, or for the GIL, while other threads of the interpreter compute. */
static void test_other_threads_are_in_the_way(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "import queue\ngot = queue.SimpleQueue()\nstop = []\n"
            "signal.signal(signal.SIGUSR1, lambda *a: (note(*a), got.put(True)))\n"
            "def spin():\n    while not stop: pass\n"
            "threads = [threading.Thread(target=spin) for i in range(2)]\nfor t in threads: t.start()\n");
    for (int i = 0; i < 20; i++) {
        bool blocks = i % 2 == 0 && has_hook();
        isle_job *job = begin_job(it,
                                  blocks ? "ready()\nassert got.get(timeout=20)" : "ready()\nwhile not heard: pass");
        tell(it, SIGUSR1);
        check_status(wait_for(job, NULL), ISLE_OK, NULL);
        check_eval(it, "[on_home for n, where, on_home in heard]", "[True]");
        run(it, "heard.clear()\nwhile not got.empty(): got.get()");
    }
    run(it, "stop.append(1)\nfor t in threads: t.join()");
    end(it);
}

/* An interrupt reaches the handler that a job sits in, at every step. */
static void test_a_handler_that_never_ends_is_stopped(void **state)
{
    (void)state;
    static const char *const handlers[] = {
        "def never(*args):\n    ready()\n    while True: pass",
        "def never(*args):\n    ready()\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
    };
    for (size_t i = 0; i < 2; i++) {
        isle_interp it = create_listener();
        runf(it, "%s\nsignal.signal(signal.SIGUSR1, never)", handlers[i]);
        flag_clear(&ready);
        isle_job *job = submit(it, "while True: pass", ISLE_FOREVER);
        tell(it, SIGUSR1);
        flag_await(&ready, 1);
        isle_job_cancel(job);
        check_status(wait_for(job, NULL), ISLE_ERR_CANCELLED, NULL);
        run(it, "signal.signal(signal.SIGUSR1, note)");
        end(it);
    }
}

static void test_a_handler_is_interrupted_by_another(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "def outer(number, frame):\n    signal.raise_signal(signal.SIGUSR2)\n    note(number, frame)\n"
            "signal.signal(signal.SIGUSR1, outer)\nsignal.signal(signal.SIGUSR2, note)\n"
            "signal.raise_signal(signal.SIGUSR1)");
    check_eval(it, "heard", "[(12, 'outer', True), (10, '<module>', True)]");
    end(it);
}

/* An exception between the end of acquire() and the first step of its block would leave the lock taken. */
static void test_no_lock_is_left_taken(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    const char loop[] = "ready()\nwhile True:\n    with lock: pass\n    with condition: condition.wait(0)\n"
                        "    other.acquire(True, -1)\n    try: pass\n    finally: other.release()\n";
    run(it, "lock, other = threading.Lock(), threading.Lock()\ncondition = threading.Condition(threading.Lock())");
    for (int i = 0; i < 200; i++) {
        flag_clear(&ready);
        isle_job *job = submit(it, loop, SOON);
        flag_await(&ready, 1);
        isle_job_wait(job, isle_deadline_in(i % 20 * 50000));
        tell(it, SIGINT);
        isle_error *err = NULL;
        check_status(wait_for(job, &err), ISLE_ERR_PYTHON, err);
        check(strcmp(isle_error_message(err), "KeyboardInterrupt") == 0);
        isle_error_free(err);
        check_eval(it, "[lock.locked(), other.locked(), condition._lock.locked()]", "[False, False, False]");
    }
    end(it);
}

static capture printed = CAPTURE_INIT;
static isle_interp prints;

/* As `isles run` does: while the code is inside print(). */
static void write_and_tell(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    isle_stream kept = captured(&printed);
    (void)ctx;
    kept.write(kept.ctx, interp_id, stream, data, len);
    if (memchr(data, '!', len) != NULL) {
        tell(prints, SIGUSR1);
    }
}

static void test_a_handler_can_print(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .write = write_and_tell};
    prints = create(&config);
    run(prints, "import signal\nsignal.signal(signal.SIGUSR1, lambda *a: print('heard', flush=True))");
    run(prints, "for i in range(3): print(i, '!', flush=True)\nprint('x' * 100000, '!')\nprint('end')");
    char *text = capture_take(&printed);
    const char begins[] = "0 !\nheard\n1 !\nheard\n2 !\nheard\nx";
    check(strncmp(text, begins, strlen(begins)) == 0);
    check(strstr(text, " !\nheard\nend\n") != NULL);
    free(text);
    end(prints);
}

/* Starting a thread is a wait of threading's for the thread, in which its lock changes hands. */
static void test_a_thread_that_interrupts_who_starts_it(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "import _thread");
    for (int i = 0; i < 50; i++) {
        run_error(it, "t = threading.Thread(target=_thread.interrupt_main)\nt.start()\nt.join()\nwhile True: pass",
                  "KeyboardInterrupt");
        run(it, "t.join()");
    }
    end(it);
}

/* --- what the code asks for ------------------------------------------------------------------------------------- */

static void test_what_code_sets_is_checked(void **state)
{
    (void)state;
    const char bad[] = "TypeError: signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object";
    isle_interp it = create_listener();
    run_error(it, "signal.signal(0, note)", "ValueError: signal number out of range");
    run_error(it, "signal.signal(65, note)", "ValueError: signal number out of range");
    run_error(it, "signal.signal(signal.SIGKILL, note)", "OSError: [Errno 22] Invalid argument");
    run_error(it, "signal.signal(signal.SIGUSR1, 'x')", bad);
    run_error(it, "signal.signal(signal.SIGUSR1, 2)", bad);
    run_error(it, "signal.set_wakeup_fd(10**6)", "OSError: [Errno 9] Bad file descriptor");
    run_error(it, "r, w = os.pipe(); os.dup2(w, 777); signal.set_wakeup_fd(777)",
              "ValueError: the fd 777 must be in non-blocking mode");
    run_error(it, "os.close(777)\nsignal.sigtimedwait([], -1)", "ValueError: timeout must be non-negative");
    run_error(it, "signal.sigwait([65])", "ValueError: signal number 65 out of range [1; 64]");
    run_error(it, "signal.raise_signal(65)", "OSError: [Errno 22] Invalid argument");
    run(it, "problems = []\n"
            "for args in (signal.ITIMER_REAL, -1), (signal.ITIMER_PROF, 1), (5, 1):\n"
            "    try: signal.setitimer(*args)\n    except signal.ItimerError as e: problems.append(e.errno)");
    check_eval(it, "problems", "[22, 95, 22]");
    run_error(it, "os.kill(os.getpid(), signal.SIGKILL)",
              "PermissionError: [Errno 1] SIGKILL and SIGSTOP are for processes, and this one has others in it");
    run_error(it, "signal.pthread_kill(12345, signal.SIGUSR1)", "ProcessLookupError: [Errno 3] No such process");
    run(it, "os.kill(os.getpid(), 0); signal.pthread_kill(threading.get_ident(), 0)");
    run_error(it, "os.kill(2**22 + 1, 0)", "ProcessLookupError: [Errno 3] No such process");
    run_error(it, "os.kill('x', 0)", "TypeError: 'str' object cannot be interpreted as an integer");
    end(it);
}

static void test_only_the_main_thread_sets_handlers(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "errors = []\ndef other():\n"
            "    for f in lambda: signal.signal(10, note), lambda: signal.set_wakeup_fd(-1):\n"
            "        try: f()\n        except ValueError as e: errors.append(str(e))\n"
            "    signal.raise_signal(signal.SIGUSR1)\n    errors.append(signal.getsignal(signal.SIGUSR1) is note)\n"
            "signal.signal(signal.SIGUSR1, note)\n"
            "t = threading.Thread(target=other); t.start(); t.join()\nwhile not heard: pass");
    check_eval(it, "errors",
               "['signal only works in main thread of the interpreter', "
               "'set_wakeup_fd only works in main thread of the interpreter', True]");
    check_eval(it, "[on_home for n, where, on_home in heard]", "[True]");
    end(it);
}

static void test_threads_are_who_they_are(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    check_eval(it, "threading.current_thread() is threading.main_thread()", "True");
    check_eval(it, "threading.main_thread().native_id == threading.get_native_id()", "True");
    check_eval(it, "threading.main_thread().ident == threading.get_ident()", "True");
    check_eval(it, "threading.get_native_id() != os.getpid()", "True");
    run(it, "seen = []\nt = threading.Thread(target=lambda: seen.append("
            "threading.current_thread() is not threading.main_thread() and t.native_id == threading.get_native_id()))\n"
            "t.start(); t.join()");
    check_eval(it, "seen", "[True]");
    end(it);
}

static void test_dispositions_begin_as_pythons(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    check_eval(it, "signal.getsignal(signal.SIGINT) is signal.default_int_handler", "True");
    check_eval(it, "[signal.getsignal(n) for n in (signal.SIGPIPE, signal.SIGXFSZ)] == [signal.SIG_IGN] * 2", "True");
    check_eval(it,
               "{signal.getsignal(n) for n in signal.valid_signals()} == "
               "{signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler}",
               "True");
    check_eval(it, "signal.signal(signal.SIGTERM, note) is signal.SIG_DFL", "True");
    check_eval(it, "signal.signal(signal.SIGTERM, signal.SIG_DFL) is note", "True");
    check_eval(it, "(signal.signal.__module__, signal.siginterrupt(10, True))", "('signal', None)");
    check_eval(it, "__import__('inspect').signature(__import__('_signal').signal)", "(signalnum, handler, /)");
    check_eval(it, "__import__('inspect').signature(os.kill)", "(pid, signal, /)");
    end(it);
}

static void test_wakeup_descriptor(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "r, w = os.pipe(); os.set_blocking(w, False); os.set_blocking(r, False)\n"
            "assert signal.set_wakeup_fd(w) == -1\n"
            "signal.signal(signal.SIGUSR1, note); signal.signal(signal.SIGUSR2, signal.SIG_IGN)\n"
            "signal.raise_signal(signal.SIGUSR1); signal.raise_signal(signal.SIGUSR2)");
    check_eval(it, "os.read(r, 9)", "b'\\n'");
    isle_job *job = begin_job(it, "ready()\nassert select.select([r], [], [], 20)[0]");
    tell(it, SIGUSR1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check_eval(it, "os.read(r, 9)", "b'\\n'");
    run(it, "problems = []\nsys.unraisablehook = lambda u: problems.append((u.exc_type.__name__, u.err_msg))\n"
            "try:\n    while True: os.write(w, b'x' * 4096)\nexcept BlockingIOError: pass\n"
            "signal.raise_signal(signal.SIGUSR1)");
    check_eval(it, "problems",
               "[('BlockingIOError', 'Exception ignored when trying to write to the signal wakeup fd')]");
    run(it, "assert signal.set_wakeup_fd(w, warn_on_full_buffer=False) == w\nsignal.raise_signal(signal.SIGUSR1)\n"
            "assert signal.set_wakeup_fd(-1) == w and len(problems) == 1 and len(heard) == 4");
    end(it);
}

static void test_masks_and_waits(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "S = signal\nS.signal(S.SIGUSR1, note)\n"
            "assert S.pthread_sigmask(S.SIG_BLOCK, [S.SIGUSR1, S.SIGTERM]) == set()\n"
            "S.raise_signal(S.SIGUSR1); S.raise_signal(S.SIGTERM); S.raise_signal(S.SIGTERM)\n"
            "assert S.sigpending() == {S.SIGUSR1, S.SIGTERM} and not heard\n"
            "info = S.sigtimedwait([S.SIGTERM], 0)\n"
            "assert info.si_signo == S.SIGTERM and info.si_pid == os.getpid()\n"
            "assert S.sigtimedwait([S.SIGTERM], 0.01) is None\n"
            "assert S.pthread_sigmask(S.SIG_UNBLOCK, [S.SIGUSR1]) == {S.SIGUSR1, S.SIGTERM}\n"
            "assert len(heard) == 1 and S.sigpending() == set()\n"
            "assert S.pthread_sigmask(S.SIG_SETMASK, []) == {S.SIGTERM}");
    isle_job *job = begin_job(it,
                              "ready()\nassert S.sigwait({S.SIGUSR1, S.SIGTERM}) == S.SIGTERM\nassert len(heard) == 1");
    tell(it, SIGTERM);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    run(it,
        "got = []\nt = threading.Thread(target=lambda: got.append(S.sigwaitinfo([S.SIGUSR1]).si_signo)); t.start()");
    job = begin_job(it, "ready()\nt.join()");
    tell(it, SIGUSR1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check_eval(it, "(got, len(heard))", "([10], 1)");
    end(it);
}

static void test_pause(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, note)");
    for (int i = 0; i < 200; i++) {
        flag_clear(&ready);
        isle_job *job = submit(it, "ready()\nsignal.pause()", SOON);
        flag_await(&ready, 1);
        isle_job_wait(job, isle_deadline_in(i % 10 * 20000));
        do { /* one that comes before the pause is not what it waits for */
            tell(it, SIGUSR1);
        } while (isle_job_wait(job, isle_deadline_in(20 * ISLE_MS)) != ISLE_OK);
        check_status(wait_for(job, NULL), ISLE_OK, NULL);
    }
    end(it);
}

static void test_alarms(void **state)
{
    (void)state;
    isle_interp it = create_listener(), other = create_listener();
    run(it, "signal.signal(signal.SIGALRM, note)\n"
            "assert signal.alarm(100) == 0 and signal.alarm(50) == 100\n"
            "assert 49 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50\n"
            "assert signal.setitimer(signal.ITIMER_REAL, 0.02)[1] == 0.0\nsignal.pause()\n"
            "assert len(heard) == 1 and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\nwhile len(heard) < 5: signal.pause()\n"
            "assert signal.setitimer(signal.ITIMER_REAL, 0)[1] == 0.01\nassert signal.alarm(0) == 0\n"
            "assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)");
    run(it, "signal.alarm(100)");
    check_eval(other, "signal.getitimer(signal.ITIMER_REAL)", "(0.0, 0.0)");
    run(it, "def late(number, frame): raise TimeoutError('late')\nsignal.signal(signal.SIGALRM, late)");
    if (has_hook()) {
        run_error(it, "signal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(20)", "TimeoutError: late");
    }
    run(it, "signal.signal(signal.SIGALRM, note)\nsignal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)"); /* till its end */
    end(it);
    end(other);
}

static void test_code_that_signals_itself(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "import _thread\nsignal.signal(signal.SIGUSR1, note)\n"
            "os.kill(os.getpid(), signal.SIGUSR1)\nassert len(heard) == 1\n"
            "signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)\nassert len(heard) == 2\n"
            "signal.raise_signal(signal.SIGUSR1)\nassert len(heard) == 3\n"
            "_thread.interrupt_main(signal.SIGUSR1)\nassert len(heard) == 4\n"
            "pidfd = os.pidfd_open(os.getpid())\nsignal.pidfd_send_signal(pidfd, signal.SIGUSR1)\n"
            "assert len(heard) == 5\nos.close(pidfd)\n"
            "_thread.interrupt_main(signal.SIGUSR2)");
    run(it, "try:\n    _thread.interrupt_main()\n    assert False\nexcept KeyboardInterrupt: pass");
    run(it, "import inspect\nassert list(inspect.signature(_thread.interrupt_main).parameters) == ['signum']");
    run_error(it, "signal.raise_signal(signal.SIGINT)", "KeyboardInterrupt");
    end(it);
}

/* --- asyncio ---------------------------------------------------------------------------------------------------- */

static void test_asyncio_handlers(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    isle_error *err = NULL;
    run(it, "async def main():\n    ev = asyncio.Event()\n"
            "    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ev.set)\n    ready()\n"
            "    await asyncio.wait_for(ev.wait(), 20)\n    return 'stopped'");
    isle_job *job = begin_job(it, "outcome = asyncio.run(main())");
    tell(it, SIGTERM);
    check_status(wait_for(job, &err), ISLE_OK, err);
    check_eval(it, "(outcome, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)", "('stopped', True)");
    end(it);
}

/* asyncio.run() cancels its task, which can clean up. */
static void test_asyncio_is_cancelled_by_sigint(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "async def main():\n    try:\n        ready()\n        await asyncio.sleep(1000)\n"
            "    finally:\n        await asyncio.sleep(0)\n        heard.append('cleaned')");
    isle_job *job = begin_job(it, "asyncio.run(main())");
    bool handles = false;
    check_status(isle_interp_handles_signal(it, SIGINT, &handles, NULL), ISLE_OK, NULL);
    check(handles);
    tell(it, SIGINT);
    isle_error *err = NULL;
    check_status(wait_for(job, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "KeyboardInterrupt") == 0 && isle_error_exit_status(err) == 130);
    isle_error_free(err);
    check_eval(it, "heard", "['cleaned']");
    check_status(isle_interp_handles_signal(it, SIGINT, &handles, NULL), ISLE_OK, NULL);
    check(!handles);
    end(it);
}

/* --- defaults --------------------------------------------------------------------------------------------------- */

static void test_sigint_raises_keyboard_interrupt(void **state)
{
    (void)state;
    isle_interp it = create(NULL); /* without the module signal */
    isle_error *err = NULL;
    run(it, "import isles; ready = isles.host.ready");
    isle_job *job = begin_job(it, "ready()\nwhile True: pass");
    tell(it, SIGINT);
    check_status(wait_for(job, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "KeyboardInterrupt") == 0 && isle_error_exit_status(err) == 130);
    isle_error_free(err);
    check_eval(it, "'signal' in __import__('sys').modules", "False");
    end(it);
}

static void test_signals_end_a_job_as_a_process(void **state)
{
    (void)state;
    static const int numbers[] = {SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGQUIT, SIGSEGV};
    isle_interp it = create_listener();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        isle_error *err = NULL;
        isle_job *job = begin_job(it,
                                  i % 2 == 0 || !has_hook() ? "ready()\nwhile True: pass" : "ready()\ntime.sleep(1e6)");
        tell(it, numbers[i]);
        check_status(wait_for(job, &err), ISLE_ERR_EXIT, err);
        check(isle_error_exit_status(err) == 128 + numbers[i]);
        isle_error_free(err);
    }
    static const int harmless[] = {SIGCHLD, SIGWINCH, SIGURG, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ};
    isle_job *job = begin_job(it, "ready()\ntime.sleep(0.3)");
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        tell(it, harmless[i]);
    }
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    end(it);
}

/* The threads that the code left count as the job, when it is to wait for them. */
static void test_a_job_that_waits_for_its_threads_is_ended(void **state)
{
    (void)state;
    if (!has_hook()) {
        skip();
    }
    isle_interp it = create_listener();
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job;
    isle_error *err = NULL;
    config.target = "t = threading.Thread(target=lambda: [ready(), time.sleep(2)]); t.start()";
    config.join_threads = true;
    flag_clear(&ready);
    check_status(isle_job_submit(it, &config, &job, NULL), ISLE_OK, NULL);
    flag_await(&ready, 1);
    isle_job_wait(job, isle_deadline_in(50 * ISLE_MS));
    tell(it, SIGTERM);
    check_status(wait_for(job, &err), ISLE_ERR_EXIT, err);
    check(isle_error_exit_status(err) == 128 + SIGTERM);
    isle_error_free(err);
    end(it);
}

static void test_while_nothing_runs(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, note)");
    tell(it, SIGUSR1);
    tell(it, SIGUSR1);
    tell(it, SIGTERM); /* these have no handler */
    tell(it, SIGINT);
    check_eval(it, "heard", "[(10, True, True)]");
    run(it, "pass");
    check_eval(it, "len(heard)", "1");
    run(it, "signal.signal(signal.SIGUSR1, signal.SIG_IGN)");
    tell(it, SIGUSR1);
    check_eval(it, "len(heard)", "1");
    end(it);
}

/* A job that is queued, or about to begin, is not missed. */
static void test_a_job_that_has_not_begun_is_ended(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    for (int i = 0; i < 300; i++) {
        isle_error *err = NULL;
        isle_job *job = submit(it, "while True: pass", SOON);
        tell(it, SIGTERM);
        check_status(wait_for(job, &err), ISLE_ERR_EXIT, err);
        isle_error_free(err);
        run(it, "pass");
    }
    end(it);
}

static void test_a_handler_that_raises_between_jobs_fails_the_next(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "def end(number, frame): sys.exit(5)\nsignal.signal(signal.SIGTERM, end)");
    tell(it, SIGTERM);
    isle_error *err = run_fails(it, "ran = True", ISLE_ERR_EXIT);
    check(isle_error_exit_status(err) == 5);
    isle_error_free(err);
    check_eval(it, "'ran' in globals()", "False");
    end(it);
}

/* --- odd moments ------------------------------------------------------------------------------------------------ */

static void test_during_imports(void **state)
{
    (void)state;
    const char imports[] = "ready()\nimport email.mime.text, logging.config, multiprocessing.pool, unittest.mock, "
                           "xml.dom.minidom, http.client, sqlite3, decimal\ndone = True";
    for (int i = 0; i < 10; i++) {
        isle_interp it = create_listener();
        run(it, "signal.signal(signal.SIGUSR1, note)");
        flag_clear(&ready);
        isle_job *job = submit(it, imports, SOON);
        flag_await(&ready, 1);
        for (int j = 0; j < 50; j++) {
            tell(it, SIGUSR1);
            isle_job_wait(job, isle_deadline_in(100000));
        }
        check_status(wait_for(job, NULL), ISLE_OK, NULL);
        check_eval(it, "done and heard != [] and {on_home for n, where, on_home in heard} == {True}", "True");
        end(it);
    }
}

static void *tell_until_it_is_gone(void *arg)
{
    isle_interp it = *(isle_interp *)arg;
    int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGCHLD};
    unsigned i = 0;
    isle_status status;
    while ((status = isle_interp_signal(it, numbers[i++ % 5], NULL)) == ISLE_OK) {}
    return (void *)(intptr_t)status;
}

/* In jobs, threads' ends, atexit functions, finalizers, and when it is gone. */
static void test_while_it_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        isle_interp it = create_listener();
        run(it, "import atexit\nsignal.signal(signal.SIGUSR1, note)\n"
                "def busy(): [str(i) for i in range(20000)]\natexit.register(busy)\n"
                "class Late:\n    def __del__(self, busy=busy, signal=signal):\n"
                "        busy(); signal.signal(signal.SIGUSR1, signal.SIG_IGN); signal.alarm(1)\n"
                "sys.late = Late()\nt = threading.Thread(target=busy); t.start()");
        pthread_t teller;
        void *status;
        check(pthread_create(&teller, NULL, tell_until_it_is_gone, &it) == 0);
        isle_status ended = isle_interp_end(it, SOON, NULL);
        check_status(ended, ISLE_OK, NULL);
        pthread_join(teller, &status);
        check((isle_status)(intptr_t)status == ISLE_ERR_NO_INTERP);
    }
}

static void test_atexit_functions_can_hear(void **state)
{
    (void)state;
    char *mark = text_of("%s/heard", scratch());
    isle_interp it = create_listener();
    runf(it,
         "import atexit\nsignal.signal(signal.SIGUSR1, lambda *a: open('%s', 'w').write('heard'))\n"
         "atexit.register(signal.raise_signal, signal.SIGUSR1)\natexit.register(signal.raise_signal, signal.SIGTERM)",
         mark);
    end(it);
    char *text = read_text(mark);
    check(text != NULL && strcmp(text, "heard") == 0);
    free(text);
    free(mark);
}

static void test_reset_goes_back(void **state)
{
    (void)state;
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, note)");
    check_status(isle_interp_mark(it, SOON, NULL), ISLE_OK, NULL);
    run(it, "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN); signal.signal(signal.SIGTERM, print)\n"
            "signal.alarm(100); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
            "signal.raise_signal(signal.SIGUSR1)");
    check_status(isle_interp_reset(it, SOON, NULL), ISLE_OK, NULL);
    check_eval(it,
               "(signal.getsignal(signal.SIGUSR1) is note, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "
               "signal.getitimer(0), signal.pthread_sigmask(signal.SIG_BLOCK, []), heard)",
               "(True, True, (0.0, 0.0), set(), [])");
    end(it);
    it = create(NULL); /* one that was marked before it knew signals */
    check_status(isle_interp_mark(it, SOON, NULL), ISLE_OK, NULL);
    run(it, "import signal; signal.signal(signal.SIGINT, print)");
    check_status(isle_interp_reset(it, SOON, NULL), ISLE_OK, NULL);
    check_eval(it, "(s := __import__('signal')).getsignal(s.SIGINT) is s.default_int_handler", "True");
    end(it);
}

/* --- whom it is for --------------------------------------------------------------------------------------------- */

static void test_others_notice_nothing(void **state)
{
    (void)state;
    isle_interp a = create_listener(), b = create_listener();
    run(a, "signal.signal(signal.SIGTERM, note)");
    check_eval(b, "signal.getsignal(signal.SIGTERM) is signal.SIG_DFL", "True");
    run(b, "signal.signal(signal.SIGTERM, note)");
    isle_job *job = begin_job(b, "ready()\ntime.sleep(0.2)");
    run(a, "os.kill(os.getpid(), signal.SIGTERM); signal.raise_signal(signal.SIGTERM)");
    tell(a, SIGTERM);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check_eval(a, "len(heard)", "3");
    check_eval(b, "heard", "[]");
    end(a);
    tell(b, SIGTERM);
    check_eval(b, "len(heard)", "1");
    end(b);
    check_dispositions();
}

/* A child process inherits neither handlers nor blocked signals that its parent's code did not ask for. */
static void test_child_processes_are_as_ever(void **state)
{
    (void)state;
    const char in_child[] = "subprocess.run(['grep', 'SigBlk', '/proc/self/status'], capture_output=True, "
                            "text=True).stdout.split()[1]";
    isle_interp it = create_listener();
    char *before_any = eval(it, in_child);
    run(it, "signal.signal(signal.SIGUSR1, note); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])");
    char *blocked = text_of("%016llx", strtoull(before_any, NULL, 16) | 1ULL << (SIGUSR2 - 1));
    check_eval(it, in_child, blocked);
    run(it, "signal.pthread_sigmask(signal.SIG_SETMASK, [])");
    check_eval(it, in_child, before_any);
    run(it, "def end(by):\n    p = subprocess.Popen(['sleep', '100']); by(p); return p.wait()");
    check_eval(it, "end(lambda p: p.send_signal(signal.SIGTERM))", "-15");
    check_eval(it, "end(lambda p: signal.pidfd_send_signal(os.pidfd_open(p.pid), signal.SIGTERM))", "-15");
    free(blocked);
    free(before_any);
    end(it);
}

static void test_what_cannot_be_sent(void **state)
{
    (void)state;
    static const int bad[] = {-1, 65, 32, 33, SIGKILL, SIGSTOP};
    isle_interp it = create(NULL);
    isle_error *err = NULL;
    bool handles = true;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_status(isle_interp_signal(it, bad[i], NULL), ISLE_ERR_INVALID, NULL);
        check_status(isle_interp_handles_signal(it, bad[i], &handles, NULL), ISLE_ERR_INVALID, NULL);
    }
    check_status(isle_interp_signal(it, SIGKILL, &err), ISLE_ERR_INVALID, NULL);
    check(strstr(isle_error_message(err), "isle_interp_end") != NULL);
    isle_error_free(err);
    tell(it, 0);
    end(it);
    check_status(isle_interp_signal(it, 0, NULL), ISLE_ERR_NO_INTERP, NULL);
    check_status(isle_interp_signal((isle_interp){0}, SIGTERM, NULL), ISLE_ERR_NO_INTERP, NULL);
    check_status(isle_interp_handles_signal(it, SIGTERM, &handles, NULL), ISLE_ERR_NO_INTERP, NULL);
}

static int stuck_child(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stuck_after_ns = 100 * ISLE_MS;
    isle_interp it = create(&config), other = create(NULL);
    run(it, "import signal; signal.signal(signal.SIGTERM, print); signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\n"
            "signal.signal(signal.SIGALRM, lambda *a: None)");
    do { /* on a busy machine the deadline may pass before it begins */
        isle_interp_run(it, "import itertools; sum(itertools.count())", isle_deadline_in(100 * ISLE_MS), NULL);
    } while (isle_interp_signal(it, SIGTERM, NULL) == ISLE_OK);
    check_status(isle_interp_signal(it, SIGTERM, NULL), ISLE_ERR_STUCK, NULL);
    run(other, "import signal; heard = []; signal.signal(signal.SIGTERM, lambda *a: heard.append(1))");
    tell(other, SIGTERM);
    check_eval(other, "heard", "[1]");
    check_status(isle_runtime_stop(runtime, isle_deadline_in(ISLE_SECOND), NULL), ISLE_ERR_STUCK, NULL);
    something_stays();
    return 0;
}

static void test_a_stuck_interpreter_hears_nothing(void **state)
{
    (void)state;
    free(child_expect("stuck", NULL, 60 * ISLE_SECOND, 0));
}

/* Without the hook a call that blocks in C keeps the handler waiting; all else works. */
static int unhooked_child(const char *unused)
{
    const isle_host_function host[] = {{"ready", host_flag, &ready}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    (void)unused;
    config.host_functions = host;
    config.host_function_count = 1;
    config.no_code_patch = true;
    runtime_begin(&config);
    isle_interp it = create_listener();
    run(it, "signal.signal(signal.SIGUSR1, note)\n"
            "async def main():\n    ev = asyncio.Event()\n"
            "    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ev.set)\n    ready()\n"
            "    await asyncio.wait_for(ev.wait(), 20)");
    static const char *const waits[] = {
        "ready()\nwhile not heard: pass", "ready()\nsignal.pause()",
        ("ready()\nq = isles.create_queue()\n"
         "while not heard:\n    try: q.get(timeout=0.2)\n    except isles.QueueEmpty: pass"),
        "ready()\ntime.sleep(0.3)\nassert heard"};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        isle_job *job = begin_job(it, waits[i]);
        tell(it, SIGUSR1);
        check_status(wait_for(job, NULL), ISLE_OK, NULL);
        check_eval(it, "len(heard)", "1");
        run(it, "heard.clear()");
    }
    isle_job *job = begin_job(it, "asyncio.run(main())");
    tell(it, SIGTERM);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    end(it);
    runtime_end();
    return 0;
}

static void test_without_the_hook(void **state)
{
    (void)state;
    free(child_expect("unhooked", NULL, 60 * ISLE_SECOND, 0));
}

/* They take turns at the main interpreter's GIL. */
static void test_a_shared_gil(void **state)
{
    (void)state;
    if (free_threaded()) {
        skip(); /* it has none */
    }
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.gil = ISLE_GIL_SHARED;
    isle_interp its[2] = {create(&config), create(&config)};
    for (int i = 0; i < 2; i++) {
        run(its[i], prelude);
        run(its[i], "signal.signal(signal.SIGUSR1, note)");
    }
    isle_job *busy = begin_job(its[0], "ready()\nwhile not heard: pass");
    isle_job *job = begin_job(its[1], "ready()\nwhile not heard: pass");
    tell(its[1], SIGUSR1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check(!isle_job_done(busy));
    tell(its[0], SIGUSR1);
    check_status(wait_for(busy, NULL), ISLE_OK, NULL);
    check_eval(its[0], "len(heard)", "1");
    end(its[0]);
    end(its[1]);
}

/* --- many ------------------------------------------------------------------------------------------------------- */

typedef struct flood {
    isle_interp it;
    int number, count;
} flood;

static void *pour(void *arg)
{
    const flood *f = arg;
    for (int i = 0; i < f->count; i++) {
        tell(f->it, f->number);
    }
    return NULL;
}

/* Each number is heard at least once, and never more often than it was sent; its handlers don't nest without end. */
static void test_a_flood(void **state)
{
    (void)state;
    enum { TELLERS = 4, EACH = 5000 };
    isle_interp it = create_listener();
    run(it, "counts, depth, deepest = {}, 0, 0\ndef count(number, frame):\n    global depth, deepest\n    depth += 1\n"
            "    deepest = max(depth, deepest)\n    counts[number] = counts.get(number, 0) + 1\n    depth -= 1\n"
            "for n in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGRTMIN): signal.signal(n, count)\n"
            "signal.signal(signal.SIGTERM, lambda *a: over.append(1))\nover = []");
    isle_job *job = begin_job(it, "ready()\nn = 0\nwhile not over:\n    n += 1\n    time.sleep(0.0001)");
    const int numbers[TELLERS] = {SIGUSR1, SIGUSR2, SIGHUP, SIGRTMIN};
    pthread_t threads[TELLERS];
    flood floods[TELLERS];
    for (int i = 0; i < TELLERS; i++) {
        floods[i] = (flood){it, numbers[i], EACH};
        check(pthread_create(&threads[i], NULL, pour, &floods[i]) == 0);
    }
    for (int i = 0; i < TELLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    tell(it, SIGTERM);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    char *counts = eval(it, "(sorted(counts.items()), deepest)");
    print_message("             heard of %d each: %s\n", EACH, counts);
    free(counts);
    check_eval(it, "len(counts) == 4 and all(1 <= n <= 5000 for n in counts.values()) and deepest <= 9", "True");
    end(it);
}

/* None is lost, whenever it comes: not just before a call that blocks, nor between two jobs. The handler uses what may
 * be used in one: threading.Event.set() waits for ever where it interrupts wait() with the event's lock taken. */
static void test_none_is_lost(void **state)
{
    (void)state;
    bool hook = has_hook();
    isle_interp it = create_listener();
    run(it, "import queue\ngot = queue.SimpleQueue()\nsignal.signal(signal.SIGUSR1, lambda *a: got.put(1))");
    const char *waits = hook ? "got.get()\nready()" : "while got.empty(): pass\ngot.get()\nready()";
    unsigned seed = 3;
    for (int i = 0; i < 500; i++) {
        flag_clear(&ready);
        isle_job *job = submit(it, waits, SOON);
        isle_job_wait(job, isle_deadline_in(rand_r(&seed) % 100000));
        tell(it, SIGUSR1);
        check_status(wait_for(job, NULL), ISLE_OK, NULL);
    }
    end(it);
}

int main(int argc, char **argv)
{
    static const child children[] = {{"stuck", stuck_child}, {"unhooked", unhooked_child}, {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_the_handler_sees_the_frame),
        cmocka_unit_test(test_what_a_handler_raises_ends_the_job),
        cmocka_unit_test(test_other_threads_are_in_the_way),
        cmocka_unit_test(test_a_handler_that_never_ends_is_stopped),
        cmocka_unit_test(test_a_handler_is_interrupted_by_another),
        cmocka_unit_test(test_no_lock_is_left_taken),
        cmocka_unit_test(test_a_thread_that_interrupts_who_starts_it),
        cmocka_unit_test(test_a_handler_can_print),
        cmocka_unit_test(test_what_code_sets_is_checked),
        cmocka_unit_test(test_only_the_main_thread_sets_handlers),
        cmocka_unit_test(test_threads_are_who_they_are),
        cmocka_unit_test(test_dispositions_begin_as_pythons),
        cmocka_unit_test(test_wakeup_descriptor),
        cmocka_unit_test(test_masks_and_waits),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_code_that_signals_itself),
        cmocka_unit_test(test_asyncio_handlers),
        cmocka_unit_test(test_asyncio_is_cancelled_by_sigint),
        cmocka_unit_test(test_sigint_raises_keyboard_interrupt),
        cmocka_unit_test(test_signals_end_a_job_as_a_process),
        cmocka_unit_test(test_a_job_that_waits_for_its_threads_is_ended),
        cmocka_unit_test(test_while_nothing_runs),
        cmocka_unit_test(test_a_job_that_has_not_begun_is_ended),
        cmocka_unit_test(test_a_handler_that_raises_between_jobs_fails_the_next),
        cmocka_unit_test(test_during_imports),
        cmocka_unit_test(test_while_it_ends),
        cmocka_unit_test(test_atexit_functions_can_hear),
        cmocka_unit_test(test_reset_goes_back),
        cmocka_unit_test(test_others_notice_nothing),
        cmocka_unit_test(test_child_processes_are_as_ever),
        cmocka_unit_test(test_what_cannot_be_sent),
        cmocka_unit_test(test_a_stuck_interpreter_hears_nothing),
        cmocka_unit_test(test_without_the_hook),
        cmocka_unit_test(test_a_shared_gil),
        cmocka_unit_test(test_a_flood),
        cmocka_unit_test(test_none_is_lost),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest tests[row_count + WHOLE];
    char *names[row_count];
    for (size_t i = 0; i < row_count; i++) {
        names[i] = text_of("wakes for it and goes on: %s", rows[i].what);
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = test_row, .initial_state = (void *)&rows[i]};
    }
    memcpy(tests + row_count, whole, sizeof whole);
    const char *pattern = getenv("ISLES_TEST");
    if (pattern != NULL) {
        cmocka_set_test_filter(pattern);
    }
    int failed = _cmocka_run_group_tests("signals", tests, row_count + WHOLE, begin, finish);
    for (size_t i = 0; i < row_count; i++) {
        free(names[i]);
    }
    return failed;
}
