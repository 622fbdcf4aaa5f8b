"""Why a test does something else in an interpreter of Isles than in plain Python: the rules that explain a difference, and
the words for docs/compat-stdlib.md.

A rule names what the test says, where it is, or both. One whose owner is CPython holds only where the test does the same in a
bare isolated interpreter, so that a fault of Isles can't hide behind it; or where that did not get as far as the test.
"""

import re

CPYTHON, ISLES = "CPython", "Isles"

_TEST_MODULES = r"_test(internal|limited|single|multi)?(capi|phase|buffer|clinic)|_xxtestfuzz|_ctypes_test"


class Cause:
    """`text`: what the test says; `tests`: "file test", where it says nothing that would tell. One of them must be found.
    `race`: a bare interpreter does it too, but not each time."""

    def __init__(self, name, owner, why, text=None, tests=None, race=False):
        self.name, self.owner, self.why, self.race = name, owner, why, race
        self._text = re.compile(text) if text else None
        self._tests = re.compile(tests) if tests else None

    def explains(self, file, found):
        if self.owner == CPYTHON and not self.race and found["bare"] not in (found["isles"], "absent"):
            return False
        said = self._text is not None and self._text.search(found["text"])
        return bool(said or self._tests is not None and self._tests.search(f"{file} {found['test']}"))


CAUSES = [
    Cause("a C module of the tests", CPYTHON,
          "CPython's own tests use C modules made for them (`_testcapi`, `_testinternalcapi`, `_testlimitedcapi`, ...)."
          " These refuse interpreters with their own GIL, so the tests skip themselves. Where a file imports one at its"
          " top, none of its tests run.",
          text=rf"({_TEST_MODULES}).*(support loading|required|module)|(requires?|needs?)( the)? {_TEST_MODULES}"
               r"|module _test_(non_isolated|shared_gil_only|from_modexport\w*) does not|requires ContainerNoGC",
          tests=r"test_importlib test\.test_importlib\.\w+\.|test_unittest .*\.testpatch\."),  # the whole file is skipped
    Cause("3.13's built-in types", CPYTHON,
          "In an interpreter of CPython 3.13, a bare one too, some built-in types lack what they have in the main one:"
          " `contextvars.Token.MISSING`, the signatures of `types.AsyncGeneratorType` and of weak reference proxies. One test of"
          " asyncio's streams finds three warnings there instead of one.",
          tests=r"test_context .*test_context_getset_1$|test_inspect .*test_(types|weakref)_module_has_signatures$"
                r"|test_asyncio.test_streams .*test_unclosed_resource_warnings$"),
    Cause("a module that refuses", CPYTHON,
          "`faulthandler`, `readline`, `_curses`, `_tracemalloc`, `_tkinter` and `_suggestions` of the standard library refuse"
          " interpreters with their own GIL. Without `_suggestions`, a traceback's \"Did you mean\" is chosen by a"
          " slower function in Python, which decides a few cases in another way. `isles run --gil"
          " shared` lets such modules in. `sys` can't be made a second time whatever the GIL.",
          text=r"module (faulthandler|readline|_curses|_tracemalloc|_tkinter|_suggestions|sys) does not support loading"
               r"|SyntaxError: invalid syntax. Did you mean",
          tests=r"test_traceback .*test_cross_language_levenshtein_fallback"),
    Cause("timers of CPU time", ISLES,
          "`signal.setitimer` gives an interpreter an alarm of its own in real time (docs/signals.md). `ITIMER_VIRTUAL` and"
          " `ITIMER_PROF` would count the CPU time of the whole process, and are refused.",
          text=r"an interpreter has ITIMER_REAL only"),
    Cause("os.fork", CPYTHON,
          "`os.fork()` and `os.forkpty()` are refused: the child of a process with several interpreters crashes"
          " (python/cpython#139759). `subprocess`, and `multiprocessing` with spawn or forkserver, work.",
          text=r"not in a process with interpreters of Isles|fork not supported for (isolated )?subinterpreters"),
    Cause("os.exec", CPYTHON,
          "`os.exec*()` would replace the whole process, all interpreters in it, and is refused.",
          text=r"not in an interpreter: it would replace the whole process"),
    Cause("preexec_fn", CPYTHON,
          "`subprocess` refuses `preexec_fn` outside the main interpreter.",
          text=r"preexec_fn not supported within subinterpreters"),
    Cause("PyGILState_Ensure", CPYTHON,
          "A thread that C code has started finds the main interpreter by `PyGILState_Ensure`, whichever made it"
          " (python/cpython#90453). A function of another interpreter that is called on such a thread runs with the wrong"
          " interpreter's memory, and the process crashes: in a bare interpreter in 8 of 12 runs.",
          tests=r"test_threading_local .*test_threading_local_clear_race", race=True),
    Cause("Ctrl-C", ISLES,
          "SIGINT stops the programs of `isles run` that have no handler for it, as Ctrl-C does, wherever it comes from. Where"
          " a test has another process send it, that happens in this test or a moment later in another.",
          text=r"isles: stopping \(Ctrl-C once more"),
    Cause("UTF-8 mode", ISLES,
          "Isles runs CPython in UTF-8 mode (PEP 540) whatever the locale is: tests of other default"
          " encodings skip themselves, those of UTF-8 don't.",
          text=r"utf-8 mode is enabled", tests=r"test_codecs .*LocaleCodecTest|test_sys .*test_ioencoding_nonascii"),
    Cause("time zone", ISLES,
          "libc has one local time zone for the process. A program of `isles run` has an environment of its own, so `TZ`"
          " set in it does not reach libc: `time.tzset()` says so in a `RuntimeWarning` instead of changing the clocks of all"
          " other interpreters. `zoneinfo` gives any zone.",
          tests=r"test_datetime .*(IranTest|ZoneInfoTest|LocalTimeDisambiguation|astimezone|timestamp)"
                r"|test_time .*test_tzset|test_strptime .*(timezone|TZ)|test_logging .*TimedRotating.*_local"),
    Cause("native environment", ISLES,
          "A program of `isles run` has an environment of its own (`os.environ`, and what its children get). Libraries in C see"
          " the process's: OpenSSL reads `SSL_CERT_FILE` there. Set such a variable for `isles` itself.",
          tests=r"test_ssl .*test_load_default_certs_env"),
    Cause("frozen encodings", ISLES,
          "Isles freezes the modules `encodings`, `encodings.aliases` and `encodings.utf_8`, so that interpreters start faster."
          " A test counts what is frozen.",
          tests=r"test_ctypes .*test_frozentable"),
    Cause("main thread", ISLES,
          "CPython is started on a thread that is not the process's first. `sys.remote_exec()` and `python -m pdb -p` of 3.14"
          " look for their target on the first thread, and don't find it. An interpreter that code makes for itself by"
          " CPython's own functions, on another thread than the first, takes that for a thread it doesn't know: the threads"
          " that are started there are daemons, and its end does not wait for them.",
          text=r"Can't find the main thread in the remote process",
          tests=r"test_threading .*SubinterpThreadingTests\.test_threads_join(_2)?$"),
    Cause("/dev/null", ISLES,
          "A stream that goes nowhere opens `/dev/null` when its descriptor is first asked for, or a child process is to"
          " have it: a test that counts descriptors around its first child finds one more.",
          tests=r"test_asyncio.test_unix_events .*test_pidfd_closed_when_waitpid_raises"),
]


def of(file, found):
    """The name of the cause; "": none is known."""
    for cause in CAUSES:
        if cause.explains(file, found):
            return cause.name
    return ""
