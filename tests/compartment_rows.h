/* The tables of compartment_test.c. */
#ifndef ISLES_TEST_COMPARTMENT_ROWS_H
#define ISLES_TEST_COMPARTMENT_ROWS_H

#include <stdbool.h>

/* What an interpreter does to what it has for itself: each way that the standard library offers. ISLES_X is "start",
 * and the working directory is not /proc. */
typedef struct change {
    const char *what, *code;
    int since;        /* a version of CPython: 0x030e */
    bool of_a_thread; /* Linux keeps it for each thread: A's main thread and those that it starts from then on */
} change;

static const change changes[] = {
    {"os.chdir", "os.chdir('/proc')", 0, false},
    {"os.chdir of bytes", "os.chdir(b'/proc')", 0, false},
    {"os.chdir of a path", "import pathlib; os.chdir(pathlib.Path('/proc'))", 0, false},
    {"os.chdir of a descriptor", "d = os.open('/proc', os.O_RDONLY); os.chdir(d); os.close(d)", 0, false},
    {"os.fchdir", "d = os.open('/proc', os.O_RDONLY); os.fchdir(d); os.close(d)", 0, false},
    {"contextlib.chdir", "import contextlib; contextlib.chdir('/proc').__enter__()", 0, false},
    {"os.umask", "os.umask(0o077)", 0, false},
    {"os.environ[]", "os.environ['ISLES_X'] = 'A'", 0, false},
    {"del os.environ[]", "del os.environ['ISLES_X']", 0, false},
    {"os.environ.pop", "os.environ.pop('ISLES_X')", 0, false},
    {"os.environ.update", "os.environ.update(ISLES_X='A')", 0, false},
    {"os.environ |=", "os.environ |= {'ISLES_X': 'A'}", 0, false},
    {"os.environ.setdefault", "del os.environ['ISLES_X']; os.environ.setdefault('ISLES_X', 'A')", 0, false},
    {"os.environ.popitem",
     "while 'ISLES_X' in os.environ: os.environ.popitem()\nos.environ['PATH'] = os.defpath", 0, false},
    {"os.environ.clear", "os.environ.clear(); os.environ['PATH'] = os.defpath", 0, false},
    {"os.environb[]", "os.environb[b'ISLES_X'] = b'A'", 0, false},
    {"os.putenv", "os.putenv('ISLES_X', 'A')", 0, false},
    {"os.unsetenv", "os.unsetenv('ISLES_X')", 0, false},
    {"posix.putenv", "import posix; posix.putenv(b'ISLES_X', b'A')", 0, false},
    {"a posix that was imported anew",
     "import sys; del sys.modules['posix']; import posix; posix.putenv('ISLES_X', 'A')", 0, false},
    {"os.reload_environ", "os.putenv('ISLES_X', 'A'); os.reload_environ()", 0x030e, false},
    {"unittest.mock.patch.dict", "import unittest.mock as k; k.patch.dict(os.environ, ISLES_X='A').start()", 0, false},
    {"locale.setlocale of all", "locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')", 0, false},
    {"locale.setlocale of one category", "locale.setlocale(locale.LC_NUMERIC, 'de_DE.UTF-8')", 0, false},
    {"locale.setlocale of several",
     "locale.setlocale(locale.LC_ALL, 'LC_CTYPE=C;LC_NUMERIC=C;LC_TIME=de_DE.UTF-8;LC_COLLATE=C;LC_MONETARY=C;'\n"
     "'LC_MESSAGES=C;LC_PAPER=C;LC_NAME=C;LC_ADDRESS=C;LC_TELEPHONE=C;LC_MEASUREMENT=C;LC_IDENTIFICATION=C')",
     0, false},
    {"locale.setlocale of a pair", "locale.setlocale(locale.LC_MONETARY, ('de_DE', 'UTF-8'))", 0, false},
    {"locale.setlocale that ends in an error",
     "locale.setlocale(locale.LC_TIME, 'de_DE.UTF-8')\n"
     "try: locale.setlocale(locale.LC_ALL, 'xx_XX')\nexcept locale.Error: pass", 0, false},
    {"locale.setlocale as variables say",
     "os.environ['LC_TIME'] = 'de_DE.UTF-8'; locale.setlocale(locale.LC_ALL, '')", 0, false},
    {"locale.setlocale without a locale of the system's", "locale.setlocale(locale.LC_CTYPE, 'C' if "
     "locale.setlocale(locale.LC_CTYPE) != 'C' else 'C.UTF-8')", 0, false},
    {"_locale.setlocale", "import _locale; _locale.setlocale(_locale.LC_ALL, 'de_DE.UTF-8')", 0, false},
    {"a _locale that was imported anew",
     "import sys; del sys.modules['_locale']; import _locale; _locale.setlocale(_locale.LC_TIME, 'de_DE.UTF-8')",
     0, false},
    {"calendar.different_locale",
     "import calendar; d = calendar.different_locale('de_DE.UTF-8'); d.__enter__()", 0, false},
    {"os.nice", "os.nice(1)", 0, true},
    {"os.setpriority", "os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + 1)", 0, true},
    {"os.sched_setaffinity", "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])", 0, true},
    {"os.sched_setscheduler", "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))", 0, true},
    {"signal.pthread_sigmask", "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})", 0, true},
    {"signal.pthread_sigmask of all",
     "import signal; signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())",
     0, true},
    {"no_new_privs, by prctl", "import ctypes; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)", 0, true},
};
enum { change_count = sizeof changes / sizeof *changes };

/* How it starts a process: `code` has the shell run the text `say`, which writes to a file, and waits for it. */
typedef struct start {
    const char *what, *code;
} start;

static const start starts[] = {
    {"subprocess.run", "subprocess.run(['sh', '-c', say])"},
    {"subprocess.run with shell", "subprocess.run(say, shell=True)"},
    {"subprocess.Popen without posix_spawn", "subprocess.Popen(['sh', '-c', say], start_new_session=True).wait()"},
    {"subprocess.Popen with env=os.environ", "subprocess.Popen(['sh', '-c', say], env=os.environ).wait()"},
    {"subprocess.getstatusoutput", "subprocess.getstatusoutput(say)"},
    {"os.system", "os.system(say)"},
    {"os.popen", "os.popen(say).read()"},
    {"os.posix_spawn", "os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', say], os.environ), 0)"},
    {"os.posix_spawn without environment", "os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', say], None), 0)"},
    {"os.posix_spawnp without environment", "os.waitpid(os.posix_spawnp('sh', ['sh', '-c', say], None), 0)"},
    {"os.spawnl", "os.spawnl(os.P_WAIT, '/bin/sh', 'sh', '-c', say)"},
    {"os.spawnle", "os.spawnle(os.P_WAIT, '/bin/sh', 'sh', '-c', say, os.environ)"},
    {"os.spawnlp", "os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', say)"},
    {"os.spawnlpe", "os.spawnlpe(os.P_WAIT, 'sh', 'sh', '-c', say, os.environ)"},
    {"os.spawnv", "os.spawnv(os.P_WAIT, '/bin/sh', ['sh', '-c', say])"},
    {"os.spawnve", "os.spawnve(os.P_WAIT, '/bin/sh', ['sh', '-c', say], os.environ)"},
    {"os.spawnvp", "os.spawnvp(os.P_WAIT, 'sh', ['sh', '-c', say])"},
    {"os.spawnvpe", "os.spawnvpe(os.P_WAIT, 'sh', ['sh', '-c', say], os.environ)"},
    {"os.spawnv that does not wait", "os.waitpid(os.spawnv(os.P_NOWAIT, '/bin/sh', ['sh', '-c', say]), 0)"},
    {"asyncio", "import asyncio\nasync def go(): await (await asyncio.create_subprocess_exec('sh', '-c', say)).wait()\n"
                "asyncio.run(go())"},
    {"asyncio's shell", "import asyncio\nasync def go(): await (await asyncio.create_subprocess_shell(say)).wait()\n"
                        "asyncio.run(go())"},
    {"multiprocessing.util", "import multiprocessing.util as u\n"
                             "os.waitpid(u.spawnv_passfds(b'/bin/sh', [b'sh', b'-c', say.encode()], []), 0)"},
    {"webbrowser", "os.environ['BROWSER'] = 'sh -c %s'\nimport webbrowser\nwebbrowser.open(say)"},
};
enum { start_count = sizeof starts / sizeof *starts };

#endif
