"""Policies by options: what is denied, what is told, and mistakes."""
import json
import os
import re
import socket

import pytest

PROBE = """
import os, socket, sys
import helper
def t(f, *args):
    try: f(*args)
    except Exception as e: return type(e).__name__
    return 'ok'
def write(path): open(path, 'w').close()
print(t(open, 'data/in'), t(open, 'other/in'), t(write, 'data/out'), t(write, 'other/out'))
"""


@pytest.fixture
def programs(folder):
    folder.write("app/app.py", PROBE)
    folder.write("app/helper.py")
    folder.write("data/in")
    folder.write("other/in")
    folder.write("exec.py", "import subprocess\ntry: subprocess.run(['true'])\nexcept OSError as e: print(e.errno)\n"
                            "else: print('ran')\n")
    folder.write("net.py", "import socket\ntry: socket.socket()\nexcept OSError as e: print(e.errno)\n"
                           "else: print('made')\n")
    return folder


@pytest.fixture
def landlock(programs):
    if json.loads(programs.isles("info", "--json").stdout)["landlock"] < 4:
        pytest.skip("the kernel has no Landlock 4: tests/policy_test.c shows what it refuses")
    return programs


def said(result):
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout.split()


def test_files(landlock):
    run = landlock.run
    assert said(run("app/app.py")) == ["ok"] * 4
    assert said(run("app/app.py", "--allow-read", "data")) == ["ok", "PermissionError", "ok", "ok"]
    assert said(run("app/app.py", "--allow-write", "data")) == ["ok", "ok", "ok", "PermissionError"]
    assert said(run("app/app.py", "--allow-read", "none", "--allow-write", "none")) == ["PermissionError"] * 4
    assert said(run("app/app.py", "--allow-read", "data", "--allow-read", "other")) == ["ok"] * 4
    assert said(run("--allow-read", "data", "app/app.py", "--allow-write", "data")) == [
        "ok", "PermissionError", "ok", "PermissionError"]


def test_what_a_program_is_started_from_can_be_read(landlock):
    landlock.write("zipped/__main__.py", "import beside\nprint(beside.value)\n")
    landlock.write("zipped/beside.py", "value = 'ran'\n")
    landlock.write("function.py", "def main(): print('ran')\n")
    landlock.write("module.py", "print('ran')\n")
    for program in (["zipped"], ["-m", "module"], ["function:main"]):
        assert said(landlock.run(*program, "--allow-read", "none")) == ["ran"], program
        beside = landlock.run(*program, "--allow-read", "none", "--name", "a", "module.py", "--name", "b")  # of several
        assert (beside.returncode, sorted(beside.stdout.splitlines())) == (0, ["a | ran", "b | ran"]), program
    alone = landlock.run("app/app.py", "-I", "--path", "app", "--allow-read", "data")
    assert said(alone)[:2] == ["ok", "PermissionError"]


def test_each_program_has_its_own(landlock):
    result = landlock.run("app/app.py", "--allow-read", "data", "app/app.py", "--name", "free")
    assert result.returncode == 0
    assert sorted(result.stdout.splitlines()) == ["app  | ok PermissionError ok ok", "free | ok ok ok ok"]


def test_programs_and_ports(landlock):
    true = os.path.realpath("/bin/true")
    assert said(landlock.run("exec.py", "--allow-exec", "none")) == ["13"]
    assert said(landlock.run("exec.py", "--allow-exec", true)) == ["ran"]
    landlock.write("connect.py", "import socket, sys\n"
                                 "try: socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()\n"
                                 "except OSError as e: print(e.errno)\nelse: print('connected')\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for allowed, expected in ((port, "connected"), ("none", "13"), (port - 1, "13")):
            assert said(landlock.run("connect.py", "--args", port, "--allow-connect", allowed)) == [expected]


def test_profiles(programs):
    assert said(programs.run("exec.py", "--seccomp", "no-exec")) == ["1"]
    assert said(programs.run("exec.py", "--seccomp", "no-network")) == ["ran"]
    assert said(programs.run("net.py", "--seccomp", "no-network", "--seccomp", "no-exec")) == ["1"]


def test_rules_and_what_was_denied(programs):
    programs.write("rules.py", "import os\nfor name in 'AAB':\n    try: os.putenv(name, '1')\n"
                               "    except OSError as e: print(e)\n")
    result = programs.run("rules.py", "--deny", "os.put*", "--allow", "os.putenv:B")
    assert result.stdout.splitlines() == ["[Errno 1] denied by the policy: os.putenv 'A' (rule 'deny os.put*')"] * 2
    assert result.stderr == "isles: the policy denied:\nisles:      2  os.putenv A  (deny os.put*)\n"
    quiet = programs.run("--quiet", "rules.py", "--deny", "os.put*", "--allow", "os.putenv:B")
    assert (quiet.stdout, quiet.stderr) == (result.stdout, "")
    swapped = programs.run("--deny", "os.putenv:B", "rules.py", "--allow", "os.*")
    assert said(swapped) == []  # the last that fits


def test_observing(programs):
    options = ["--allow-read", "data", "--allow-write", "none", "--deny", "os.ptenv"]
    observed = programs.run("app/app.py", "-B", "--observe", *options)
    assert observed.stdout.split() == ["ok"] * 4
    lines = observed.stderr.splitlines()
    assert lines[0] == "isles: the policy would have denied:"
    assert lines[1:] == [f"isles:      1  open {programs.path}/other/in  (read)",
                         f"isles:      1  open {programs.path}/data/out  (write)",
                         f"isles:      1  open {programs.path}/other/out  (write)",
                         "isles: nothing came for: deny os.ptenv"]
    nothing = programs.run("--observe", "app/app.py")
    assert nothing.stderr == "isles: the policy would have denied nothing (--observe)\n"
    lines = programs.run("--output", "json", "app/app.py", "--observe").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert "isles: the policy would have denied nothing (--observe)" in [r["text"] for r in records]


def test_a_hint_where_the_kernel_denied(landlock):
    landlock.write("fails.py", "open('other/in')\n")
    result = landlock.run("fails.py", "--allow-read", "none", "-I")
    assert result.returncode == 1
    hint = "isles: it has a policy: --observe lists what that would deny, and denies nothing"
    assert result.stderr.splitlines()[-1] == hint
    landlock.write("fails.py", "raise PermissionError(13, 'mine')\n")
    assert "policy" not in landlock.run("fails.py").stderr


@pytest.mark.parametrize("options, words", [
    (["--allow-read", "nowhere"], "--allow-read: nowhere: No such file or directory"),
    (["--allow-write", ""], "--allow-write: the path is empty (none: nothing)"),
    (["--allow-connect", "http"], "--allow-connect: 'http' is neither a port from 1 to 65535 nor none"),
    (["--allow-connect", "0"], "--allow-connect: '0' is neither a port from 1 to 65535 nor none"),
    (["--allow-bind", "65536"], "--allow-bind: '65536' is neither a port from 0 to 65535 nor none"),
    (["--seccomp", "none"], "--seccomp: 'none' is none of no-network, no-exec, no-admin"),
    (["--deny", ":x"], "--deny: ':x' names no event (EVENT or EVENT:PATTERN)"),
    (["--allow", "open:"], "--allow: 'open:' has nothing after the colon (EVENT or EVENT:PATTERN)"),
    (["--deny"], "--deny needs a value"),
    (["--observe=1"], "--observe takes no value"),
    (["--obsreve"], "did you mean --observe?"),
])
def test_mistakes(programs, options, words):
    result = programs.run("exec.py", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1 and words in result.stderr


def test_info_tells_of_landlock(programs):
    abi = json.loads(programs.isles("info", "--json").stdout)["landlock"]
    (line,) = re.findall(r"^files, network +(.*)", programs.isles("info").stdout, re.MULTILINE)
    assert line.startswith("can be limited") if abi > 0 else line.startswith("can't be limited")
