"""Mistakes give one clear line and a hint, exit status 2, and start nothing."""
import os
import shutil

import pytest


def complaint(result):
    """The one line."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("isles: ")
    return lines[0]


@pytest.fixture
def script(folder):
    folder.write("ok.py", "print('started')\n")
    folder.write("in/a/folder.py", "print('started')\n")
    return folder


@pytest.mark.parametrize("args, words", [
    (["foo.py"], "no such file: foo.py"),
    (["ok"], "did you mean ok.py?"),
    (["json.tool"], "a module? isles run -m json.tool"),
    (["ok.py", "value"], "as an argument of ok.py: --args 'value'"),
    (["pkg.mod:"], "nor is it pkg.mod:function"),
    (["-m", "ok.py"], "a file goes without -m"),
    (["-m", "a b"], "'a b' is not the name of a module"),
    ([], "no program"),
    (["--timeout", "5x", "ok.py"], "--timeout: '5x' is not a time (try 5s, 500ms, 2m)"),
    (["--timeout", "", "ok.py"], "--timeout: '' is not a time"),
    (["--timeout", "nan", "ok.py"], "is not a time"),
    (["--timeout", "1e99", "ok.py"], "is not a time"),
    (["--fail-fats", "ok.py"], "unknown option: --fail-fats (did you mean --fail-fast?)"),
    (["ok.py", "--verbose-please"], "as an argument of ok.py: --args '--verbose-please'"),
    (["--s", "ok.py"], "--s may be --"),
    (["--fail-fast=1", "ok.py"], "--fail-fast takes no value"),
    (["ok.py", "--timeout"], "--timeout needs a value"),
    (["-m"], "-m needs the name of a module"),
    (["-Iq", "ok.py"], "unknown option: -q"),
    (["-c", "print()"], "unknown option: -c (a program is a file"),
    (["--jobs", "0", "ok.py"], "--jobs: '0' is not a number from 1"),
    (["-n", "many", "ok.py"], "isles: -n: 'many' is not a number from 1"),
    (["ok.py", "--copies", "many"], "isles: --copies: 'many' is not a number from 1"),
    (["--version", "ok.py"], "unknown option: --version (isles run --help lists them)"),
    (["ok.py:main"], "ok.py:main: a function is named by its module (did you mean ok:main?)"),
    (["in/a/folder.py:main"], "in/a/folder.py:main: a function is named by its module (try --path in/a/ folder:main)"),
    (["-X", "dev", "ok.py"], "isles: -X: dev belongs to the process, not to one interpreter"),
    (["ok.py", "-X", "int_max_str_digits=5"], "isles: -X: int_max_str_digits=5: not a number of digits"),
    (["-W", "nonsense", "ok.py"], "isles: -W: invalid action: 'nonsense'"),
    (["-W", "error::Nonsense", "ok.py"], "isles: -W: unknown warning category: 'Nonsense'"),
    (["--gil", "shared", "ok.py", "--extensions", "auto"], "isles: --extensions: auto is for an interpreter with its own"),
    (["--gil", "mine", "ok.py"], "--gil: 'mine' is neither own nor shared"),
    (["--color", "red", "ok.py"], "--color: 'red' is none of auto, always, never"),
    (["--env", "NAME", "ok.py"], "--env: 'NAME' is not NAME=VALUE"),
    (["--output", "jsno", "ok.py"], "--output: did you mean json?"),
    (["--output", "ok.py", "ok.py"], "--output: cannot write to ok.py: Not a directory"),
    (["--stdin", "nothing.txt", "ok.py"], "--stdin: cannot read nothing.txt"),
    (["--stdout", "no/such/file", "ok.py"], "--stdout: cannot write to no/such/file: No such file or directory"),
    (["--stderr", "", "ok.py"], "--stderr: '' is empty"),
    (["--slow-reader", "hurry", "ok.py"], "--slow-reader: 'hurry' is neither wait nor drop"),
    (["--path", "nowhere", "ok.py"], "--path: nowhere: No such file"),
    (["--args", "'open", "ok.py"], "--args: a quote is not closed"),
    (["--args", "a | b", "ok.py"], "--args: one of | & ; < > ( ) { } or a line end is not quoted"),
    (["--args", "$(ls)", "ok.py"], "--args: commands in it are not run"),
    (["--args", "$NOT_SET_ANYWHERE", "ok.py"], "--args: a variable in it is not set"),
    (["--name", "x", "ok.py", "ok.py"], "two programs are named 'x' (a name goes after its program)"),
    (["ok.py", "--name", "x", "ok.py", "--name", "x"], "two programs are named 'x'"),
    (["--venv", "nowhere", "ok.py"], "--venv: no virtual environment in nowhere"),
    (["--", "ok.py", "--quiet"], "no such file: --quiet"),
])
def test_wrong_command_line(script, args, words):
    assert words in complaint(script.run(*args))


def test_wrong_program_after_right_ones_starts_nothing(script):
    assert "no such file: b.py" in complaint(script.run("ok.py", "b.py"))
    line = "isles: -X: dev belongs to the process, not to one interpreter"
    assert complaint(script.run("ok.py", "--jobs", "1", "ok.py", "-n", "3", "-X", "dev")) == line
    assert complaint(script.run("--quiet", "--output", "json", "--jobs", "1", "ok.py", "ok.py", "-X", "dev")) == line
    with script.on_terminal("run", "ok.py", "ok.py", "-X", "dev") as terminal:
        assert terminal.finish() == 2
    assert line in terminal.seen and "started" not in terminal.seen and "PROGRAM" not in terminal.seen


def test_right_options_are_tried_without_a_trace(script):
    script.write("category.py", "class Mine(Warning): pass\n")
    script.write("told.py", "import sys\nprint(sys.warnoptions, sys._xoptions, sys.flags.no_site)\n")
    result = script.run("told.py", "-W", "error", "-X", "own=1", "--path", ".", "-W", "ignore::category.Mine")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "['error', 'ignore::category.Mine'] {'own': '1'} 0\n"
    result = script.run("told.py", "-W", "error::nowhere.Mine")  # seen when it starts: only there it could be found
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "isles: cannot start: -W: invalid module name: 'nowhere'\n"


def test_folder_without_main(folder):
    folder.write("app/other.py")
    assert "app has no __main__.py" in complaint(folder.run("app"))


@pytest.mark.parametrize("file, key", [("pyvenv.cfg", "version"), ("pyvenv.cfg", "version_info")])
def test_venv_of_another_version(script, file, key):
    script.write(f"venv/{file}", f"home = /usr/bin\n{key} = 3.9.2\n")
    line = complaint(script.run("--venv", "venv", "ok.py"))
    assert "venv was made for Python 3.9, the engine is 3." in line
    assert "isles info --python" in line


def test_file_without_read_permission(script):
    script.write("secret.py", mode=0)
    before = []
    if os.geteuid() == 0:  # root may read all, unless it has lost the right to
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and setpriv is not here")
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    assert "cannot read secret.py: Permission denied" in complaint(script.run("secret.py", before=before))


@pytest.mark.parametrize("args, words", [
    (["rnu"], "unknown command: rnu (did you mean isles run?)"),
    (["ok.py"], "unknown command: ok.py (to run it: isles run ok.py)"),
    (["--jobs", "2"], "--jobs: a command comes first"),
    (["help", "rnu"], "did you mean isles help run?"),
    (["info", "--jsno"], "did you mean --json?"),
    (["info", "more"], "info: takes no arguments: more"),
])
def test_wrong_command(script, args, words):
    assert words in complaint(script.isles(*args))


def test_no_command_prints_the_overview_to_stderr(folder):
    result = folder.isles()
    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage: isles COMMAND" in result.stderr


@pytest.mark.parametrize("args, words", [
    (["--help"], "Usage: isles COMMAND"),
    (["help"], "Usage: isles COMMAND"),
    (["help", "run"], "Usage: isles run"),
    (["run", "--help"], "Usage: isles run"),
    (["run", "ok.py", "-h"], "Usage: isles run"),
    (["info", "--help"], "Usage: isles info"),
    (["help", "info"], "Usage: isles info"),
    (["help", "--help"], "Usage: isles help"),
    (["--version"], "isles 0."),
])
def test_help(script, args, words):
    result = script.isles(*args)
    assert (result.returncode, result.stderr) == (0, "")
    assert words in result.stdout
    assert "started" not in result.stdout


def test_help_into_a_full_device_fails(folder):
    with open("/dev/full", "w") as full:
        process = folder.start("help", stdout=full)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "No space left" in errors
