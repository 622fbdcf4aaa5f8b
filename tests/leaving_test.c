/* What would end or replace the process ends the interpreter that did it, or is refused: os._exit and its like from
 * anywhere, with nothing of the interpreter running afterwards, and the host and a neighbour unharmed.
 * docs/compartments.md. */
#include "leaving_rows.h"
#include "support.h"

typedef struct ended {
    pthread_mutex_t lock;
    uint64_t id;
    flag came;
    isle_status status;
    int exit_status;
    char message[80];
} ended;
static ended last_end = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = FLAG_INIT};

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind != ISLE_EVENT_INTERP_ENDED) {
        return;
    }
    pthread_mutex_lock(&last_end.lock);
    bool is_it = event->interp_id == last_end.id;
    if (is_it) {
        last_end.status = event->status;
        last_end.exit_status = event->exit_status;
        snprintf(last_end.message, sizeof last_end.message, "%s", event->message != NULL ? event->message : "");
    }
    pthread_mutex_unlock(&last_end.lock);
    if (is_it) {
        flag_raise(&last_end.came);
    }
}

static void expect_end(uint64_t id)
{
    pthread_mutex_lock(&last_end.lock);
    last_end.id = id;
    pthread_mutex_unlock(&last_end.lock);
    flag_clear(&last_end.came);
}

static isle_interp create_leaver(capture *output)
{
    char *leaves = write_file("leaving/leaves.py", "import os; os._exit(3)\n");
    char *quits = write_file("leaving/quits.py", "import sys; sys.exit(6)\n");
    char *folder = text_of("%s/leaving", scratch()), *told = write_file("told", "%s", "");
    const char *path[] = {folder};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    config.stderr_ = captured(output);
    isle_interp it = create(&config);
    runf(it,
         "import os, threading, time\n"
         "def tell(x):\n"
         "    with open('%s', 'a') as f: f.write(str(x))\n",
         told);
    free(leaves);
    free(quits);
    free(folder);
    free(told);
    return it;
}

static void check_end(const leaving *l, isle_interp it)
{
    isle_error *err = NULL;
    check_status(isle_interp_end(it, SOON, &err), ISLE_OK, err);
    flag_await(&last_end.came, 1);
    check(isle_interp_run(it, "pass", SOON, NULL) == ISLE_ERR_NO_INTERP);
    pthread_mutex_lock(&last_end.lock);
    isle_status wanted = l->ends && l->status != 0 ? ISLE_ERR_EXIT : ISLE_OK;
    bool right = last_end.status == wanted && last_end.exit_status == (l->ends ? l->status : 0) &&
                 (last_end.message[0] != '\0') == l->ends;
    pthread_mutex_unlock(&last_end.lock);
    if (!right) {
        fprintf(stderr, "%s: the event: status %d, exit status %d, %s\n", l->what, last_end.status,
                last_end.exit_status, last_end.message);
    }
    check(right);
}

static void try_leaving(const leaving *l, isle_interp neighbour)
{
    capture output = CAPTURE_INIT;
    isle_interp a = create_leaver(&output);
    isle_error *err = NULL;
    expect_end(a.id);
    isle_status result = isle_interp_run(a, l->code, isle_deadline_in(20 * ISLE_SECOND), &err);
    char *path = text_of("%s/told", scratch()), *printed = capture_take(&output);
    const char *message = result != ISLE_OK ? isle_error_message(err) : "";
    int status = result != ISLE_OK ? isle_error_exit_status(err) : 0;
    bool silent = !l->ends || printed == NULL || printed[0] == '\0';
    if (result != l->result || status != l->status || !silent ||
        (l->message != NULL && strstr(message, l->message) == NULL)) {
        fprintf(stderr, "%s: %s, exit status %d: %s\nstderr: %s\n", l->what, isle_status_name(result), status, message,
                printed != NULL ? printed : "");
        check(false);
    }
    check_end(l, a);
    char *told = read_text(path);
    if (told == NULL || strcmp(told, l->told) != 0) {
        fprintf(stderr, "%s: it told %s instead of %s\n", l->what, told, l->told);
        check(false);
    }
    run(neighbour, "total = sum(range(1000)) + len(json.dumps(list(range(100))))");
    isle_error_free(err);
    free(printed);
    free(told);
    free(path);
}

static void all_leavings(void)
{
    isle_interp neighbour = create(NULL);
    run(neighbour, "import json");
    for (size_t i = 0; i < leaving_count; i++) {
        try_leaving(&leavings[i], neighbour);
    }
    end(neighbour);
}

static void test_leavings(void **state)
{
    (void)state;
    all_leavings();
}

static void test_what_was_written_before_is_not_lost(void **state)
{
    (void)state;
    capture output = CAPTURE_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = captured(&output);
    isle_interp it = create(&config);
    isle_error_free(run_fails(it, "import os\nprint('last words', end='')\nos._exit(3)", ISLE_ERR_EXIT));
    char *text = capture_take(&output);
    check(text != NULL && strcmp(text, "last words") == 0);
    free(text);
    check_status(isle_interp_end(it, SOON, NULL), ISLE_OK, NULL);
}

static void test_jobs_behind_it_end_too(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = NULL;
    isle_job *first = submit(it, "import os, time\ntime.sleep(0.05)\nos._exit(3)", SOON);
    isle_job *second = submit(it, "x = 1", SOON);
    check(wait_for(first, &err) == ISLE_ERR_EXIT);
    isle_error_free(err);
    check(wait_for(second, &err) == ISLE_ERR_ENDED);
    check(strstr(isle_error_message(err), "the interpreter ended itself") != NULL);
    isle_error_free(err);
    check_status(isle_interp_end(it, SOON, NULL), ISLE_OK, NULL);
}

/* Many at once, with threads that run, wait and leave too. */
static void *leave_again_and_again(void *count)
{
    static const char source[] = "import os, threading, time\n"
                                 "def loop():\n"
                                 "    while True:\n"
                                 "        try:\n"
                                 "            while True: [str(i) for i in range(50)]\n"
                                 "        except BaseException: pass\n"
                                 "for f in (loop, lambda: time.sleep(30), lambda: os._exit(3)):\n"
                                 "    threading.Thread(target=f, daemon=True).start()\n"
                                 "try: loop()\n"
                                 "finally: os._exit(4)";
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stuck_after_ns = 30 * ISLE_SECOND; /* on a busy machine, too */
    for (long i = 0; i < *(long *)count; i++) {
        isle_interp it = create(&config);
        isle_error *err = run_fails(it, source, ISLE_ERR_EXIT);
        check(isle_error_exit_status(err) == 3);
        isle_error_free(err);
        check_status(isle_interp_end(it, SOON, NULL), ISLE_OK, NULL);
    }
    return NULL;
}

static int many(const char *unused)
{
    (void)unused;
    long stress = number_from_env("ISLES_STRESS", 0), count = sanitized() ? 5 : stress > 0 ? 200 : 15;
    pthread_t threads[3];
    runtime_begin(NULL);
    for (size_t i = 0; i < 3; i++) {
        check(pthread_create(&threads[i], NULL, leave_again_and_again, &count) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    runtime_end();
    return 0;
}

static void test_many_leave_at_once(void **state)
{
    (void)state;
    free(child_expect("many", "", 200 * ISLE_SECOND, 0));
}

static void test_leaving_when_no_job_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < late_leaving_count; i++) {
        capture output = CAPTURE_INIT;
        isle_interp it = create_leaver(&output);
        expect_end(it.id);
        run(it, late_leavings[i].code);
        if (i == 0) { /* it ends by itself */
            flag_await(&last_end.came, 1);
        }
        check_end(&late_leavings[i], it);
        char *path = text_of("%s/told", scratch()), *told = read_text(path);
        check(told != NULL && strcmp(told, late_leavings[i].told) == 0);
        free(told);
        free(path);
        free(capture_take(&output));
    }
}

/* Lines of a .pth file run while the interpreter is made. */
static void test_leaving_at_the_start(void **state)
{
    (void)state;
    int minor = engine_version() & 0xff;
    const char *abi = free_threaded() ? "t" : "";
    char *name = text_of("leaving_venv/lib/python3.%d%s/site-packages/leave.pth", minor, abi);
    char *file = write_file(name, "import os; os._exit(4)\n");
    char *settings = write_file("leaving_venv/pyvenv.cfg", "version = 3.%d.0\n", minor);
    char *venv = text_of("%s/leaving_venv", scratch());
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    isle_error *err = NULL;
    config.venv = venv;
    check_status(isle_interp_create(runtime, &config, &it, &err), ISLE_ERR_EXIT, err);
    check(isle_error_exit_status(err) == 4 && it.id == 0);
    check(strcmp(isle_error_message(err), "os._exit(4) was called while the interpreter was set up") == 0);
    isle_error_free(err);
    free(venv);
    free(settings);
    free(file);
    free(name);
}

/* --- without privilege -------------------------------------------------------------------------------------------- */

static void runtime_with_events(void)
{
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.on_event = on_event;
    runtime_begin(&config);
}

static int table(const char *unused)
{
    (void)unused;
    runtime_with_events();
    all_leavings();
    runtime_end();
    return 0;
}

static int unprivileged(const char *unused)
{
    become_unprivileged("table");
    return table(unused);
}

static void test_as_a_user_without_privilege(void **state)
{
    (void)state;
    free(child_expect("unprivileged", "", 200 * ISLE_SECOND, 0));
}

static int begin(void **state)
{
    (void)state;
    testing_begins();
    runtime_with_events();
    return 0;
}

int main(int argc, char **argv)
{
    static const child children[] = {{"unprivileged", unprivileged}, {"table", table}, {"many", many}, {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leavings),
        cmocka_unit_test(test_what_was_written_before_is_not_lost),
        cmocka_unit_test(test_jobs_behind_it_end_too),
        cmocka_unit_test(test_many_leave_at_once),
        cmocka_unit_test(test_leaving_when_no_job_runs),
        cmocka_unit_test(test_leaving_at_the_start),
        cmocka_unit_test(test_as_a_user_without_privilege),
    };
    return cmocka_run_group_tests(tests, begin, without_runtime);
}
