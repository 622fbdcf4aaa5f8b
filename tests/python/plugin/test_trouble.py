"""What can't be run, does not end, or was called wrongly: it is said, and the others are run."""

import pytest


def test_a_module_that_no_interpreter_can_load(suite):
    suite.write(
        test_bad="import _curses\ndef test_1(): pass\ndef test_2(): pass",
        test_good="def test_3(): pass",
        test_host="import pytest, _curses\npytestmark = pytest.mark.isles(False)\ndef test_4(): pass",
    )
    result = suite.run("--isles")
    result.assert_outcomes(errors=2, passed=2)
    why = "ImportError: module _curses does not support loading in subinterpreters"
    result.stdout.fnmatch_lines([
        "*ERROR at setup of test_1*", why, "test_bad.py:1: in <module>", "    import _curses", "*isles(False)*",
        "*ERROR at setup of test_2*", f"{why} (as for the test before)",
    ])  # fmt: skip
    assert result.outlines.count("    import _curses") == 1


@pytest.mark.parametrize("where", ["pytest_configure(config)", "pytest_sessionfinish(session)"])
def test_a_conftest_that_fails_there(suite, where):
    suite.write(
        conftest=f"import isles\ndef {where}:\n    if isles.id: raise ValueError('only inside')",
        test_a="def test_1(): pass\ndef test_2(): pass",
    )
    result = suite.run("--isles")
    result.assert_outcomes(**({"errors": 2} if "configure" in where else {"passed": 2, "errors": 1}))
    result.stdout.fnmatch_lines(["ValueError: only inside", "*conftest.py*"])


def test_a_test_that_is_not_there(suite):
    suite.write(
        test_a="""
import isles, pytest
@pytest.mark.parametrize("place", ["there" if isles.id else "here"])
def test_1(place): pass
def test_2(): pass
"""
    )
    result = suite.run("--isles")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["In the interpreter there is no test test_a.py::test_1?here?. There are:", "*test_1?there?"]
    )


HANGS = """
import itertools, time
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def module():
    yield
    Path("torn down").touch()

def test_before(): pass
def test_sleeps(module):
    print("before")
    Path("sleeps").touch()
    time.sleep(600)
def test_between(module): pass
def test_spins():
    while True: pass
@pytest.fixture
def slow():
    yield
    time.sleep(600)
def test_slow_teardown(slow): pass
def test_after(): pass
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_tests_that_take_too_long(suite, workers):
    suite.write(test_hangs=HANGS)
    result = suite.run("--isles", "--isles-timeout=2", "--isles-workers", workers)
    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.fnmatch_lines([
        ">       time.sleep(600)", "E       Failed: stopped after 2 seconds (--isles-timeout)", "before",
        ">       while True: pass", "E       Failed: stopped after 2 seconds (--isles-timeout)",
    ])  # fmt: skip
    assert (suite.path / "torn down").exists()


def test_a_test_that_can_not_be_stopped(suite):
    """The others run, and the process ends."""
    suite.write(test_stuck="import itertools\ndef test_1(): sum(itertools.count())\ndef test_2(): pass")
    result = suite.run("--isles", "-o", "isles_timeout=2")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines([
        "stopped after 2 seconds (--isles-timeout); its code could not be stopped, and is left behind with its interpreter"
    ])  # fmt: skip
    assert result.ret == 1


def test_an_import_that_takes_too_long(suite):
    suite.write(
        test_slow="import isles, time\nif isles.id: time.sleep(600)\ndef test_1(): pass", test_b="def test_2(): pass"
    )
    result = suite.run("--isles", "--isles-timeout=2")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["the import of the test file was stopped after 2 seconds (--isles-timeout)"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_time_of_pytest_timeout(suite, workers):
    pytest.importorskip("pytest_timeout")
    suite.write(
        test_a="import pytest, time\n@pytest.mark.timeout(1)\ndef test_1(): time.sleep(600)\ndef test_2(): pass"
    )
    result = suite.run("--isles", "--strict-markers", "--isles-workers", workers)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E   *Failed: stopped after 1 seconds (pytest-timeout)"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c(suite, workers):
    suite.write(test_hangs=HANGS)
    status, output, seconds = suite.interrupted("--isles", "--isles-workers", workers, ready="sleeps", shown="::test_sleeps")
    assert status == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt: in test_hangs.py::test_sleeps" in output
    assert "1 passed" in output
    assert (suite.path / "torn down").exists()
    assert seconds < 30


def test_a_debugger_is_refused(suite):
    suite.write(test_a="def test_1(): breakpoint()")
    result = suite.run("--isles")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there is no debugger in an interpreter of Isles*--isles=off"])
    for option in ("--pdb", "--trace", "--setup-show", "--setup-only", "--setup-plan"):
        result = suite.run("--isles", option)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [f"ERROR: {option} does not reach into the interpreters of Isles: use --isles=off with it"]
        )
    suite.run("--setup-show", "--isles=off", "-k", "not test_1").assert_outcomes(deselected=1)


@pytest.mark.parametrize(
    "args, message",
    [
        (("--isles=each",), "*argument --isles/--isles=file: ignored explicit argument 'each'"),
        (("-o", "isles=each"), "ERROR: ini-option isles: 'each' is not file, test or off"),
        (("--isles-workers=0",), "*--isles-workers: invalid number of interpreters value: '0'"),
        (("--isles-workers=x",), "*--isles-workers: invalid number of interpreters value: 'x'"),
        (("--isles-timeout=0",), "*--isles-timeout: invalid number of seconds value: '0'"),
        (("--isles-timeout=soon",), "*--isles-timeout: invalid number of seconds value: 'soon'"),
        (("-o", "isles_timeout=soon"), "ERROR: ini-option isles_timeout: 'soon' is not a number of seconds"),
    ],
)
def test_mistakes_are_named(suite, args, message):
    suite.write(test_a="def test_1(): pass")
    result = suite.run(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.parametrize("mark", ["3", "True", "'file', 1", "mode='file'"])
def test_mistakes_in_marks_are_named(suite, mark):
    suite.write(test_a=f"import pytest\n@pytest.mark.isles({mark})\ndef test_1(): pass")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([
        f"ERROR: test_a.py::test_1: pytest.mark.isles takes nothing, 'file', 'test' or False, not {mark}"
    ])  # fmt: skip


def test_a_path_behind_the_option_is_a_path(suite):
    suite.write(test_a="def test_1(): pass", test_b="def test_2(): pass")
    suite.run("--isles", "test_a.py").assert_outcomes(passed=1)
