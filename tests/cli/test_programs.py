"""The kinds of programs, and the options of a program."""
import os
import subprocess
import sys
import zipfile

import pytest

SHOW = "import sys; print(__name__, sys.argv[1:], sep='|')\n"


def test_file(folder):
    folder.write("a.py", SHOW)
    result = folder.run("a.py", "--args", "1 '2 3'")
    assert (result.returncode, result.stdout, result.stderr) == (0, "__main__|['1', '2 3']\n", "")


def test_module(folder):
    folder.write("pkg/__init__.py")
    folder.write("pkg/tool.py", SHOW)
    assert folder.run("-m", "pkg.tool", "--args", "x").stdout == "__main__|['x']\n"


def test_folder_and_zip(folder):
    folder.write("app/__main__.py", SHOW)
    with zipfile.ZipFile(folder.path / "packed.zip", "w") as packed:
        packed.writestr("__main__.py", SHOW)
    result = folder.run("--args", "x", "app/", "packed.zip")
    assert sorted(result.stdout.splitlines()) == ["app    | __main__|['x']", "packed | __main__|['x']"]


@pytest.mark.parametrize("body, status, error", [
    ("pass", 0, ""),
    ("return 0", 0, ""),
    ("return False", 0, ""),
    ("return True", 1, ""),
    ("return 5", 5, ""),
    ("return -1", 255, ""),
    ("return 256", 0, ""),  # as a process: the low byte
    ("return 10**30", 255, ""),
    ("return 'went wrong'", 1, "went wrong\n"),
    ("return [1, 'a']", 1, "[1, 'a']\n"),
    ("import sys; sys.exit(7)", 7, ""),
    ("import sys; sys.exit('text')", 1, "text\n"),
    ("import sys; sys.exit()", 0, ""),
])
def test_function_and_its_result(folder, body, status, error):
    folder.write("pkg/__init__.py")
    folder.write("pkg/mod.py", f"def main():\n    {body}\n")
    result = folder.run("pkg.mod:main")
    assert (result.returncode, result.stdout, result.stderr) == (status, "", error)


def test_function_that_returns_an_object(folder):
    folder.write("mod.py", "def main():\n    return object()\n")
    result = folder.run("mod:main")
    assert result.returncode == 1
    assert "isles: mod:main returned neither None, a number nor text" in result.stderr


def test_function_reads_its_arguments(folder):
    folder.write("mod.py", "import sys\nclass A:\n    @staticmethod\n    def main(): print(sys.argv)\n")
    assert folder.run("mod:A.main", "--args", "a b").stdout == "['mod:A.main', 'a', 'b']\n"


def test_word_with_a_colon_that_is_a_file(folder):
    folder.write("a:b", "print('file')")
    assert folder.run("a:b").stdout == "file\n"


def test_all_after_two_dashes_are_programs(folder):
    folder.write("-n", "print('dash')")
    assert folder.run("--quiet", "--", "-n").stdout == "dash\n"


def test_traceback_is_printed_once(folder):
    folder.write("a.py", "def f():\n    return 1 / 0\nf()\n")
    result = folder.run("a.py")
    assert result.returncode == 1
    assert result.stderr.count("Traceback") == 1
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert 'a.py", line 2, in f' in result.stderr


def test_missing_module_says_what_python_says(folder):
    result = folder.run("-m", "no_such_module_here")
    assert result.returncode == 1
    assert "No module named no_such_module_here" in result.stderr


def test_threads_and_atexit_belong_to_the_program(folder):
    folder.write("a.py", "import atexit, threading, time\n"
                         "atexit.register(print, 'atexit')\n"
                         "go = threading.Event()\n"
                         "threading.Thread(target=lambda: (go.wait(), print('thread'))).start()\n"
                         "threading.Timer(0.1, go.set).start()\n"
                         "print('main')\n")
    assert folder.run("a.py").stdout == "main\nthread\natexit\n"


# --- options -------------------------------------------------------------------------------------------------------

def test_options_before_the_first_program_are_for_all(folder):
    folder.write("a.py", "import os, sys; print(os.environ['X'], os.environ.get('Y'), sys.argv[1:])")
    result = folder.run("--output", "plain", "--env", "X=all", "--args", "1", "a.py", "--env", "Y=own", "--args", "2",
                        "a.py", "--env", "X=mine")
    assert sorted(result.stdout.splitlines()) == ["all own ['1', '2']", "mine None ['1']"]


def test_path_own_before_all(folder):
    folder.write("p1/which.py", "name = 'p1'")
    folder.write("p2/which.py", "name = 'p2'")
    folder.write("a.py", "import which; print(which.name)")
    result = folder.run("--path", "p1", "a.py", "--name", "first", "a.py", "--path", "p2", "--name", "second")
    assert sorted(result.stdout.splitlines()) == ["first  | p1", "second | p2"]


def test_copies_know_their_number(folder):
    folder.write("a.py", "import isles, os; print(isles.number, os.environ['ISLES_NUMBER'], os.environ['ISLES_NAME'])")
    result = folder.run("-n", "3", "a.py")
    assert sorted(result.stdout.splitlines()) == [f"a-{i} | {i} {i} a-{i}" for i in range(3)]


def test_names(folder):
    for name in ("one/app.py", "two/app.py"):
        folder.write(name, "import os; print(os.environ['ISLES_NAME'])")
    result = folder.run("--output", "plain", "one/app.py", "two/app.py", "one/app.py", "--name", "own", "one/app.py",
                        "-n", "1")
    assert sorted(result.stdout.splitlines()) == ["app", "app-0", "app-2", "own"]


def test_isolated_no_site_and_b(folder):
    folder.write("near.py")
    folder.write("a.py", "import sys\n"
                         "try:\n    import near\nexcept ImportError:\n    print('no near')\n"
                         "print('site' in sys.modules, sys.dont_write_bytecode)\n")
    assert folder.run("a.py").stdout == "True False\n"
    assert folder.run("-I", "a.py").stdout == "no near\nTrue False\n"
    assert folder.run("-S", "-B", "a.py").stdout == "False True\n"


def test_warnings_and_x(folder):
    folder.write("a.py", "import sys, warnings\nprint(sys._xoptions.get('mine'))\nwarnings.warn('careful')\n")
    result = folder.run("-X", "mine=1", "-W", "error", "a.py")
    assert (result.returncode, result.stdout) == (1, "1\n")
    assert "UserWarning: careful" in result.stderr


def test_x_option_of_the_process_is_refused_by_name(folder):
    folder.write("a.py")
    result = folder.run("-X", "utf8", "a.py")
    assert result.returncode == 2
    assert result.stderr == "isles: -X: utf8 belongs to the process, not to one interpreter\n"


def test_stdin_is_inherited_by_one_and_null_for_several(folder):
    folder.write("a.py", "print(repr(input()) if not __import__('sys').argv[1:] else 0)")
    folder.write("b.py", "import sys; print(repr(sys.stdin.read()))")
    assert folder.run("b.py", input="hello\n").stdout == "'hello\\n'\n"
    assert folder.run("a.py", input="hello\nmore\n").stdout == "'hello'\n"
    assert folder.run("--output", "plain", "b.py", "b.py", input="hello\n").stdout == "''\n''\n"
    assert folder.run("--stdin", "null", "b.py", input="hello\n").stdout == "''\n"


def test_stdin_from_files(folder):
    folder.write("text", "a\nb\n")
    folder.write("b.py", "import sys; print(repr(sys.stdin.read()))")
    result = folder.run("--stdin", "text", "-n", "2", "b.py")  # each copy from the beginning
    assert sorted(result.stdout.splitlines()) == ["b-0 | 'a\\nb\\n'", "b-1 | 'a\\nb\\n'"]


@pytest.fixture(scope="session")
def venv(tmp_path_factory, engine_python):
    path = tmp_path_factory.mktemp("venv")
    result = subprocess.run([engine_python, "-m", "venv", "--without-pip", path], capture_output=True, text=True)
    if result.returncode != 0:
        pytest.skip(f"this engine makes no venv: {result.stderr.strip()}")
    library = next(path.glob("lib/python3*/site-packages"))
    (library / "only_there.py").write_text("name = 'from the venv'\n")
    return path


def test_venv(folder, venv):
    folder.write("a.py", "import sys, only_there; print(only_there.name, sys.prefix)")
    assert folder.run("--venv", venv, "a.py").stdout == f"from the venv {venv}\n"
    assert folder.run("a.py", env={"VIRTUAL_ENV": str(venv)}).stdout == f"from the venv {venv}\n"
    result = folder.run("--venv", "none", "a.py", env={"VIRTUAL_ENV": str(venv)})
    assert "No module named 'only_there'" in result.stderr


def test_environment_of_another_version_is_left_alone_and_told_once(folder):
    folder.write("other/pyvenv.cfg", "version = 3.9.1\n")
    folder.write("a.py", "print('ran')")
    env = {"VIRTUAL_ENV": str(folder.path / "other")}
    result = folder.run("-n", "2", "a.py", env=env)
    assert result.returncode == 0
    assert result.stderr.count("VIRTUAL_ENV is not used") == 1
    assert folder.run("--quiet", "a.py", env=env).stderr == ""


def test_module_that_refuses_own_gil_gives_a_hint(folder):
    # what CPython says when such a module is imported, without needing one here
    folder.write("a.py", "raise ImportError('module old does not support loading in subinterpreters')")
    assert "try --extensions private (or --gil shared)" in folder.run("a.py").stderr
    assert "own GIL: try --gil shared" in folder.run("--extensions", "private", "a.py").stderr
    assert "try --" not in folder.run("--gil", "shared", "a.py").stderr


def test_refusing_module_of_the_standard_library(folder):
    folder.write("a.py", "import readline")
    result = folder.run("a.py")
    if "No module named" in result.stderr or result.returncode == 0:
        pytest.skip("this engine has no module that refuses")
    assert "does not support loading in subinterpreters" in result.stderr
    assert "isles: a module refuses interpreters that have their own GIL: try --extensions private" in result.stderr


def test_children_get_the_environment_and_default_signals(folder):
    folder.write("a.py", "import subprocess, sys\n"
                         "show = subprocess.run(['sh', '-c', 'echo $ONLY'], capture_output=True, text=True)\n"
                         "print(show.stdout.strip())\n"
                         "child = subprocess.Popen(['sleep', '60'])\n"
                         "child.terminate()\n"
                         "print(child.wait(20))\n")
    result = folder.run("--env", "ONLY=mine", "a.py")
    assert result.stdout == "mine\n-15\n", result.stderr


def test_works_without_standard_descriptors(folder):
    folder.write("a.py", "open('proof', 'w').write('ran')")

    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)
    result = folder.run("a.py", preexec_fn=close_all)
    assert result.returncode == 0
    assert (folder.path / "proof").read_text() == "ran"


def test_arguments_and_names_that_are_not_ascii(folder):
    folder.write("größe.py", "import sys; print(sys.argv[1])")
    result = folder.run("größe.py", "--args", "'日本 é'", "größe.py", "--args", "x")
    assert sorted(result.stdout.splitlines()) == sorted(["größe   | 日本 é", "größe-2 | x"])




def test_programs_may_change_the_folder_that_is_the_process_s(folder):
    folder.write("elsewhere/keep")
    folder.write("lib/near.py", "name = 'near'")
    folder.write("tool.py", "print('tool')")
    folder.write("mod.py", "def main(): print('function')")
    folder.write("a.py", "import os; os.chdir('elsewhere')")
    folder.write("b.py", "import near; print(near.name)")
    result = folder.run("--jobs", "1", "--path", "lib", "a.py", "b.py", "-m", "tool", "mod:main")
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(result.stdout.split()) == sorted("b | near tool | tool mod:main | function".split())


def test_one_program_alone_sees_its_path_as_typed(folder):
    folder.write("a.py", "import sys; print(sys.argv[0])")
    assert folder.run("./a.py").stdout == "./a.py\n"
