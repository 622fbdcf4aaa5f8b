/* The tables of interrupt_test.c: code that runs for ever, and what stops it. "%s" is a scratch directory. Each says
 * ready() just before it begins. */
#ifndef ISLES_TEST_INTERRUPT_ROWS_H
#define ISLES_TEST_INTERRUPT_ROWS_H

#include <stddef.h>

typedef enum reach {
    BY_STEP, /* byte code runs: the exception comes by itself */
    BY_HOOK, /* only the hook into CPython's checks stops it */
    BY_LOCK  /* the same, but some releases of 3.13 let go of such a lock by themselves */
} reach;

typedef struct row {
    const char *what;
    reach reach;
    const char *source;
} row;

static const row rows[] = {
    {"while True: pass", BY_STEP, "ready()\nwhile True: pass"},
    {"a loop of calls", BY_STEP, "def f(): pass\nready()\nwhile True: f()"},
    {"a loop that catches", BY_STEP,
     "ready()\nwhile True:\n    try:\n        while True: pass\n    except BaseException: continue"},
    {"functions that catch and call each other", BY_STEP,
     "def g():\n    while True:\n        try:\n            while True: pass\n        except BaseException: h()\n"
     "def h():\n    try:\n        for i in range(1000000): pass\n    except BaseException: g()\n"
     "ready()\ng()"},
    {"a generator that catches GeneratorExit", BY_STEP,
     "def g():\n    while True:\n        try: yield 1\n        except BaseException: pass\n"
     "ready()\nfor x in g(): pass"},
    {"finally that loops", BY_STEP, "ready()\ntry:\n    while True: pass\nfinally:\n    while True: pass"},
    {"a context manager that swallows", BY_STEP,
     "import contextlib\nready()\nwhile True:\n    with contextlib.suppress(BaseException):\n        while True: pass"},
    {"comprehension over a Python iterator", BY_STEP, "ready()\n[x for x in iter(lambda: 0, 1) if x]"},
    {"eval and compile in a loop", BY_STEP, "ready()\nwhile True: eval('1 + 1')"},
    {"import in a loop", BY_STEP, "import sys\nready()\nwhile True:\n"
     "    sys.modules.pop('colorsys', 0); import colorsys"},
    {"logging in a loop", BY_STEP, "import logging\nready()\nwhile True: logging.error('x')"},
    {"time.sleep", BY_HOOK, "ready()\ntime.sleep(1e6)"},
    {"a sleep loop that catches", BY_HOOK,
     "ready()\nwhile True:\n    try: time.sleep(1e6)\n    except BaseException: pass"},
    {"socket.recv", BY_HOOK, "a, b = socket.socketpair()\nready()\na.recv(1)"},
    {"socket.recv with a timeout", BY_HOOK, "a, b = socket.socketpair()\na.settimeout(1e6)\nready()\na.recv(1)"},
    {"socket.accept", BY_HOOK, "s = socket.create_server(('127.0.0.1', 0))\nready()\ns.accept()"},
    {"socket.sendall", BY_HOOK, "a, b = socket.socketpair()\nready()\na.sendall(bytes(1 << 26))"},
    {"os.read", BY_HOOK, "r, w = os.pipe()\nready()\nos.read(r, 1)"},
    {"reading a file object", BY_HOOK, "r, w = os.pipe()\nf = os.fdopen(r, 'rb')\nready()\nf.readline()"},
    {"opening a FIFO", BY_HOOK,
     "p = r'%s/fifo'\nif not os.path.exists(p): os.mkfifo(p)\nready()\nopen(p)"},
    {"select.select", BY_HOOK, "ready()\nselect.select([], [], [], 1e6)"},
    {"poll", BY_HOOK, "ready()\nselect.poll().poll()"},
    {"epoll", BY_HOOK, "ready()\nselect.epoll().poll()"},
    {"asyncio.sleep", BY_HOOK, "import asyncio\nasync def f():\n    ready()\n    await asyncio.sleep(1e6)\n"
     "asyncio.run(f())"},
    {"Lock.acquire", BY_LOCK, "l = threading.Lock()\nl.acquire()\nready()\nl.acquire()"},
    {"Lock.acquire with a timeout", BY_LOCK, "l = threading.Lock()\nl.acquire()\nready()\nl.acquire(timeout=1e6)"},
    {"RLock of another thread", BY_LOCK,
     "l = threading.RLock()\nt = threading.Thread(target=l.acquire)\nt.start()\nt.join()\nready()\nl.acquire()"},
    {"Event.wait", BY_LOCK, "ready()\nthreading.Event().wait()"},
    {"Queue.get", BY_LOCK, "import queue\nready()\nqueue.Queue().get()"},
    {"SimpleQueue.get", BY_HOOK, "import queue\nready()\nqueue.SimpleQueue().get()"},
    {"Thread.join", BY_HOOK,
     "go = threading.Event()\nt = threading.Thread(target=go.wait, daemon=True)\nt.start()\nready()\n"
     "try: t.join()\nfinally: go.set()"},
    {"a future's result", BY_LOCK,
     "import concurrent.futures as c\nready()\nc.Future().result()"},
    {"flock", BY_HOOK,
     "import fcntl\nf = open(r'%s/lock', 'w')\nfcntl.flock(f, fcntl.LOCK_EX)\ng = open(f.name, 'w')\nready()\n"
     "fcntl.flock(g, fcntl.LOCK_EX)"},
    {"waiting for a child process", BY_HOOK,
     /* it ends when our end of its stdin goes, also where kill() is never reached, and holds no stream of the test's */
     "import subprocess as s\np = s.Popen(['cat'], stdin=s.PIPE, stdout=s.DEVNULL, stderr=s.DEVNULL)\nready()\n"
     "try: p.wait()\nfinally: p.kill()"},
    {"regex that backtracks", BY_HOOK, "import re\nready()\nre.match('(a+)+$', 'a' * 60 + 'b')"},
    {"a huge power", BY_HOOK, "ready()\nx = 3 ** (10 ** 9)"},
    {"a huge product", BY_HOOK, "x = (1 << 60000000) - 1\nready()\nwhile True: y = x * x"},
    {"str of a huge int", BY_STEP, /* late without the hook: its steps are long */
     "import sys\nsys.set_int_max_str_digits(0)\nx = (1 << 60000000) - 1\nready()\nstr(x)"},
};
enum { row_count = sizeof rows / sizeof *rows };

/* Nothing stops these: C code that never asks. */
typedef struct never_row {
    const char *what;
    const char *source;
} never_row;

static const never_row never[] = {
    {"never: sum(itertools.count())", "import itertools\nsum(itertools.count())"},
    {"never: x in iter(range(...))", "10**30 in iter(range(10**18))"},
    {"never: an endless sqlite query",
     "import sqlite3\nsqlite3.connect(':memory:').execute('with recursive c(x) as (select 1 union all select x + 1 "
     "from c) select max(x) from c').fetchall()"},
    {"never: pbkdf2", "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 2000000000)"},
};
enum { never_count = sizeof never / sizeof *never };

/* Endless work of all kinds, to be interrupted at any moment. mix_prepare runs first. */
static const char mix_prepare[] =
    "import asyncio, collections, dataclasses, datetime, decimal, gc, hashlib, io, json, logging, os, queue, random\n"
    "import re, select, socket, sqlite3, subprocess, sys, tempfile, threading, time, traceback, warnings, zlib\n";

static const row mix[] = {
    {"loop", BY_STEP, "while True: pass"},
    {"catch", BY_STEP, "while True:\n    try:\n        while True: pass\n    except BaseException: pass"},
    {"json", BY_STEP, "while True: json.loads(json.dumps({'a': [1, 2.5, None] * 50}))"},
    {"regex", BY_STEP, "while True: re.compile('(a|b)*%d' % random.getrandbits(30)).match('abab')"},
    {"import", BY_STEP, "while True:\n    sys.modules.pop('colorsys', 0); import colorsys"},
    {"import package", BY_STEP,
     "while True:\n    for n in [n for n in sys.modules if n.startswith('email')]: sys.modules.pop(n, 0)\n"
     "    import email.message"},
    {"print", BY_STEP, "while True: print('x' * 100)"},
    {"exceptions", BY_STEP,
     "while True:\n    try: 1 / 0\n    except ZeroDivisionError: traceback.format_exc()"},
    {"recursion", BY_STEP,
     "def f(): f()\nwhile True:\n    try: f()\n    except RecursionError: pass"},
    {"classes", BY_STEP, "while True: dataclasses.make_dataclass('P', [('x', int)])(1)"},
    {"collector", BY_STEP, "while True:\n    a = []; a.append(a); gc.collect()"},
    {"finalizers", BY_STEP, "class D:\n    def __del__(self): [0] * 10\nwhile True: D()"},
    {"decimal", BY_STEP, "while True: decimal.Decimal(2).sqrt()"},
    {"sqlite", BY_STEP,
     "while True:\n    c = sqlite3.connect(':memory:'); c.execute('create table t(a)')\n"
     "    c.executemany('insert into t values(?)', [(i,) for i in range(50)]); c.close()"},
    {"files", BY_STEP, "while True:\n    with tempfile.TemporaryFile() as f: f.write(b'x' * 9999)"},
    {"generators", BY_STEP, "def g():\n    try: yield 1\n    finally: pass\nwhile True: next(g())"},
    {"asyncio", BY_STEP, "async def f():\n    while True: await asyncio.sleep(0)\nasyncio.run(f())"},
    {"threads", BY_HOOK, "while True:\n"
     "    t = threading.Thread(target=sum, args=([1],), daemon=True); t.start(); t.join()"},
    {"queue", BY_HOOK,
     "q = queue.Queue(1)\nthreading.Thread(target=lambda: [q.put(i) for i in range(100)], daemon=True).start()\n"
     "while True: q.get()"},
    {"child process", BY_HOOK, "while True: subprocess.run(['true'])"},
    {"sleep", BY_HOOK, "time.sleep(1e6)"},
    {"sleeps", BY_HOOK, "while True: time.sleep(0.0005)"},
    {"lock", BY_HOOK, "l = threading.Lock()\nl.acquire()\nl.acquire()"},
    {"recv", BY_HOOK, "a, b = socket.socketpair()\na.recv(1)"},
    {"select", BY_HOOK, "select.select([], [], [])"},
    {"backtracking", BY_HOOK, "re.match('(a+)+$', 'a' * 60 + 'b')"},
    {"big int", BY_HOOK, "3 ** (10 ** 8)"},
};
enum { mix_count = sizeof mix / sizeof *mix };

#endif
