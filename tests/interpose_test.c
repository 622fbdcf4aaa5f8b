/* Native code in a program that is linked with libisles-interpose: getenv and its like, setlocale and what stands on
 * them act on the interpreter whose thread calls, also on threads that native code starts; the host and others see
 * nothing. docs/compartments.md. */
#include <Python.h>

#include <locale.h>

#include "support.h"

#define SHOWN __attribute__((visibility("default")))

/* Called by Python code, by ctypes: what a thread sees that native code starts. */
SHOWN const char *getenv_in_thread(const char *name);
static void *get(void *name)
{
    return getenv(name);
}

const char *getenv_in_thread(const char *name)
{
    pthread_t thread;
    void *value = NULL;
    check(pthread_create(&thread, NULL, get, (void *)name) == 0 && pthread_join(thread, &value) == 0);
    return value;
}

static const char prelude[] =
    "import ctypes, locale, os, subprocess, threading\n"
    "c = ctypes.CDLL(None)\n"
    "c.getenv.restype = c.secure_getenv.restype = c.getenv_in_thread.restype = c.setlocale.restype = ctypes.c_char_p\n"
    "def in_thread(f):\n"
    "    result = []\n"
    "    thread = threading.Thread(target=lambda: result.append(f()))\n"
    "    thread.start()\n"
    "    thread.join()\n"
    "    return result[0]\n"
    "def child(): return subprocess.run(['sh', '-c', 'echo ${ISLES_X-none}'], capture_output=True, "
    "text=True).stdout.strip()\n"
    "def native(name=b'ISLES_X'): return [c.getenv(name), c.secure_getenv(name), c.getenv_in_thread(name)]\n"
    "def everywhere(): return {str(f()) for f in (native, lambda: in_thread(native),\n"
    "                                             lambda: in_thread(lambda: in_thread(native)))}\n"
    "def only(value): return everywhere() == {str([value] * 3)}\n";

static isle_interp create_with_prelude(const isle_interp_config *config)
{
    isle_interp it = create(config);
    run(it, prelude);
    return it;
}

static void check_unmoved(isle_interp other)
{
    check_eval(other, "only(b'start') and child() == 'start'", "True");
    check(strcmp(getenv("ISLES_X"), "start") == 0 && getenv("ISLES_NEW") == NULL);
    check(strcmp(getenv_in_thread("ISLES_X"), "start") == 0);
}

static void test_what_python_sets_native_code_sees(void **state)
{
    (void)state;
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    check_eval(a, "only(b'start')", "True");
    run(a, "os.environ['ISLES_X'] = 'A'");
    check_eval(a, "only(b'A')", "True");
    run(a, "os.putenv('ISLES_X', 'put')");
    check_eval(a, "only(b'put')", "True");
    run(a, "in_thread(lambda: os.environ.update(ISLES_X='thread'))");
    check_eval(a, "only(b'thread')", "True");
    run(a, "del os.environ['ISLES_X']");
    check_eval(a, "only(None)", "True");
    run(a, "os.environ.clear()");
    check_eval(a, "c.getenv(b'PATH')", "None");
    check_unmoved(b);
    end(a);
    check_unmoved(b);
    end(b);
}

static void test_what_native_code_sets_processes_get(void **state)
{
    (void)state;
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    run(a, "assert c.setenv(b'ISLES_X', b'A', 1) == 0 and c.setenv(b'ISLES_X', b'B', 0) == 0");
    check_eval(a, "only(b'A') and child() == 'A'", "True");
    run(a, "kept = ctypes.create_string_buffer(b'ISLES_X=put'); assert c.putenv(kept) == 0; kept[8:11] = b'xxx'");
    check_eval(a, "only(b'put') and child() == 'put'", "True");
    run(a, "assert in_thread(lambda: c.setenv(b'ISLES_NEW', b'1', 1)) == 0");
    check_eval(a, "c.getenv(b'ISLES_NEW')", "b'1'");
    if (engine_version() >= 0x030e) {
        run(a, "os.reload_environ()");
        check_eval(a, "[os.environ['ISLES_X'], os.environ['ISLES_NEW']]", "['put', '1']");
    }
    run(a, "assert c.unsetenv(b'ISLES_X') == 0");
    check_eval(a, "only(None) and child() == 'none'", "True");
    check_eval(a, "[c.setenv(b'', b'1', 1), c.setenv(b'A=B', b'1', 1), c.unsetenv(b'A=B')]", "[-1, -1, -1]");
    run(a, "path = c.getenv(b'PATH'); assert c.clearenv() == 0 and c.setenv(b'PATH', path, 1) == 0");
    check_eval(a, "subprocess.run(['env'], capture_output=True).stdout == b'PATH=' + path + b'\\n'", "True");
    check_unmoved(b);
    end(a);
    end(b);
}

static void test_as_it_is_configured(void **state)
{
    (void)state;
    static const char *const env[] = {"ISLES_X=given"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.env = env;
    config.env_count = 1;
    isle_interp given = create_with_prelude(&config);
    check_eval(given, "only(b'given')", "True");
    config.env_base = ISLE_ENV_EMPTY;
    isle_interp empty = create_with_prelude(&config);
    check_eval(empty, "only(b'given') and c.getenv(b'PATH') is None", "True");
    config = (isle_interp_config)ISLE_INTERP_CONFIG_INIT;
    config.env_base = ISLE_ENV_SHARED;
    isle_interp shared = create_with_prelude(&config);
    run(shared, "os.environ['ISLES_NEW'] = 'shared'");
    check(strcmp(getenv("ISLES_NEW"), "shared") == 0);
    check_eval(shared, "c.getenv(b'ISLES_NEW')", "b'shared'");
    check_eval(given, "c.getenv(b'ISLES_NEW')", "None");
    run(shared, "del os.environ['ISLES_NEW']");
    end(given);
    end(empty);
    end(shared);
}

static void test_reset_goes_back(void **state)
{
    (void)state;
    isle_interp it = create_with_prelude(NULL);
    isle_error *err = NULL;
    run(it, "c.setenv(b'ISLES_X', b'marked', 1)");
    check_status(isle_interp_mark(it, SOON, &err), ISLE_OK, err);
    run(it, "os.environ['ISLES_X'] = 'A'; c.setenv(b'ISLES_NEW', b'1', 1)");
    check_status(isle_interp_reset(it, SOON, &err), ISLE_OK, err);
    check_eval(it, "only(b'marked') and c.getenv(b'ISLES_NEW') is None", "True");
    end(it);
}

/* A static variable of a library may keep it. */
static void test_what_getenv_gave_stays(void **state)
{
    (void)state;
    isle_interp it = create_with_prelude(NULL);
    isle_entry entry;
    check_status(isle_interp_enter(it, &entry, NULL), ISLE_OK, NULL);
    check(setenv("ISLES_X", "mine", 1) == 0);
    const char *kept = getenv("ISLES_X");
    check(strcmp(kept, "mine") == 0 && setenv("ISLES_X", "other", 1) == 0);
    isle_interp_leave(&entry);
    check(strcmp(getenv("ISLES_X"), "start") == 0);
    check_eval(it, "c.getenv(b'ISLES_X')", "b'other'");
    end(it);
    check(strcmp(kept, "mine") == 0);
}

static void test_native_setlocale(void **state)
{
    (void)state;
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    char *before = must(strdup(setlocale(LC_ALL, NULL)));
    const char *other = strcmp(setlocale(LC_CTYPE, NULL), "C.UTF-8") == 0 ? "C" : "C.UTF-8";
    runf(a, "assert c.setlocale(locale.LC_CTYPE, b'%s') == b'%s'", other, other);
    check_eval(a, "locale.setlocale(locale.LC_CTYPE)", other);
    runf(a, "os.environ['LC_ALL'] = '%s'; assert c.setlocale(locale.LC_ALL, b'') == b'%s'", other, other);
    check_eval(a, "in_thread(lambda: c.setlocale(locale.LC_ALL, None)).decode()", other);
    check(strcmp(setlocale(LC_ALL, NULL), before) == 0);
    check_eval(b, "c.setlocale(locale.LC_ALL, None).decode()", before);
    free(before);
    end(a);
    end(b);
}

/* --- at once ---------------------------------------------------------------------------------------------------- */

enum { ROUNDS = 3000 };

static void *change_processs(void *unused)
{
    char name[32];
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof name, "ISLES_N%d", i % 500);
        if (setenv(name, "1", 1) != 0 || getenv("ISLES_X") == NULL || (i % 3 == 0 && unsetenv(name) != 0)) {
            return runtime; /* not NULL */
        }
    }
    return NULL;
}

/* glibc's alone crash of that. */
static void test_many_change_and_read_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    isle_interp it[2];
    isle_job *jobs[2];
    for (int i = 0; i < 2; i++) {
        it[i] = create_with_prelude(NULL);
        jobs[i] = submit(it[i],
                         "for i in range(2000):\n"
                         "    os.environ['ISLES_X'] = str(i)\n"
                         "    assert c.getenv(b'ISLES_X') == str(i).encode()\n"
                         "    c.setenv(b'ISLES_N%d' % (i % 100), b'1', 1)\n"
                         "for i in range(10): assert in_thread(native) == [b'1999'] * 3\n",
                         isle_deadline_in(120 * ISLE_SECOND));
    }
    for (int i = 0; i < 4; i++) {
        check(pthread_create(&threads[i], NULL, change_processs, NULL) == 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        check(pthread_join(threads[i], &failed) == 0 && failed == NULL);
    }
    for (int i = 0; i < 2; i++) {
        isle_error *err = NULL;
        check_status(wait_for(jobs[i], &err), ISLE_OK, err);
        end(it[i]);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    setenv("ISLES_X", "start", 1);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_python_sets_native_code_sees),
        cmocka_unit_test(test_what_native_code_sets_processes_get),
        cmocka_unit_test(test_as_it_is_configured),
        cmocka_unit_test(test_reset_goes_back),
        cmocka_unit_test(test_what_getenv_gave_stays),
        cmocka_unit_test(test_native_setlocale),
        cmocka_unit_test(test_many_change_and_read_at_once),
    };
    return RUN_TESTS(tests);
}
