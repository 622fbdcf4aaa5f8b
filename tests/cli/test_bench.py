"""isles bench, as far as it goes without measuring much: bench/smoke.py looks at what it prints."""
import json
import os
import subprocess

import pytest


def test_help(folder):
    result = folder.isles("bench", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == folder.isles("help", "bench").stdout


@pytest.mark.parametrize("args, words", [
    (["--jsn"], "unknown option: --jsn (did you mean --json?)"),
    (["fast"], "bench takes no fast"),
    (["--only"], "--only needs a name"),
    (["--only", "strat"], "--only: did you mean start?"),
    (["--only=everything"], "'everything' is none of start, memory, call, message and cores"),
])
def test_mistakes(folder, args, words):
    result = folder.isles("bench", *args)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr and len(result.stderr.splitlines()) == 1


def test_only_what_was_asked_for_and_nothing_left(folder):
    result = folder.isles("bench", "--quick", "--json", "--only", "call", "--only", "start",
                          env={"TMPDIR": str(folder.path)})
    assert (result.returncode, result.stderr) == (0, "")
    assert set(json.loads(result.stdout)["measures"]) == {"call", "start"}
    assert os.listdir(folder.path) == []


def test_no_place_for_its_module(folder):
    file = folder.write("file")
    result = folder.isles("bench", "--quick", env={"TMPDIR": str(file)})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"isles: {file}/") and "Not a directory" in result.stderr


def test_interrupted(folder):
    """Ctrl-C ends it between two measurements and takes its folder away."""
    program = subprocess.Popen([os.environ.get("ISLES_PROGRAM", "isles"), "bench"], cwd=folder.path,
                               env=os.environ | {"TMPDIR": str(folder.path)}, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    while not os.listdir(folder.path) and program.poll() is None:
        os.sched_yield()
    program.send_signal(2)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (130, ""), err
    assert os.listdir(folder.path) == []
