/* Errors: everything that an exception says, in Python's own words; and nothing that an exception does can hurt. */
#include "error_scripts.h"
#include "support.h"

/* --- the same text as python ------------------------------------------------------------------------------------ */

static process run_python(const char *path)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    const char *argv[] = {info.python, "-X", "utf8", path, NULL};
    return process_run(argv, 60 * ISLE_SECOND);
}

static void test_script(void **state)
{
    const script *s = *state;
    isle_error *err = NULL;
    char *path = write_file("script.py", "%s", s->source);
    process python = run_python(path);
    isle_interp it = create(NULL);
    isle_status status = isle_interp_run_file(it, path, SOON, &err);
    end(it);
    const char *text = err != NULL ? isle_error_text(err) : "";
    check((status == ISLE_OK) == (python.status == 0));
    if (strcmp(text, python.err) != 0) {
        fprintf(stderr, "%s\n--- python says\n%s--- Isles says\n%s---\n", s->what, python.err, text);
        fail();
    }
    check(err == NULL || isle_error_exit_status(err) == python.status);
    isle_error_free(err);
    process_free(&python);
    free(path);
}

/* --- structure -------------------------------------------------------------------------------------------------- */

static const isle_exception *exception_of(const isle_error *err)
{
    const isle_exception *exception = isle_error_exception(err);
    check(exception != NULL);
    return exception;
}

static void test_chain(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = run_fails(
        it,
        "import json\ndef f():\n    try:\n        try: 1 / 0\n"
        "        except ZeroDivisionError: {}['k']\n"
        "    except KeyError as e:\n        raise json.JSONDecodeError('m', 'doc', 1) from e\nf()",
        ISLE_ERR_PYTHON);
    end(it);
    const isle_exception *e = exception_of(err), *cause = isle_exception_cause(e);
    assert_string_equal(isle_exception_type(e), "json.decoder.JSONDecodeError");
    assert_string_equal(isle_exception_message(e), "m: line 1 column 2 (char 1)");
    assert_string_equal(isle_error_message(err), "json.decoder.JSONDecodeError: m: line 1 column 2 (char 1)");
    check(isle_exception_context(e) == NULL); /* `from` hides it */
    assert_string_equal(isle_exception_type(cause), "KeyError");
    assert_string_equal(isle_exception_message(cause), "'k'");
    assert_string_equal(isle_exception_type(isle_exception_context(cause)), "ZeroDivisionError");
    check(isle_exception_cause(cause) == NULL && isle_exception_syntax(e) == NULL);
    check(isle_error_exit_status(err) == 1);
    isle_error_free(err);
}

static void test_notes_and_groups(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = run_fails(
        it,
        "inner = ExceptionGroup('in', [KeyError('k')])\ninner.add_note('n1')\ninner.add_note('n2')\n"
        "raise BaseExceptionGroup('out', [inner, SystemExit(3)])",
        ISLE_ERR_PYTHON);
    end(it);
    const isle_exception *e = exception_of(err), *inner = isle_exception_child(e, 0);
    assert_int_equal(isle_exception_child_count(e), 2);
    assert_int_equal(isle_exception_note_count(e), 0);
    assert_string_equal(isle_exception_type(inner), "ExceptionGroup");
    assert_int_equal(isle_exception_note_count(inner), 2);
    assert_string_equal(isle_exception_note(inner, 1), "n2");
    check(isle_exception_note(inner, 2) == NULL && isle_exception_child(inner, 1) == NULL);
    assert_string_equal(isle_exception_type(isle_exception_child(inner, 0)), "KeyError");
    assert_string_equal(isle_exception_type(isle_exception_child(e, 1)), "SystemExit");
    isle_error_free(err);
}

static void test_frames(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = NULL;
    char *path = write_file("frames.py",
                            "class C:\n    def m(self):\n        é = 1; é +  (1 /\n            0)\nC().m()\n");
    check_status(isle_interp_run_file(it, path, SOON, &err), ISLE_ERR_PYTHON, err);
    const isle_exception *e = exception_of(err);
    assert_int_equal(isle_exception_frame_count(e), 2);
    const isle_frame *outer = isle_exception_frame(e, 0), *f = isle_exception_frame(e, 1);
    check(isle_exception_frame(e, 2) == NULL);
    assert_string_equal(outer->function, "<module>");
    assert_int_equal(outer->line, 5);
    assert_string_equal(f->function, "C.m");
    assert_string_equal(f->file, path);
    assert_int_equal(f->line, 3);
    assert_int_equal(f->end_line, 4);
    assert_int_equal(f->column, 21); /* in characters */
    assert_int_equal(f->end_column, 13);
    assert_string_equal(f->source, "é = 1; é +  (1 /");
    isle_error_free(err);
    end(it);
    free(path);
}

/* Each job's source is its own, though all are called "<string>". */
static void test_source_lines_are_of_the_right_job(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error_free(run_fails(it, "first = 1 / 0", ISLE_ERR_PYTHON));
    isle_error *err = run_fails(it, "[][1]", ISLE_ERR_PYTHON);
    check(strstr(isle_error_text(err), "[][1]") != NULL && strstr(isle_error_text(err), "first") == NULL);
    isle_error_free(err);
    run(it, "x = 0\ndef f():\n    return 1 / x");
    err = run_fails(it, "# not the line\n# nor this\n# nor this\nf()", ISLE_ERR_PYTHON);
    check(strstr(isle_error_text(err), "f()") != NULL && strstr(isle_error_text(err), "nor this") == NULL);
    isle_error_free(err);
    end(it);
}

static void test_syntax_error(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = run_fails(it, "x = 1\ny = (2 3)\n", ISLE_ERR_PYTHON);
    const isle_syntax_error *s = isle_exception_syntax(exception_of(err));
    check(s != NULL);
    assert_string_equal(s->file, "<string>");
    assert_int_equal(s->line, 2);
    assert_int_equal(s->end_line, 2);
    assert_int_equal(s->column, 6);
    assert_int_equal(s->end_column, 9);
    check(strstr(s->source, "y = (2 3)") != NULL && strstr(s->message, "invalid syntax") != NULL);
    isle_error_free(err);
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    config.target = "a b";
    config.filename = "named.py";
    err = NULL;
    check_status(isle_job_submit(it, &config, &job, NULL), ISLE_OK, NULL);
    check_status(wait_for(job, &err), ISLE_ERR_PYTHON, err);
    assert_string_equal(isle_exception_syntax(exception_of(err))->file, "named.py");
    isle_error_free(err);
    end(it);
}

static void test_system_exit(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int status;
    } exits[] = {{"raise SystemExit(7)", 7},
                 {"raise SystemExit('bye')", 1},
                 {"raise SystemExit([])", 1},
                 {"raise SystemExit(2**70)", 255},
                 {"raise SystemExit(-1)", 255}};
    isle_interp it = create(NULL);
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
        isle_error *err = run_fails(it, exits[i].source, ISLE_ERR_EXIT);
        assert_int_equal(isle_error_exit_status(err), exits[i].status);
        assert_string_equal(isle_exception_type(exception_of(err)), "SystemExit");
        isle_error_free(err);
    }
    run(it, "raise SystemExit"); /* status 0 is no failure */
    run(it, "raise SystemExit(0)");
    end(it);
}

/* --- exceptions that fight -------------------------------------------------------------------------------------- */

static const script sabotages[] = {
    {"sys.modules without traceback", "import sys, traceback; sys.modules['traceback'] = None"},
    {"sys.modules without anything", "import sys; sys.modules.clear()"},
    {"traceback without its class", "import traceback; del traceback.TracebackException"},
    {"traceback that raises",
     "import traceback\ndef no(*a, **k): raise RuntimeError('sabotage')\ntraceback.TracebackException = no"},
    {"traceback that exits",
     "import traceback\ndef no(*a, **k): raise SystemExit(99)\ntraceback.TracebackException.format = no"},
    {"traceback that says something else",
     "import traceback\nclass T(traceback.TracebackException):\n    def format(self, **k): yield 5\n"
     "traceback.TracebackException = T"},
    {"linecache that raises", "import linecache\ndef no(*a, **k): raise RuntimeError\nlinecache.getline = no\n"
                              "linecache.checkcache = no; linecache.lazycache = no; linecache._getline_from_code = no"},
    {"builtins without str", "import builtins; del builtins.str, builtins.len, builtins.isinstance, builtins.getattr"},
    {"no import", "import builtins\ndef no(*a, **k): raise ImportError('sabotage')\nbuiltins.__import__ = no"},
    {"no stderr", "import sys; sys.stderr = sys.stdout = None"},
    {"stdout that raises",
     "import sys\nclass S:\n    def __getattr__(self, n): raise RuntimeError\nsys.stdout = sys.stderr = S()"},
    {"excepthook that raises", "import sys\ndef no(*a): raise RuntimeError\nsys.excepthook = no"},
};
enum { sabotage_count = sizeof sabotages / sizeof *sabotages };

static void test_sabotage(void **state)
{
    const script *s = *state;
    isle_error *err = NULL;
    isle_interp it = create(NULL);
    run(it, s->source);
    check_status(isle_interp_run(it, "raise ValueError('it')", SOON, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "ValueError: it") == 0);
    check(strstr(isle_error_text(err), "ValueError: it") != NULL);
    isle_error_free(err);
    end(it);
}

static const script endless[] = {
    {"__str__ that loops", "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E('x')"},
    {"__str__ that sleeps", "import time\nclass E(Exception):\n    def __str__(self): time.sleep(1e6)\nraise E('x')"},
    {"__str__ that loops and swallows", "class E(Exception):\n    def __str__(self):\n        while True:\n            "
                                        "try:\n                while True: pass\n"
                                        "            except BaseException: pass\nraise E('x')"},
    {"notes that loop",
     "class E(Exception):\n    @property\n    def __notes__(self):\n        while True: pass\nraise E('x')"},
    {"__cause__ that loops",
     "class E(Exception):\n    def __getattribute__(self, name):\n        while True: pass\nraise E('x')"},
    {"a loader's get_source that loops", "class L:\n    def get_source(self, name):\n        while True: pass\n"
                                         "g = {'__loader__': L(), '__name__': 'm'}\nexec(compile('def f(): 1 / 0', "
                                         "'/nonexistent/m.py', 'exec'), g)\ng['f']()"},
};
enum { endless_count = sizeof endless / sizeof *endless };

static void test_endless(void **state)
{
    const script *s = *state;
    isle_error *err = NULL;
    isle_interp it = create(NULL);
    int64_t began = isle_now();
    isle_status status = isle_interp_run(it, s->source, isle_deadline_in(100 * ISLE_MS), &err);
    check(isle_now() - began < 3 * ISLE_SECOND);
    check(status == ISLE_ERR_TIMEOUT || status == ISLE_ERR_PYTHON);
    check(isle_error_message(err)[0] != '\0' && isle_error_text(err)[0] != '\0');
    isle_error_free(err);
    run(it, "assert sum(range(10)) == 45");
    end(it);
}

/* Positions that are none: Python's own printing stumbles over them, and prints the exception twice. */
static void test_syntax_error_that_lies(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    static const char *const lies[] = {"raise SyntaxError('m', ('f.py', 'x', None, 7))",
                                       "e = SyntaxError('m')\ne.lineno = e.offset = e.text = object()\nraise e"};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        isle_error *err = run_fails(it, lies[i], ISLE_ERR_PYTHON);
        check(strncmp(isle_error_message(err), "SyntaxError: m", 14) == 0);
        isle_error_free(err);
    }
    end(it);
}

/* --- bounds, and life after the interpreter --------------------------------------------------------------------- */

static void test_huge(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = run_fails(it, "raise ValueError('x' * 50_000_000)", ISLE_ERR_PYTHON);
    check(strlen(isle_error_text(err)) < 4 << 20 && strlen(isle_exception_message(exception_of(err))) >= 1000);
    isle_error_free(err);
    err = run_fails(it, "raise ExceptionGroup('g', [ValueError(i) for i in range(5000)])", ISLE_ERR_PYTHON);
    check(isle_exception_child_count(exception_of(err)) >= 1000);
    isle_error_free(err);
    err = run_fails(
        it, "e = None\nfor i in range(20000):\n    n = ValueError(i)\n    n.__context__ = e\n    e = n\nraise e",
        ISLE_ERR_PYTHON);
    check(isle_exception_context(exception_of(err)) != NULL);
    isle_error_free(err);
    err = run_fails(it, "raise ValueError('\\udc80 \\0 \\U0001f600')", ISLE_ERR_PYTHON);
    check(strncmp(isle_error_message(err), "ValueError: ", 12) == 0);
    isle_error_free(err);
    end(it);
}

static int after_child(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    isle_error *err = run_fails(it, "def f(): raise KeyError('k') from ValueError('v')\nf()", ISLE_ERR_PYTHON);
    isle_job *job = submit(it, "1 / 0", SOON);
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    end(it);
    runtime_end();
    check(strcmp(isle_error_message(err), "KeyError: 'k'") == 0);
    check(strstr(isle_error_text(err), "direct cause") != NULL);
    check(strcmp(isle_exception_type(isle_exception_cause(isle_error_exception(err))), "ValueError") == 0);
    check(isle_exception_frame_count(isle_error_exception(err)) == 2);
    isle_error_free(err);
    err = NULL;
    check(isle_job_result(job, NULL, &err) == ISLE_ERR_PYTHON);
    check(strcmp(isle_error_message(err), "ZeroDivisionError: division by zero") == 0);
    isle_error_free(err);
    isle_job_free(job);
    return 0;
}

static void test_used_after_the_runtime(void **state)
{
    (void)state;
    free(child_expect("after", NULL, 60 * ISLE_SECOND, 0));
}

static void test_errors_of_the_host(void **state)
{
    (void)state;
    isle_error *err = isle_error_new(ISLE_ERR_LIMIT, "too much");
    check(isle_error_status(err) == ISLE_ERR_LIMIT && isle_error_exception(err) == NULL);
    assert_string_equal(isle_error_message(err), "too much");
    assert_string_equal(isle_error_text(err), "too much");
    isle_error_free(err);
    isle_error_free(NULL);
}

static void add(struct CMUnitTest *tests, size_t *count, const script *table, size_t rows, CMUnitTestFunction fn)
{
    for (size_t i = 0; i < rows; i++) {
        tests[(*count)++] = (struct CMUnitTest){
            .name = table[i].what, .test_func = fn, .initial_state = (void *)&table[i]};
    }
}

int main(int argc, char **argv)
{
    static const child children[] = {{"after", after_child}, {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_notes_and_groups),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_source_lines_are_of_the_right_job),
        cmocka_unit_test(test_syntax_error),
        cmocka_unit_test(test_system_exit),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_used_after_the_runtime),
        cmocka_unit_test(test_errors_of_the_host),
        cmocka_unit_test(test_syntax_error_that_lies),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest tests[WHOLE + script_count + sabotage_count + endless_count];
    size_t count = WHOLE;
    memcpy(tests, whole, sizeof whole);
    add(tests, &count, scripts, script_count, test_script);
    add(tests, &count, sabotages, sabotage_count, test_sabotage);
    add(tests, &count, endless, endless_count, test_endless);
    return _cmocka_run_group_tests("errors", tests, count, with_runtime, without_runtime);
}
