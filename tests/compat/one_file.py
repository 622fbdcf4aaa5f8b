"""Runs one file of CPython's regression tests in the interpreter that this runs in, and tells what each test did.

    one_file.py NAME RECORD [DONE]      NAME is test_json, test_asyncio.test_tasks, ...

`python -m test` itself can't be used: it needs faulthandler, which refuses an interpreter with its own GIL. This does for one
file what it does: no resources (network, gui, largefile, ...), a folder of its own to work in. RECORD gets a line of
JSON when a test begins and one when it has ended, so that nothing is lost when the process does not end well: the tests that
the file DONE names are then left out of the next round.
"""

import json
import os
import sys
import time
import traceback
import unittest

MOST_TEXT = 4000


class Record(unittest.TestResult):
    def __init__(self, path):
        super().__init__()
        # a descriptor of its own: some tests replace builtins.open, and many count what is open in files
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        self._clock = time.perf_counter
        self._now = None

    def write(self, **what):
        os.write(self._fd, (json.dumps(what) + "\n").encode())

    def _name(self, test):
        return test.__dict__.get("_isles_name") or test.id()

    def startTest(self, test):
        super().startTest(test)
        self._now = {"test": self._name(test), "outcome": "passed", "text": ""}
        self._began = self._clock()
        self.write(begin=self._now["test"])

    def stopTest(self, test):
        super().stopTest(test)
        self._now["seconds"] = round(self._clock() - self._began, 3)
        self.write(**self._now)
        self._now = None

    def _note(self, test, outcome, text):
        if self._now is None:  # setUpClass, setUpModule
            self.write(test=self._name(test), outcome=outcome, text=text, seconds=0)
        elif self._now["outcome"] in ("passed", "skipped"):
            self._now.update(outcome=outcome, text=text)

    def addError(self, test, error):
        self._note(test, "failed", _text(error))

    def addFailure(self, test, error):
        self._note(test, "failed", _text(error))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._note(test, "failed", _text(error))

    def addSkip(self, test, reason):
        if self._now is None or self._now["outcome"] == "passed":
            self._note(test, "skipped", str(reason)[:MOST_TEXT])

    def addExpectedFailure(self, test, error):
        pass

    def addUnexpectedSuccess(self, test):
        self._note(test, "failed", "unexpected success")


def _text(error):
    try:
        text = "".join(traceback.format_exception(*error))
    except Exception:
        text = f"{error[0].__name__}: (its traceback can't be printed)"
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT // 4] + "\n...\n" + text[-MOST_TEXT * 3 // 4 :]


def give_names(suite, seen):
    """Each test gets a name that no other has."""
    if not isinstance(suite, unittest.TestSuite):
        count = seen[suite.id()] = seen.get(suite.id(), 0) + 1
        suite.__dict__["_isles_name"] = suite.id() if count == 1 else f"{suite.id()}#{count}"
        return
    for test in suite:
        give_names(test, seen)


def leave_out(suite, done):
    for test in suite._tests:
        if isinstance(test, unittest.TestSuite):
            leave_out(test, done)
    suite._tests[:] = [test for test in suite._tests if test.__dict__.get("_isles_name") not in done]


def main():
    name, record_path, *done_path = sys.argv[1:]
    record_path = os.path.abspath(record_path)
    done = set()
    for path in done_path:
        with open(path, encoding="utf-8") as file:
            done.update(json.load(file))
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]  # as under `python -m test`
    sys.argv[:] = [sys.argv[0]]
    from test import support
    from test.support import os_helper

    support.use_resources = {}
    support.verbose = False
    record = Record(record_path)
    with os_helper.temp_cwd(f"test_isles_{os.getpid()}"):
        suite = unittest.defaultTestLoader.loadTestsFromName("test." + name)
        give_names(suite, {})
        leave_out(suite, done)
        suite(record)
        record.write(end=True)


if __name__ == "__main__":
    main()
