/* The tables of leaving_test.c. */
#ifndef ISLES_TEST_LEAVING_ROWS_H
#define ISLES_TEST_LEAVING_ROWS_H

#include <isles/isles.h>

/* How it leaves. tell(x) writes x to a file at once; what is told must be `told`, so that nothing ran that should
 * not. */
typedef struct leaving {
    const char *what, *code;
    isle_status result; /* of the job */
    int status;         /* the exit status */
    const char *told;
    bool ends;           /* it ends the interpreter, or only the code */
    const char *message; /* is in the error's; NULL: never mind */
} leaving;

static const leaving leavings[] = {
    {"os._exit", "tell(1); os._exit(3); tell(2)", ISLE_ERR_EXIT, 3, "1", true, "os._exit(3)"},
    {"os._exit by name", "os._exit(status=3)", ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit of 0", "os._exit(0)", ISLE_OK, 0, "", true, NULL},
    {"os._exit of more than a byte", "os._exit(256 + 7)", ISLE_ERR_EXIT, 7, "", true, "os._exit(263)"},
    {"os._exit in try, except, finally and with",
     "import contextlib\n"
     "@contextlib.contextmanager\n"
     "def here():\n"
     "    try: yield\n"
     "    finally: tell(1)\n"
     "try:\n"
     "    with here(), contextlib.suppress(BaseException), open(os.devnull): os._exit(3)\n"
     "except BaseException: tell(2)\n"
     "finally: tell(3)\n"
     "tell(4)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit deep in calls that catch",
     "def f(n):\n"
     "    try: return f(n - 1) if n else os._exit(3)\n"
     "    except BaseException: tell(1)\n"
     "    finally: tell(2)\n"
     "f(200)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit below a function in C", "sorted([3, 1, 2], key=lambda x: os._exit(3)); tell(1)",
     ISLE_ERR_EXIT, 3, "", true, NULL},
    {"os._exit while finalizers, generators and atexit wait",
     "import atexit, weakref\n"
     "atexit.register(tell, 1)\n"
     "atexit.register(lambda: tell(2))\n"
     "class F:\n"
     "    def __del__(self): tell(3)\n"
     "def g():\n"
     "    try: yield\n"
     "    finally: tell(4)\n"
     "f, i = F(), g()\n"
     "next(i)\n"
     "weakref.finalize(f, tell, 5)\n"
     "r = weakref.ref(f, lambda r: tell(6))\n"
     "os._exit(3)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a finalizer, whose caller goes on",
     "class F:\n"
     "    def __del__(self): os._exit(3)\n"
     "def f():\n"
     "    x = F()\n"
     "    del x\n"
     "    for i in range(1000): list(range(10))\n"
     "    tell(1)\n"
     "f()",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a generator", "def g():\n    try: yield os._exit(3)\n    finally: tell(1)\nlist(g())",
     ISLE_ERR_EXIT, 3, "", true, NULL},
    {"os._exit in a coroutine",
     "import asyncio\n"
     "async def leave(): os._exit(3)\n"
     "async def other():\n"
     "    try: await asyncio.sleep(30)\n"
     "    finally: tell(1)\n"
     "async def go():\n"
     "    t = asyncio.create_task(other())\n"
     "    await asyncio.sleep(0)\n"
     "    await asyncio.gather(leave(), t, return_exceptions=True)\n"
     "    tell(2)\n"
     "asyncio.run(go())",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a thread, while the main code waits",
     "t = threading.Thread(target=os._exit, args=(3,))\n"
     "t.start()\n"
     "try: t.join(); threading.Event().wait()\n"
     "finally: tell(1)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a thread, while the main code runs",
     "threading.Thread(target=lambda: os._exit(3)).start()\n"
     "while True:\n"
     "    try:\n"
     "        while True: pass\n"
     "    except BaseException: tell(1)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a thread of a thread",
     "def a(): threading.Thread(target=os._exit, args=(3,)).start()\n"
     "threading.Thread(target=a).start()\n"
     "time.sleep(30); tell(1)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit while other threads run and wait",
     "def loop():\n"
     "    try:\n"
     "        while True: pass\n"
     "    finally: tell(1)\n"
     "def wait():\n"
     "    try: time.sleep(30)\n"
     "    finally: tell(2)\n"
     "for f in (loop, wait, loop, wait): threading.Thread(target=f).start()\n"
     "time.sleep(0.02)\n"
     "os._exit(3)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a pool of threads",
     "import concurrent.futures as c\n"
     "with c.ThreadPoolExecutor(2) as p: p.submit(os._exit, 3).result()\n"
     "tell(1)",
     ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit in a trace function",
     "import sys\ndef t(*a): os._exit(3)\nsys.settrace(t)\ndef f(): tell(1)\nf()", ISLE_ERR_EXIT, 3, "", true, NULL},
    {"os._exit with hooks for exceptions",
     "import sys\n"
     "sys.excepthook = threading.excepthook = sys.unraisablehook = lambda *a: tell(1)\n"
     "threading.Thread(target=os._exit, args=(3,)).start()\n"
     "time.sleep(30)",
     ISLE_ERR_EXIT, 3, "", true, NULL},
    {"os._exit while a module is imported", "import leaves; tell(1)", ISLE_ERR_EXIT, 3, "", true, "os._exit(3)"},
    {"os._exit with a wrong argument", "os._exit('x')", ISLE_ERR_PYTHON, 1, "", false, "TypeError"},
    {"os._exit with none", "os._exit()", ISLE_ERR_PYTHON, 1, "", false, "TypeError"},
    {"os.abort", "tell(1)\ntry: os.abort()\nfinally: tell(2)", ISLE_ERR_EXIT, 134, "1", true, "os.abort()"},
    {"os.abort in a thread", "threading.Thread(target=os.abort).start(); time.sleep(30); tell(1)",
     ISLE_ERR_EXIT, 134, "", true, "os.abort()"},
    {"signal.raise_signal(SIGABRT)", "import signal; signal.raise_signal(signal.SIGABRT); tell(1)",
     ISLE_ERR_EXIT, 134, "", true, "signal.raise_signal(SIGABRT)"},
    {"sys.exit", "import sys\ntry: sys.exit(3)\nfinally: tell(1)", ISLE_ERR_EXIT, 3, "1", false, "SystemExit: 3"},
    {"sys.exit of 0", "import sys; sys.exit(0)", ISLE_OK, 0, "", false, NULL},
    {"sys.exit with words", "import sys; sys.exit('no')", ISLE_ERR_EXIT, 1, "", false, "SystemExit: no"},
    {"exit", "exit(3)", ISLE_ERR_EXIT, 3, "", false, "SystemExit: 3"},
    {"quit", "quit(4)", ISLE_ERR_EXIT, 4, "", false, "SystemExit: 4"},
    {"raise SystemExit", "raise SystemExit(5)", ISLE_ERR_EXIT, 5, "", false, "SystemExit: 5"},
    {"sys.exit in a thread", "import sys\n"
     "t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join(); tell(1)",
     ISLE_OK, 0, "1", false, NULL},
    {"sys.exit in a finalizer",
     "import sys\nclass F:\n    def __del__(self): sys.exit(3)\n"
     "sys.unraisablehook = lambda u: tell(1)\nf = F()\ndel f\n"
     "tell(2)",
     ISLE_OK, 0, "12", false, NULL},
    {"sys.exit while a module is imported", "import quits; tell(1)", ISLE_ERR_EXIT, 6, "", false, "SystemExit: 6"},
    {"sys.exit in a coroutine", "import asyncio, sys\nasync def go(): sys.exit(3)\nasyncio.run(go())",
     ISLE_ERR_EXIT, 3, "", false, "SystemExit: 3"},
    {"os.fork", "os.fork()",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.fork: not in a process with interpreters"},
    {"os.forkpty", "os.forkpty()",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.forkpty: not in a process with interpreters"},
    {"pty.fork", "import pty; pty.fork()", ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.forkpty: not in a process"},
    {"pty.spawn", "import pty; pty.spawn('true')",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.forkpty: not in a process"},
    {"multiprocessing with fork", "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
     ISLE_ERR_PYTHON, 1, "", false, "use subprocess, or multiprocessing with spawn"},
    {"os.execv", "os.execv('/bin/true', ['true'])",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execv: not in an interpreter"},
    {"os.execve", "os.execve('/bin/true', ['true'], {})",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execve: not in an"},
    {"os.execl", "os.execl('/bin/true', 'true')",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execv: not in an interpreter"},
    {"os.execle", "os.execle('/bin/true', 'true', {})",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execve: not in an"},
    {"os.execlp", "os.execlp('true', 'true')",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execv: not in an interpreter"},
    {"os.execlpe", "os.execlpe('true', 'true', {})",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execve: not in an"},
    {"os.execvp", "os.execvp('true', ['true'])",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execv: not in an interpreter"},
    {"os.execvpe", "os.execvpe('true', ['true'], {'PATH': '/bin'})",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.execve: not in"},
    {"os.fork in a thread",
     "why = []\ndef f():\n    try: os.fork()\n    except RuntimeError as e: why.append(e)\n"
     "t = threading.Thread(target=f); t.start(); t.join(); raise why[0]",
     ISLE_ERR_PYTHON, 1, "", false, "RuntimeError: os.fork: not in a process with interpreters"},
};
enum { leaving_count = sizeof leavings / sizeof *leavings };

/* The same while no job runs: `result` is that of the job before. */
static const leaving late_leavings[] = {
    {"a thread between jobs",
     "threading.Thread(target=lambda: (time.sleep(0.05), os._exit(3))).start()",
     ISLE_OK, 3, "", true, NULL},
    {"an atexit function",
     "import atexit\natexit.register(tell, 2)\natexit.register(lambda: tell(2))\n"
     "atexit.register(lambda: (tell(1), os._exit(3)))",
     ISLE_OK, 3, "1", true, NULL},
    {"a finalizer at the end",
     "class F:\n    def __del__(self, leave=os._exit): leave(3)\nf = F()",
     ISLE_OK, 3, "", true, NULL},
    {"sys.exit in an atexit function",
     "import atexit, sys\natexit.register(lambda: tell(2))\natexit.register(sys.exit, 3)",
     ISLE_OK, 0, "2", false, NULL},
};
enum { late_leaving_count = sizeof late_leavings / sizeof *late_leavings };

#endif
