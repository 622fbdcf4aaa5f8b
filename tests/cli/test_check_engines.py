"""isles check --isles: other engines' programs, beside this one's. Here they are stand-ins that pass on what this program says, as
another version, and some that are none: the machine may have one engine only."""
import json
import re
import signal
import time
import zipfile

import pytest

from conftest import PROGRAM
from test_check import MULTI, SINGLE, check, put
from test_check import built, engine  # noqa: F401, fixtures

OTHER = "3.99.1"
OTHER_HEX = 0x036301F0

CANNED = {"isles": "0.1.0", "required": "private copy", "good_enough": True, "notes": [], "left_out": [], "extensions": [{
    "target": "single", "module": "single", "file": "single.so", "verdict": "private copy", "good_enough": True, "reasons": ["so"],
    "warnings": [], "advice": [{"text": "change it", "symbol": "it", "file": None, "line": None}]}]}

STAND_IN = """#!/usr/bin/python3 -I
import json, subprocess, sys
open({log!r}, "a").write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "info":
    print(json.dumps(dict(engine={version!r}, engine_hex={hex}, python="python3.99")))
    sys.exit()
status, told = 0, json.loads({canned!r})
if {real}:
    done = subprocess.run([{program!r}, *sys.argv[1:]], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    status, told = done.returncode, json.loads(done.stdout)
told["engine"] = {version!r}
{change}
print(json.dumps(told))
sys.exit(status)
"""


class StandIn:
    def __init__(self, folder):
        self.folder, self.log = folder, folder.path / "asked"

    def __call__(self, change="", name="other", version=OTHER, real=False):
        """Its path. What it tells is made up, or what this program says (real), after a change: Python on told and status."""
        text = STAND_IN.format(program=PROGRAM, log=str(self.log), change=change, hex=OTHER_HEX, version=version, real=real,
                               canned=json.dumps(CANNED))
        return self.folder.write(name, text, mode=0o755)

    def asked(self):
        """The command lines that it was given."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def other(folder):
    return StandIn(folder)


def words_of(text):
    """The table's lines in cells: columns are at least two blanks apart."""
    return [re.split(" {2,}", line.strip()) for line in text.splitlines()]


def version_of(folder):
    return json.loads(folder.isles("info", "--json").stdout)["engine"]


def other_tag(engine):  # noqa: F811
    """How another engine's extension modules end."""
    return re.sub(r"cpython-\d+", "cpython-399", engine[1])


# --- two engines -------------------------------------------------------------------------------------------------------------


def test_a_column_for_each_engine(folder, other, built):  # noqa: F811
    file = built("single", SINGLE)
    result = check(folder, "--isles", other(real=True), "--static", "--verbose", file)
    assert (result.returncode, result.stderr) == (0, "")
    lines = words_of(result.stdout)
    assert lines[0] == ["MODULE", version_of(folder), OTHER, "WHY"]
    assert lines[1][:3] == ["single", "private copy", "private copy"]
    assert lines[1][3].startswith("single-phase init")
    assert f"CPython {OTHER}: 1 private copy" in result.stdout
    assert f"single on {OTHER}: private copy" in result.stdout and "to change" in result.stdout


def test_probes_run_on_each(folder, other, built):  # noqa: F811
    result = check(folder, "--isles", other(real=True), "--json", "--timeout", "2m", built("multi", MULTI))
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert (report["good_enough"], report["required"]) == (True, "private copy")
    here, there = report["engines"]
    assert (here["engine"], there["engine"]) == (version_of(folder), OTHER)
    assert (here["program"], there["program"]) == (PROGRAM, str(folder.path / "other"))
    for one in (here, there):
        assert (one["trouble"], one["venv"]) == (None, None)
        (extension,) = one["extensions"]
        assert (extension["module"], extension["verdict"], extension["basis"]) == ("multi", "own GIL", "probes")


def test_the_worst_counts_and_says_why(folder, other, built):  # noqa: F811
    worse = other("told['extensions'][0].update(verdict='broken', good_enough=False, reasons=['it fell apart']); status = 1")
    result = check(folder, "--isles", worse, "--static", built("single", SINGLE))
    assert (result.returncode, result.stderr) == (1, "")
    assert words_of(result.stdout)[1] == ["single", "private copy", "broken", f"{OTHER}: it fell apart"]
    assert f"CPython {OTHER}: 1 broken; 1 not as good as wanted" in result.stdout


def test_options_reach_the_other_program(folder, other, built):  # noqa: F811
    folder.write("snippet.py", "pass\n")
    file = built("single", SINGLE)
    check(folder, "--isles", other(), "--static", "--require", "main", "--jobs", "2", "--timeout=90s", "--no-cache",
          "--snippet", "snippet.py", file)
    assert other.asked() == [["info", "--json"],
                             ["check", "--json", "--skip-foreign", "--venv", "none", "--static", "--require=main", "--jobs=2",
                              "--timeout=90s", "--no-cache", "--snippet=snippet.py", "--", str(file)]]


def test_the_same_engine_is_checked_once(folder, built):  # noqa: F811
    result = check(folder, "--isles", PROGRAM, "--static", built("single", SINGLE))
    assert (result.returncode, result.stderr) == (0, "")
    assert words_of(result.stdout)[0] == ["MODULE", version_of(folder), "WHY"]
    assert f"{PROGRAM} is for the engine of this program, CPython {version_of(folder)}: checked once" in result.stdout


def test_no_more_than_eight(folder, other, built):  # noqa: F811
    args = []
    for i in range(8):
        args += ["--isles", other(name=f"other{i}", version=f"3.99.{i}")]
    result = check(folder, *args, "--static", built("single", SINGLE))
    assert (result.returncode, result.stdout, result.stderr) == (2, "", "isles: --isles: no more than 8 engines at once\n")
    result = check(folder, *args[:-2], "--static", built("single", SINGLE))
    assert result.returncode == 0
    assert len(words_of(result.stdout)[0]) == 1 + 8 + 1


# --- what is for which engine ------------------------------------------------------------------------------------------------


def wheel(folder, name, module, file, suffix):
    path = folder.path / name
    with zipfile.ZipFile(path, "w") as made:
        made.write(file, f"{module}{suffix}")
    return name


def test_skip_foreign_leaves_out_and_says_so(folder, built, engine):  # noqa: F811
    put(folder, f"both/single{engine[1]}", built("single", SINGLE))
    put(folder, f"both/single{other_tag(engine)}", built("single", SINGLE))
    theirs = wheel(folder, "demo-1-cp399-cp399-linux_x86_64.whl", "demo", built("single", SINGLE), other_tag(engine))
    assert check(folder, "--static", "both").stdout.count("private copy  single-phase") == 2
    assert check(folder, theirs).returncode == 2
    result = check(folder, "--static", "--skip-foreign", "both", theirs)
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 extension module on CPython" in result.stdout
    assert f"left out: both: CPython {engine[2]} does not load cp399 (1 file)" in result.stdout
    assert f"left out: {theirs} is for cp399-cp399, the engine is CPython {engine[2]}\n" in result.stdout
    result = check(folder, "--skip-foreign", "--json", theirs)
    report = json.loads(result.stdout)
    assert (result.returncode, report["extensions"]) == (0, [])
    assert [one["target"] for one in report["left_out"]] == [theirs]
    assert "nothing for this engine" in check(folder, "--skip-foreign", theirs).stdout


def test_each_engine_takes_its_wheel(folder, other, built, engine):  # noqa: F811
    digits = engine[2].replace(".", "")
    mine = wheel(folder, f"demo-1-cp{digits}-cp{digits}-linux_x86_64.whl", "demo", built("demo", SINGLE), engine[1])
    theirs = wheel(folder, "demo-1-cp399-cp399-linux_x86_64.whl", "demo", built("demo", SINGLE), other_tag(engine))
    swapped = other(f"told['extensions'][0].update(target={theirs!r}, module='demo')\n"
                    f"told['left_out'] = [{{'target': {mine!r}, 'why': 'for cp{digits}'}}]")
    result = check(folder, "--isles", swapped, "--static", mine, theirs)
    assert (result.returncode, result.stderr) == (0, "")
    assert words_of(result.stdout)[1][:3] == ["demo", "private copy", "private copy"]
    assert f"left out: {theirs} is for cp399-cp399" in result.stdout and f"left out: for cp{digits}" in result.stdout


def test_a_target_for_none_of_the_engines(folder, other, built, engine):  # noqa: F811
    theirs = wheel(folder, "demo-1-cp399-cp399-linux_x86_64.whl", "demo", built("single", SINGLE), other_tag(engine))
    result = check(folder, "--isles", other(real=True), "--static", theirs, built("multi", MULTI))
    assert (result.returncode, result.stderr) == (2, f"isles: check: {theirs} is for none of these engines\n")
    assert words_of(result.stdout)[1][:3] == ["multi", "own GIL", "own GIL"]


def test_a_module_that_one_engine_does_not_have(folder, other, built):  # noqa: F811
    without = other("told['extensions'] = []")
    result = check(folder, "--isles", without, "--static", built("single", SINGLE))
    assert result.returncode == 0
    assert words_of(result.stdout)[1][:3] == ["single", "private copy", "-"]
    assert f"CPython {OTHER}: nothing" in result.stdout


def test_each_engine_has_its_environment(folder, other, built, engine):  # noqa: F811
    folder.write("mine/pyvenv.cfg", f"version = {engine[2]}.0\n")
    folder.write("mine/bin/python", mode=0o755)
    folder.write("theirs/pyvenv.cfg", "version = 3.99.0\n")
    folder.write("old/pyvenv.cfg", "version = 3.2.0\n")
    put(folder, f"mine/lib/python{engine[2]}/site-packages/single{engine[1]}", built("single", SINGLE))
    ended = other()
    result = check(folder, "--isles", ended, "--static", "--json", "--venv", "theirs", "--venv", "mine", "single")
    assert [one["venv"] for one in json.loads(result.stdout)["engines"]] == ["mine", "theirs"]
    assert other.asked()[-1][3:5] == ["--venv", "theirs"]
    result = check(folder, "--isles", ended, "--static", "--json", "single", env={"VIRTUAL_ENV": "mine"})
    assert [one["venv"] for one in json.loads(result.stdout)["engines"]] == ["mine", None]
    result = check(folder, "--isles", ended, "--static", "--venv", "old", "single")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--venv: old was made for Python 3.2, which is none of these engines'" in result.stderr
    result = check(folder, "--isles", ended, "--static", "--venv", "nowhere", "single")
    assert (result.returncode, result.stderr) == (2, "isles: --venv: no virtual environment in nowhere\n")


def test_a_package_that_is_not_there(folder, other):
    result = check(folder, "--isles", other(), "nothing-of-that-name")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert re.match(r"isles: check on CPython \S+ \(\S+\): it ended with status 2: nothing-of-that-name: no such file, no importable",
                    result.stderr)
    assert f"CPython {version_of(folder)}: not checked" in result.stdout


# --- programs that are none, or fail -----------------------------------------------------------------------------------------


def script(folder, text):
    return folder.write("program", f"#!/bin/sh\n{text}\n", mode=0o755)


@pytest.mark.parametrize("text, words", [
    ("exit 0", "what it prints is not a JSON object"),
    ("echo '[1]'", "what it prints is not a JSON object"),
    ("echo '{\"engine\": \"3.14.0\"'", "what it prints is not a JSON object"),
    ("echo '{\"version\": \"0.0.1\"}'", "what it tells of its engine is not understood"),
    ("echo '{\"engine\": 3, \"engine_hex\": 5, \"python\": \"x\"}'", "what it tells of its engine is not understood"),
    ("echo 'isles: no such command: info' >&2; exit 2", "it ended with status 2: no such command: info"),
    ("kill -KILL $$", "it was killed by signal 9"),
    ("exec sleep 1000", "it did not answer in time"),
])
def test_no_program_of_isles(folder, text, words):
    program = script(folder, text)
    result = check(folder, "--isles", program, "--timeout", "2s", "--static", "json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == result.stderr.replace("\n", "") + "\n"
    assert result.stderr.startswith(f"isles: --isles: {program} is no program of Isles that works: {words}")


def test_no_program_at_all(folder):
    result = check(folder, "--isles", "nowhere/isles", "--static", "json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "nowhere/isles is no program of Isles that works: it can't be run: No such file or directory" in result.stderr


@pytest.mark.parametrize("change, words", [
    ("sys.exit(3)", "it ended with status 3"),
    ("import os; os.kill(os.getpid(), 9)", "it was killed by signal 9"),
    ("print('garbage')", "what it prints is not a JSON object"),
    ("del told['extensions']", "its report is not understood: not one of 'isles check --json' by this engine"),
    ("told['extensions'][0]['verdict'] = 'splendid'", "its report is not understood: its extension number 1, single"),
    ("del told['extensions'][0]['good_enough']", "its report is not understood: its extension number 1, single"),
    ("told['extensions'][0]['reasons'] = [7]", "its report is not understood: its extension number 1, single"),
    ("told['extensions'] = ['single']", "its report is not understood: its extension number 1"),
    ("told['engine'] = '2.7.18'", "its report is not understood: not one of"),
])
def test_a_check_that_fails_leaves_the_others(folder, other, built, change, words):  # noqa: F811
    bad = other(change)
    result = check(folder, "--isles", bad, "--static", built("single", SINGLE))
    assert result.returncode == 2
    assert result.stderr.startswith(f"isles: check on CPython {OTHER} ({bad}): {words}")
    assert result.stderr.count("\n") == 1
    assert words_of(result.stdout)[1][:3] == ["single", "private copy", "?"]
    assert f"CPython {OTHER}: not checked" in result.stdout


def test_the_json_of_a_check_that_fails(folder, other, built):  # noqa: F811
    result = check(folder, "--isles", other("sys.exit(3)"), "--static", "--json", built("single", SINGLE))
    report = json.loads(result.stdout)
    assert (result.returncode, report["good_enough"]) == (2, False)
    assert report["engines"][1]["trouble"] == "it ended with status 3" and "extensions" not in report["engines"][1]
    assert report["engines"][0]["extensions"][0]["verdict"] == "private copy"


def test_an_older_report_is_enough(folder, other, built):  # noqa: F811
    older = other("del told['left_out'], told['notes'], told['extensions'][0]['advice']")
    result = check(folder, "--isles", older, "--static", "--verbose", built("single", SINGLE))
    assert (result.returncode, result.stderr) == (0, "")


def test_interrupted_it_ends_the_other_program(folder, other, built):  # noqa: F811
    """The stand-in says that it has begun, and goes on until it is asked to stop."""
    slow = other("import signal, time\ndef stop(*_):\n    open('stopped', 'w').close()\n    sys.exit(130)\n"
                 "signal.signal(signal.SIGTERM, stop)\nopen('begun', 'w').close()\ntime.sleep(1000)")
    process = folder.start("check", "--isles", slow, "--static", built("single", SINGLE))
    while not (folder.path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130
    assert (folder.path / "stopped").exists()
