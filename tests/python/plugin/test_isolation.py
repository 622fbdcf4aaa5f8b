"""Who shares an interpreter with whom, and what is like in the host there."""

import pytest

LEAKS = """
import builtins, os, sys, types
import isles

def leak():
    builtins.leaked = sys.leaked = 1
    os.environ["LEAKED"] = "1"
    sys.modules["leaked"] = types.ModuleType("leaked")
    sys.path.insert(0, "/leaked")

def leaked():
    return [hasattr(builtins, "leaked"), hasattr(sys, "leaked"), "LEAKED" in os.environ, "leaked" in sys.modules,
            "/leaked" in sys.path]
"""
CLEAN, LEAKY = "[False] * 5", "[True] * 5"


def test_a_file_does_not_see_what_another_changed(suite):
    suite.write(
        leaks=LEAKS,
        test_a=f"from leaks import *\ndef test_1(): leak()\ndef test_2(): assert leaked() == {LEAKY}",
        test_b=f"from leaks import *\ndef test_3(): assert leaked() == {CLEAN}; leak()",
        # in the host, too, while that collects:
        test_c=f"from leaks import *\nleak()\ndef test_4(): assert leaked() == {LEAKY}",
        test_d=f"from leaks import *\ndef test_5(): assert leaked() == {CLEAN}",
    )
    suite.run("--isles=off").assert_outcomes(passed=3, failed=2)
    suite.run("--isles").assert_outcomes(passed=5)
    suite.run("--isles", "--isles-workers=2").assert_outcomes(passed=5)


def test_nor_does_a_test_of_another_test(suite):
    suite.write(
        leaks=LEAKS,
        test_a=f"from leaks import *\ndef test_1(): leak()\ndef test_2(): assert leaked() == {CLEAN}",
    )
    suite.run("--isles=test").assert_outcomes(passed=2)
    suite.run("--isles=test", "--isles-workers=auto").assert_outcomes(passed=2)
    suite.run("--isles").assert_outcomes(passed=1, failed=1)


def test_interpreters_of_their_own_and_the_host(suite):
    """By mark: where each test ran is written down by the tests."""
    suite.write(
        where="""
import isles
def note(name):
    with open("where", "a") as file:
        print(name, isles.id, file=file)
""",
        test_a="""
import pytest
from where import note
def test_unmarked(): note("unmarked")
@pytest.mark.isles
def test_own(): note("own")
@pytest.mark.isles
class TestClass:
    def test_1(self): note("class")
    def test_2(self): note("class")
@pytest.mark.isles("test")
class TestEach:
    def test_1(self): note("each 1")
    def test_2(self): note("each 2")
@pytest.mark.isles(False)
def test_host(): note("host")
""",
        test_b="""
import pytest
from where import note
pytestmark = pytest.mark.isles
def test_1(): note("file")
def test_2(): note("file")
""",
    )

    def where(*args):
        (suite.path / "where").unlink(missing_ok=True)
        suite.run(*args).assert_outcomes(passed=9)
        found = {}
        for line in (suite.path / "where").read_text().splitlines():
            name, _, number = line.rpartition(" ")
            found.setdefault(name, set()).add(int(number))
        return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}

    def own(found):
        return len({found[name] for name in ("own", "class", "each 1", "each 2", "file")} - {0})

    found = where()
    assert (found["unmarked"], found["host"], own(found)) == (0, 0, 5)
    found = where("--isles")
    assert (found["host"], own(found)) == (0, 5)
    assert found["unmarked"] not in (0, found["own"], found["file"])
    assert set(where("--isles=off").values()) == {0}


def test_fixtures_are_set_up_once_for_an_interpreter(suite):
    suite.write(
        conftest="""
import pytest
def note(what):
    with open("log", "a") as file:
        print(what, file=file)
@pytest.fixture(scope="session", autouse=True)
def session():
    note("session"); yield; note("end of session")
@pytest.fixture(scope="module", autouse=True)
def module():
    note("module"); yield; note("end of module")
@pytest.fixture(params=["x", "y"])
def parameter(request):
    return request.param
""",
        test_a="def test_1(parameter): assert parameter in 'xy'\ndef test_2(): pass",
        test_b="def test_3(): pass",
    )
    suite.run("--isles").assert_outcomes(passed=4)
    once = ["session", "module", "end of module", "end of session"]
    assert (suite.path / "log").read_text().splitlines() == once * 2


def test_options_and_settings_are_those_of_the_host(suite, monkeypatch):
    suite.pytester.makeini(
        "[pytest]\nisles = file\naddopts = --mine=a\npython_functions = check_*\nmarkers = known\n"
        "empty_parameter_set_mark = xfail\npythonpath = library\nfilterwarnings = error::DeprecationWarning\n"
        "xfail_strict = true"
    )
    (suite.path / "library").mkdir()
    (suite.path / "library" / "helped.py").write_text("here = 1")
    (suite.path / "tests" / "inner").mkdir(parents=True)
    (suite.path / "tests" / "pytest.ini").write_text("[pytest]\npython_functions = other_*")  # not the one in use
    (suite.path / "tests" / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--mine'); parser.addoption('--yours')"
    )
    (suite.path / "tests" / "inner" / "test_a.py").write_text(
        """
import os, sys, warnings
import pytest
import isles, helped
def check_all(pytestconfig):
    assert isles.id
    assert (pytestconfig.getoption("mine"), pytestconfig.getoption("yours")) == ("b", "c")
    assert pytestconfig.getini("xfail_strict") is True
    assert os.environ["FROM"] == "outside" and sys.argv[1:] and __debug__
    assert pytestconfig.rootpath == pytestconfig.invocation_params.dir
    assert not pytestconfig.getini("isles_timeout")
    with pytest.raises(DeprecationWarning):
        warnings.warn("x", DeprecationWarning)
@pytest.mark.known
def check_mark(request):
    assert request.node.nodeid == "tests/inner/test_a.py::check_mark"
"""
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "--mine=b")
    monkeypatch.setenv("FROM", "outside")
    suite.run("--rootdir=.", "-c", "tox.ini", "--strict-markers", "--strict-config", "--yours=c", "-W", "error", "tests"
              ).assert_outcomes(passed=2)


def test_temporary_folders_are_those_of_the_run(suite):
    suite.write(
        test_a="""
def test_1(tmp_path):
    assert "mine" in tmp_path.parts and not list(tmp_path.iterdir())
    (tmp_path / "kept").touch()
""",
        test_b="def test_1(tmp_path): assert 'mine' in tmp_path.parts and not list(tmp_path.iterdir())",
    )
    suite.run("--isles", "--basetemp=mine", "--isles-workers=2").assert_outcomes(passed=2)
    assert len(list((suite.path / "mine").rglob("kept"))) == 1


def test_the_same_name_in_two_folders(suite):
    for folder in ("one", "two"):
        (suite.path / folder).mkdir()
        (suite.path / folder / "test_same.py").write_text(
            f"import isles\ndef test_it(): assert isles.id and {folder!r} in __file__"
        )
    suite.run("--isles", "--import-mode=importlib").assert_outcomes(passed=2)
    suite.run("--isles", "one").assert_outcomes(passed=1)
    suite.run("--isles", "two/test_same.py::test_it").assert_outcomes(passed=1)


def test_doctests_run_there(suite):
    (suite.path / "test_text.txt").write_text(">>> import isles\n>>> isles.id > 0\nTrue\n")
    suite.write(module='"""\n>>> import isles\n>>> isles.id > 0\nTrue\n"""')
    suite.run("--isles", "--doctest-modules").assert_outcomes(passed=2)


def test_the_plugin_does_nothing_unless_it_is_asked(suite):
    suite.write(test_a="import sys\ndef test_1(): assert not {'isles', 'pytest_isles._host'} & set(sys.modules)")
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("isles:*")
    suite.run("--isles", "--collect-only").assert_outcomes()


def test_the_current_folder_is_put_back(suite):
    suite.write(
        test_a="import os\ndef test_1(): os.chdir('/')",
        test_b="import os\nfrom pathlib import Path\ndef test_2(): assert Path.cwd() == Path(__file__).parent",
    )
    suite.run("--isles").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "plugin, args", [("xdist", ("-n2",)), ("pytest_timeout", ("--timeout=60",)), ("pytest_cov", ("--cov=.",))]
)
def test_it_goes_with_other_plugins(suite, plugin, args):
    pytest.importorskip(plugin)
    suite.write(
        leaks=LEAKS,
        test_a="from leaks import *\ndef test_1(): assert isles.id; leak()",
        test_b=f"from leaks import *\ndef test_2(): assert isles.id and leaked() == {CLEAN}",
    )
    suite.run("--isles", *args).assert_outcomes(passed=2)
