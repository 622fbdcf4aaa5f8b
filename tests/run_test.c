/* Programs: scripts, directories, zips and modules run as `python` runs them. Each is run by the engine's own python
 * too, and what it writes to stdout and stderr, and its exit status, must be the same. */
#include <unistd.h>

#include "support.h"

typedef struct program {
    const char *what;
    isle_job_kind kind;
    const char *target; /* a path below tests/programs/same/, or relative to the scratch directory; a module's name */
    const char *args[3];
} program;

static const program programs[] = {
    {"what __main__ looks like", ISLE_JOB_FILE, "same/facts.py", {"a", "b c"}},
    {"pickling of its classes", ISLE_JOB_FILE, "same/pickling.py", {0}},
    {"multiprocessing by spawn", ISLE_JOB_FILE, "same/spawning.py", {0}},
    {"asyncio", ISLE_JOB_FILE, "same/looping.py", {0}},
    {"threading and logging", ISLE_JOB_FILE, "same/threads.py", {0}},
    {"argparse", ISLE_JOB_FILE, "same/arguments.py", {"--number", "5", "x"}},
    {"unittest and doctest", ISLE_JOB_FILE, "same/testing.py", {0}},
    {"source that looks at itself", ISLE_JOB_FILE, "same/inspecting.py", {0}},
    {"a script beside its package", ISLE_JOB_FILE, "package/plain.py", {"1"}},
    {"a script with a symbolic link", ISLE_JOB_FILE, "linked.py", {0}},
    {"a script by a relative path", ISLE_JOB_FILE, "./package/../package/plain.py", {0}},
    {"a directory", ISLE_JOB_FILE, "package", {"x"}},
    {"a zip", ISLE_JOB_FILE, "app.zip", {"x", "y"}},
    {"a compiled file", ISLE_JOB_FILE, "compiled.pyc", {0}},
    {"a package as a module", ISLE_JOB_MODULE, "package", {"1", "2"}},
    {"a module of a package", ISLE_JOB_MODULE, "package.plain", {"1"}},
    {"a module of a namespace package", ISLE_JOB_MODULE, "space.plain", {0}},
    {"a module of the standard library", ISLE_JOB_MODULE, "json.tool", {"--compact", "data.json"}},
    {"calendar", ISLE_JOB_MODULE, "calendar", {"2024", "2"}},
    {"help of http.server", ISLE_JOB_MODULE, "http.server", {"--help"}},
    {"multiprocessing from a module", ISLE_JOB_MODULE, "package.spawning", {0}},
    {"no such module", ISLE_JOB_MODULE, "nosuch", {0}},
    {"no such module of a package", ISLE_JOB_MODULE, "package.nosuch", {0}},
    {"a package without __main__", ISLE_JOB_MODULE, "space", {0}},
    {"a directory without __main__", ISLE_JOB_FILE, "space", {0}},
    {"a script that is empty", ISLE_JOB_FILE, "empty.py", {0}},
    {"a script with a byte order mark and CRLF", ISLE_JOB_FILE, "marked.py", {0}},
    {"output that isn't flushed", ISLE_JOB_FILE, "unflushed.py", {0}},
    {"an exception after output", ISLE_JOB_FILE, "failing.py", {0}},
    {"a thread's exception", ISLE_JOB_FILE, "thread_fails.py", {0}},
    {"an exception in __del__ and at exit", ISLE_JOB_FILE, "finalizer_fails.py", {0}},
};
enum { program_count = sizeof programs / sizeof *programs };

static void copy(const char *from, const char *to)
{
    char *path = text_of(ISLES_TEST_PROGRAMS "/same/%s", from);
    char *text = must(read_text(path));
    free(write_file(to, "%s", text));
    free(text);
    free(path);
}

static void python_does(const char *source)
{
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    const char *argv[] = {info.python, "-c", source, NULL};
    process p = process_run(argv, 60 * ISLE_SECOND);
    check(p.status == 0);
    process_free(&p);
}

static void lay_out(void)
{
    unsetenv("PYTHONUNBUFFERED"); /* of whoever runs the tests: it would change what python does */
    unsetenv("PYTHONDONTWRITEBYTECODE");
    check(chdir(scratch()) == 0);
    copy("package.py", "package/__main__.py");
    copy("package.py", "package/plain.py");
    copy("spawning.py", "package/spawning.py");
    copy("package.py", "space/plain.py");
    free(write_file("package/__init__.py", " "));
    free(write_file("package/sibling.py", " "));
    free(write_file("data.json", "{\"a\": [1, 2]}"));
    free(write_file("empty.py", "%s", ""));
    free(
        write_file("marked.py",
                   "\xef\xbb\xbfprint('m\xc3\xa9', __file__ == __import__('sys').argv[0])\r\nprint('''a\r\nb''')\r\n"));
    free(write_file("unknown.py", "# coding: nonsense\nprint(1)\n"));
    free(write_file("broken.py", "print('\xff')\n"));
    free(write_file("unflushed.py", "import sys, os\nsys.stdout.write('a'); sys.stdout.buffer.write(b'b\\xff')\n"
                                    "sys.stderr.write('e')\nsys.stdout = open(os.devnull, 'w')\nprint('nothing')\n"));
    free(write_file("failing.py", "print('before')\nimport sys\nprint('error', file=sys.stderr)\n1 / 0\n"));
    free(write_file("thread_fails.py", "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T')\n"
                                       "t.start(); t.join()\nprint('after')\n"));
    free(write_file("finalizer_fails.py", "import atexit\nclass D:\n    def __del__(self): 1 / 0\nD()\n"
                                          "atexit.register(lambda: [][0])\nprint('after')\n"));
    check(symlink("package/plain.py", "linked.py") == 0);
    python_does("import zipfile, py_compile\nz = zipfile.ZipFile('app.zip', 'w')\n"
                "for n in ('__main__.py', 'sibling.py', 'plain.py'): z.write('package/' + n, n)\nz.close()\n"
                "py_compile.compile('package/plain.py', 'compiled.pyc')");
}

static char *path_of(const program *p)
{
    bool ours = strncmp(p->target, "same/", 5) == 0;
    return ours ? text_of(ISLES_TEST_PROGRAMS "/%s", p->target) : must(strdup(p->target));
}

static process by_python(const program *p, const char *target)
{
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    const char *argv[10] = {info.python, "-X", "utf8"};
    size_t count = 3;
    if (p->kind == ISLE_JOB_MODULE) {
        argv[count++] = "-m";
    }
    argv[count++] = target;
    for (size_t i = 0; i < 3 && p->args[i] != NULL; i++) {
        argv[count++] = p->args[i];
    }
    return process_run(argv, 120 * ISLE_SECOND);
}

static process by_isles(const program *p, const char *target)
{
    capture out = CAPTURE_INIT, errors = CAPTURE_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_job_config what = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    isle_error *err = NULL;
    config.stdin_.kind = ISLE_STREAM_NULL;
    config.stdout_ = captured(&out);
    config.stderr_ = captured(&errors);
    isle_interp it = create(&config);
    what.kind = p->kind;
    what.target = target;
    what.argv = p->args;
    while (what.argc < 3 && p->args[what.argc] != NULL) {
        what.argc++;
    }
    what.join_threads = true;
    what.deadline = isle_deadline_in(120 * ISLE_SECOND);
    check_status(isle_job_submit(it, &what, &job, &err), ISLE_OK, err);
    isle_status status = isle_job_wait(job, ISLE_FOREVER);
    check(status == ISLE_OK);
    status = isle_job_result(job, NULL, &err);
    isle_job_free(job);
    end(it); /* its atexit functions write too */
    process result = {.status = status == ISLE_OK ? 0 : isle_error_exit_status(err), .out = capture_take(&out)};
    char *written = capture_take(&errors);
    result.err = text_of("%s%s", err != NULL ? isle_error_text(err) : "", written);
    isle_error_free(err);
    free(written);
    return result;
}

/* <function f at 0x7f...>: addresses differ. */
static void drop_addresses(char *text)
{
    for (char *at = text; (at = strstr(at, " at 0x")) != NULL;) {
        at += strlen(" at 0x");
        memmove(at, at + strspn(at, "0123456789abcdef"), strlen(at + strspn(at, "0123456789abcdef")) + 1);
    }
}

/* Isles gives what the program wrote and what its exception says apart: their lines may come in another order. */
static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t lines_of(char *text, char **lines, size_t most)
{
    size_t count = 0;
    drop_addresses(text);
    for (char *line = strtok(text, "\n"); line != NULL && count < most; line = strtok(NULL, "\n")) {
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_line);
    return count;
}

static bool same_lines(const char *a, const char *b)
{
    enum { MOST = 500 };
    static char *lines_a[MOST], *lines_b[MOST];
    char *copy_a = must(strdup(a)), *copy_b = must(strdup(b));
    size_t count = lines_of(copy_a, lines_a, MOST);
    bool same = count == lines_of(copy_b, lines_b, MOST);
    for (size_t i = 0; same && i < count; i++) {
        same = strcmp(lines_a[i], lines_b[i]) == 0;
    }
    free(copy_a);
    free(copy_b);
    return same;
}

static void test_program(void **state)
{
    const program *p = *state;
    char *target = path_of(p);
    process python = by_python(p, target), isles = by_isles(p, target);
    if (strcmp(python.out, isles.out) != 0 || !same_lines(python.err, isles.err) || python.status != isles.status) {
        fprintf(stderr,
                "--- python: status %d, stdout\n%s--- stderr\n%s--- Isles: status %d, stdout\n%s--- stderr\n%s---\n",
                python.status, python.out, python.err, isles.status, isles.out, isles.err);
        fail();
    }
    process_free(&python);
    process_free(&isles);
    free(target);
}

/* --- what has no counterpart in one python ---------------------------------------------------------------------- */

static void test_two_programs_in_one_interpreter(void **state)
{
    (void)state;
    free(write_file("one/program.py", "import helper; print(helper.WHO, __file__, sys.argv) if 0 else None\nx = 1\n"));
    free(write_file("one/helper.py", "WHO = 'one'\n"));
    free(write_file("two/program.py",
                    "import sys, other\nassert sys.path[0].endswith('two'), sys.path\n"
                    "assert not any(p.endswith('one') for p in sys.path)\nassert sys.argv[1:] == []\n"));
    free(write_file("two/other.py", " "));
    isle_interp it = create(NULL);
    isle_error *err = NULL;
    check_status(isle_interp_run_file(it, "one/program.py", SOON, &err), ISLE_OK, err);
    check_status(isle_interp_run_file(it, "two/program.py", SOON, &err), ISLE_OK, err);
    check_eval(it, "x", "1"); /* __main__ is one namespace */
    end(it);
}

static void test_missing_files(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    isle_error *err = NULL;
    check_status(isle_interp_run_file(it, "no/such/file.py", SOON, &err), ISLE_ERR_PYTHON, err);
    check(strstr(isle_error_message(err), "FileNotFoundError") != NULL);
    check(strstr(isle_error_message(err), "no/such/file.py") != NULL);
    isle_error_free(err);
    end(it);
}

/* Its words are CPython's compile()'s, not those of its tokenizer of files. */
static void test_scripts_that_cant_be_decoded(void **state)
{
    (void)state;
    static const char *const files[] = {"unknown.py", "broken.py"};
    isle_interp it = create(NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        isle_error *err = NULL;
        check_status(isle_interp_run_file(it, files[i], SOON, &err), ISLE_ERR_PYTHON, err);
        check(strncmp(isle_error_message(err), "SyntaxError: ", 13) == 0 &&
              strstr(isle_error_text(err), files[i]) != NULL);
        isle_error_free(err);
    }
    end(it);
}

/* As CPython's own API does with PyRun_String: no file, no arguments. */
static void test_source(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "assert __name__ == '__main__' and '__file__' not in globals()\n"
            "import sys; assert sys.argv == [''], sys.argv\n"
            "import pickle\nclass C: pass\nassert type(pickle.loads(pickle.dumps(C()))) is C");
    const char *argv[] = {"a", "b"};
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    isle_error *err = NULL;
    config.target = "import sys; assert sys.argv == ['-c', 'a', 'b'], sys.argv";
    config.argv = argv;
    config.argc = 2;
    check_status(isle_job_submit(it, &config, &job, &err), ISLE_OK, err);
    check_status(wait_for(job, &err), ISLE_OK, err);
    end(it);
}

/* Without join_threads a job ends when its code does, and the threads go on. */
static void test_threads_go_on_after_the_job(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    run(it, "import threading\ngo, done = threading.Event(), []\n"
            "t = threading.Thread(target=lambda: (go.wait(), done.append(1)))\nt.start()");
    run(it, "assert done == []\ngo.set()\nt.join()\nassert done == [1]");
    end(it);
}

static size_t read_lines(void *ctx, uint64_t interp_id, char *buffer, size_t len)
{
    const char **rest = ctx;
    size_t count = strlen(*rest) < 3 ? strlen(*rest) : 3; /* in small pieces */
    (void)interp_id;
    count = count < len ? count : len;
    memcpy(buffer, *rest, count);
    *rest += count;
    return count;
}

static void test_input_from_a_callback(void **state)
{
    (void)state;
    const char *lines = "first é\nsecond\r\nlast";
    capture out = CAPTURE_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_ = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .read = read_lines, .ctx = &lines};
    config.stdout_ = captured(&out);
    isle_interp it = create(&config);
    run(it, "a = input('? ')\nb = input()\nc = input()\ntry: input()\nexcept EOFError: d = 'end'");
    check_eval(it, "[a, b, c, d]", "['first é', 'second\\r', 'last', 'end']");
    char *text = capture_take(&out);
    assert_string_equal(text, "? ");
    free(text);
    end(it);
}

static void test_input_from_a_descriptor(void **state)
{
    (void)state;
    int ends[2];
    check(pipe(ends) == 0);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_ = (isle_stream){.kind = ISLE_STREAM_FD, .fd = ends[0]};
    isle_interp it = create(&config);
    isle_job *job = submit(it, "import sys\na = input()\nb = sys.stdin.read()", SOON);
    check(write(ends[1], "one\ntwo\nthree", 13) == 13);
    close(ends[1]);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    check_eval(it, "[a, b]", "['one', 'two\\nthree']");
    check(eval_int(it, "sys.stdin.fileno()") == ends[0]);
    end(it);
    check(write(ends[0], "", 0) <= 0 && close(ends[0]) == 0); /* it was borrowed, not closed */
}

int main(void)
{
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_two_programs_in_one_interpreter), cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_scripts_that_cant_be_decoded),    cmocka_unit_test(test_source),
        cmocka_unit_test(test_threads_go_on_after_the_job),     cmocka_unit_test(test_input_from_a_callback),
        cmocka_unit_test(test_input_from_a_descriptor),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest tests[program_count + WHOLE];
    for (size_t i = 0; i < program_count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = programs[i].what, .test_func = test_program, .initial_state = (void *)&programs[i]};
    }
    memcpy(tests + program_count, whole, sizeof whole);
    lay_out();
    return _cmocka_run_group_tests("programs", tests, program_count + WHOLE, with_runtime, without_runtime);
}
