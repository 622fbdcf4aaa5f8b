"""Working directory, umask, environment variables, locale and end of an interpreter, beside a Python that runs already."""

import locale
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import isles
import work


class Compartments(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.here = os.getcwd()

    def interpreter(self, **settings):
        return self.enterContext(isles.Interpreter(**settings))

    def test_a_directory_of_its_own(self):
        it, other = self.interpreter(cwd=self.folder), self.interpreter()
        self.assertEqual(it.call(os.getcwd), str(self.folder))
        other.call(os.chdir, "/")
        self.assertEqual((it.call(os.getcwd), os.getcwd()), (str(self.folder), self.here))
        self.assertEqual(it.call(subprocess.getoutput, "pwd"), str(self.folder))

    def test_the_main_threads_moves_are_its_own(self):
        it = self.interpreter()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, self.here)
        self.assertEqual(it.call(os.getcwd), self.here)
        self.assertEqual(self.interpreter().call(os.getcwd), str(self.folder))

    def test_shared_by_choice(self):
        it = self.interpreter(shared_cwd=True, env_base="shared")
        self.addCleanup(os.chdir, self.here)
        it.call(os.chdir, str(self.folder))
        self.assertEqual(os.getcwd(), str(self.folder))
        it.call(os.putenv, "ISLES_SHARED", "1")
        self.assertEqual(subprocess.getoutput("echo $ISLES_SHARED"), "1")
        os.unsetenv("ISLES_SHARED")

    def test_a_umask_of_its_own(self):
        mine = os.umask(0o022)
        os.umask(mine)
        it = self.interpreter(umask=0o077)
        self.assertEqual(it.call(os.umask, 0o000), 0o077)
        self.assertEqual(self.interpreter(umask=0).call(os.umask, 0), 0)
        self.assertEqual(os.umask(mine), mine)

    def test_variables_of_its_own(self):
        it = self.interpreter(env={"ISLES_A": "1"}, env_base="empty")
        it.exec("import os, subprocess; seen = dict(os.environ)\nos.environ['ISLES_B'] = '2'\n"
                "child = subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout")
        self.assertEqual(it.call(eval, "seen, child"), ({"ISLES_A": "1"}, "ISLES_A=1\nISLES_B=2\n"))
        self.assertNotIn("ISLES_B", os.environ)

    def test_a_locale_of_its_own(self):
        mine = locale.setlocale(locale.LC_ALL)
        one, other = self.interpreter(locale="C"), self.interpreter(locale="C.UTF-8")
        self.assertEqual(one.call(locale.setlocale, locale.LC_CTYPE), "C")
        self.assertEqual(other.call(locale.setlocale, locale.LC_CTYPE, "C"), "C")
        self.assertEqual(one.call(locale.setlocale, locale.LC_ALL, "C.UTF-8"), "C.UTF-8")
        self.assertEqual(self.interpreter().call(locale.setlocale, locale.LC_ALL), mine)
        self.assertEqual(locale.setlocale(locale.LC_ALL), mine)
        named = self.interpreter(locale="", env={"LC_ALL": "C", "LANG": "C.UTF-8"})
        self.assertEqual(named.call(locale.setlocale, locale.LC_ALL), "C")

    def test_the_main_threads_locale_is_its_own(self):
        mine = locale.setlocale(locale.LC_CTYPE)
        it = self.interpreter()
        locale.setlocale(locale.LC_CTYPE, "C" if mine != "C" else "C.UTF-8")
        self.addCleanup(locale.setlocale, locale.LC_CTYPE, mine)
        self.assertEqual(it.call(locale.setlocale, locale.LC_CTYPE), mine)
        shared = self.interpreter(shared_locale=True)
        self.assertEqual(shared.call(locale.setlocale, locale.LC_CTYPE), locale.setlocale(locale.LC_CTYPE))

    def test_what_an_interpreter_creates_begins_as_it_is(self):
        it = self.interpreter(cwd=self.folder, umask=0o027)
        it.exec("import os; os.environ['ISLES_INNER'] = '1'; del os.environ['PATH']")
        self.assertEqual(it.call(work.what_an_inner_one_sees), (str(self.folder), 0o027, "1", None))

    def test_a_script_is_found_from_here(self):
        (self.folder / "script.py").write_text("import os, sys\nprint(os.getcwd(), sys.argv[0])")
        os.chdir(self.folder)
        self.addCleanup(os.chdir, self.here)
        it = self.interpreter(cwd="/", stdout=isles.CAPTURE)
        it.run_file("script.py")
        self.assertEqual(it.output(), f"/ {self.folder}/script.py\n")

    def test_mistakes_are_named(self):
        for settings, words in [
            ({"cwd": "/no/such"}, "cwd: /no/such: No such file or directory"),
            ({"cwd": __file__}, "Not a directory"),
            ({"cwd": "/", "shared_cwd": True}, "cwd: not with shared_cwd"),
            ({"locale": "xx_XX"}, "locale: the system has no locale 'xx_XX'"),
            ({"locale": "C", "shared_locale": True}, "locale: not with shared_locale"),
            ({"umask": 0o1000}, "umask must be from 0 to 0o777, not 0o1000"),
            ({"umask": -1}, "umask must be from 0"),
            ({"env": {"A=B": "1"}}, "'A=B' is no name"),
            ({"env_base": "none"}, "env_base: 'none' is none of 'copy', 'empty', 'shared'"),
            ({"env": {"A": "1"}, "env_base": "shared"}, "env: not with env_base"),
        ]:
            with self.subTest(settings), self.assertRaises(ValueError) as caught:
                isles.Interpreter(**settings)
            self.assertIn(words, str(caught.exception))


class Leaving(unittest.TestCase):
    def test_exit_ends_the_interpreter_alone(self):
        it = isles.Interpreter()
        with self.assertRaises(isles.ExecutionFailed) as caught:
            it.call(os._exit, 3)
        self.assertEqual(caught.exception.exit_status, 3)
        self.assertIn("os._exit(3) ended the interpreter", str(caught.exception))
        it.close()
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.call(os.getpid)

    def test_by_a_thread_of_it_while_nothing_runs(self):
        it = isles.Interpreter()
        it.exec("import threading, os, time\nthreading.Thread(target=lambda: (time.sleep(0.05), os._exit(3))).start()")
        give_up = time.monotonic() + 30
        while it.id in isles.list_interpreters() and time.monotonic() < give_up:
            time.sleep(0.005)
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.call(os.getpid)

    def test_a_pool_goes_on(self):
        with isles.InterpreterPoolExecutor(2) as pool:
            lost = pool.submit(os._exit, 3)
            self.assertIsInstance(lost.exception(30), isles.InterpreterError)
            self.assertEqual(list(pool.map(work.square, range(20))), [n * n for n in range(20)])

    def test_the_main_interpreter_still_can(self):
        source = "import os, isles\nwith isles.Interpreter() as it: it.exec('x = 1')\nos._exit(7)"
        self.assertEqual(subprocess.run([sys.executable, "-c", source], timeout=60).returncode, 7)
        source = "import os, isles\nit = isles.Interpreter()\nos.execv('/bin/sh', ['sh', '-c', 'exit 8'])"
        self.assertEqual(subprocess.run([sys.executable, "-c", source], timeout=60).returncode, 8)


class Randomness(unittest.TestCase):
    def test_no_two_begin_alike(self):
        seen = [set() for _ in range(6)]
        for _ in range(4):
            with isles.Interpreter() as it:
                for values, value in zip(seen, it.call(work.chances)):
                    values.add(value)
        self.assertEqual([len(values) for values in seen], [4] * len(seen))

    def test_hashes_are_those_of_the_process(self):
        with isles.Interpreter() as it:
            self.assertEqual(it.call(hash, "a text"), hash("a text"))

    def test_log_lines_are_told_apart(self):
        lines = set()
        for name in ("left", "right"):
            with isles.Interpreter(name, stderr=isles.CAPTURE) as it:
                it.call(work.log)
                written = it.errors().splitlines()
                lines.update(written)
                self.assertIn(f"{name} {it.id} MainThread hello", written[0])
        self.assertEqual(len(lines), 4)


if __name__ == "__main__":
    unittest.main()
