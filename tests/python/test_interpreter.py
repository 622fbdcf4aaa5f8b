"""isles.Interpreter: what it runs, what comes back, what it is told to be."""

import concurrent.futures
import gc
import io
import os
import pickle
import re
import sys
import tempfile
import threading
import time
import unittest
import venv
from pathlib import Path

import isles
import work


class Calls(unittest.TestCase):
    def setUp(self):
        self.it = isles.Interpreter("calls")
        self.addCleanup(self.it.close)

    def test_a_call_runs_there_and_its_result_comes_back(self):
        self.assertEqual(self.it.call(pow, 2, 10), 1024)
        self.assertEqual(self.it.call(int, "ff", base=16), 255)
        self.assertEqual(self.it.call(work.name_and_id), ("calls", self.it.id))
        self.assertNotEqual(self.it.id, isles.id)

    def test_classes_of_modules_cross(self):
        self.assertEqual(self.it.call(work.mirror, work.Point(1, 2)), work.Point(2, 1))

    def test_a_function_without_a_name_crosses_by_its_code(self):
        self.assertEqual(self.it.call(lambda x: [x] * 2, 3), [3, 3])

    def test_the_same_object_twice_stays_one(self):
        shared = [1]
        there = self.it.call(lambda a, b, c: (a is b, c["k"] is a), shared, shared, c={"k": shared})
        self.assertEqual(there, (True, True))

    def test_exec_runs_in_main_and_leaves_globals(self):
        self.it.exec("x = 6")
        self.it.prepare_main({"y": 7}, z=[1])
        self.assertEqual(self.it.call(lambda: __import__("__main__").x * __import__("__main__").y), 42)

    def test_jobs_run_in_order(self):
        jobs = [self.it.submit(work.sleep, 0.01 * (3 - i)) for i in range(3)]
        self.assertEqual([j.result() for j in jobs], [0.03, 0.02, 0.01])
        self.assertTrue(all(j.done() and j.wall > 0.005 for j in jobs))
        self.assertEqual(sorted(j.id for j in jobs), [j.id for j in jobs])

    def test_threads_call_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda n: self.it.call(work.square, n), range(200)))
        self.assertEqual(results, [n * n for n in range(200)])

    def test_a_file_and_a_module_run_as_main(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "script.py")
            path.write_text("import sys\nresult = __name__, sys.argv[1:]\n")
            self.it.run_file(path, ["a", "b"])
            self.assertEqual(self.it.call(eval_in_main, "result"), ("__main__", ["a", "b"]))
        self.it.run_module("platform")

    def test_memory_is_shared_not_copied(self):
        memory = bytearray(1 << 20)
        view = isles.share(memory, writable=True)
        self.assertEqual(self.it.call(work.change, view), 99)
        self.assertEqual(memory[0], 99)

    def test_an_interpreter_makes_another(self):
        def nested():
            import isles

            with isles.Interpreter() as inner:
                return isles.id, inner.call(eval, "__import__('isles').id"), inner.id

        mine, seen, inner = self.it.call(nested)
        self.assertEqual(mine, self.it.id)
        self.assertEqual(seen, inner)

    def test_it_can_not_wait_for_itself(self):
        def of_itself(id):
            from isles._interpreter import Within

            Within(id, 5).call(pow, 1, 1)

        with self.assertRaisesRegex(isles.InterpreterError, f"interpreter {self.it.id} can't wait for itself"):
            self.it.call(of_itself, self.it.id)

    def test_reset_goes_back_to_the_mark(self):
        self.it.exec("kept = 1")
        self.it.mark()
        self.it.exec("gone = 2")
        self.it.reset()
        self.assertEqual(self.it.call(eval_in_main, "'kept' in dir(), 'gone' in dir()"), (True, False))


def eval_in_main(source):
    import __main__

    return eval(source.replace("dir()", "vars(__main__)"), vars(__main__) | {"__main__": __main__})


class Failures(unittest.TestCase):
    def setUp(self):
        self.it = isles.Interpreter("failures")
        self.addCleanup(self.it.close)

    def test_an_exception_comes_back_as_its_own_class(self):
        with self.assertRaises(work.Odd) as caught:
            self.it.call(work.half, 3)
        self.assertEqual(caught.exception.number, 3)
        cause = caught.exception.__cause__
        self.assertIsInstance(cause, isles.ExecutionFailed)
        self.assertIn("in half", cause.excinfo.errdisplay)
        self.assertEqual(cause.remote.type, "work.Odd")
        self.assertEqual(cause.remote.frames[-1].function, "half")

    def test_notes_and_causes_are_kept(self):
        with self.assertRaises(ValueError) as caught:
            self.it.call(work.noted)
        remote = caught.exception.__cause__.remote
        self.assertEqual((remote.type, remote.cause.type, remote.cause.notes), ("ValueError", "KeyError", ["a note"]))

    def test_one_that_can_not_cross_is_told(self):
        with self.assertRaises(isles.ExecutionFailed) as caught:
            self.it.call(work.hopeless)
        self.assertEqual(caught.exception.remote.type, "work.OnlyHere")
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((str(again), again.remote.type), (str(caught.exception), "work.OnlyHere"))

    def test_exit_is_told_with_its_status(self):
        with self.assertRaises(isles.ExecutionFailed) as caught:
            self.it.call(work.end_here, 3)
        self.assertEqual(caught.exception.exit_status, 3)
        self.assertEqual(self.it.call(work.square, 2), 4)

    def test_a_syntax_error_is_one_here(self):
        with self.assertRaises(SyntaxError):
            self.it.exec("x = = 1")

    def test_what_can_not_cross_is_named(self):
        with self.assertRaisesRegex(isles.NotShareableError, r"^args\[1\]\['k'\]: _thread.lock"):
            self.it.call(print, 1, {"k": threading.Lock()})
        with self.assertRaisesRegex(isles.NotShareableError, r"^kwargs\['sep'\]: _thread.lock"):
            self.it.call(print, sep=threading.Lock())
        with self.assertRaisesRegex(isles.NotShareableError, r"^function: .*closure"):
            self.it.call((lambda it: lambda: it)(1))
        with self.assertRaisesRegex(isles.NotShareableError, "^result: _thread.lock"):
            self.it.call(work.lock)

    def test_what_main_has_and_others_can_not_find_is_told(self):
        """By call(), back from one, and by a pool; what crosses by its attributes, and what is pickled."""
        main = sys.modules["__main__"]
        source = "class OnlyInMain: pass\nclass Reduced:\n    def __reduce__(self): return Reduced, ()"
        exec(source, vars(main))
        self.addCleanup(lambda: [delattr(main, name) for name in ("OnlyInMain", "Reduced")])
        told = "module '__main__' has no attribute 'OnlyInMain': OnlyInMain is a class of __main__: put it into a module$"
        pickled = "attribute 'Reduced'.*: what others are to find belongs into a module$"
        for value, text in (main.OnlyInMain(), told), (main.OnlyInMain, told), (main.Reduced(), pickled):
            with self.subTest(value), self.assertRaisesRegex(AttributeError, text):
                self.it.call(print, value)
        with isles.InterpreterPoolExecutor(1) as pool, self.assertRaisesRegex(isles.NotShareableError, told):
            pool.submit(print, main.OnlyInMain()).result(60)
        self.it.exec("class There: pass")
        with self.assertRaisesRegex(AttributeError, "There is a class of __main__: put it into a module$"):
            self.it.call(eval, "There()")

    def test_a_deadline_stops_the_code(self):
        for stop in ("while True: pass", "import time; time.sleep(60)", "import threading; threading.Event().wait()"):
            with self.subTest(stop), self.assertRaises(isles.DeadlineExceeded):
                self.it.within(0.1).exec(stop)
        self.assertIsInstance(isles.DeadlineExceeded(), TimeoutError)
        self.assertEqual(self.it.within(30).call(work.square, 3), 9)

    def test_a_job_can_be_cancelled(self):
        job = self.it.submit(work.sleep, 60)
        waiting = self.it.submit(work.square, 1)
        self.assertFalse(job.wait(0.05))
        waiting.cancel()
        job.cancel()
        with self.assertRaises(isles.JobCancelled):
            job.result(30)
        self.assertIsInstance(waiting.exception(30), concurrent.futures.CancelledError)

    def test_waiting_for_a_job_has_a_limit(self):
        job = self.it.submit(work.sleep, 0.3)
        with self.assertRaises(TimeoutError):
            job.result(0.01)
        self.assertEqual(job.result(30), 0.3)

    def test_an_interpreter_that_has_ended_says_so(self):
        self.it.close()
        self.it.close()
        ended = f"^no such interpreter: {self.it.id} 'failures' has ended$"
        for use in (
            self.it.stats, self.it.usage, self.it.set_budgets, self.it.policy_report,
            lambda: self.it.call(pow, 1, 1), lambda: self.it.submit(pow, 1, 1), lambda: self.it.exec("x = 1"),
            lambda: self.it.within(1).call(pow, 1, 1), lambda: self.it.signal(15), lambda: self.it.handles_signal(15),
        ):
            with self.assertRaisesRegex(isles.InterpreterNotFoundError, ended):
                use()
        other = isles.interpreters.create()
        other.close()
        with self.assertRaisesRegex(isles.InterpreterNotFoundError, f"^no such interpreter: {other.id} has ended$"):
            other.exec("x = 1")

    def test_jobs_of_one_that_ends_end(self):
        running, queued = self.it.submit(work.sleep, 60), self.it.submit(work.square, 1)
        while self.it.stats()["state"] != "running":
            time.sleep(0.001)
        self.it.close(0.05)
        self.assertIsInstance(running.exception(30), isles.InterpreterError)
        self.assertIsInstance(queued.exception(30), isles.InterpreterNotFoundError)


    def test_an_interpreter_itself_does_not_cross(self):
        with self.assertRaisesRegex(isles.NotShareableError, "stays where it was made"):
            self.it.call(print, self.it)


class Settings(unittest.TestCase):
    def test_streams(self):
        with isles.Interpreter(stdout=isles.CAPTURE, stderr=isles.CAPTURE) as it:
            it.call(work.say, "hello")
            self.assertEqual((it.output(), it.errors()), ("hello\n", "err: hello\n"))
            it.call(work.say, "grün")
            self.assertEqual(it.output(), "grün\n")
            self.assertEqual(it.output(), "")
        self.assertEqual(it.errors(), "err: grün\n")
        read, write = os.pipe()
        with isles.Interpreter(stdout=write, stderr=isles.DEVNULL) as it:
            it.call(work.say, "to a pipe")
        os.close(write)
        with os.fdopen(read) as pipe:
            self.assertEqual(pipe.read(), "to a pipe\n")
        with isles.Interpreter(stdin=isles.DEVNULL) as it:
            with self.assertRaises(EOFError):
                it.call(input)
            with self.assertRaisesRegex(ValueError, "stdout is not captured"):
                it.output()

    def test_captures_give_their_descriptors_back(self):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            with isles.Interpreter(stdout=isles.CAPTURE, stderr=isles.CAPTURE) as it:
                it.call(work.say, "x")
            del it
        self.assertLess(len(os.listdir("/proc/self/fd")), before + 5)

    def test_environment_and_path(self):
        os.environ["ISLES_TEST"] = "host"
        self.addCleanup(os.environ.pop, "ISLES_TEST")
        with tempfile.TemporaryDirectory() as folder:
            with isles.Interpreter(env={"ISLES_TEST": "mine", "HOME": None}, path=[folder]) as it:
                self.assertEqual(it.call(work.variable, "ISLES_TEST"), "mine")
                self.assertIsNone(it.call(work.variable, "HOME"))
                self.assertEqual(it.call(work.first_path), folder)
        self.assertEqual(os.environ["ISLES_TEST"], "host")

    def test_a_virtual_environment_is_entered_whatever_python_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder)
            site = next(Path(folder).glob("lib*/python3*/site-packages"))
            (site / "only_there.py").write_text("answer = 42")
            with isles.Interpreter(venv=folder) as it:
                self.assertEqual(it.call(work.evaluate, "only_there.answer"), 42)
                self.assertEqual(it.call(work.evaluate, "sys.prefix"), os.path.abspath(folder))
                self.assertEqual(it.call(work.evaluate, "[p for p in sys.path if '-packages' in p]"), [str(site)])

    def test_no_site_means_none(self):
        with isles.Interpreter(site=False) as it:
            self.assertEqual(it.call(work.evaluate, "[p for p in sys.path if '-packages' in p]"), [])
            self.assertEqual(it.call(work.evaluate, "sys.flags.no_site"), 1)
        with isles.Interpreter(isolated=True) as it:
            mine = os.path.dirname(os.path.abspath(sys.argv[0]))
            self.assertNotIn(mine, it.call(eval, "__import__('sys').path"))

    def test_mistakes_are_named(self):
        closed = open(os.devnull)
        closed.close()
        for error, settings, text in (
            (ValueError, {"cancel_grace": -1}, "cancel_grace must be more than 0, not -1"),
            (TypeError, {"cancel_grace": "x"}, "cancel_grace must be a number, not str"),
            (ValueError, {"stuck_after": float("inf")}, "stuck_after can't be inf"),
            (ValueError, {"stack_size": 10}, "stack_size is less than 256 KiB"),
            (TypeError, {"stack_size": "1M"}, "stack_size must be an int, not str"),
            (ValueError, {"stack_size": 1 << 70}, "stack_size can't be 1180591620717411303424"),
            (ValueError, {"venv": "/no/such"}, "venv: /no/such/pyvenv.cfg"),
            (ValueError, {"venv": "/no/such", "site": False}, "site is False, but a venv needs it"),
            (ValueError, {"umask": 0, "shared_cwd": True}, "umask: not with shared_cwd"),
            (ValueError, {"env": {"A": "1"}, "env_base": "shared"}, "env: not with env_base='shared'"),
            (TypeError, {"venv": 3}, "venv is 3, not a path"),
            (TypeError, {"cwd": b"/"}, "cwd is b'/', not a path"),
            (TypeError, {"locale": 3}, "locale must be a str, not int"),
            (ValueError, {"stdin": isles.CAPTURE}, "stdin can't be captured"),
            (ValueError, {"number": -1}, "number must be 0 or more, not -1"),
            (TypeError, {"extension_copy_limit": 1.5}, "extension_copy_limit must be an int, not float"),
            (ValueError, {"extensions": "all"}, "extensions: 'all' is none of 'strict', 'private', 'shared-gil', 'auto'"),
            (NotImplementedError, {"xoptions": ["importtime"]}, "xoptions: importtime belongs to the process"),
            (TypeError, {"name": 3}, "name must be a str, not int"),
            (ValueError, {"name": "a\0b"}, r"name has a null character: 'a\x00b'"),
            (TypeError, {"umask": "022"}, "umask must be an int, not str"),
            (TypeError, {"path": [3]}, "path[0] is 3, not a path"),
            (TypeError, {"path": "plugins"}, "path is 'plugins': a list is wanted, ['plugins']"),
            (TypeError, {"path": Path("/a")}, "path is PosixPath('/a'): a list is wanted, [PosixPath('/a')]"),
            (TypeError, {"path": 3}, "path is 3: a list is wanted"),
            (TypeError, {"warnings": "error"}, "warnings is 'error': a list is wanted, ['error']"),
            (TypeError, {"warnings": [3]}, "warnings[0] must be a str, not int"),
            (ValueError, {"warnings": ["errr"]}, "warnings: invalid action: 'errr'"),
            (TypeError, {"xoptions": "dev"}, "xoptions is 'dev': a list is wanted, ['dev']"),
            (TypeError, {"env": "A=1"}, "env must be a mapping of names, not str"),
            (TypeError, {"env": {3: "x"}}, "env: 3 is no str"),
            (ValueError, {"env": {"A": "\0"}}, r"env['A'] has a null character"),
            (ValueError, {"stdout": io.StringIO()}, "stdout: <_io.StringIO object at"),
            (ValueError, {"stdout": closed}, "has no descriptor, or is closed"),
            (TypeError, {"stderr": 1.5}, "stderr: 1.5 is no descriptor, file, path or queue"),
            (ValueError, {"stderr": -7}, "stderr: -7 is no descriptor"),
            (TypeError, {"descriptors": {"a": "b"}}, "descriptors['a']: 'b' is no descriptor, and has none"),
        ):
            with self.subTest(settings), self.assertRaises(error) as caught:
                isles.Interpreter(**settings)
            self.assertIn(text, str(caught.exception))
        with self.assertRaisesRegex(TypeError, "^encoding must be a str, not int$"):
            isles.Stream("log.txt", encoding=3)

    def test_mistakes_in_what_is_to_run_are_named(self):
        with isles.Interpreter() as it:
            for error, text, run in (
                (TypeError, "args is '--x': a list is wanted, ['--x']", lambda: it.run_module("this", "--x")),
                (TypeError, "args is '--x': a list is wanted, ['--x']", lambda: it.run_file(__file__, "--x")),
                (TypeError, "args[1] must be a str, not int", lambda: it.run_module("this", ["a", 3])),
                (TypeError, "args is 3: a list is wanted", lambda: it.run_module("this", 3)),
                (ValueError, "args has more than 1000 items", lambda: it.run_module("this", ["x"] * 1001)),
                (TypeError, "name must be a str, not int", lambda: it.run_module(3)),
                (TypeError, "path is 3, not a path", lambda: it.run_file(3)),
                (TypeError, "source must be a str, not int", lambda: it.exec(3)),
                (TypeError, "source must be a str, not bytes", lambda: it.exec(b"x = 1")),
                (ValueError, "source has a null character", lambda: it.exec("x = 1\0")),
                (TypeError, "filename must be a str, not int", lambda: it.exec("x = 1", filename=3)),
                (TypeError, "seconds must be a number, not str", lambda: it.within("1")),
                (ValueError, "seconds must be 0 or more, not -1", lambda: it.within(-1)),
                (ValueError, "seconds must be 0 or more, not nan", lambda: it.within(float("nan"))),
                (TypeError, "signum must be an int, not str", lambda: it.signal("SIGTERM")),
                (ValueError, "SIGSTOP; Job.cancel() and close() stop it", lambda: it.signal(9)),
                (TypeError, "signum must be an int, not str", lambda: it.handles_signal("SIGTERM")),
            ):
                with self.subTest(text), self.assertRaises(error) as caught:
                    run()
                self.assertIn(text, str(caught.exception))

    def test_it_ends_when_nobody_has_it(self):
        id = isles.Interpreter().id
        gc.collect()
        deadline = time.monotonic() + 30
        while id in isles.list_interpreters() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertNotIn(id, isles.list_interpreters())

    @unittest.skipIf(re.search("lib[at]san", Path("/proc/self/maps").read_text()), "sanitizers keep what is freed for a while")
    @unittest.skipIf(work.FREE_THREADED, "a free-threaded CPython keeps them (docs/limits.md)")
    def test_one_that_ended_leaves_no_arenas(self):
        """CPython 3.13 keeps all of them, 7 MB for each interpreter (python/cpython#113055)."""

        def anonymous():
            return int(re.search(r"Anonymous: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text())[1]) << 10

        def lives(count):
            for _ in range(count):
                with isles.Interpreter() as it:
                    it.exec("import json, decimal, argparse")
            return anonymous()

        before = lives(10)
        self.assertLess(lives(20) - before, 20 * (2 << 20))

    def test_what_it_did_is_counted(self):
        with isles.Interpreter() as it:
            it.call(work.square, 1)
            stats = it.stats()
            self.assertEqual((stats["state"], stats["jobs_started"], stats["jobs_failed"]), ("idle", 1, 0))
            job = it.submit(work.sleep, 0.2)
            while not it.is_running():
                time.sleep(0.001)
            job.result()

    def test_a_profiler_in_the_main_interpreter_sees_its_own_threads(self):
        """CPython's sys._current_frames() makes frame objects in the other interpreter, which aborts when it frees them."""
        with isles.Interpreter() as it:
            home = it.call(threading.get_ident)
            job = it.submit(work.stubborn, 0.5)
            while not job.done():
                self.assertIn(threading.get_ident(), sys._current_frames())
                self.assertNotIn(home, sys._current_frames())
            job.result()
            with self.assertRaises(work.Odd):
                it.call(work.half, 3)

    def test_both_cores_are_used(self):
        """Two interpreters in turns of one another: each waits for the other's answer, which one GIL would not forbid; so this
        looks only that both run at once."""
        a, b = isles.create_queue(), isles.create_queue()

        def answer(mine, other, n):
            for _ in range(n):
                other.put(mine.get() + 1)

        with isles.Interpreter() as one, isles.Interpreter() as two:
            jobs = [one.submit(answer, a, b, 100), two.submit(answer, b, a, 100)]
            a.put(0)
            for job in jobs:
                job.result(30)
        self.assertEqual(a.get(), 200)


class Queues(unittest.TestCase):
    def test_values_cross_between_main_and_others(self):
        queue, back = isles.create_queue(), isles.create_queue(1)

        def echo(queue, back):
            for _ in range(50):
                back.put(queue.get())

        with isles.Interpreter() as it:
            job = it.submit(echo, queue, back)
            for i in range(50):
                queue.put({"n": i})
                self.assertEqual(back.get(timeout=30), {"n": i})
            job.result(30)

    def test_select_waits_for_jobs_and_queues(self):
        queue = isles.create_queue()
        with isles.Interpreter() as it:
            job = it.submit(work.sleep, 0.05)
            self.assertEqual(isles.select([queue, job], 30), [job])
            it.call(lambda q: q.put(1), queue)
            self.assertEqual(isles.select([queue], 30), [queue])

    def test_the_rule_for_unbound_values_can_be_one_value_s_own(self):
        queue = isles.create_queue(unbound="keep")

        def put(queue):
            queue.put(1)
            queue.put(2, unbound="remove")
            queue.put(3, unbound="marker")
            queue.put(4, unbound="error")

        with isles.Interpreter() as it:
            it.call(put, queue)
        self.assertEqual(queue.get(), 1)
        self.assertIs(queue.get(), isles.UNBOUND)
        with self.assertRaises(isles.QueueItemUnbound):
            queue.get()
        self.assertTrue(queue.empty())
        with self.assertRaisesRegex(ValueError, "'other' is none of"):
            queue.put(1, unbound="other")

    def test_mistakes_are_named(self):
        for text, use in (
            ("name must be a str, not int", lambda: isles.find_queue(3)),
            ("name must be a str, not int", lambda: isles.create_queue(name=3)),
            ("maxsize must be an int, not str", lambda: isles.create_queue("x")),
            ("max_bytes must be an int, not float", lambda: isles.create_queue(max_bytes=1.5)),
        ):
            with self.subTest(text), self.assertRaisesRegex(TypeError, f"^{text}$"):
                use()
        with self.assertRaisesRegex(ValueError, "^name has a null character"):
            isles.create_queue(name="a\0b")

    def test_which_queue_is_closed_or_full_or_empty_is_told(self):
        for queue, which in (
            (isles.create_queue(1, name="orders"), "the queue 'orders'"), (unnamed := isles.create_queue(1), f"queue {unnamed.id}"),
        ):
            with self.subTest(which):
                with self.assertRaisesRegex(isles.QueueEmpty, f"^{which} is empty$"):
                    queue.get_nowait()
                queue.put(1)
                with self.assertRaisesRegex(isles.QueueFull, f"^{which} is full$"):
                    queue.put(2, timeout=0.001)
                queue.close()
                with self.assertRaisesRegex(isles.QueueClosed, f"^{which} is closed$"):
                    queue.put(2)


if __name__ == "__main__":
    unittest.main()
