/* Extension modules that refuse an own GIL (tests/copied): what they say of themselves, and private copies of them. */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

static char *library(const char *name)
{
    return text_of("%s/%s", ISLES_TEST_COPIED, name);
}

/* --- asking one --------------------------------------------------------------------------------------------------- */

typedef struct saying {
    const char *file, *module;
    isle_extension_info info;
} saying;

static void check_saying(const saying *s)
{
    isle_extension_info info = {.size = sizeof info};
    isle_error *err = NULL;
    char *file = library(s->file);
    check_status(isle_extension_inspect(runtime, file, s->module, &info, &err), ISLE_OK, err);
    check(info.init == s->info.init && info.interpreters == s->info.interpreters);
    check(info.gil == s->info.gil && info.state_size == s->info.state_size);
    free(file);
}

static void test_inspect(void **state)
{
    (void)state;
    static const saying all[] = {
        {"single.so", "single", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, -1}},
        {"pack/inner.so", "pack.inner", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, -1}},
        {"again.so", "again", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, 0}},
        {"multi.so",
         "multi",
         {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_NOT_SUPPORTED, ISLE_EXTENSION_GIL_NOT_USED, 16}},
        {"own_gil.so",
         "own_gil",
         {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_PER_INTERPRETER_GIL, ISLE_EXTENSION_GIL_NOT_USED, 16}},
        {"unsaid.so", "unsaid", {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_UNSAID, 0, 16}},
        {"several.so", "gr\xc3\xbc\xc3\x9f", {0, ISLE_EXTENSION_MULTI_PHASE, 0, 0, 0}},
        {"single.so", "double", {0, ISLE_EXTENSION_NO_INIT, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_saying(&all[i]);
    }
    const saying exported = {
        "exported.so", "exported", {0, ISLE_EXTENSION_EXPORT, ISLE_EXTENSION_NOT_SUPPORTED, 0, 24}};
    if (engine_version() >= 0x030f) {
        check_saying(&exported);
    }
}

static void test_inspect_errors(void **state)
{
    (void)state;
    isle_extension_info info = {.size = sizeof info};
    isle_error *err = NULL;
    check_status(isle_extension_inspect(runtime, "/nowhere.so", "x", &info, &err), ISLE_ERR_SYSTEM, err);
    check(strstr(isle_error_message(err), "/nowhere.so") != NULL);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, "single.so", "single", &info, &err), ISLE_ERR_INVALID, err);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, NULL, "single", &info, NULL), ISLE_ERR_INVALID, NULL);
    char *file = library("broken.so");
    check_status(isle_extension_inspect(runtime, file, "raises", &info, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "RuntimeError: not today") == 0);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, file, "broken", &info, &err), ISLE_ERR_PYTHON, err);
    isle_error_free(err);
    free(file);
}

/* --- private copies ----------------------------------------------------------------------------------------------- */

static isle_interp_config private_config(size_t limit)
{
    static const char *const path[] = {ISLES_TEST_COPIED};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    config.extensions = ISLE_EXTENSIONS_PRIVATE;
    config.extension_copy_limit = limit;
    return config;
}

static isle_interp create_private(size_t limit)
{
    isle_interp_config config = private_config(limit);
    return create(&config);
}

static void test_strict_refuses(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    const char *path[] = {ISLES_TEST_COPIED};
    config.path = path;
    config.path_count = 1;
    isle_interp it = create(&config);
    run_error(it, "import multi", "ImportError: module multi does not support loading in subinterpreters");
    end(it);
}

static void test_static_state_is_its_own(void **state)
{
    (void)state;
    static const char *const modules[] = {"single", "again", "multi", "unsaid", "several", "pack.inner"};
    isle_interp a = create_private(0), b = create_private(0);
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        runf(a, "import %s as m\nfirst = m.next()\nassert m.next() == first + 1", modules[i]);
        runf(b, "import %s as m\nsecond = m.next()", modules[i]);
        char *first = eval(a, "first");
        check_eval(b, "second", first);
        free(first);
    }
    end(a);
    run(b, "import single; single.next()");
    end(b);
}

static void test_names(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it,
        "import pickle, pack.inner, single, multi, importlib.machinery, importlib.resources, sys\n"
        "m = pack.inner\n"
        "assert m.__name__ == 'pack.inner' and m.next.__module__ == 'pack.inner', (m.__name__, m.next.__module__)\n"
        "assert m.__file__ == m.__spec__.origin and m.__file__.endswith('/copied/pack/inner.so'), m.__file__\n"
        "assert isinstance(m.__loader__, importlib.machinery.ExtensionFileLoader)\n"
        "assert multi.__file__.endswith('/copied/multi.so') and repr(multi).startswith(\"<module 'multi' from '/\")\n"
        "assert pickle.loads(pickle.dumps(m.next)) is m.next\n"
        "assert pickle.loads(pickle.dumps(single.Thing)) is single.Thing\n"
        "assert importlib.resources.files('pack').joinpath('text.txt').read_text() == 'beside the module\\n'\n");
    end(it);
}

/* As CPython does it. */
static void test_imported_again(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import sys, single, again, multi\n"
            "def anew(name):\n"
            "    del sys.modules[name]\n"
            "    return __import__(name)\n"
            "single.mark = 1; single.next()\n"
            "old = single; new = anew('single')\n"
            "assert new is not old and new.initialized_as == 1 and new.next is old.next and not hasattr(new, 'mark')\n"
            "old = again; new = anew('again')\n"
            "assert new is not old and new.initialized_as == old.initialized_as + 1 and new.Thing is old.Thing\n"
            "old = multi; new = anew('multi')\n"
            "assert new is not old and new.address() == old.address() and new.filled == 1\n");
    end(it);
}

static void test_several_in_one_file(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import importlib.util, importlib.machinery, several, sys\n"
            "def load(name):\n"
            "    spec = importlib.util.spec_from_file_location(name, several.__file__)\n"
            "    module = importlib.util.module_from_spec(spec)\n"
            "    spec.loader.exec_module(module)\n"
            "    return module\n"
            "one = several.next()\n"
            "assert load('second').next() == one + 1\n"
            "far = load('far.gr\u00fc\u00df')\n"
            "assert far.next() == one + 2 and far.__name__ == 'far.gr\u00fc\u00df'\n");
    end(it);
}

static void test_errors_of_init(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import importlib.machinery, importlib.util, os\n"
            "def load(name, file='broken.so'):\n"
            "    file = os.path.join(os.path.dirname(__import__('single').__file__), file)\n"
            "    loader = importlib.machinery.ExtensionFileLoader(name, file)\n"
            "    spec = importlib.util.spec_from_loader(name, loader)\n"
            "    try:\n"
            "        importlib.util.module_from_spec(spec)\n"
            "    except ImportError as error:\n"
            "        assert (error.name, error.path) == (name, file), error\n"
            "        return f'{error} {error.__cause__!r}'\n"
            "    except RuntimeError as error:\n"
            "        return str(error)\n"
            "def says(text, *args):\n"
            "    told = load(*args)\n"
            "    assert text in told, told\n"
            "says('the init function of broken failed and raised no exception', 'broken')\n"
            "says('not today', 'raises')\n"
            "says('gave no module', 'no_module')\n"
            "says('left behind', 'leaves_exception')\n"
            "says('has no init function for the module absent', 'absent')\n"
            "says('text.txt: it is no shared library', 'text', 'pack/text.txt')\n"
            "says('No such file', 'single', 'nowhere.so')\n");
    end(it);
}

static void test_those_that_fit_are_not_copied(void **state)
{
    (void)state;
    isle_interp a = create_private(0), b = create_private(0);
    run(a, "import own_gil, math, _struct, array");
    run(b, "import own_gil, math, _struct, array");
    char *address = eval(a, "own_gil.address()");
    check_eval(b, "own_gil.address()", address);
    free(address);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(b, &stats), ISLE_OK, NULL);
    check(stats.extension_copies == 0 && stats.extension_copy_bytes == 0);
    end(a);
    end(b);
}

/* Its own rule is CPython's: what is built in and refuses stays refused. */
static void test_built_in_ones_are_as_ever(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import sys\nassert '_tracemalloc' in sys.builtin_module_names");
    isle_error_free(run_fails(it, "import _tracemalloc", ISLE_ERR_PYTHON));
    run(it, "import multi");
    isle_error_free(run_fails(it, "import _tracemalloc", ISLE_ERR_PYTHON));
    end(it);
}

/* joblib imports it. */
static void test_faulthandler_may_be_imported(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import faulthandler, tempfile\nassert not faulthandler.is_enabled()\n"
            "with tempfile.TemporaryFile('w+') as file:\n"
            "    faulthandler.dump_traceback(file)\n    file.seek(0)\n    assert 'most recent' in file.read()\n");
    isle_error *error = run_fails(it, "faulthandler.enable()", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(error), "the process's") != NULL);
    isle_error_free(error);
    isle_error_free(run_fails(it, "faulthandler.dump_traceback_later(timeout=1)", ISLE_ERR_PYTHON));
    run(it, "import sys; del sys.modules['faulthandler']; import faulthandler");
    isle_error_free(run_fails(it, "faulthandler.register(10)", ISLE_ERR_PYTHON));
    end(it);
}

static void test_limit(void **state)
{
    (void)state;
    isle_interp it = create_private(1);
    run(it, "import own_gil, single");
    run(it, "import own_gil");
    isle_error *err = run_fails(it, "import multi", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "extension_copy_limit is 1") != NULL);
    isle_error_free(err);
    err = run_fails(it, "import again", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "extension_copy_limit is 1") != NULL);
    isle_error_free(err);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.extension_copies == 1 && stats.extension_copy_bytes > 0);
    end(it);
}

static void test_cxx(void **state)
{
    (void)state;
    isle_interp a = create_private(0), b = create_private(0);
    run(a, "import cxx_inline; cxx_inline.next(); cxx_inline.next()");
    check_eval(a, "cxx_inline.next()", "(3, 3, 4, 'fresh+++')");
    run(b, "import cxx_inline");
    check_eval(b, "cxx_inline.next()", "(1, 1, 2, 'fresh+')");
    end(a);
    end(b);
}

static void test_helpers(void **state)
{
    (void)state;
    isle_interp a = create_private(0), b = create_private(0);
    static const char code[] = "import uses_helper_a, uses_helper_b\n"
                               "assert uses_helper_a.shared_list() is uses_helper_b.shared_list()\n"
                               "uses_helper_a.shared_list().append(1)\n"
                               "assert uses_helper_b.shared_list() == [1]\n";
    run(a, code);
    run(b, code);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(a, &stats), ISLE_OK, NULL);
    check(stats.extension_copies == 4);
    check_eval(a, "uses_helper_a.plain()", "(1, 2)");
    check_eval(b, "uses_helper_b.plain()", "(1, 2)"); /* without Python in it, but it may keep what its user gave */
    int64_t first = eval_int(a, "uses_helper_a.blas()");
    check(eval_int(b, "uses_helper_b.blas()") == first + 1); /* the process's */
    end(a);
    end(b);
}

/* What looks for the code finds the original: dladdr(), which debuggers' names come from too, and the memory map. */
static void test_code_is_the_originals(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import multi");
    void *code = (void *)(uintptr_t)eval_int(it, "multi.code()");
    Dl_info info;
    check(dladdr(code, &info) != 0);
    char *file = must(realpath(info.dli_fname, NULL)), *original = library("multi.so");
    char *wanted = must(realpath(original, NULL));
    check(strcmp(file, wanted) == 0 && strcmp(info.dli_fname, original) != 0);
    runf(it, "at = multi.code()\n"
             "for line in open('/proc/self/maps'):\n"
             "    first, last = (int(x, 16) for x in line.split()[0].split('-'))\n"
             "    if first <= at < last:\n"
             "        assert line.rstrip().endswith('/copied/multi.so') and 'r-xp' in line, line\n"
             "        break\n"
             "else: raise SystemExit('not mapped')\n");
    free(wanted);
    free(original);
    free(file);
    end(it);
}

/* --- what finds the main interpreter finds the copy's ------------------------------------------------------------- */

static const char threads_code[] = "import threading\n"
                                   "def visit(m):\n"
                                   "    seen = []\n"
                                   "    note = lambda: seen.append(m.interpreter())\n"
                                   "    assert m.call_in_thread(note) == m.interpreter()\n"
                                   "    assert m.call_here(note) == m.interpreter()\n"
                                   "    own = threading.Thread(target=lambda: seen.append(m.call_here(note)))\n"
                                   "    own.start(); own.join()\n"
                                   "    assert seen == [m.interpreter()] * 7, seen\n";

static void test_native_threads_find_their_interpreter(void **state)
{
    (void)state;
    static const char *const modules[] = {"native_thread", "native_own_gil"};
    isle_interp a = create_private(0), b = create_private(0);
    run(a, threads_code);
    run(b, threads_code);
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        runf(a, "import %s as m\nfor i in range(20): visit(m)", modules[i]);
        runf(b, "import %s as m\nfor i in range(20): visit(m)", modules[i]);
    }
    check(eval_int(a, "m.interpreter()") != eval_int(b, "m.interpreter()"));
    end(a);
    run(b, "visit(m)");
    end(b);
}

static void test_pending_calls_find_their_interpreter(void **state)
{
    (void)state;
    isle_interp it = create_private(0);
    run(it, "import native_thread as m, time\nseen = []\n"
            "m.ask_in_thread(lambda: seen.append(m.interpreter()))\n"
            "until = time.monotonic() + 60\n"
            "while not seen and time.monotonic() < until: pass\n"
            "assert seen == [m.interpreter()], seen\n");
    end(it);
}

static bool comes_within(int fd, int ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, ms) == 1;
}

/* Its thread is left where it is: what it would touch is gone. */
static void test_late_threads_stay_outside(void **state)
{
    (void)state;
    int to[2], from[2];
    char byte = 0;
    check(pipe(to) == 0 && pipe(from) == 0);
    isle_interp it = create_private(0);
    runf(it, "import native_thread; native_thread.leave_late(%d, %d)", to[0], from[1]);
    end(it);
    check(write(to[1], "x", 1) == 1);
    check(comes_within(from[0], 60000) && read(from[0], &byte, 1) == 1);
    check(byte == '0');
    check(!comes_within(from[0], 100));
    it = create_private(0);
    run(it, "import native_thread as m; assert m.call_in_thread(lambda: 0) == m.interpreter()");
    end(it);
}

static void test_end_with_busy_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        isle_interp it = create_private(0);
        run(it, "import native_thread as m\nfor i in range(3): m.leave_busy()\nm.call_in_thread(lambda: 0)");
        end(it);
    }
}

static isle_engine_info engine(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info;
}

static void test_given_back(void **state)
{
    (void)state;
    isle_engine_info before = engine();
    isle_interp it = create_private(0);
    run(it, "import single, multi, again");
    isle_engine_info during = engine();
    check(during.extension_copies == before.extension_copies + 3);
    check(during.extension_copy_bytes > before.extension_copy_bytes);
    end(it);
    isle_engine_info after = engine();
    check(after.extension_copies == before.extension_copies);
    check(after.extension_copy_bytes == before.extension_copy_bytes);
    check(after.extension_copies_left == before.extension_copies_left);
    it = create_private(0);
    run(it, "import cxx_inline"); /* its destructors are for thread-local data, too */
    end(it);
    after = engine();
    check(after.extension_copies_left == before.extension_copies_left + 1);
    check(after.extension_copies == before.extension_copies);
}

static void test_with_descriptors_of_its_own(void **state)
{
    (void)state;
    isle_interp_config config = private_config(0);
    config.private_descriptors = true;
    isle_interp it = create(&config);
    run(it, "import multi, uses_helper_a; assert multi.next() == 1 and uses_helper_a.shared_list() == []");
    end(it);
}

static void test_under_a_policy(void **state)
{
    (void)state;
    const char *const read[] = {ISLES_TEST_COPIED}, *const profiles[] = {"no-network", "no-exec", "no-admin"};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = isle_policy_landlock(NULL) > 0 ? read : NULL;
    policy.read_count = policy.read != NULL;
    policy.seccomp = profiles;
    policy.seccomp_count = 3;
    const char *const deny[] = {"deny import:single"};
    policy.rules = deny;
    policy.rule_count = 1;
    isle_interp_config config = private_config(0);
    config.policy = &policy;
    isle_interp it = create(&config);
    run(it, "import multi, uses_helper_a; assert multi.next() == 1 and uses_helper_a.shared_list() == []");
    isle_error_free(run_fails(it, "import single", ISLE_ERR_PYTHON));
    end(it);
}

/* The verdict's file is the one that `isles check` writes. */
static void test_auto(void **state)
{
    (void)state;
    isle_interp_config config = private_config(0);
    isle_interp it = create(&config);
    runf(it,
         "import hashlib, json\n"
         "def line(name, verdict):\n"
         "    digest = hashlib.sha256(open('%s/' + name, 'rb').read()).hexdigest()\n"
         "    return digest, {'%d.%d': {'verdict': verdict}}\n"
         "text = json.dumps(dict([line('unsaid.so', 'shared gil'), line('single.so', 'private copy'),\n"
         "                        line('multi.so', 'worker process')]))",
         ISLES_TEST_COPIED, engine_version() >> 8, engine_version() & 0xff);
    char *text = eval(it, "text"), *cache = text_of("%s/cache", scratch());
    end(it);
    free(write_file("cache/isles/verdicts.json", "%s", text));
    free(text);
    setenv("XDG_CACHE_HOME", cache, 1);
    free(cache);
    config.extensions = ISLE_EXTENSIONS_AUTO;
    it = create(&config);
    isle_error *err = run_fails(it, "import unsaid", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "unsaid.so is not loaded: isles check found that it needs the shared GIL") !=
          NULL);
    isle_error_free(err);
    isle_error_free(run_fails(it, "import multi", ISLE_ERR_PYTHON));
    run(it, "import single, again; assert single.next() == 2");
    end(it);
    unsetenv("XDG_CACHE_HOME");
}

static void test_shared_gil(void **state)
{
    (void)state;
    isle_interp_config config = private_config(0);
    config.extensions = ISLE_EXTENSIONS_SHARED_GIL;
    isle_interp it = create(&config);
    run(it, "import unsaid");
    end(it);
}

typedef struct racer {
    pthread_t thread;
    isle_status status;
} racer;

static void *race(void *arg)
{
    racer *r = arg;
    for (int i = 0; i < 10 && r->status == ISLE_OK; i++) {
        isle_interp_config config = private_config(0);
        isle_interp it;
        r->status = isle_interp_create(runtime, &config, &it, NULL);
        r->status = r->status != ISLE_OK
                        ? r->status
                        : isle_interp_run(
                              it,
                              "import single, again, multi, cxx_inline, uses_helper_a, uses_helper_b, pack.inner\n"
                              "assert single.next() == 2 and multi.next() == 1\n"
                              "assert cxx_inline.next()[0] == 1\n"
                              "assert uses_helper_a.shared_list() == []\n",
                              SOON, NULL);
        r->status = isle_interp_end(it, SOON, NULL) == ISLE_OK ? r->status : ISLE_ERR_STUCK;
    }
    return NULL;
}

static void test_imports_race(void **state)
{
    (void)state;
    racer racers[3] = {{.status = ISLE_OK}};
    for (size_t i = 0; i < 3; i++) {
        check(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(racers[i].thread, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        check_status(racers[i].status, ISLE_OK, NULL);
    }
}

int main(void)
{
    NOT_FREE_THREADED("it loads no copies of extension modules");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_inspect_errors),
        cmocka_unit_test(test_strict_refuses),
        cmocka_unit_test(test_static_state_is_its_own),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_imported_again),
        cmocka_unit_test(test_several_in_one_file),
        cmocka_unit_test(test_errors_of_init),
        cmocka_unit_test(test_those_that_fit_are_not_copied),
        cmocka_unit_test(test_built_in_ones_are_as_ever),
        cmocka_unit_test(test_faulthandler_may_be_imported),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_cxx),
        cmocka_unit_test(test_helpers),
        cmocka_unit_test(test_code_is_the_originals),
        cmocka_unit_test(test_native_threads_find_their_interpreter),
        cmocka_unit_test(test_pending_calls_find_their_interpreter),
        cmocka_unit_test(test_late_threads_stay_outside),
        cmocka_unit_test(test_end_with_busy_threads),
        cmocka_unit_test(test_given_back),
        cmocka_unit_test(test_with_descriptors_of_its_own),
        cmocka_unit_test(test_under_a_policy),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_shared_gil),
        cmocka_unit_test(test_imports_race),
    };
    return RUN_TESTS(tests);
}
