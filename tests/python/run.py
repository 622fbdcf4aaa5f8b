"""The tests of the Python package: run.py [--in FOLDER] [NAME…]. Run by the engine's own python, with the package on PYTHONPATH.
A NAME is part of a test's id; the FOLDER is this one if not given. Ends with a line of counts."""

import argparse
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import suites  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--in", dest="folder", default=str(HERE))
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    sys.path.insert(0, given.folder)
    found = unittest.TestLoader().discover(given.folder)
    suite = unittest.TestSuite(t for t in suites.flatten(found) if not given.names or any(n in t.id() for n in given.names))
    result, seconds = suites.run(suite)
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})  # not subtests
    passed = result.testsRun - failed - len(result.skipped)
    print(suites.counts(passed, failed, len(result.skipped), seconds))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
