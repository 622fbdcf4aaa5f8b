"""What is reported of tests in interpreters is what is reported of tests in the host."""

import xml.etree.ElementTree as ElementTree

import pytest
from conftest import same_for_all

EVERY_OUTCOME = """
import subprocess
import sys
import unittest
import warnings

import pytest

def test_passes():
    pass

def test_fails():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    left = {"name": "x", "list": [1, 2, 3]}
    assert left == {"name": "x", "list": [1, 2, 4]}, "with a message"

def test_raises():
    raise ValueError("from the test")

@pytest.mark.skip(reason="by a mark")
def test_is_skipped():
    pass

def test_skips_itself():
    pytest.skip("by itself")

@pytest.mark.xfail(reason="known")
def test_fails_as_expected():
    assert False

@pytest.mark.xfail(reason="mended")
def test_passes_unexpectedly():
    pass

@pytest.mark.xfail(strict=True)
def test_passes_and_should_not():
    pass

@pytest.mark.parametrize("number", [1, 2, "three four"])
def test_with_parameters(number):
    assert number != 2

def test_warns():
    warnings.warn("old", DeprecationWarning)
    warnings.warn("odd", Own)

class Own(UserWarning):
    pass

@pytest.fixture
def broken():
    raise RuntimeError("in setup")

def test_with_broken_setup(broken):
    pass

@pytest.fixture
def breaks():
    yield
    raise RuntimeError("in teardown")

def test_with_broken_teardown(breaks):
    pass

class Test:
    def test_in_a_class(self):
        assert len("x") == 2

class Case(unittest.TestCase):
    def test_of_unittest(self):
        self.assertEqual(1, 2)

def test_exits():
    sys.exit(3)

def test_logs(caplog):
    import logging
    logging.getLogger("some").warning("logged")
    assert False

def test_capture(capsys):
    print("hello")
    assert capsys.readouterr().out == "hello\\n"

def test_descriptors(capfd):
    subprocess.run(["echo", "hello"], check=True)
    assert capfd.readouterr().out == "hello\\n"
"""


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "options", [(), ("-v", "-rA"), ("-vv", "--tb=short", "--showlocals"), ("-x",), ("-k", "raises or skip")]
)
def test_they_are_the_same(suite, options, workers):
    suite.write(test_one=EVERY_OUTCOME, test_two=EVERY_OUTCOME.replace("x", "y"))
    here = suite.run("--isles=off", *options)
    there = suite.run("--isles", "--isles-workers", workers, *options)
    assert same_for_all(there) == same_for_all(here)
    assert there.ret == here.ret
    assert len(here.outlines) > 10


def test_in_junit_xml_too(suite):
    suite.write(
        test_one=EVERY_OUTCOME
        + """
def test_has_properties(record_property):
    record_property("number", 3)
    record_property("object", pytest)
"""
    )

    def cases(path):
        tree = ElementTree.parse(suite.path / path).getroot()
        for case in tree.iter("testcase"):
            children = [(tag.tag, tag.get("message"), tag.get("type")) for tag in case if tag.tag != "system-out"]
            properties = [(p.get("name"), p.get("value")) for p in case.iter("property")]
            yield case.get("classname"), case.get("name"), children, properties

    suite.run("--isles=off", "--junitxml=here.xml")
    suite.run("--isles", "--junitxml=there.xml")
    assert list(cases("there.xml")) == list(cases("here.xml"))
    assert len(list(cases("here.xml"))) == 21


def test_what_child_processes_write_is_captured(suite):
    suite.write(
        test_child="""
import subprocess

def test_it():
    subprocess.run(["echo", "from a child"], check=True)
    assert False
"""
    )
    result = suite.run("--isles")
    result.stdout.fnmatch_lines(["*- Captured stdout of the process -*", "from a child"])
    result = suite.run("--isles", "-s", "-p", "no:terminal")
    assert result.outlines == ["from a child"]


def test_what_is_collected_twice(suite):
    suite.write(test_a="def test_1(): pass")
    args = "--keep-duplicates", "-v", "test_a.py", "test_a.py"
    here = same_for_all(suite.run("--isles=off", *args))
    assert same_for_all(suite.run("--isles", *args)) == here
    assert same_for_all(suite.run("--isles", "--isles-workers=2", *args)) == here


def test_those_of_the_last_failed_are_run_again(suite):
    suite.write(test_some="def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass")
    suite.run("--isles").assert_outcomes(passed=2, failed=1)
    suite.run("--isles", "--lf").assert_outcomes(failed=1)
    suite.write(test_some="def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass")
    suite.run("--isles", "--sw", "--ff").assert_outcomes(passed=3)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest itself ends otherwise there (pytest-dev/pytest#11706)")
def test_the_end_after_failures(suite):
    suite.write(
        test_one="""
import pytest
from pathlib import Path

@pytest.fixture(scope="module", autouse=True)
def module():
    yield
    Path("torn down").touch()
    assert 0, "in the module's teardown"

def test_a(): assert 0
def test_b(): assert 0
def test_c(): assert 0
""",
        test_two="def test_d(): pass",
    )
    here = suite.run("--isles=off", "--maxfail=2")
    (suite.path / "torn down").unlink()
    there = suite.run("--isles", "--maxfail=2")
    assert same_for_all(there) == same_for_all(here)
    assert (suite.path / "torn down").exists()
    there.stdout.fnmatch_lines(["*stopping after 3 failures*"])


def test_a_test_that_ends_the_run(suite):
    suite.write(test_exit="import pytest\ndef test_a(): pytest.exit('enough', returncode=9)\ndef test_b(): pass")
    result = suite.run("--isles")
    assert result.ret == 9
    result.stdout.fnmatch_lines(["*Exit: enough*"])
    suite.write(test_exit="def test_a(request): request.session.shouldstop = 'so'\ndef test_b(): pass")
    result = suite.run("--isles")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*Interrupted: so*"])
    suite.write(test_exit="def test_a(): raise KeyboardInterrupt\ndef test_b(): pass")
    result = suite.run("--isles")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*KeyboardInterrupt: in test_exit.py::test_a"])


def test_reports_hold_what_no_interpreter_can_send(suite):
    suite.write(
        conftest="""
import threading
import isles, pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.lock = threading.Lock()
    report.user_properties.append(("lock", threading.Lock()))
    return report

def pytest_runtest_logreport(report):
    if report.when == "call" and not isles.id:
        print(type(report.lock).__name__, dict(report.user_properties)["lock"][:9])
""",
        test_one="def test_a(): pass",
    )
    result = suite.run("--isles", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*str <unlocked*"])
