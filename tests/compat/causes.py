"""Why a test does something else in an interpreter of Isles than in plain Python: the rules that explain a difference, and
the words for docs/compat-stdlib.md.

A rule names what the test says, where it is, or both. One whose owner is CPython holds only where the test does the same in a
bare isolated interpreter; one of Isles only where it does not.
"""

import re

CPYTHON, ISLES = "CPython", "Isles"

_TEST_MODULES = r"_test(internal|limited|single|multi)?(capi|phase|buffer|clinic)|_xxtestfuzz|_ctypes_test"


class Cause:
    def __init__(self, name, owner, why, text=None, tests=None):
        self.name, self.owner, self.why = name, owner, why
        self._text = re.compile(text) if text else None
        self._tests = re.compile(tests) if tests else None

    def explains(self, file, found):
        if (self.owner == CPYTHON) != (found["bare"] == found["isles"]):
            return False
        if self._text and not self._text.search(found["text"]):
            return False
        return not self._tests or bool(self._tests.search(f"{file} {found['test']}"))


CAUSES = [
    Cause("a C module of the tests", CPYTHON,
          "CPython's own tests use C modules made for them (`_testcapi`, `_testinternalcapi`, `_testlimitedcapi`, ...)."
          " These refuse interpreters with their own GIL, so the tests skip themselves. Where a file imports one at its"
          " top, none of its tests run.",
          text=rf"({_TEST_MODULES}).*(support loading|required|module)|(requires?|needs?)( the)? (_testcapi|{_TEST_MODULES})"),
    Cause("signals", CPYTHON,
          "CPython lets only the main thread of the main interpreter set signal handlers or a wake-up descriptor, and so"
          " asyncio's `add_signal_handler` too. The signal table is the process's; in a program that `isles run` runs, Ctrl-C"
          " and SIGTERM are Isles' own.",
          text=r"(signal|set_wakeup_fd) only works in main thread of the main interpreter"),
    Cause("os.fork", CPYTHON,
          "`os.fork()` and `os.forkpty()` are refused: the child of a process with several interpreters crashes"
          " (python/cpython#139759). `subprocess`, and `multiprocessing` with spawn or forkserver, work.",
          text=r"fork not supported for isolated subinterpreters"),
    Cause("os.exec", CPYTHON,
          "`os.exec*()` would replace the whole process, all interpreters in it, and is refused.",
          text=r"exec not supported for isolated subinterpreters"),
    Cause("preexec_fn", CPYTHON,
          "`subprocess` refuses `preexec_fn` outside the main interpreter.",
          text=r"preexec_fn not supported within subinterpreters"),
    Cause("UTF-8 mode", ISLES,
          "Isles runs CPython in UTF-8 mode (PEP 540) whatever the locale is: tests of other default encodings skip themselves.",
          text=r"utf-8 mode is enabled"),
    Cause("time zone", ISLES,
          "libc has one local time zone for the process. A program of `isles run` has an environment of its own, so `TZ`"
          " set in it does not reach libc: `time.tzset()` says so in a `RuntimeWarning` instead of changing the clocks of all"
          " other interpreters. `zoneinfo` gives any zone.",
          tests=r"test_datetime .*(IranTest|ZoneInfoTest|LocalTimeDisambiguation|astimezone|timestamp)"
                r"|test_time .*test_tzset|test_strptime .*(timezone|TZ)"),
]


def of(file, found):
    """The name of the cause; "": none is known."""
    for cause in CAUSES:
        if cause.explains(file, found):
            return cause.name
    return ""
