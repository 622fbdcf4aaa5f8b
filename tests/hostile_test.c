/* Code that means ill, or is very wrong: it is stopped and told, and the host and a neighbour that counts all the time
 * notice nothing. What can't be stopped is in docs/limits.md. */
#include <unistd.h>

#include "budget_rows.h"
#include "budgets.h"

/* --- a neighbour ------------------------------------------------------------------------------------------------ */

/* An interpreter that goes on with sums all the time, and tells the host the result of each round. */
typedef struct neighbour {
    isle_interp it;
    isle_job *job;
} neighbour;

static _Atomic long rounds, wrong;

static isle_status host_round(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out, isle_error **err)
{
    int64_t sum = 0;
    (void)ctx;
    (void)interp_id;
    (void)out;
    (void)err;
    wrong += !isle_value_as_int64(isle_value_at(args, 0), &sum) || sum != 501225447;
    rounds++;
    return ISLE_OK;
}

static neighbour neighbour_begin(void)
{
    neighbour n = {.it = create(NULL)};
    n.job = submit(
        n.it,
        "import zlib, time, isles\nwhile True:\n    c = 0\n"
        "    for n in range(1000): c = zlib.crc32(b'%d' % n, c)\n    isles.host.round(c)\n    time.sleep(0.001)",
        ISLE_FOREVER);
    return n;
}

/* It still runs, and sums still come out as they do here. */
static void neighbour_is_fine(const neighbour *n)
{
    int64_t until = SOON;
    long before = rounds;
    while (rounds < before + 2 && isle_now() < until) {
        usleep(500);
    }
    check(rounds >= before + 2 && wrong == 0 && !isle_job_done(n->job));
}

static void neighbour_end(neighbour *n)
{
    isle_error *err = NULL;
    isle_job_cancel(n->job);
    check_status(wait_for(n->job, &err), ISLE_ERR_CANCELLED, err);
    isle_error_free(err);
    end(n->it);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

static void run_memory_bomb(const bomb *b, const neighbour *n)
{
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = 32 * MIB;
    isle_interp it = create_with(&budgets);
    isle_error *err = NULL;
    isle_status status = isle_interp_run(it, b->source, isle_deadline_in(200 * ISLE_SECOND), &err);
    const char *message = err != NULL ? isle_error_message(err) : "";
    bool as_wanted = b->error == NULL ? status == ISLE_OK
                                      : status == ISLE_ERR_PYTHON && strstr(message, b->error) == message;
    isle_usage u = usage_of(it);
    if (!as_wanted || u.memory_bytes.reached == 0 || u.memory_bytes.peak > 36 * MIB) {
        fprintf(stderr, "%s: %s, %s; %llu refused, at most %llu bytes\n", b->what, isle_status_name(status), message,
                (unsigned long long)u.memory_bytes.reached, (unsigned long long)u.memory_bytes.peak);
        check(false);
    }
    isle_error_free(err);
    run(it,
        "import __main__\nfor name in ('x', 'y', 'ok'): __main__.__dict__.pop(name, None)\nimport gc; gc.collect()");
    run(it, "assert sum(range(1000)) == 499500 and len(bytes(1 << 20)) == 1 << 20"); /* it goes on */
    neighbour_is_fine(n);
    end(it);
}

static void test_memory_bombs(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    neighbour n = neighbour_begin();
    for (size_t i = 0; i < sizeof memory_bombs / sizeof *memory_bombs; i++) {
        run_memory_bomb(&memory_bombs[i], &n);
    }
    neighbour_end(&n);
}

/* docs/limits.md says so. If one of these is stopped one day, that is to be said there. */
static void test_what_is_not_counted(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = 32 * MIB;
    for (size_t i = 0; i < sizeof not_counted / sizeof *not_counted; i++) {
        isle_interp it = create_with(&budgets);
        run(it, not_counted[i].source);
        check(usage_of(it).memory_bytes.reached == 0);
        end(it);
    }
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void run_cpu_bomb(const bomb *b, bool wall)
{
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    *(wall ? &budgets.wall_ns : &budgets.cpu_ns) = (isle_limit){.hard = 100 * ISLE_MS};
    isle_interp it = create_with(&budgets);
    isle_error *err = NULL;
    isle_status status = isle_interp_run(it, b->source, isle_deadline_in(200 * ISLE_SECOND), &err);
    const char *name = wall ? "wall: the limit of 0.1 s is reached" : "cpu: the limit of 0.1 s is used up";
    if (status != ISLE_ERR_BUDGET || strstr(isle_error_message(err), name) == NULL) {
        fprintf(stderr, "%s: %s, %s\n", b->what, isle_status_name(status), err != NULL ? isle_error_message(err) : "");
        check(false);
    }
    /* where the exception could be described; the import's can't, it breaks what that needs */
    if (isle_error_exception(err) != NULL && strstr(isle_error_text(err), "isles.BudgetExceeded: ") == NULL) {
        fprintf(stderr, "%s: %s\n", b->what, isle_error_text(err));
        check(false);
    }
    isle_error_free(err);
    isle_usage u = usage_of(it);
    check((wall ? u.wall_ns.peak : u.cpu_ns.used) >= 100 * ISLE_MS);
    check((wall ? u.wall_ns.reached : u.cpu_ns.reached) == 1);
    if (wall) {
        run(it, "x = 1"); /* the next job has its own time */
    } else {
        check_status(isle_interp_run(it, "x = 1", SOON, &err), ISLE_ERR_BUDGET, err);
        isle_error_free(err);
        budgets.cpu_ns.hard = 100 * ISLE_SECOND;
        check_status(isle_interp_set_budgets(it, &budgets, &err), ISLE_OK, err);
        run(it, "x = 1");
    }
    end(it);
}

static void run_cpu_bombs(const neighbour *n, const bomb *bombs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run_cpu_bomb(&bombs[i], false);
        run_cpu_bomb(&bombs[i], true);
        neighbour_is_fine(n);
    }
}

static void test_cpu_bombs(void **state)
{
    (void)state;
    neighbour n = neighbour_begin();
    run_cpu_bombs(&n, cpu_bombs, sizeof cpu_bombs / sizeof *cpu_bombs);
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    if (info.hook_active) {
        run_cpu_bombs(&n, hooked_bombs, sizeof hooked_bombs / sizeof *hooked_bombs);
    }
    neighbour_end(&n);
}

/* --- the rest of the hostile set -------------------------------------------------------------------------------- */

/* What floods and leaks, with all limits at once: each is stopped by one, and says by which. */
static void test_floods_and_leaks(void **state)
{
    (void)state;
    static const struct flood {
        const char *what, *source;
        isle_status status;
        const char *says;
    } floods[] = {
        {"threads",
         "import threading\ne = threading.Event()\ntry:\n    while True: threading.Thread(target=e.wait).start()\n"
         "finally: e.set()",
         ISLE_ERR_PYTHON, "can't start new thread: the limit of 8 (threads)"},
        {"threads by _thread", "import _thread, time\nwhile True: _thread.start_new_thread(time.sleep, (2,))",
         ISLE_ERR_PYTHON, "can't start new thread: the limit of 8 (threads)"},
        {"threads that make threads",
         "import threading\ndef f():\n    try: threading.Thread(target=f).start(); f()\n"
         "    except RuntimeError as e: text.append(str(e))\ntext = []\nf()\nraise Exception(text[0])",
         ISLE_ERR_PYTHON, "can't start new thread: the limit of 8 (threads)"},
        {"prints", "while True: print('x' * 1000)", ISLE_ERR_BUDGET, "output: the limit of 97.66 KiB"},
        {"one huge print", "print('x' * (1 << 24))", ISLE_ERR_BUDGET, "output: the limit of 97.66 KiB"},
        {"prints that catch", "while True:\n    try: print('x' * 1000)\n    except BaseException: pass",
         ISLE_ERR_BUDGET, "output: the limit of 97.66 KiB"},
        {"writelines", "import sys\nsys.stderr.writelines(iter(lambda: 'line\\n', None))", ISLE_ERR_BUDGET,
         "output: the limit of 97.66 KiB"},
        {"bytes past the text", "import sys\nwhile True: sys.stdout.buffer.write(bytes(1000))", ISLE_ERR_BUDGET,
         "output: the limit of 97.66 KiB"},
        {"the raw end", "import sys\nwhile True: sys.stdout.buffer.raw.write(bytes(1000))", ISLE_ERR_BUDGET,
         "output: the limit of 97.66 KiB"},
        {"warnings", "import warnings\nwarnings.simplefilter('always')\nwhile True: warnings.warn('x')",
         ISLE_ERR_BUDGET, "output: the limit of 97.66 KiB"},
        {"queues", "import isles\nq = isles.create_queue()\nwhile True: q.put('x')", ISLE_ERR_BUDGET,
         "messages: the limit of 100 is reached"},
        {"many queues", "import isles\nx = []\nwhile True: x.append(isles.create_queue()); x[-1].put(1)",
         ISLE_ERR_BUDGET, "messages: the limit of 100 is reached"},
    };
    neighbour n = neighbour_begin();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.threads.hard = 8;
    budgets.output_bytes.hard = 100000;
    budgets.messages.hard = 100;
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        isle_interp it;
        isle_error *err = NULL;
        config.budgets = &budgets;
        config.stuck_after_ns = 30 * ISLE_SECOND;
        config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
        it = create(&config);
        isle_status status = isle_interp_run(it, floods[i].source, isle_deadline_in(200 * ISLE_SECOND), &err);
        if (status != floods[i].status || strstr(isle_error_message(err), floods[i].says) == NULL) {
            fprintf(stderr, "%s: %s, %s\n", floods[i].what, isle_status_name(status), isle_error_message(err));
            check(false);
        }
        isle_error_free(err);
        err = NULL;
        neighbour_is_fine(&n);
        /* threads that go on making threads have until then */
        check_status(isle_interp_end(it, isle_deadline_in(2 * ISLE_SECOND), &err), ISLE_OK, err);
    }
    neighbour_end(&n);
}

static bool comes_to(const odd_exit *row, isle_status status, const isle_error *err)
{
    switch (row->comes_to) {
    case EXITS:
        return status == ISLE_ERR_EXIT && isle_error_exit_status(err) == 3;
    case PASSES:
        return status == ISLE_OK;
    default:
        return status == ISLE_ERR_PYTHON || (status == ISLE_ERR_EXIT && isle_error_exit_status(err) == 1);
    }
}

/* It ends the job at the most, with what it says: no other job, no other interpreter, and not the process. */
static void test_exits_in_odd_places(void **state)
{
    (void)state;
    neighbour n = neighbour_begin();
    for (size_t i = 0; i < sizeof odd_exits / sizeof *odd_exits; i++) {
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        isle_error *err = NULL;
        config.stderr_.kind = ISLE_STREAM_NULL;
        isle_interp it = create(&config);
        run(it, "import sys");
        isle_status status = isle_interp_run(it, odd_exits[i].source, SOON, &err);
        if (!comes_to(&odd_exits[i], status, err)) {
            fprintf(stderr, "%s: %s, %s\n", odd_exits[i].what, isle_status_name(status),
                    err != NULL ? isle_error_message(err) : "");
            check(false);
        }
        isle_error_free(err);
        run(it, "assert sum(range(1000)) == 499500");
        neighbour_is_fine(&n);
        end(it);
    }
    neighbour_end(&n);
}

static int with_rounds(void **state)
{
    static const isle_host_function functions[] = {{.name = "round", .fn = host_round}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    (void)state;
    config.host_functions = functions;
    config.host_function_count = 1;
    runtime_begin(&config);
    testing_begins();
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_bombs),        cmocka_unit_test(test_what_is_not_counted),
        cmocka_unit_test(test_cpu_bombs),           cmocka_unit_test(test_floods_and_leaks),
        cmocka_unit_test(test_exits_in_odd_places),
    };
    return cmocka_run_group_tests(tests, with_rounds, without_runtime);
}
