/* What an interpreter can be created with: path, virtual environment, site, isolation, -W, -X, streams, names; and
 * that a field that is wrong is refused by name. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static const char *python(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info.python;
}

static void refused(const isle_interp_config *config, isle_status status, const char *named)
{
    isle_error *err = NULL;
    isle_interp it = {0};
    size_t living = isle_interp_list(NULL, 0);
    check_status(isle_interp_create(runtime, config, &it, &err), status, err);
    if (strstr(isle_error_message(err), named) == NULL) {
        fprintf(stderr, "%s is not in: %s\n", named, isle_error_message(err));
        check(false);
    }
    check(it.id == 0 && isle_interp_list(NULL, 0) == living);
    isle_error_free(err);
}

/* --- where modules come from ------------------------------------------------------------------------------------ */

static void test_path(void **state)
{
    (void)state;
    free(write_file("old/versioned.py", "VERSION = 1\n"));
    free(write_file("new/versioned.py", "VERSION = 2\n"));
    char *old = text_of("%s/old", scratch()), *new = text_of("%s/new", scratch());
    const char *paths[] = {old, new}, *reversed[] = {new, old};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = paths;
    config.path_count = 2;
    isle_interp a = create(&config);
    config.path = reversed;
    isle_interp b = create(&config);
    run(a, "import sys, versioned");
    run(b, "import sys, versioned");
    check_eval(a, "versioned.VERSION", "1");
    check_eval(b, "versioned.VERSION", "2");
    char *wanted = text_of("['%s', '%s']", old, new);
    check_eval(a, "sys.path[:2]", wanted);
    free(wanted);
    end(a);
    end(b);
    free(old);
    free(new);
}

/* A virtual environment made by hand, holding its version of the package `versioned`. */
static char *make_venv(const char *name, const char *settings, int version)
{
    int engine = engine_version();
    const char *abi = free_threaded() ? "t" : "";
    char *config = text_of("%s/pyvenv.cfg", name), *bin = text_of("%s/bin/activate", name);
    char *package = text_of("%s/lib/python3.%d%s/site-packages/versioned/__init__.py", name, engine & 0xff, abi);
    char *pth = text_of("%s/lib/python3.%d%s/site-packages/more.pth", name, engine & 0xff, abi);
    char *home = must(strdup(python()));
    *strrchr(home, '/') = '\0';
    free(write_file(config, "home = %s\n%s", home, settings));
    free(write_file(package, "VERSION = %d\n", version));
    free(write_file(bin, " "));
    free(write_file(pth, "import sys; sys.pth_was_read = True\n"));
    char *link = text_of("%s/%s/bin/python", scratch(), name);
    check(symlink(python(), link) == 0 || errno == EEXIST);
    free(link), free(home), free(pth), free(package), free(bin), free(config);
    return text_of("%s/%s", scratch(), name);
}

static isle_interp create_in(const char *venv)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.venv = venv;
    isle_interp it = create(&config);
    run(it, "import sys, site, versioned");
    return it;
}

/* What the environment's own python says must hold in Isles too. */
static void check_as_its_python(isle_interp it, const char *venv, const char *expression)
{
    char *own = text_of("%s/bin/python", venv), *source = text_of("import sys, site; print(%s)", expression);
    const char *argv[] = {own, "-P", "-X", "utf8", "-c", source, NULL};
    process p = process_run(argv, 60 * ISLE_SECOND);
    check(p.status == 0);
    p.out[strcspn(p.out, "\n")] = '\0';
    check_eval(it, expression, p.out);
    process_free(&p);
    free(own);
    free(source);
}

static void test_two_virtual_environments(void **state)
{
    (void)state;
    char *one = make_venv("one", "include-system-site-packages = false\n", 1);
    char *two = make_venv("two", "include-system-site-packages = true\n", 2);
    isle_interp a = create_in(one), b = create_in(two), none = create(NULL);
    check_eval(a, "versioned.VERSION", "1");
    check_eval(b, "versioned.VERSION", "2");
    run_error(none, "import versioned", "ModuleNotFoundError: No module named 'versioned'");
    static const char *const facts[] = {"[sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]",
                                        "sys.executable",
                                        "sys.path",
                                        "site.getsitepackages()",
                                        "site.ENABLE_USER_SITE",
                                        "sys.pth_was_read"};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        check_as_its_python(a, one, facts[i]);
        check_as_its_python(b, two, facts[i]);
    }
    run(a, "import subprocess\n"
           "out = subprocess.run([sys.executable, '-c', 'import versioned; print(versioned.VERSION)'],"
           " capture_output=True, text=True).stdout");
    check_eval(a, "out.strip()", "1"); /* its children live in the environment too */
    end(a);
    end(b);
    end(none);
    free(one);
    free(two);
}

static void test_virtual_environments_that_are_none(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    char *wrong = make_venv("wrong", "version = 3.9.1\n", 1), *missing = text_of("%s/missing", scratch());
    config.venv = wrong;
    refused(&config, ISLE_ERR_INVALID, "3.9.1");
    config.venv = missing;
    refused(&config, ISLE_ERR_INVALID, "missing/pyvenv.cfg");
    config.venv = wrong;
    config.no_site = true;
    refused(&config, ISLE_ERR_INVALID, "no_site");
    free(wrong);
    free(missing);
}

static void test_no_site(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.no_site = true;
    isle_interp bare = create(&config), usual = create(NULL);
    check_eval(bare, "'site' in __import__('sys').modules", "False");
    check_eval(bare, "[p for p in __import__('sys').path if 'site-packages' in p or 'dist-packages' in p]", "[]");
    check_eval(bare, "__import__('sys').flags.no_site", "1");
    check_eval(usual, "'site' in __import__('sys').modules", "True");
    check_eval(usual, "[type(exit).__name__, __import__('sys').flags.no_site]", "['Quitter', 0]");
    run_error(bare, "exit", "NameError: name 'exit' is not defined");
    end(bare);
    end(usual);
}

static int isolated_child(const char *folder)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    char *script = text_of("%s/script.py", folder);
    isle_error *err = NULL;
    setenv("PYTHONPATH", folder, 1);
    runtime_begin(NULL);
    isle_interp usual = create(&config);
    config.isolated = true;
    isle_interp isolated = create(&config);
    run(usual, "import from_pythonpath");
    run_error(isolated, "import from_pythonpath", "ModuleNotFoundError: No module named 'from_pythonpath'");
    check_eval(isolated, "[__import__('sys').flags.isolated, __import__('site').ENABLE_USER_SITE]", "[1, False]");
    check_status(isle_interp_run_file(usual, script, SOON, &err), ISLE_OK, err);
    check_status(isle_interp_run_file(isolated, script, SOON, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "ModuleNotFoundError: No module named 'beside'") == 0);
    isle_error_free(err);
    free(script);
    runtime_end();
    return 0;
}

static void test_isolated(void **state)
{
    (void)state;
    free(write_file("isolated/from_pythonpath.py", " "));
    free(write_file("isolated/beside.py", " "));
    free(write_file("isolated/script.py", "import beside\n"));
    char *folder = text_of("%s/isolated", scratch());
    free(child_expect("isolated", folder, 60 * ISLE_SECOND, 0));
    free(folder);
}

static void test_no_bytecode(void **state)
{
    (void)state;
    free(write_file("cached/one.py", " "));
    char *folder = text_of("%s/cached", scratch()), *cache = text_of("%s/cached/__pycache__", scratch());
    const char *path[] = {folder};
    struct stat info;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    config.no_bytecode = true;
    isle_interp it = create(&config);
    run(it, "import one");
    check(stat(cache, &info) != 0);
    end(it);
    config.no_bytecode = false;
    it = create(&config);
    run(it, "import sys; sys.dont_write_bytecode = False\nimport one");
    check(stat(cache, &info) == 0);
    end(it);
    free(folder);
    free(cache);
}

/* --- -W and -X -------------------------------------------------------------------------------------------------- */

static void test_warnings(void **state)
{
    (void)state;
    const char *warnings[] = {"error", "ignore::DeprecationWarning"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.warnings = warnings;
    config.warning_count = 2;
    isle_interp strict = create(&config), usual = create(NULL);
    run_error(strict, "import warnings; warnings.warn('w')", "UserWarning: w");
    run(strict, "warnings.warn('d', DeprecationWarning)");
    check_eval(strict, "__import__('sys').warnoptions", "['error', 'ignore::DeprecationWarning']");
    run(usual, "import sys, io, warnings; sys.stderr = io.StringIO(); warnings.warn('w')");
    check_eval(usual, "'UserWarning: w' in sys.stderr.getvalue()", "True");
    end(strict);
    end(usual);
    warnings[1] = "nonsense";
    refused(&config, ISLE_ERR_INVALID, "nonsense");
}

static void test_xoptions(void **state)
{
    (void)state;
    const char *options[] = {"int_max_str_digits=1000", "pycache_prefix=/nonexistent/prefix", "own", "named=value"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.xoptions = options;
    config.xoption_count = 4;
    isle_interp it = create(&config), usual = create(NULL);
    check_eval(it, "[__import__('sys').get_int_max_str_digits(), __import__('sys').pycache_prefix]",
               "[1000, '/nonexistent/prefix']");
    check_eval(it, "[__import__('sys')._xoptions[n] for n in ('own', 'named')]", "[True, 'value']");
    check_eval(usual, "[__import__('sys').get_int_max_str_digits(), 'own' in __import__('sys')._xoptions]",
               "[4300, False]");
    end(it);
    end(usual);
    static const struct {
        const char *option;
        isle_status status;
    } wrong[] = {
        {"int_max_str_digits=5", ISLE_ERR_INVALID}, {"int_max_str_digits=x", ISLE_ERR_INVALID},
        {"importtime", ISLE_ERR_UNSUPPORTED},       {"dev", ISLE_ERR_UNSUPPORTED},
        {"tracemalloc", ISLE_ERR_UNSUPPORTED},      {"utf8=0", ISLE_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *name = must(strdup(wrong[i].option));
        name[strcspn(name, "=")] = '\0';
        options[0] = wrong[i].option;
        config.xoption_count = 1;
        refused(&config, wrong[i].status, name);
        free(name);
    }
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static void test_streams_to_callbacks(void **state)
{
    (void)state;
    capture out = CAPTURE_INIT, errors = CAPTURE_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = captured(&out);
    config.stderr_ = captured(&errors);
    config.stdout_.terminal = true;
    isle_interp it = create(&config);
    run(it, "import sys\nprint('out é')\nprint('err \\udc80', file=sys.stderr)\nsys.stdout.buffer.write(b'\\xff\\0')\n"
            "sys.stdout.write('no newline')");
    char *text = capture_take(&out), *error = capture_take(&errors);
    check(strncmp(text, "out é\n\xff", 8) == 0);
    assert_string_equal(error, "err \\udc80\n");
    check_eval(it, "[sys.stdout.isatty(), sys.stderr.isatty(), sys.stdout.encoding]", "[True, False, 'utf-8']");
    run(it, "import io\ntry: sys.stdout.fileno()\nexcept io.UnsupportedOperation: pass\nelse: assert False");
    run(it, "import threading\nt = [threading.Thread(target=lambda: [print('x' * 50) for i in range(200)]) for j in "
            "range(4)]\n"
            "[x.start() for x in t]; [x.join() for x in t]");
    free(text);
    text = capture_take(&out);
    assert_int_equal(strlen(text), 4 * 200 * 51);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.output_bytes == 7 + 2 + 10 + 11 + 4 * 200 * 51);
    run(it, "for i in range(10): print('y' * 1_000_000)"); /* large */
    free(text);
    text = capture_take(&out);
    assert_int_equal(strlen(text), 10 * 1000001);
    end(it);
    free(text);
    free(error);
}

static void test_streams_to_descriptors(void **state)
{
    (void)state;
    char *path = text_of("%s/out", scratch());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), broken[2];
    check(fd >= 0 && pipe(broken) == 0 && close(broken[0]) == 0);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_FD, .fd = fd};
    config.stderr_ = (isle_stream){.kind = ISLE_STREAM_FD, .fd = broken[1]};
    isle_interp it = create(&config);
    run(it, "import sys; print('one')");
    char *text = read_text(path);
    assert_string_equal(text, "one\n"); /* flushed at the end of the job */
    free(text);
    check(eval_int(it, "sys.stdout.fileno()") == fd);
    run(it, "import signal\ntry: sys.stderr.write('x\\n')\nexcept BrokenPipeError: pass\nelse: assert False");
    run(it, "sys.stdout.close()"); /* closes Python's file, not the descriptor */
    end(it);
    check(write(fd, "two\n", 4) == 4);
    text = read_text(path);
    assert_string_equal(text, "one\ntwo\n");
    free(text);
    free(path);
    close(fd);
    close(broken[1]);
}

/* A job is over when what it wrote is where it goes, however it was written. */
static void test_streams_are_flushed(void **state)
{
    static const char *const ways[] = {
        "sys.stdout.write('ab')",
        "sys.stdout.buffer.write(b'ab')",
        "sys.stdout.writelines(['a', 'b']); sys.stdout.writelines([])",
        "sys.stdout.buffer.writelines([b'a', b'b'])",
        "sys.stdout.write('a'); sys.stdout.buffer.raw.write(b''); sys.stdout.flush(); sys.stdout.buffer.write(b'b')",
        "print('a', end=''); pass; print('b', end='', file=sys.__stdout__)",
        "import io; w = io.TextIOWrapper(sys.stdout.buffer); w.write('ab'); w.flush(); w.detach()",
        "import io; sys.stdout = io.TextIOWrapper(sys.__stdout__.buffer); print('ab', end='')",
    };
    (void)state;
    char *path = text_of("%s/flushed", scratch());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = config.stderr_ = (isle_stream){.kind = ISLE_STREAM_FD, .fd = fd};
    isle_interp it = create(&config);
    run(it, "import sys, os");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (int again = 0; again < (i < 7 ? 2 : 1); again++) {
            check(ftruncate(fd, 0) == 0);
            run(it, ways[i]);
            char *text = read_text(path);
            assert_string_equal(text, "ab");
            free(text);
        }
    }
    end(it);
    free(path);
    close(fd);
}

static void test_streams_to_nowhere(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_.kind = config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_interp it = create(&config);
    run(it, "import sys; print('lost'); assert sys.stdin.read() == '' and not sys.stdout.isatty()");
    run_error(it, "input()", "EOFError: EOF when reading a line");
    end(it);
}

static int inherit_child(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    run(it, "import sys; print('to stdout'); assert sys.stdout.fileno() == 1 and sys.stdin.read() == ''");
    end(it);
    runtime_end();
    return 0;
}

static void test_streams_of_the_process(void **state)
{
    (void)state;
    char *out = child_expect("inherit", NULL, 60 * ISLE_SECOND, 0);
    assert_string_equal(out, "to stdout\n");
    free(out);
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp_stats stats = {.size = sizeof stats};
    config.name = "a rather long name, é";
    config.number = 3;
    isle_interp it = create(&config), unnamed = create(NULL);
    check_eval(it, "[__import__('isles').name, __import__('isles').number]", "['a rather long name, é', 3]");
    check(eval_int(it, "__import__('isles').id") == (int64_t)it.id);
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    assert_string_equal(stats.name, "a rather long name, é");
    check_status(isle_interp_get_stats(unnamed, &stats), ISLE_OK, NULL);
    char *wanted = text_of("interp-%llu", (unsigned long long)unnamed.id);
    assert_string_equal(stats.name, wanted);
    check(unnamed.id > it.id);
    end(it);
    end(unnamed);
    free(wanted);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    const char *null[] = {NULL};
    const isle_interp_config init = ISLE_INTERP_CONFIG_INIT;
    isle_interp_config config = init;
    config.path = null, config.path_count = 1;
    refused(&config, ISLE_ERR_INVALID, "path[0]");
    config = init, config.env_count = 1;
    refused(&config, ISLE_ERR_INVALID, "env[0]");
    config = init, config.gil = (isle_gil)9;
    refused(&config, ISLE_ERR_INVALID, "gil");
    config = init, config.extensions = (isle_extensions)4;
    refused(&config, ISLE_ERR_INVALID, "extensions");
    config = init, config.extensions = ISLE_EXTENSIONS_AUTO, config.gil = ISLE_GIL_SHARED;
    refused(&config, ISLE_ERR_INVALID, "extensions");
    config = init, config.stack_size_bytes = 1000;
    refused(&config, ISLE_ERR_INVALID, "stack_size_bytes");
    config = init, config.stdout_.kind = ISLE_STREAM_CALLBACK;
    refused(&config, ISLE_ERR_INVALID, "stdout_");
    config = init, config.stdin_ = (isle_stream){.kind = ISLE_STREAM_FD, .fd = -1};
    refused(&config, ISLE_ERR_INVALID, "stdin_");
    config = init, config.cancel_grace_ns = -1;
    refused(&config, ISLE_ERR_INVALID, "cancel_grace_ns");
    config = init, config.size = 0;
    refused(&config, ISLE_ERR_INVALID, "size");
    struct {
        isle_interp_config known;
        long unknown;
    } newer = {.known = init, .unknown = 1};
    newer.known.size = sizeof newer;
    refused(&newer.known, ISLE_ERR_UNSUPPORTED, "does not know");
    newer.unknown = 0; /* from a newer header, with nothing of the new set */
    end(create(&newer.known));
    config = init,
    config.size = offsetof(isle_interp_config, gil); /* from an older header: what follows isn't looked at */
    config.gil = (isle_gil)9;
    end(create(&config));
}

int main(int argc, char **argv)
{
    static const child children[] = {{"isolated", isolated_child}, {"inherit", inherit_child}, {NULL, NULL}};
    unsetenv("PYTHONDONTWRITEBYTECODE");
    child_main(argc, argv, children);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_two_virtual_environments),
        cmocka_unit_test(test_virtual_environments_that_are_none),
        cmocka_unit_test(test_no_site),
        cmocka_unit_test(test_isolated),
        cmocka_unit_test(test_no_bytecode),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_xoptions),
        cmocka_unit_test(test_streams_to_callbacks),
        cmocka_unit_test(test_streams_to_descriptors),
        cmocka_unit_test(test_streams_are_flushed),
        cmocka_unit_test(test_streams_to_nowhere),
        cmocka_unit_test(test_streams_of_the_process),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_refused),
    };
    return RUN_TESTS(tests);
}
