/* Budgets: what reaches a limit is stopped, there and nowhere else, and is told. */
#include <unistd.h>

#include "budgets.h"
#include "queues.h"
#include "support.h"

/* --- events ----------------------------------------------------------------------------------------------------- */

static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;
static char events[8192]; /* of budgets: "OK memory: ...\n" */

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind == ISLE_EVENT_BUDGET) {
        pthread_mutex_lock(&events_lock);
        size_t len = strlen(events);
        snprintf(events + len, sizeof events - len, "%s %s\n", isle_status_name(event->status), event->message);
        pthread_mutex_unlock(&events_lock);
    }
}

static void forget_events(void)
{
    pthread_mutex_lock(&events_lock);
    events[0] = '\0';
    pthread_mutex_unlock(&events_lock);
}

static bool was_told(const char *start)
{
    pthread_mutex_lock(&events_lock);
    bool told = strstr(events, start) != NULL;
    pthread_mutex_unlock(&events_lock);
    return told;
}

/* They come from another thread, for what was refused. */
static void await_told(const char *start)
{
    int64_t until = SOON;
    while (!was_told(start) && isle_now() < until) {
        usleep(1000);
    }
    if (!was_told(start)) {
        fprintf(stderr, "not told: %s; but:\n%s", start, events);
        check(false);
    }
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

static void test_memory_is_counted(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    isle_interp it = create(NULL);
    uint64_t before = usage_of(it).memory_bytes.used;
    check(before > MIB / 2 && before < 32 * MIB);
    run(it, "x = bytes(10_000_000)");
    uint64_t with_large = usage_of(it).memory_bytes.used;
    check(with_large >= before + 10000000 && with_large < before + 11 * MIB);
    run(it, "del x; y = [bytes(100) for n in range(100_000)]");
    isle_usage u = usage_of(it);
    check(u.memory_bytes.used > before + 100000 * 128 && u.memory_bytes.peak >= with_large);
    check(u.memory_small_bytes > 100000 * 128 && u.memory_small_bytes < u.memory_bytes.used);
    run(it, "del y");
    check(usage_of(it).memory_bytes.used < before + 8 * MIB);
    run(it, "import threading\nx = []\nt = [threading.Thread(target=lambda: x.append(bytes(5_000_000))) for n in "
            "range(2)]\n"
            "[s.start() for s in t]; [s.join() for s in t]");
    check(usage_of(it).memory_bytes.used >= before + 10000000);
    end(it);
}

/* Threads pay for small blocks by the batch. What they keep of it is nobody's memory: not while they live, not when
 * they have ended, and not at the limit. */
static void test_small_blocks_are_counted_to_the_byte(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    enum { THREADS = 100 };
    isle_interp it = create(NULL);
    run(it, "import threading\n"
            "def work(): x = [bytes(600) for n in range(300)]; del x\n"
            "def ended(): t = threading.Thread(target=work); t.start(); t.join()\n"
            "def live(): work(); ready.release(); go.wait()\n"
            "ready = threading.Semaphore(0); go = threading.Event()\n"
            "work(); ended(); x = None");
    uint64_t before = usage_of(it).memory_bytes.used;
    run(it, "for n in range(100): ended()");
    uint64_t after_ended = usage_of(it).memory_bytes.used;
    run(it, "t = [threading.Thread(target=live) for n in range(100)]\n"
            "for each in t: each.start()\n"
            "for each in t: ready.acquire()");
    uint64_t with_live = usage_of(it).memory_bytes.used;
    print_message("%lld bytes of 100 threads that have ended, %lld of 100 that live\n",
                  (long long)(after_ended - before), (long long)(with_live - after_ended));
    check(after_ended < before + MIB / 4);
    check(with_live < after_ended + (uint64_t)THREADS * MIB / 32);
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = with_live + 4 * MIB;
    isle_error *err;
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "x = [bytes(600) for n in range(3 * (1 << 20) // 640)]");
    isle_error_free(run_fails(it, "x = []\nwhile True: x.append(bytes(600))", ISLE_ERR_PYTHON));
    check(usage_of(it).memory_bytes.peak <= budgets.memory_bytes.hard + 4 * MIB); /* the room to describe the error */
    run(it, "x = None; go.set()\nfor each in t: each.join()");
    end(it);
}

static uint64_t memory_left(void)
{
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    return info.memory_left_bytes;
}

enum { BLOCKS = 40000, BLOCKS_BYTES = BLOCKS * 150 };
static void *blocks[BLOCKS];

static isle_interp create_with_blocks(void)
{
    isle_interp it = create(NULL);
    char source[800];
    snprintf(source, sizeof source,
             "import ctypes\n"
             "new, free = ctypes.pythonapi.PyMem_RawMalloc, ctypes.pythonapi.PyMem_RawFree\n"
             "new.restype, new.argtypes = ctypes.c_void_p, [ctypes.c_size_t]\n"
             "free.restype, free.argtypes = None, [ctypes.c_void_p]\n"
             "blocks = (ctypes.c_void_p * %d).from_address(%llu)\n"
             "def take():\n"
             "    for n in range(len(blocks)):\n"
             "        blocks[n] = new(n %% 300)\n"
             "        ctypes.memset(blocks[n], n & 255, n %% 300)\n"
             "def drop():\n"
             "    for n in range(len(blocks)):\n"
             "        assert ctypes.string_at(blocks[n], n %% 300) == bytes([n & 255]) * (n %% 300)\n"
             "        free(blocks[n])\n"
             "take(); drop()",
             BLOCKS, (unsigned long long)(uintptr_t)blocks);
    run(it, source);
    return it;
}

/* A thread keeps small blocks for what it allocates next: only its own interpreter's, and they count as free. */
static void test_blocks_that_a_thread_keeps(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    isle_interp one = create_with_blocks(), other = create_with_blocks();
    uint64_t before_one = usage_of(one).memory_bytes.used, before_other = usage_of(other).memory_bytes.used;
    for (int i = 0; i < 4; i++) {
        run(one, "take()");
        check(usage_of(one).memory_bytes.used > before_one + BLOCKS_BYTES);
        run(i % 2 ? one : other, "drop()");
        check(usage_of(one).memory_bytes.used < before_one + BLOCKS_BYTES / 4);
        check(usage_of(other).memory_bytes.used > before_other - BLOCKS_BYTES / 4);
        check(usage_of(other).memory_bytes.used < before_other + BLOCKS_BYTES / 4);
    }
    run(one, "import threading\n"
             "for n in range(3):\n"
             "    t = threading.Thread(target=lambda: (take(), drop())); t.start(); t.join()\n"
             "    t = threading.Thread(target=take); t.start(); t.join(); drop()");
    check(usage_of(one).memory_bytes.used < before_one + BLOCKS_BYTES / 4);
    uint64_t before = memory_left();
    run(one, "take()");
    run(other, "import threading\n" /* a thread that has none yet of its own */
               "done, go = threading.Event(), threading.Event()\n"
               "t = threading.Thread(target=lambda: (drop(), done.set(), go.wait())); t.start(); done.wait()");
    end(one);
    usleep(100000); /* its home thread, the last that leaves, tells what is left */
    check(engine_version() < 0x030e || memory_left() == before); /* nobody keeps another's */
    run(other, "go.set(); t.join()");
    end(other);
}

static void live_and_end(void)
{
    isle_interp it = create(NULL);
    run(it, "import json, re, decimal, threading, collections, ssl\nx = [bytes(n) for n in range(3000)]\n"
            "t = threading.Thread(target=lambda: x.append(bytes(10 ** 6))); t.start(); t.join()");
    end(it);
}

/* What an interpreter held is given back when it ends. CPython 3.13 keeps some; and importing _interpreters, as asyncio
 * does on 3.14, leaves 72 bytes now and then: its registry of classes that cross is the process's. */
static void test_nothing_is_held_afterwards(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    uint64_t before = memory_left();
    live_and_end();
    uint64_t left = memory_left() - before;
    print_message("%llu bytes left\n", (unsigned long long)left);
    check(engine_version() < 0x030e ? left < 4 * MIB : left == 0);
}

static void test_memory_limits_warn_and_can_be_raised(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes = (isle_limit){.soft = 30 * MIB, .hard = 60 * MIB};
    isle_interp it = create_with(&budgets);
    run(it, "x = bytes(10 << 20)");
    check(!was_told("memory"));
    run(it, "x = bytes(40 << 20)");
    await_told("ISLE_OK memory: the soft limit of 30 MiB is reached");
    check(!was_told("ISLE_ERR_BUDGET"));
    isle_error *err = run_fails(it, "x = None; x = bytes(70 << 20)", ISLE_ERR_PYTHON);
    check(strstr(isle_error_text(err), "the interpreter's memory limit is reached") != NULL);
    isle_error_free(err);
    await_told("ISLE_ERR_BUDGET memory: the limit of 60 MiB is reached");
    budgets.memory_bytes = (isle_limit){.hard = 100 * MIB};
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "x = bytes(70 << 20)");
    check_status(isle_interp_set_budgets(it, NULL, &err), ISLE_OK, err);
    run(it, "x = bytes(200 << 20)");
    check(usage_of(it).memory_bytes.hard == 0);
    end(it);
}

static void test_code_that_goes_on_asking_is_stopped(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = 32 * MIB;
    isle_interp it = create_with(&budgets);
    isle_error *err = run_fails(
        it, "x = []\nwhile True:\n    try: x.append(bytes(1 << 20))\n    except Exception: pass", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "memory: the limit of 32 MiB is reached, again and again") != NULL);
    isle_error_free(err);
    run(it, "del x");
    end(it);
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void test_cpu_time_of_all_threads_counts(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.cpu_ns = (isle_limit){.soft = 200 * ISLE_MS, .hard = 400 * ISLE_MS};
    isle_interp it = create_with(&budgets);
    isle_error *err = run_fails(it,
                                "import threading, time\ndef burn():\n    while not stop: pass\nstop = False\n"
                                "for n in range(3): threading.Thread(target=burn).start()\ntry: time.sleep(200)\n"
                                "finally: stop = True",
                                ISLE_ERR_BUDGET);
    isle_error_free(err);
    check(was_told("ISLE_OK cpu: the soft limit of 0.2 s is used up"));
    check(was_told("ISLE_ERR_BUDGET cpu: the limit of 0.4 s is used up"));
    isle_usage u = usage_of(it);
    check(u.cpu_ns.used >= (uint64_t)(400 * ISLE_MS) && u.threads.peak == 3);
    end(it);
}

/* Threads that are too short to be seen count, too. */
static void test_cpu_time_of_ended_threads_counts(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "import threading, time\ndef burn():\n    until = time.thread_time() + 0.01\n    while time.thread_time() "
            "< until: pass\n"
            "for n in range(10):\n    t = threading.Thread(target=burn); t.start(); t.join()");
    check(usage_of(it).cpu_ns.used >= (uint64_t)(100 * ISLE_MS));
    end(it);
}

static void test_waiting_uses_no_cpu_time(void **state)
{
    (void)state;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.cpu_ns.hard = 300 * ISLE_MS;
    isle_interp it = create_with(&budgets);
    run(it, "import time; time.sleep(0.4)");
    check(usage_of(it).cpu_ns.used < (uint64_t)(300 * ISLE_MS));
    end(it);
}

static void test_queued_jobs_end_too(void **state)
{
    (void)state;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.cpu_ns.hard = 100 * ISLE_MS;
    isle_interp it = create_with(&budgets);
    isle_job *first = submit(it, "while True: pass", ISLE_FOREVER), *second = submit(it, "x = 1", ISLE_FOREVER);
    isle_error *err = NULL;
    check_status(wait_for(second, &err), ISLE_ERR_BUDGET, err);
    isle_error_free(err);
    check_status(wait_for(first, &err), ISLE_ERR_BUDGET, err);
    isle_error_free(err);
    end(it);
}

/* --- the others ------------------------------------------------------------------------------------------------- */

static void test_threads(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.threads = (isle_limit){.soft = 2, .hard = 4};
    isle_interp it = create_with(&budgets);
    run(it, "import threading\nstop = threading.Event()\nthreads = []\ntry:\n    while True:\n"
            "        t = threading.Thread(target=stop.wait); t.start(); threads.append(t)\n"
            "except RuntimeError as error: text = str(error)\ncount = len(threads)");
    check_eval(it, "count", "4");
    check_eval(it, "text", "can't start new thread: the limit of 4 (threads) is reached");
    await_told("ISLE_OK threads: the soft limit of 2 is reached");
    await_told("ISLE_ERR_BUDGET threads: the limit of 4 is reached");
    isle_usage u = usage_of(it);
    check(u.threads.used == 4 && u.threads.peak == 4 && u.threads.reached == 1);
    run(it, "stop.set(); [t.join() for t in threads]");
    run(it, "import threading; t = threading.Thread(target=int); t.start(); t.join()");
    end(it);
}

static void test_output(void **state)
{
    (void)state;
    capture c = CAPTURE_INIT;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.output_bytes = (isle_limit){.soft = 1000, .hard = 100000};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.budgets = &budgets;
    config.stuck_after_ns = 30 * ISLE_SECOND;
    config.stdout_ = captured(&c);
    isle_interp it = create(&config);
    forget_events();
    run(it, "print('x' * 2000)");
    await_told("ISLE_OK output: the soft limit of 1000 bytes is used up");
    isle_error *err = run_fails(it, "while True: print('y' * 99, flush=True)", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "output: the limit of 97.66 KiB is used up") != NULL);
    if (strstr(isle_error_text(err), "print('y' * 99, flush=True)\n") == NULL) {
        fprintf(stderr, "it does not tell where: %s\n", isle_error_text(err));
        check(false);
    }
    isle_error_free(err);
    check_status(isle_interp_run(it, "x = 1", SOON, &err), ISLE_ERR_BUDGET, err);
    isle_error_free(err);
    char *text = capture_take(&c);
    check(strlen(text) == 100000 && usage_of(it).output_bytes.used == 100000);
    free(text);
    budgets.output_bytes = (isle_limit){.hard = 100010};
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    isle_error_free(run_fails(it, "print('z' * 99)", ISLE_ERR_BUDGET)); /* at its flush, if not before */
    end(it);
    text = capture_take(&c);
    if (strcmp(text, "\nzzzzzzzzz") != 0) { /* what was not written comes first */
        fprintf(stderr, "what was written: %s\n", text);
        check(false);
    }
    free(text);
}

/* To the byte, wherever it goes: nowhere, to a file that others write to as well, to a queue. */
static void test_output_ends_at_the_limit(void **state)
{
    (void)state;
    isle_queue *q = NULL;
    isle_error *err = NULL;
    check_status(isle_queue_create(NULL, &q, &err), ISLE_OK, err);
    char *path = write_file("output", "%s", "");
    const isle_stream to[] = {{.kind = ISLE_STREAM_NULL},
                              {.kind = ISLE_STREAM_FILE, .path = path},
                              {.kind = ISLE_STREAM_QUEUE, .queue = q},
                              {.kind = ISLE_STREAM_FILE, .path = path, .buffering = ISLE_BUFFERING_NONE},
                              {.kind = ISLE_STREAM_FILE, .path = path, .full = ISLE_FULL_DROP}};
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.output_bytes.hard = 1005;
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        config.budgets = &budgets;
        config.stuck_after_ns = 30 * ISLE_SECOND;
        config.stdout_ = config.stderr_ = to[i];
        config.stderr_.append = to[i].kind == ISLE_STREAM_FILE;
        isle_interp it = create(&config);
        err = run_fails(it,
                        "import sys\nfor n in range(1000): print('123456789', file=(sys.stdout, sys.stderr)[n % 2])",
                        ISLE_ERR_BUDGET);
        check(strstr(isle_error_message(err), "output: the limit of 1005 bytes is used up (1005 bytes)") != NULL);
        isle_error_free(err);
        check(usage_of(it).output_bytes.used == 1005 && usage_of(it).output_bytes.reached == 1);
        end(it);
        char *text = read_text(path);
        check(to[i].kind != ISLE_STREAM_FILE || strlen(text) == 1005);
        free(text);
    }
    isle_queue_stats s = {.size = sizeof s};
    isle_queue_get_stats(q, &s);
    check(s.items >= 101);
    isle_queue_free(q);
    free(path);
}

static void test_code_may_catch_what_its_output_is_refused_for(void **state)
{
    (void)state;
    capture c = CAPTURE_INIT;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.output_bytes.hard = 100;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.budgets = &budgets;
    config.stuck_after_ns = 30 * ISLE_SECOND;
    config.cancel_grace_ns = 20 * ISLE_SECOND;
    config.stdout_ = captured(&c);
    isle_interp it = create(&config);
    isle_error *err = run_fails(it,
                                "import isles\ntry:\n    print('x' * 200)\nexcept isles.BudgetExceeded as error:\n"
                                "    text = str(error)\n    raise",
                                ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "output: the limit of 100 bytes is used up (100 bytes)") != NULL);
    isle_error_free(err);
    end(it);
    char *text = capture_take(&c);
    check(strlen(text) == 100);
    free(text);
}

/* --- values in queues ------------------------------------------------------------------------------------------- */

static isle_queue *queue_for(isle_interp it)
{
    isle_queue *q = NULL;
    isle_error *err = NULL;
    check_status(isle_queue_create(NULL, &q, &err), ISLE_OK, err);
    isle_value *value = isle_value_new_queue(q);
    check_status(isle_interp_set_global(it, "q", value, SOON, &err), ISLE_OK, err);
    isle_value_free(value);
    return q;
}

static void take(isle_queue *q, size_t count)
{
    while (count-- > 0) {
        isle_error *err = NULL;
        check_status(isle_queue_get(q, 0, NULL, &err), ISLE_OK, err);
    }
}

static void test_messages(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.messages = (isle_limit){.soft = 5, .hard = 10};
    isle_interp it = create_with(&budgets);
    isle_queue *q = queue_for(it), *other = queue_for(it);
    run(it, "other = q");
    isle_value *value = isle_value_new_queue(q);
    isle_error *err = NULL;
    check_status(isle_interp_set_global(it, "q", value, SOON, &err), ISLE_OK, err);
    isle_value_free(value);
    run(it, "for n in range(4): q.put(n)");
    check(!was_told("messages"));
    run(it, "for n in range(6): other.put(n)"); /* all queues together */
    await_told("ISLE_OK messages: the soft limit of 5 is reached");
    err = run_fails(it, "q.put_nowait('one too many')", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "messages: the limit of 10 is reached (10)") != NULL);
    check(strstr(isle_error_text(err), "isles.BudgetExceeded: messages: the limit of 10 is reached (10)") != NULL);
    isle_error_free(err);
    await_told("ISLE_ERR_BUDGET messages: the limit of 10 is reached (10)");
    isle_usage u = usage_of(it);
    check(u.messages.used == 10 && u.messages.peak == 10 && u.messages.reached == 1 && u.messages.hard == 10);
    check(u.queue_bytes.used > 0 && u.queue_bytes.hard == 0);
    take(q, 1);
    run(it, "q.put('there is room again')"); /* it goes on: this one is no budget for life */
    run(it, "import isles\ntry: q.put(1)\nexcept isles.BudgetExceeded as error: text = str(error)\n"
            "other.get_nowait(); q.put(1)"); /* taking its own is taking */
    check_eval(it, "text", "messages: the limit of 10 is reached (10)");
    isle_queue_free(other); /* the interpreter has it still */
    check(usage_of(it).messages.used == 10);
    run(it, "del other; import gc; gc.collect()");
    check(usage_of(it).messages.used == 5); /* what was in it went with it */
    take(q, 5);
    check(usage_of(it).messages.used == 0 && usage_of(it).queue_bytes.used == 0);
    put_int(q, 1); /* the host's own is on nobody's account */
    check(usage_of(it).messages.used == 0);
    end(it);
    isle_queue_free(q);
}

static void test_queue_bytes(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.queue_bytes = (isle_limit){.soft = MIB, .hard = 4 * MIB};
    isle_interp it = create_with(&budgets);
    isle_queue *q = queue_for(it);
    run(it, "q.put(bytes(1 << 19))");
    check(!was_told("queue_bytes"));
    run(it, "for n in range(6): q.put(bytes(1 << 19))");
    await_told("ISLE_OK queue_bytes: the soft limit of 1024 KiB is reached");
    isle_error *err = run_fails(it, "q.put(bytearray(1 << 20))", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "queue_bytes: the limit of 4096 KiB is reached") != NULL);
    isle_error_free(err);
    check(usage_of(it).queue_bytes.used > 7 << 19 && usage_of(it).messages.used == 7);
    run(it, "q.put('a small one')");
    take(q, 8);
    check(usage_of(it).queue_bytes.used == 0);
    run(it, "q.put(bytes(1 << 20)); import isles; small = isles.create_queue(1); small.put(1)\n"
            "try: small.put(bytes(1 << 20), timeout=0)\nexcept isles.QueueFull: pass");
    check(usage_of(it).queue_bytes.used < MIB + 100); /* what found no room is gone */
    end(it);
    take(q, 1);
    isle_queue_free(q);
}

/* Lines of a stream are values, too. */
static void test_lines_in_queues_count(void **state)
{
    (void)state;
    isle_queue *q = NULL;
    isle_error *err = NULL;
    check_status(isle_queue_create(NULL, &q, &err), ISLE_OK, err);
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.messages.hard = 7;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.budgets = &budgets;
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_QUEUE, .queue = q};
    isle_interp it = create(&config);
    err = run_fails(it, "for n in range(100): print(n)", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "messages: the limit of 7 is reached") != NULL);
    isle_error_free(err);
    end(it);
    isle_queue_stats s = {.size = sizeof s};
    isle_queue_get_stats(q, &s);
    check(s.items == 7);
    isle_queue_free(q);
}

static void test_who_puts_on_and_on_is_stopped(void **state)
{
    (void)state;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.messages.hard = 3;
    isle_interp it = create_with(&budgets);
    isle_queue *q = queue_for(it);
    isle_error *err = run_fails(it, "while True:\n    try: q.put(1)\n    except BaseException: pass", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "messages: the limit of 3 is reached") != NULL);
    isle_error_free(err);
    take(q, 3);
    run(it, "q.put(1)");
    end(it);
    isle_queue_free(q);
}

/* --- recursion -------------------------------------------------------------------------------------------------- */

static void test_recursion(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.recursion = (isle_limit){.soft = 300, .hard = 500};
    isle_interp it = create_with(&budgets);
    run(it, "import sys\ndef depth(n=1):\n    try: return depth(n + 1)\n    except RecursionError: return n\n"
            "assert sys.getrecursionlimit() == 500 and 400 < depth() <= 500");
    run(it, "sys.setrecursionlimit(200); assert 100 < depth() <= 200");
    check(usage_of(it).recursion.used == 200 && usage_of(it).recursion.peak == 500 && !was_told("recursion"));
    run(it, "sys.setrecursionlimit(400); assert 300 < depth() <= 400");
    await_told("ISLE_OK recursion: the soft limit of 300 is reached (400)");
    run_error(it, "sys.setrecursionlimit(501)",
              "ValueError: recursion limit: at most 500 is allowed here (the budget recursion)");
    await_told("ISLE_ERR_BUDGET recursion: the limit of 500 is reached (400)");
    run_error(it, "sys.setrecursionlimit(0)", "ValueError: recursion limit must be greater or equal than 1");
    run(it, "for wrong in ('x', 10 ** 30, None):\n    try: sys.setrecursionlimit(wrong)\n"
            "    except (TypeError, OverflowError, ValueError): pass\n    else: assert False");
    isle_error *err = run_fails(it, "sys.setrecursionlimit(500)\ndef f(): f()\nf()", ISLE_ERR_PYTHON);
    check(strstr(isle_error_text(err), "the interpreter's recursion limit of 500 is reached") != NULL);
    isle_error_free(err);
    run(it, "import threading\ndef f(): found.append(depth())\nfound = []\nt = threading.Thread(target=f); t.start(); "
            "t.join()\n"
            "assert 400 < found[0] <= 500");
    budgets.recursion = (isle_limit){.hard = 0};
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "sys.setrecursionlimit(3000); assert 2900 < depth() <= 3000");
    budgets.recursion.hard = 1000;
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "assert sys.getrecursionlimit() == 1000");
    budgets.recursion.hard = 2000;
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "assert sys.getrecursionlimit() == 2000");
    budgets.recursion.hard = 0;
    check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
    run(it, "assert sys.getrecursionlimit() == 3000"); /* its own */
    end(it);
    it = create(NULL);
    check_eval(it, "__import__('sys').getrecursionlimit()", "1000"); /* CPython's */
    run(it, "import sys; sys.setrecursionlimit(5000)");
    check(usage_of(it).recursion.used == 5000);
    end(it);
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

static bool create_with_descriptors(const isle_budgets *budgets, isle_interp *out)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_error *err = NULL;
    config.budgets = budgets;
    config.private_descriptors = true;
    config.stuck_after_ns = 30 * ISLE_SECOND;
    isle_status status = isle_interp_create(runtime, &config, out, &err);
    if (status == ISLE_ERR_UNSUPPORTED) {
        print_message("skipped: %s\n", isle_error_message(err));
        isle_error_free(err);
        return false;
    }
    check_status(status, ISLE_OK, err);
    return true;
}

static void test_descriptors(void **state)
{
    (void)state;
    forget_events();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.descriptors = (isle_limit){.soft = 10, .hard = 20};
    isle_interp it;
    if (!create_with_descriptors(&budgets, &it)) {
        skip();
    }
    run(it, "import os, errno, socket\nfiles = []\ntry:\n    while True: files.append(open('/dev/null'))\n"
            "except OSError as error: text, code = str(error), error.errno\n"
            "assert code == errno.EMFILE\n"
            "def is_open(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n"
            "assert sum(map(is_open, range(100))) == 20");
    check_eval(it, "text", "[Errno 24] Too many open files: the interpreter's limit of 20 descriptors is reached");
    await_told("ISLE_OK descriptors: the soft limit of 10 is reached");
    await_told("ISLE_ERR_BUDGET descriptors: the limit of 20 is reached (20)");
    check(usage_of(it).descriptors.used == 20 && usage_of(it).descriptors.reached == 1);
    run(it, "try: socket.socket()\nexcept OSError as error: assert error.errno == errno.EMFILE\nelse: assert False");
    run(it, "files.clear(); socket.socket().close(); open('/dev/null').close()");
    /* what no audit event tells of is seen a little later */
    isle_error *err = run_fails(it, "import time\nx = [os.dup(0) for n in range(30)]\ntime.sleep(20)", ISLE_ERR_BUDGET);
    check(strstr(isle_error_message(err), "descriptors: the limit of 20 is reached (") != NULL);
    isle_error_free(err);
    run(it, "for fd in x: os.close(fd)\ntime.sleep(0.05); open('/dev/null').close()"); /* the next job may clean up */
    end(it);
    isle_interp other = create(NULL);
    run(other, "x = [open('/dev/null') for n in range(30)]"); /* has no such limit, and no table of its own */
    check(usage_of(other).descriptors.used == 0);
    end(other);
}

/* --- CPU time of threads alone ---------------------------------------------------------------------------------- */

static void await_threads(isle_interp it, uint64_t count)
{
    int64_t until = SOON;
    while (usage_of(it).threads.used != count && isle_now() < until) {
        usleep(1000);
    }
    check(usage_of(it).threads.used == count);
}

static void test_cpu_time_of_threads_alone(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "while True: pass",
        "while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "time.sleep(100) if n == 0 else [0 for x in iter(int, 1)]",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        forget_events();
        isle_budgets budgets = ISLE_BUDGETS_INIT;
        budgets.cpu_ns.hard = 400 * ISLE_MS;
        isle_interp it = create_with(&budgets);
        runf(it,
             "import threading, time, sys\nthreading.excepthook = lambda args: None\ngo = threading.Event()\n"
             "def burn(n):\n    go.wait()\n    %s\n"
             "for n in range(3): threading.Thread(target=burn, args=(n,), daemon=True).start()\ngo.set()",
             bodies[i]);
        await_told("ISLE_ERR_BUDGET cpu: the limit of 0.4 s is used up");
        await_threads(it, 0);
        isle_error *err = NULL;
        check_status(isle_interp_run(it, "x = 1", SOON, &err), ISLE_ERR_BUDGET, err);
        isle_error_free(err);
        check_status(isle_interp_set_budgets(it, NULL, &err), ISLE_OK, err);
        run(it, "t = threading.Thread(target=sum, args=(range(10 ** 5),)); t.start(); t.join()");
        end(it);
    }
}

static void refused(const isle_budgets *budgets, isle_gil gil, isle_status status, const char *named)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.budgets = budgets;
    config.gil = gil;
    isle_interp it = {0};
    isle_error *err = NULL;
    check_status(isle_interp_create(runtime, &config, &it, &err), status, err);
    if (strstr(isle_error_message(err), named) == NULL) {
        fprintf(stderr, "%s is not in: %s\n", named, isle_error_message(err));
        check(false);
    }
    isle_error_free(err);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.cpu_ns = (isle_limit){.soft = 2, .hard = 1};
    refused(&budgets, ISLE_GIL_OWN, ISLE_ERR_INVALID, "isle_budgets.cpu_ns: the soft limit is above the hard one");
    budgets = (isle_budgets)ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = 1000;
    if (memory_reason() == NULL) {
        refused(&budgets, ISLE_GIL_OWN, ISLE_ERR_INVALID, "memory_bytes: a new interpreter holds");
    }
    budgets.memory_bytes.hard = 1000 * MIB;
    refused(&budgets, ISLE_GIL_SHARED, ISLE_ERR_UNSUPPORTED, free_threaded() ? "config.gil" : "memory_bytes");
    budgets.size = 1;
    refused(&budgets, ISLE_GIL_OWN, ISLE_ERR_INVALID, "isle_budgets: its size is not set");
    isle_error *err = NULL;
    check_status(isle_interp_set_budgets((isle_interp){12345678}, NULL, &err), ISLE_ERR_NO_INTERP, err);
    isle_error_free(err);
    isle_usage u = {.size = sizeof u};
    check(isle_interp_get_usage((isle_interp){12345678}, &u) == ISLE_ERR_NO_INTERP);
    check(isle_interp_get_usage((isle_interp){1}, NULL) == ISLE_ERR_INVALID);
}

static int with_events(void **state)
{
    (void)state;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.on_event = on_event;
    runtime_begin(&config);
    testing_begins();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_counted),
        cmocka_unit_test(test_small_blocks_are_counted_to_the_byte),
        cmocka_unit_test(test_blocks_that_a_thread_keeps),
        cmocka_unit_test(test_nothing_is_held_afterwards),
        cmocka_unit_test(test_memory_limits_warn_and_can_be_raised),
        cmocka_unit_test(test_code_that_goes_on_asking_is_stopped),
        cmocka_unit_test(test_cpu_time_of_all_threads_counts),
        cmocka_unit_test(test_cpu_time_of_ended_threads_counts),
        cmocka_unit_test(test_waiting_uses_no_cpu_time),
        cmocka_unit_test(test_queued_jobs_end_too),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_output_ends_at_the_limit),
        cmocka_unit_test(test_code_may_catch_what_its_output_is_refused_for),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_queue_bytes),
        cmocka_unit_test(test_lines_in_queues_count),
        cmocka_unit_test(test_who_puts_on_and_on_is_stopped),
        cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_cpu_time_of_threads_alone),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, with_events, without_runtime);
}
