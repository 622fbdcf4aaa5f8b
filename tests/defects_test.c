/* The engine's known defects (isle_engine_defect_at): each has a test here, in a child process, under the number of
 * its CPython issue. One that is listed and has none fails. */
#include <Python.h>

#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void *live_and_die(void *source)
{
    for (int i = 0; i < 6; i++) {
        isle_error *err = NULL;
        isle_interp it = create(NULL);
        check_status(isle_interp_run(it, source, isle_deadline_in(100 * ISLE_SECOND), &err), ISLE_OK, err);
        check_status(isle_interp_end(it, isle_deadline_in(100 * ISLE_SECOND), &err), ISLE_OK, err);
    }
    return NULL;
}

static void on_four_threads(const char *source)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        check(pthread_create(&threads[i], NULL, live_and_die, (void *)source) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* python/cpython#113055: an interpreter that ends leaks its arenas. With imports that is 7 MB a cycle when nothing is
 * done. */
static int child_113055(const char *unused)
{
    (void)unused;
    if (sanitized()) {
        return 0; /* freed memory is kept to be checked */
    }
    if (free_threaded()) {
        puts("not looked at: a free-threaded CPython keeps 15 MB of each (docs/limits.md)");
        return 0;
    }
    runtime_begin(NULL);
    long before = 0;
    for (int i = 0; i < 30; i++) {
        if (i == 10) {
            before = resident_kib();
        }
        isle_interp it = create(NULL);
        run(it, "import json, re, asyncio, decimal, datetime, sqlite3, ssl");
        end(it);
    }
    long each = (resident_kib() - before) / 20;
    printf("%ld KiB stay of each\n", each);
    check(each <= 640);
    runtime_end();
    return 0;
}

/* python/cpython#117649: C modules first imported in an own-GIL interpreter crash the next one. */
static int child_117649(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    on_four_threads(
        "import _datetime, _decimal, _ssl, _hashlib, _asyncio, _sqlite3, _socket, _ctypes, _elementtree, _zoneinfo\n"
        "import datetime, decimal, zoneinfo, hashlib\n"
        "assert datetime.datetime.now(datetime.timezone.utc) and decimal.Decimal(1) / 3\n"
        "assert datetime.datetime.strptime('2024', '%Y') and hashlib.sha256(b'x').hexdigest()\n");
    runtime_end();
    return 0;
}

/* python/cpython#128639: ending an interpreter whose threads are alive aborts the process. */
static int child_128639(const char *unused)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_error *err = NULL;
    (void)unused;
    runtime_begin(NULL);
    on_four_threads("import threading, time\n"
                    "for i in range(3): threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()\n");
    something_stays();
    config.stuck_after_ns = 300 * ISLE_MS;
    isle_interp it = create(&config); /* one that will not go is left standing */
    run(it, "import threading, hashlib\nthreading.Thread(target=hashlib.pbkdf2_hmac, args=('sha256', b'a', b'b', "
            "2000000000),"
            " daemon=True).start()");
    check_status(isle_interp_end(it, 0, &err), ISLE_ERR_STUCK, err);
    isle_error_free(err);
    check(isle_runtime_stop(runtime, 0, NULL) == ISLE_ERR_STUCK);
    return 0;
}

/* python/cpython#116510: ends of interpreters that used sqlite3 race. */
static int child_116510(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    on_four_threads("import sqlite3\nc = sqlite3.connect(':memory:')\n"
                    "assert c.execute('select 1').fetchone() == (1,)\nkept = [c, sqlite3.Row, c.cursor()]\n");
    runtime_end();
    return 0;
}

/* python/cpython#139759: the child of os.fork() crashes. Refused before it is made; without interpreters it is
 * nobody's harm. */
static int child_139759(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    static const char *const forks[] = {
        "import os; os.fork()", "import os; os.forkpty()", "import pty; pty.fork()",
        "import multiprocessing as m; m.get_context('fork').Process(target=print).start()"};
    for (size_t i = 0; i < sizeof forks / sizeof *forks; i++) {
        isle_error *err = run_fails(it, forks[i], ISLE_ERR_PYTHON);
        check(strstr(isle_error_message(err), "RuntimeError: os.fork") != NULL);
        check(strstr(isle_error_message(err), "use subprocess") != NULL);
        isle_error_free(err);
    }
    run(it, "import subprocess, os\nassert subprocess.run(['true']).returncode == 0 and os.system('true') == 0\n"
            "assert os.waitstatus_to_exitcode(os.waitpid(os.posix_spawnp('true', ['true'], os.environ), 0)[1]) == 0");
    pid_t pid = fork(); /* the host's own, in C, is its own affair: its child may not use Python */
    if (pid == 0) {
        _exit(3);
    }
    int status;
    check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    run(it, "x = 1");
    end(it);
    runtime_end();
    return 0;
}

/* The same in the main interpreter of a CPython that was adopted, where CPython would let it through. */
static int child_139759_main(const char *unused)
{
    isle_engine_info info = {.size = sizeof info};
    PyConfig config;
    isle_error *err = NULL;
    (void)unused;
    isle_engine_describe(&info);
    PyConfig_InitPythonConfig(&config);
    PyConfig_SetBytesString(&config, &config.executable, info.python);
    check(!PyStatus_Exception(Py_InitializeFromConfig(&config)));
    PyConfig_Clear(&config);
    check_status(isle_runtime_adopt(NULL, &runtime, &err), ISLE_OK, err);
    isle_interp it = create(NULL);
    check(
        PyRun_SimpleString("import os\ntry: os.fork()\nexcept RuntimeError as e: assert 'use subprocess' in str(e), e\n"
                           "else: os._exit(77)\n") == 0);
    end(it);
    check(PyRun_SimpleString("pid = os.fork()\nif pid == 0: os._exit(5)\n"
                             "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5\n") == 0);
    runtime_end();
    check(Py_FinalizeEx() == 0);
    return 0;
}

/* python/cpython#144748: blocking C calls ignore an interruption. */
static int child_144748(const char *unused)
{
    static const char *const calls[] = {"import time; time.sleep(1e6)", "import threading; threading.Event().wait()",
                                        "import queue; queue.Queue().get()", "import os; os.read(os.pipe()[0], 1)",
                                        "import socket; ends = socket.socketpair(); ends[0].recv(1)"};
    isle_engine_info info = {.size = sizeof info};
    (void)unused;
    runtime_begin(NULL);
    isle_engine_describe(&info);
    isle_interp it = create(NULL);
    for (size_t i = 0; info.hook_active && i < sizeof calls / sizeof *calls; i++) {
        int64_t deadline = isle_deadline_in(150 * ISLE_MS);
        check(isle_interp_run(it, calls[i], deadline, NULL) == ISLE_ERR_TIMEOUT);
        check(isle_now() < deadline + ISLE_SECOND);
        run(it, "pass"); /* not stuck */
    }
    check(info.hook_active || info.hook_reason != NULL);
    runtime_end();
    return 0;
}

/* sys._current_frames() makes frame objects in other interpreters, which abort when they free them. */
static int child_current_frames(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp runs = create(NULL), looks = create(NULL);
    isle_job *job = submit(runs,
                           "import time\nend = time.monotonic() + 1\n"
                           "def fail(n):\n    return fail(n - 1) if n else 1 / 0\n"
                           "while time.monotonic() < end:\n    try: fail(10)\n    except ZeroDivisionError: pass\n",
                           SOON);
    run(looks, "import sys, threading, time\nme = threading.get_ident()\nend = time.monotonic() + 1\n"
               "while time.monotonic() < end:\n"
               "    assert list(sys._current_frames()) == [me] and sys._current_exceptions() == {me: None}\n"
               "assert sys._current_frames()[me] is sys._getframe()\n"
               "try: 1 / 0\nexcept ZeroDivisionError as error:\n"
               "    assert sys._current_exceptions() == {me: error}\n"
               "stop = threading.Event()\nthread = threading.Thread(target=stop.wait)\nthread.start()\n"
               "frames = sys._current_frames()\nassert set(frames) == {me, thread.ident}\n"
               "stop.set(); thread.join()\n");
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    end(looks);
    end(runs);
    runtime_end();
    return 0;
}

/* python/cpython#90453: PyGILState_Ensure finds the main interpreter; isle_interp_enter the one that is meant. */
static int child_90453(const char *unused)
{
    isle_entry entry;
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    check_status(isle_interp_enter(it, &entry, NULL), ISLE_OK, NULL);
    check(PyInterpreterState_Get() != PyInterpreterState_Main());
    isle_interp_leave(&entry);
    PyGILState_STATE state = PyGILState_Ensure();
    check(PyInterpreterState_Get() == PyInterpreterState_Main()); /* if this fails, the defect is mended: take it out */
    PyGILState_Release(state);
    end(it);
    runtime_end();
    return 0;
}

/* python/cpython#130396: attaching on the process's first thread is slow. Nothing of Python runs there. */
static int child_130396(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    run(it, "import os, threading\nassert threading.get_native_id() != os.getpid()");
    check(PyThreadState_GetUnchecked() == NULL);
    int64_t began = isle_now();
    for (int i = 0; i < 1000; i++) {
        run(it, "pass");
    }
    printf("%.3f ms a job, asked for by the first thread\n", MS(isle_now() - began) / 1000);
    end(it);
    runtime_end();
    return 0;
}

static int64_t address_of_ctypes(isle_interp it)
{
    isle_value *value = NULL;
    int64_t address = 0;
    run(it, "import _ctypes, ctypes, sys\n"
            "assert sys.modules['_ctypes'] is _ctypes and _ctypes.__spec__.origin == _ctypes.__file__ != None\n"
            "assert _ctypes.__spec__.loader is _ctypes.__loader__ and _ctypes.__name__ == '_ctypes'\n"
            "assert ctypes.CDLL(None).abs(-3) == 3\n"
            "address = _ctypes._cast_addr\n");
    check_status(isle_interp_get_global(it, "address", SOON, &value, NULL), ISLE_OK, NULL);
    check(isle_value_as_int64(value, &address));
    isle_value_free(value);
    return address;
}

/* python/cpython#127945: importing ctypes empties a table of the process for a moment, in which a call of another
 * interpreter crashes. Each interpreter has the table, and the whole module, for itself; the next has it when the
 * interpreter has ended. */
static int child_127945(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp a = create(NULL), b = create(NULL);
    bool needed = engine_version() >= 0x030e;
    int64_t of_a = address_of_ctypes(a), of_b = address_of_ctypes(b);
    check((of_a != of_b) == needed);
    isle_job *imports = submit(a,
                               "import time\nend = time.monotonic() + 2\n"
                               "while time.monotonic() < end: del sys.modules['_ctypes']; import _ctypes\n",
                               SOON);
    run(b, "import time\nend = time.monotonic() + 2\nf = ctypes.CDLL(None).abs\nf.argtypes = [ctypes.c_int]\n"
           "while time.monotonic() < end: f(5)\n");
    check_status(wait_for(imports, NULL), ISLE_OK, NULL);
    check(address_of_ctypes(a) == of_a);
    end(b);
    isle_interp c = create(NULL);
    check(address_of_ctypes(c) == of_b);
    run(c, "import threading\n" /* on a thread of its own, */
           "class Mine(ctypes.Structure): _fields_ = [('x', ctypes.c_int)]\n"
           "thread = threading.Thread(target=lambda: Mine(3))\nthread.start()\nthread.join()\n"
           "assert Mine(4).x == 4 and ctypes.sizeof(Mine) == 4\n");
    end(c);
    end(a);
    runtime_end();
    return 0;
}

/* python/cpython#144601: CPython calls init functions in the main interpreter, and gives the exception that they raise
 * there to this one. It must not be freed here. Later ones say so in words of their own. */
static int child_144601(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    isle_interp it = create(NULL);
    run(it, "import importlib.machinery, importlib.util\n"
            "file = '" ISLES_TEST_COPIED "/broken.so'\n"
            "for n in range(50):\n"
            "    for name in 'raises', 'imports':\n"
            "        loader = importlib.machinery.ExtensionFileLoader(name, file)\n"
            "        try:\n"
            "            importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))\n"
            "        except (ImportError, RuntimeError) as error:\n"
            "            told = error\n"
            "        else:\n"
            "            raise AssertionError(name)\n"
            "        mended = str(told) == 'failed to import from subinterpreter due to exception'\n"
            "        if not mended:\n"
            "            assert (told.name, told.path) == (name, file), (told.name, told.path)\n"
            "            words = {'raises': 'RuntimeError: not today',\n"
            "                     'imports': \"ModuleNotFoundError: No module named 'of_no_such_name'\"}\n"
            "            assert str(told).endswith('this CPython calls it first: ' + words[name]), told\n"
            "        del told\n");
    end(it);
    runtime_end();
    return 0;
}

static const child children[] = {
    {"python/cpython#113055", child_113055},
    {"python/cpython#117649", child_117649},
    {"python/cpython#128639", child_128639},
    {"python/cpython#116510", child_116510},
    {"python/cpython#144601", child_144601},
    {"python/cpython#139759", child_139759},
    {"python/cpython#144748", child_144748},
    {"tamnd/cpython-internals#179", child_current_frames},
    {"python/cpython#90453", child_90453},
    {"python/cpython#130396", child_130396},
    {"python/cpython#127945", child_127945},
    {"python/cpython#139759, adopted", child_139759_main},
    {NULL, NULL},
};
enum { child_count = sizeof children / sizeof *children - 1 };

static void test_defect(void **state)
{
    const child *c = *state;
    char *out = child_expect(c->name, NULL, 120 * ISLE_SECOND, 0);
    if (*out != '\0') {
        print_message("             %s", out);
    }
    free(out);
}

static void test_each_that_is_listed_has_a_test(void **state)
{
    (void)state;
    const isle_engine_defect *defect;
    size_t count = 0;
    for (; (defect = isle_engine_defect_at(count)) != NULL; count++) {
        bool found = false;
        for (size_t i = 0; i < child_count; i++) {
            found |= strcmp(children[i].name, defect->issue) == 0;
        }
        if (!found) {
            fprintf(stderr, "%s has no test\n", defect->issue);
        }
        check(found && defect->defect[0] != '\0' && defect->measure[0] != '\0');
    }
    check(count >= 3 && isle_engine_defect_at(count + 100) == NULL);
}

int main(int argc, char **argv)
{
    child_main(argc, argv, children);
    struct CMUnitTest tests[child_count + 1];
    for (size_t i = 0; i < child_count; i++) { /* those of other versions too: they must hold everywhere */
        tests[i] = (struct CMUnitTest){
            .name = children[i].name, .test_func = test_defect, .initial_state = (void *)&children[i]};
    }
    tests[child_count] = (struct CMUnitTest)cmocka_unit_test(test_each_that_is_listed_has_a_test);
    testing_begins();
    return _cmocka_run_group_tests("defects", tests, child_count + 1, NULL, NULL);
}
