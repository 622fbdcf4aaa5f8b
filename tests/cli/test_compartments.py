"""--cwd, --umask, --env, --env-empty, --locale, --share; and programs that would end the process."""
import json
import re

LOOK = "import os; mask = os.umask(0o022); print(os.getcwd(), f'{mask:o}', *sorted(n for n in os.environ if n[:2] == 'I_'))"


def test_each_has_a_directory_of_its_own(folder):
    for name in ("one", "two"):
        folder.write(f"{name}/data", name)
    folder.write("look.py", "import os, sys, time\n"
                            "print(open('data').read(), os.path.isabs(sys.argv[0]))\n"
                            "time.sleep(0.1)\nos.chdir('/')\ntime.sleep(0.2)\nprint(os.getcwd())\n")
    done = folder.run("look.py", "--cwd", "one", "look.py", "--cwd", folder.path / "two")
    assert sorted(done.stdout.splitlines()) == [
        "look   | /", "look   | one True", "look-2 | /", "look-2 | two True"], done.stdout + done.stderr


def test_one_that_moves_leaves_the_others_where_they_are(folder):
    folder.write("move.py", "import os; os.chdir('/'); os.umask(0)")
    folder.write("look.py", "import time; time.sleep(0.2)\n" + LOOK)
    done = folder.run("--umask", "027", "--jobs", "2", "move.py", "look.py")
    assert done.stdout == f"look | {folder.path} 27\n"


def test_paths_stay_the_callers(folder):
    folder.write("there/nothing")
    folder.write("lib/helper.py", "word = 'found'")
    folder.write("main.py", "import helper, os; print(helper.word, os.listdir('.'))")
    done = folder.run("main.py", "--cwd", "there", "--path", "lib")
    assert done.stdout == "found ['nothing']\n", done.stderr
    folder.write("there/mod.py", "print('there')")
    folder.write("mod.py", "print('here')")
    folder.write("other.py", "print('here')")
    assert folder.run("-m", "mod", "--cwd", "there").stdout == "there\n"
    assert folder.run("-m", "other", "--cwd", "there").stdout == "here\n"


def test_variables(folder):
    folder.write("look.py", LOOK + "; os.environ['I_C'] = '3'; os.environ.pop('I_A', 0); print(os.popen('echo $I_A-$I_B-$I_C').read())")
    env = {"I_A": "1"}
    out = folder.run("look.py", "--env", "I_B=2", env=env).stdout.split()
    assert out[2:] == ["I_A", "I_B", "-2-3"]
    assert folder.run("look.py", "--env", "I_B=2", "--env-empty", env=env).stdout.split()[2:] == ["I_B", "-2-3"]
    folder.write("set.py", "import os; os.environ['I_SET'] = '1'")
    folder.write("late.py", "import time; time.sleep(0.2)\n" + LOOK)
    assert "I_SET" not in folder.run("set.py", "late.py").stdout
    folder.write("child.py", "import time, os; time.sleep(0.2); print(os.popen('echo $I_SET').read())")
    assert folder.run("--share", "env", "set.py", "child.py").stdout.startswith("child | 1\n")


def test_locale(folder):
    folder.write("set.py", "import locale, time; locale.setlocale(locale.LC_ALL, 'C.UTF-8')\ntime.sleep(0.3)")
    folder.write("look.py", "import locale, time; time.sleep(0.2); print(locale.setlocale(locale.LC_ALL))")
    assert folder.run("--locale", "C", "set.py", "look.py").stdout == "look | C\n"
    assert folder.run("look.py", "--locale", "", "--env", "LC_ALL=C").stdout == "C\n"
    assert folder.run("--share", "locale", "set.py", "look.py").stdout == "look | C.UTF-8\n"


def test_mistakes_are_named(folder):
    folder.write("a.py")
    for words, options in [
        ("--cwd: nowhere: No such file or directory", ["--cwd", "nowhere"]),
        ("--cwd: a.py is not a folder", ["--cwd", "a.py"]),
        ("--umask: '8' is not an octal number", ["--umask", "8"]),
        ("--umask: '1777' is not an octal number", ["--umask", "1777"]),
        ("--umask: '' is not an octal number", ["--umask", ""]),
        ("--share: 'all' is none of cwd, env, locale", ["--share", "all"]),
        ("--locale: this system has no locale 'xx_XX'", ["--locale", "xx_XX"]),
        ("--share locale: not together with --locale", ["--share", "locale", "--locale", "C"]),
        ("--share cwd: not together with --cwd", ["--share", "cwd", "--cwd", "."]),
        ("--share cwd: not together with --umask", ["--share", "cwd", "--umask", "0"]),
        ("--share env: not together with --env", ["--share", "env", "--env", "A=1"]),
        ("--share env: not together with --env-empty", ["--share", "env", "--env-empty"]),
    ]:
        done = folder.run("a.py", *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(f"isles: {re.escape(words)}.*\n", done.stderr), done.stderr


def test_what_would_end_the_process_ends_the_program(folder):
    folder.write("leave.py", "import os\ntry: os._exit(3)\nfinally: print('no')")
    folder.write("abort.py", "import os; os.abort()")
    folder.write("late.py", "import atexit, os; atexit.register(os._exit, 5); print('main')")
    folder.write("fine.py", "import time; time.sleep(0.3); print('fine')")
    done = folder.run("--output", "json", "leave.py", "abort.py", "late.py", "fine.py")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    ends = {r["name"]: r["status"] for r in records if r["stream"] == "result"}
    assert ends == {"leave": 3, "abort": 134, "late": 5, "fine": 0}
    texts = {(r["name"], r["text"]) for r in records if r["stream"] != "result"}
    assert texts == {("fine", "fine"), ("late", "main"), ("leave", "isles: os._exit(3) ended the interpreter"),
                     ("abort", "isles: os.abort() ended the interpreter"),
                     ("late", "isles: os._exit(5) ended the interpreter")}


def test_exit_of_0_is_no_failure(folder):
    folder.write("leave.py", "import os; print('out', end=''); os._exit(0)")
    done = folder.run("leave.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out", "")
