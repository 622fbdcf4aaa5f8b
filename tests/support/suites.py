"""What the runners of unittest suites share."""

import time
import unittest


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def run(suite):
    """The result, and how many seconds it took."""
    began = time.monotonic()
    return unittest.TextTestRunner(verbosity=2).run(suite), time.monotonic() - began


def counts(passed, failed, skipped, seconds):
    """The last line, as scripts/count_tests.py reads it."""
    return f"{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1f}s"
