/* Code that asks for too much, for budget_test.c. Each runs in an interpreter with a limit of memory, beside one that
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
    {"a slow hash", "class C:\n    def __hash__(self):\n        while True: pass\n{C(): 1}", NULL},
    {"an import", "import sys, types\nclass F:\n    @staticmethod\n    def find_spec(*a):\n        while True: pass\n"
     "sys.meta_path.insert(0, F)\nimport nowhere", NULL},
};

/* ... that take no Python step: only where blocking calls can be interrupted. */
static const bomb hooked_bombs[] = {
    {"regex backtracking", "import re\nre.match('(a*)*b', 'a' * 40)", NULL},
    {"pow", "pow(3, 10 ** 9)", NULL},
};

#endif
