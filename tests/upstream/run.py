"""CPython's own tests of concurrent.interpreters and InterpreterPoolExecutor, with Isles in the place of the standard modules:
in this process, in its interpreters, and in the child processes that the tests start.

    run.py [--list] [NAME…]      a NAME is part of a test's id: only those

Needs the engine's test suite (Debian: libpython3.x-testsuite). Ends with a line of counts. A test that fails by design is in
differences.txt, with the reason; one that fails otherwise, or is there and passes, is a failure.
"""

import argparse
import importlib
import importlib.util
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import suites  # noqa: E402

MODULES = {
    "test.test_interpreters.test_api": ("LowLevelTests",),
    "test.test_interpreters.test_lifecycle": (),
    "test.test_interpreters.test_stress": (),
}
SHARED = {}  # tests that all executors have in common, and CPython doesn't run on its pool of interpreters: module: class

# Of the private module _interpreters itself, of what it was before 3.14, or of interpreters that CPython's private test module makes.
LOW_LEVEL = {"InterpreterObjectTests.test_whence", "StressTests.test_create_interpreter_no_memory"}

if sys.version_info >= (3, 14):
    MODULES |= {
        "test.test_interpreters.test_queues": ("LowLevelTests",),
        "test.test_concurrent_futures.test_interpreter_pool": (),
        "test.test_concurrent_futures.test_as_completed": (),
        "test.test_concurrent_futures.test_init": (),
    }
    SHARED |= {"test_shutdown": "ExecutorShutdownTest", "test_wait": "WaitTests"}
else:  # the API of PEP 734 was a part of the test suite, and not yet what it became; its queues had "syncobj"
    LOW_LEVEL |= {
        "TestInterpreterCall.test_call",  # took no arguments and gave no result
        "TestInterpreterCall.test_call_in_thread",
        "TestInterpreterPrepareMain.test_not_shareable",  # NotShareableError was a ValueError
    }


def collect(names):
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    if importlib.util.find_spec("test.test_interpreters") is None:
        print(f"skipped: CPython {sys.version.split()[0]} is installed without its test suite")
        sys.exit(77)
    for module, left_out in MODULES.items():
        if names and not any(name in module or "." not in name for name in names):
            continue
        try:
            loaded = loader.loadTestsFromName(module)
        except (ImportError, AttributeError) as error:
            sys.exit(f"upstream: {module}: {error}")
        for test in suites.flatten(loaded):
            if type(test).__name__ in left_out:
                continue  # of the private modules behind the standard one
            if type(test).__name__.startswith(("ThreadPool", "ProcessPool")):
                continue  # of the other executors
            if short(test) in LOW_LEVEL or test.id().endswith("_with_capi"):
                continue
            if not names or any(name in test.id() for name in names):
                suite.addTest(test)
    for test in suites.flatten(loader.loadTestsFromTestCase(case) for case in shared_cases()):
        if not names or any(name in test.id() for name in names):
            suite.addTest(test)
    return suite


def shared_cases():
    if not SHARED:
        return
    from test.test_concurrent_futures import util

    for module, mixin in SHARED.items():
        tests = importlib.import_module(f"test.test_concurrent_futures.{module}")
        name = "InterpreterPool" + mixin
        yield type(name, (getattr(tests, mixin), util.InterpreterPoolMixin, util.BaseTestCase), {"__module__": tests.__name__})


def differences():
    """test id's last two parts -> why it can't pass."""
    found = {}
    for line in (HERE / "differences.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition(": ")
            found[name] = reason
    return found


def short(test):
    return ".".join(test.id().split(".")[-2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    import upstream_alias

    upstream_alias.install()
    import concurrent.futures  # before isles, which it would find half made
    from concurrent.interpreters import _crossinterp

    _crossinterp._UNBOUND_CONSTANT_TO_FLAG = {_crossinterp.UNBOUND: 3}  # the tests look at it
    from test.support import script_helper

    script_helper.__cached_interp_requires_environment = True  # children get PYTHONPATH, too, instead of -I
    suite = collect(args.names)
    if args.list:
        print(*(t.id() for t in suites.flatten(suite)), sep="\n")
        return 0
    result, seconds = suites.run(suite)
    known = differences()
    failed = {}
    for test, text in result.failures + result.errors:
        failed[short(getattr(test, "test_case", test))] = text
    for test in result.unexpectedSuccesses:
        failed[short(test)] = "passed, though it is marked as one that fails"
    expected = {name for name in failed if name in known}
    passed = result.testsRun - len(failed) - len(result.skipped)
    for name in sorted(expected):
        print(f"differs by design: {name}: {known[name]}")
    wrong = sorted(set(failed) - expected)
    for name in wrong:
        print(f"FAILED: {name}")
    print(f"upstream: CPython {sys.version.split()[0]}, {len(expected)} differ by design")
    print(suites.counts(passed, len(wrong), len(result.skipped), seconds))
    return 1 if wrong or not passed else 0


if __name__ == "__main__":
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    if str(HERE) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):  # interpreters get the path that Python began with
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    sys.exit(main())
