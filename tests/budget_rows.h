/* Code that asks for too much, for hostile_test.c. Each runs in an interpreter with a limit of memory, beside one that
 * must not notice. */
#ifndef ISLES_TEST_BUDGET_ROWS_H
#define ISLES_TEST_BUDGET_ROWS_H

#include <stddef.h>

typedef struct bomb {
    const char *what, *source;
    const char *error; /* how the job ends: NULL: well; "": by some exception */
} bomb;

/* 32 MiB */
static const bomb memory_bombs[] = {
    {"one huge bytes", "x = bytes(1 << 32)", "MemoryError"},
    {"one huge bytearray", "x = bytearray(1 << 32)", "MemoryError"},
    {"a list of a million lists", "x = [[n] for n in range(10 ** 9)]", "MemoryError"},
    {"a growing list", "x = []\nwhile True: x.append(None)", "MemoryError"},
    {"a growing str", "x = 'a'\nwhile True: x += x", "MemoryError"},
    {"str multiplication", "x = 'ab' * (1 << 40)", "MemoryError"},
    {"a growing dict", "x = {}\nfor n in range(10 ** 9): x[n] = n", "MemoryError"},
    {"a growing set", "x = set()\nfor n in range(10 ** 9): x.add(n)", "MemoryError"},
    {"bytes.join", "x = b'-' * 1000\ny = x.join([x] * 10 ** 6)", "MemoryError"},
    {"a big int", "x = 1 << (1 << 33)", "MemoryError"},
    {"int doubling", "x = 3\nwhile True: x = x * x", "MemoryError"},
    {"array", "import array\nx = array.array('d', bytes(8)) * (1 << 28)", "MemoryError"},
    {"io.BytesIO", "import io\nx = io.BytesIO()\nwhile True: x.write(bytes(1 << 20))", "MemoryError"},
    {"a deque", "import collections\nx = collections.deque()\nwhile True: x.append('x' * 100)", "MemoryError"},
    {"instances", "class C: pass\nx = []\nwhile True:\n    c = C(); c.a = c.b = 1; x.append(c)", "MemoryError"},
    {"a generator that keeps", "x = list(iter(lambda: bytearray(1000), None))", "MemoryError"},
    {"deep recursion", "import sys\nsys.setrecursionlimit(10 ** 8)\ndef f(n): return f(n + 1)\nf(0)", ""},
    /* ... for which CPython 3.13.0 sets no exception: SystemError */
    {"pickle", "import pickle\nx = pickle.dumps([bytes(1 << 20)] * 3 + [bytearray(1 << 20) for n in range(100)])",
     "MemoryError"},
    {"json", "import json\nx = json.loads('[' + '[],' * (1 << 20) + '0]')", "MemoryError"},
    {"re", "import re\nx = re.sub('a', 'b' * (1 << 20), 'a' * 1000)", "MemoryError"},
    {"zlib", "import zlib\nx = zlib.decompress(zlib.compress(bytes(1 << 20)), 15, 1 << 30)",
     "MemoryError"},
    {"array that grows", "import array\nx = array.array('d')\nwhile True: x.extend(x or [1.0])", "MemoryError"},
    {"a buffer of ctypes", "import ctypes\nx = ctypes.create_string_buffer(1 << 30)", "MemoryError"},
    {"many buffers of ctypes", "import ctypes\nx = []\n"
     "while True: x.append((ctypes.c_char * 10000)())", "MemoryError"},
    {"a map of ctypes' size", "import ctypes\nx = (ctypes.c_double * (1 << 28))()", "MemoryError"},
    {"mmap", "import mmap\nx = mmap.mmap(-1, 1 << 30)", "MemoryError"},
    {"an int in a str", "import sys\nsys.set_int_max_str_digits(0)\nx = int('9' * (1 << 25))", "MemoryError"},
    {"factorial", "import math\nx = 2\nwhile True: x = x << x.bit_length() * 1000", "MemoryError"},
    {"a str that is joined", "x = ''.join(map(str, range(10 ** 8)))", "MemoryError"},
    {"a format", "x = '%*d' % (1 << 30, 1)", "MemoryError"},
    {"a tuple", "x = (0,) * (1 << 30)", "MemoryError"},
    {"a bytearray that grows", "x = bytearray()\nwhile True: x += bytes(1 << 20)", "MemoryError"},
    {"itertools.product", "import itertools\nx = itertools.product(range(1 << 24), repeat=8)", "MemoryError"},
    {"caught", "x = []\ntry:\n    while True: x.append(bytes(1 << 20))\nexcept MemoryError: del x\n"
     "assert bytes(1 << 20)",
     NULL},
    {"in a thread", "import threading\ndef f():\n    x = []\n    try:\n        while True: x.append(bytes(1 << 16))\n"
     "    except MemoryError: ok.append(1)\n"
     "ok = []\nt = threading.Thread(target=f); t.start(); t.join()\nassert ok == [1]",
     NULL},
    {"in a finalizer", "class C:\n    def __del__(self): self.x = bytes(1 << 32)\nC()\nassert bytes(1 << 10)", NULL},
};

/* A limit of CPU time or of a job's time. */
static const bomb cpu_bombs[] = {
    {"a loop", "while True: pass", NULL},
    {"a loop of calls", "def f(): pass\nwhile True: f()", NULL},
    {"a loop that catches all",
     "while True:\n    try:\n        while True: pass\n    except BaseException: pass", NULL},
    {"a generator", "def g():\n    while True: yield 1\nfor x in g(): pass", NULL},
    {"recursion", "def f(n): return 0 if n == 0 else f(n - 1) + f(n - 1)\nf(40)", NULL},
    {"sort with a slow key", "sorted(range(10 ** 7), key=lambda n: sum(range(n % 1000)))", NULL},
    {"finally", "def f():\n    try:\n        while True: pass\n    finally: f()\nf()", NULL},
    {"with", "class C:\n    def __enter__(self): pass\n    def __exit__(self, *a):\n        while True: pass\n"
     "with C():\n    while True: pass", NULL},
    {"a comprehension", "[n for n in iter(int, 1)]", NULL},
    {"a generator that catches", "def g():\n    while True:\n        try: yield\n        except BaseException: pass\n"
     "x = g(); next(x)\nwhile True: x.throw(KeyboardInterrupt)", NULL},
    {"a property", "class C:\n    @property\n    def x(self): return self.x\nwhile True:\n    try: C().x\n"
     "    except RecursionError: pass", NULL},
    {"a finalizer", "class C:\n    def __del__(self):\n        while True: pass\nC()\nwhile True: pass", NULL},
    {"a trace function", "import sys\ndef t(*a):\n    while True: pass\nsys.settrace(t)\ndef f(): pass\nf()", NULL},
    {"excepthooks", "import sys\ndef hook(*a):\n    while True: pass\nsys.excepthook = hook\nwhile True: pass", NULL},
    {"asyncio", "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nasyncio.run(f())", NULL},
    {"a slow hash", "class C:\n    def __hash__(self):\n        while True: pass\n{C(): 1}", NULL},
    {"an import", "import sys, types\nclass F:\n    @staticmethod\n    def find_spec(*a):\n        while True: pass\n"
     "sys.meta_path.insert(0, F)\nimport nowhere", NULL},
};

/* ... that take no Python step: only where blocking calls can be interrupted. */
static const bomb hooked_bombs[] = {
    {"regex backtracking", "import re\nre.match('(a*)*b', 'a' * 40)", NULL},
    {"pow", "pow(3, 10 ** 9)", NULL},
    {"int division", "x = 3 ** 10 ** 6\nwhile True: x // 7 ** 10 ** 5", NULL},
};

/* sys.exit in odd places, with a status of 3: what the job comes to, and whether the interpreter goes on. */
typedef struct odd_exit {
    const char *what, *source;
    enum { EXITS, PASSES, FAILS } comes_to; /* exit status 3; the job succeeds, or fails with an exception */
} odd_exit;

static const odd_exit odd_exits[] = {
    {"plainly", "sys.exit(3)", EXITS},
    {"in a function called by C", "sorted([2, 1], key=lambda n: sys.exit(3))", EXITS},
    {"in a comparison", "class C:\n    def __lt__(self, other): sys.exit(3)\nsorted([C(), C()])", EXITS},
    {"in a hash", "class C:\n    def __hash__(self): sys.exit(3)\n{C()}", EXITS},
    {"in __del__", "class C:\n    def __del__(self): sys.exit(3)\nC()", PASSES},
    {"in a callback of a weak reference", "import weakref\nclass C: pass\nc = C()\n"
     "w = weakref.ref(c, lambda r: sys.exit(3))\ndel c", PASSES},
    {"in a callback of gc", "import gc\ngc.callbacks.append(lambda *a: sys.exit(3))\ngc.collect()\n"
     "gc.callbacks.pop()", PASSES},
    {"in a thread", "import threading\n"
     "t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()", PASSES},
    {"in threading.excepthook", "import threading\nthreading.excepthook = lambda args: sys.exit(3)\n"
     "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", PASSES},
    {"in sys.unraisablehook", "sys.unraisablehook = lambda args: sys.exit(3)\nclass C:\n"
     "    def __del__(self): 1 / 0\nC()\n"
     "sys.unraisablehook = sys.__unraisablehook__", PASSES},
    {"in sys.excepthook", "sys.excepthook = lambda *a: sys.exit(3)\n1 / 0", FAILS},
    {"in finally", "try: 1 / 0\nfinally: sys.exit(3)", EXITS},
    {"in finally of another exit", "try: sys.exit(5)\nfinally: sys.exit(3)", EXITS},
    {"in with", "class C:\n    def __enter__(self): pass\n    def __exit__(self, *a): sys.exit(3)\n"
     "with C(): pass", EXITS},
    {"in an except", "try: 1 / 0\nexcept ZeroDivisionError: sys.exit(3)", EXITS},
    {"in a generator's close", "def g():\n    try: yield\n    finally: sys.exit(3)\n"
     "x = g(); next(x); x.close()", EXITS},
    {"in a generator that is collected", "def g():\n    try: yield\n    finally: sys.exit(3)\n"
     "x = g(); next(x); del x", PASSES},
    {"in a signal handler", "import signal, os\nsignal.signal(signal.SIGUSR1, lambda *a: sys.exit(3))\n"
     "os.kill(os.getpid(), signal.SIGUSR1)\nwhile True: pass", EXITS},
    {"in an import", "import types\nclass F:\n    @staticmethod\n    def find_spec(*a): sys.exit(3)\n"
     "sys.meta_path.insert(0, F)\n"
     "try: import nowhere\nfinally: sys.meta_path.pop(0)", EXITS},
    {"in the body of a class", "class C: sys.exit(3)", EXITS},
    {"in a metaclass", "class M(type):\n    def __new__(*a): sys.exit(3)\nclass C(metaclass=M): pass", EXITS},
    {"in __getattr__", "class C:\n    def __getattr__(self, name): sys.exit(3)\nC().x", EXITS},
    {"in __repr__ of what is printed", "class C:\n    def __repr__(self): sys.exit(3)\nprint(C())", EXITS},
    {"in __str__ of what is raised", "class E(Exception):\n    def __str__(self): sys.exit(3)\nraise E", FAILS},
    {"in a codec", "import codecs\ncodecs.register_error('leave', lambda e: sys.exit(3))\n"
     "b'\\xff'.decode('utf-8', 'leave')", EXITS},
    {"in write() of sys.stdout", "class W:\n    def write(self, text): sys.exit(3)\n    def flush(self): pass\n"
     "old = sys.stdout; sys.stdout = W()\ntry: print('x')\nfinally: sys.stdout = old", EXITS},
    {"in flush() of sys.stdout", "class W:\n    def write(self, text): pass\n    def flush(self): sys.exit(3)\n"
     "sys.stdout = W()", PASSES},
    {"in a trace function", "sys.settrace(lambda *a: sys.exit(3))\ndef f(): pass\ntry: f()\n"
     "finally: sys.settrace(None)", EXITS},
    {"in a profile function", "sys.setprofile(lambda *a: sys.exit(3))\ntry: len('')\n"
     "finally: sys.setprofile(None)", EXITS},
    {"in asyncio", "import asyncio\nasync def f(): sys.exit(3)\nasyncio.run(f())", EXITS},
    {"in exec in eval", "eval('exec(\"sys.exit(3)\")')", EXITS},
    {"with an object whose __str__ exits", "class C:\n    def __str__(self): sys.exit(3)\nsys.exit(C())", FAILS},
    {"as an exception's cause", "raise SystemExit(3) from ValueError()", EXITS},
    {"in a group", "raise BaseExceptionGroup('x', [SystemExit(3)])", FAILS},
    {"at exit", "import atexit\natexit.register(sys.exit, 3)", PASSES},
};

/* What is over its budget and is not stopped, as docs/limits.md says: with a memory limit of 32 MiB. */
static const bomb not_counted[] = {
    {"maps that are small one by one", "import mmap\nx = [mmap.mmap(-1, 8 << 20) for n in range(8)]", NULL},
    {"malloc by ctypes", "import ctypes\nc = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n"
     "p = c.malloc(ctypes.c_size_t(64 << 20)); assert p\nc.free.argtypes = [ctypes.c_void_p]; c.free(p)", NULL},
    {"SQLite in memory", "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t (x)')\n"
     "for n in range(40): c.execute('insert into t values (zeroblob(1 << 20))')", NULL},
};

#endif
