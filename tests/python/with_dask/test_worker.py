"""isles.dask: the tasks of a LocalCluster run in interpreters, in this process and in one of its own."""

import os
import tempfile
import threading
import traceback
import unittest
from pathlib import Path

import dask
import dask.bag
import distributed
import imports_distributed
import isles
import isles.dask
import psutil
import tasks
from clusters import LONG, Cluster


def class_of_the_client():
    """In no module that another interpreter can import, as in a notebook."""

    class Point:
        def __init__(self, x):
            self.x = x

    return Point


Point = class_of_the_client()


class Runs:
    """What holds in one process and in two; `client` is the class's."""

    def run_task(self, function, *args, **kwargs):
        return self.client.submit(function, *args, pure=False, **kwargs).result(LONG)

    def fails(self, kind, function, *args, **kwargs):
        try:
            result = self.run_task(function, *args, **kwargs)
        except kind as error:
            return error  # with its traceback, which assertRaises() would drop
        raise AssertionError(f"it gave {result!r}")

    def test_results_and_dependencies(self):
        squares = self.client.map(lambda x: x * x, range(10))
        self.assertEqual(self.client.submit(sum, squares).result(LONG), 285)
        nested = self.client.submit(lambda a: a["sum"] + a["list"][0], {"sum": squares[3], "list": [squares[2]]})
        self.assertEqual(nested.result(LONG), 13)
        total = dask.delayed(sum)([dask.delayed(pow)(2, n) for n in range(5)])
        self.assertEqual(total.compute(), 31)
        bag = dask.bag.from_sequence(range(100), npartitions=4).filter(lambda x: x % 2).map(lambda x: x + 1)
        self.assertEqual(bag.sum().compute(), 2550)

    def test_tasks_run_in_interpreters_and_share_nothing_with_the_worker(self):
        counts = {}
        for id, count in self.client.gather([self.client.submit(tasks.number_of_calls, pure=False) for _ in range(20)]):
            counts.setdefault(id, set()).add(count)
        self.assertNotIn(0, counts)
        self.assertLessEqual(len(counts), 2)
        self.assertEqual(sum(len(each) for each in counts.values()), 20)  # each counts for itself
        with dask.annotate(executor="threads"):
            self.assertEqual(self.run_task(tasks.number_of_calls), (0, 1))  # the worker's own module saw none of them

    def test_two_run_at_once_each_with_its_gil(self):
        with tempfile.NamedTemporaryFile() as file, dask.annotate(timeout=LONG):
            file.write(bytes(16))
            file.flush()
            runs = [self.client.submit(tasks.run_beside, file.name, mine, 1 - mine) for mine in (0, 1)]
            (id, began, ended), (other_id, other_began, other_ended) = self.client.gather(runs)
        self.assertNotEqual(id, other_id)
        self.assertLess(max(began, other_began), min(ended, other_ended))

    def test_classes_of_the_client_cross(self):
        point = self.client.submit(Point, 4)
        self.assertEqual(self.client.submit(lambda p: p.x + 1, point).result(LONG), 5)
        self.assertEqual(point.result(LONG).x, 4)

    def test_many_bytes(self):
        data = self.client.submit(tasks.many_bytes, 20_000_000)
        self.assertEqual(self.client.submit(tasks.first_byte_and_length, data).result(LONG), (ord("x"), 20_000_000))
        self.assertEqual(len(data.result(LONG)), 20_000_000)
        view = self.client.submit(lambda: memoryview(b"abc"), pure=False)
        self.assertEqual(self.client.submit(bytes, view).result(LONG), b"abc")

    def test_an_exception_keeps_class_notes_cause_and_traceback(self):
        error = self.fails(tasks.Odd, tasks.half, 3)
        self.assertEqual((error.number, error.__notes__), (3, ["a note"]))
        self.assertEqual(str(error.__cause__), "its cause")
        last = traceback.extract_tb(error.__traceback__)[-1]
        self.assertEqual((Path(last.filename).name, last.name), ("tasks.py", "half"))

    def test_what_can_not_leave_is_named(self):
        error = self.fails(TypeError, tasks.lock)
        self.assertIn("lock", str(error))
        self.assertIn("what the task returned can't leave the interpreter", error.__notes__[0])

    def test_what_can_not_come_in_is_named(self):
        with dask.annotate(executor="threads"):
            lock = self.client.submit(tasks.lock, pure=False)
        error = self.fails(TypeError, repr, lock)
        self.assertIn("can't go to an interpreter", error.__notes__[0])

    def test_an_exit_fails_the_task_only(self):
        error = self.fails(isles.ExecutionFailed, exit, 3)
        self.assertEqual(error.exit_status, 3)
        self.assertEqual(self.run_task(tasks.add, 1, 2), 3)

    def test_what_needs_the_main_interpreter_says_so_and_runs_on_threads(self):
        error = self.fails(ImportError, tasks.worker_of_dask)
        self.assertIn('dask.annotate(executor="threads")', error.__notes__[0])
        with dask.annotate(executor="threads"):
            self.assertEqual(self.run_task(tasks.worker_of_dask), (0, 2))
        with dask.annotate(executor="thread"):
            self.assertIn("'threads'", str(self.fails(ValueError, tasks.where)))

    def test_a_function_of_a_module_that_imports_distributed_says_what_to_do(self):
        error = self.fails(ImportError, imports_distributed.double, 2)
        self.assertIn('dask.annotate(executor="threads")', error.__notes__[0])
        self.assertIn("imports_distributed.py", [Path(f.filename).name for f in traceback.extract_tb(error.__traceback__)])
        with dask.annotate(executor="threads"):
            self.assertEqual(self.run_task(imports_distributed.double, 2), 4)

    def test_a_deadline_stops_a_task(self):
        with dask.annotate(timeout="200ms"):
            error = self.fails(isles.DeadlineExceeded, tasks.spin)
        self.assertIn("within 0.2 seconds", str(error))
        with dask.annotate(timeout=-1):
            self.assertIn("timeout must be more than 0", str(self.fails(ValueError, tasks.spin)))

    def test_an_interpreter_that_is_stuck_is_replaced(self):
        with dask.annotate(timeout=0.2):
            runs = [self.client.submit(tasks.endless_in_c, pure=False) for _ in range(2)]
        for run in runs:
            self.assertIsInstance(run.exception(LONG), isles.DeadlineExceeded)
        self.assertEqual(self.client.gather(self.client.map(tasks.add, range(4), range(4))), [0, 2, 4, 6])

    def test_actors_live_in_the_main_interpreter(self):
        actor = self.client.submit(tasks.Counter, 7, actor=True).result(LONG)
        self.assertEqual([actor.add(1).result(LONG), actor.add(2).result(LONG)], [(0, 8), (0, 10)])

    def test_uploaded_files_are_seen_at_once(self):
        def version():
            import uploaded

            return uploaded.VERSION, isles.id

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "uploaded.py")
            for number in (1, 2):
                path.write_text(f"VERSION = {number}\n")
                self.client.upload_file(str(path))
                for seen, id in self.client.gather([self.client.submit(version, pure=False) for _ in range(4)]):
                    self.assertEqual((seen, id > 0), (number, True))


class InOneProcess(Runs, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.client = cls.cluster.__enter__()

    def test_the_worker_is_here(self):
        id, pid = self.run_task(tasks.where)
        self.assertIn(id, isles.list_interpreters())
        self.assertEqual(pid, os.getpid())


class Stops(unittest.TestCase):
    """What is stopped has time to say so, on a busy machine too."""

    PATIENT = {"cancel_grace": LONG / 2, "stuck_after": LONG}

    def setUp(self):
        self.told = isles.create_queue(name=f"told {self.id()}")

    def begin(self, client):
        future = client.submit(tasks.spin, self.told.name, pure=False)
        self.assertEqual(self.told.get(timeout=LONG), "runs")
        return future

    def assert_stopped(self, count):
        self.assertEqual([self.told.get(timeout=LONG) for _ in range(count)], ["Cancelled"] * count)

    def test_cancelling_stops_what_runs(self):
        with Cluster(interpreter=self.PATIENT) as client:
            futures = [self.begin(client), self.begin(client)]  # no third could run
            client.cancel(futures)
            self.assert_stopped(2)
            self.assertEqual(client.submit(tasks.add, 1, 2).result(LONG), 3)
            self.assertTrue(all(f.cancelled() for f in futures))

    def test_cancelling_keeps_what_waits_from_beginning(self):
        with Cluster(interpreter=self.PATIENT) as client:
            running = [self.begin(client), self.begin(client)]
            waiting = [client.submit(tasks.spin, self.told.name, pure=False) for _ in range(4)]
            client.cancel(waiting)
            client.cancel(running)
            self.assert_stopped(2)
            self.assertEqual(client.submit(tasks.add, 1, 2).result(LONG), 3)
            self.assertEqual(self.told.qsize(), 0)

    def test_a_task_that_was_cancelled_can_be_computed_again(self):
        with Cluster(interpreter=self.PATIENT) as client:
            may_go = isles.create_queue(name=f"may go {self.id()}")
            first = client.submit(tasks.spin, self.told.name, may_go.name, key="one")
            self.assertEqual(self.told.get(timeout=LONG), "runs")
            client.cancel([first])
            self.assert_stopped(1)
            again = client.submit(tasks.add, 3, 4, key="one")
            self.assertEqual(client.submit(tasks.add, 1, 2).result(LONG), 3)  # the worker has heard of both
            may_go.put("now")
            self.assertEqual(again.result(LONG), 7)

    def test_closing_stops_what_runs_and_leaves_nothing(self):
        interpreters, threads = set(isles.list_interpreters()), set(threading.enumerate())
        with Cluster(interpreter=self.PATIENT) as client:
            future = self.begin(client)
        del future  # a task that nobody wants is stopped
        self.assert_stopped(1)
        self.assertEqual(set(isles.list_interpreters()) - interpreters, set())
        self.assertEqual([t for t in set(threading.enumerate()) - threads if t.name.startswith("isles")], [])


class InItsOwnProcess(Runs, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            cls.cluster = Cluster(isles.dask.Nanny)
        cls.addClassCleanup(cls.cluster.close)
        cls.client = cls.cluster.__enter__()

    def test_the_worker_is_there(self):
        id, pid = self.run_task(tasks.where)
        self.assertGreater(id, 0)
        self.assertNotEqual(pid, os.getpid())

    def test_restarting_makes_everything_new(self):
        future = self.client.submit(tasks.spin, pure=False)
        _, before = self.run_task(tasks.where)  # the scheduler knows the other one by now, and forgets it
        self.client.restart(timeout=LONG)
        self.assertTrue(future.cancelled())
        id, after = self.run_task(tasks.where)
        self.assertNotEqual(before, after)
        self.assertFalse(psutil.pid_exists(before))
        self.assertEqual(self.run_task(tasks.number_of_calls)[1], 1)

    def test_an_interpreter_that_leaves_is_replaced(self):
        _, before = self.run_task(tasks.where)
        error = self.fails(isles.ExecutionFailed, os._exit, 3)
        self.assertIn("os._exit(3)", str(error))
        _, after = self.run_task(tasks.where)
        self.assertEqual(before, after)  # the process

    def test_a_worker_that_crashes_is_replaced(self):
        _, before = self.run_task(tasks.where)
        self.fails(distributed.KilledWorker, lambda: __import__("ctypes").string_at(0))
        _, after = self.run_task(tasks.where)
        self.assertNotEqual(before, after)


class Settings(unittest.TestCase):
    def test_they_reach_the_interpreters(self):
        with Cluster(timeout=0.2, interpreter={"env": {"COLOUR": "green"}}) as client:
            self.assertEqual(client.submit(os.getenv, "COLOUR").result(LONG), "green")
            self.assertIsInstance(client.submit(tasks.spin).exception(LONG), isles.DeadlineExceeded)

    def test_they_come_from_dask_s_configuration(self):
        with dask.config.set({"isles.timeout": "200ms", "isles.interpreter": {"env": {"COLOUR": "red"}}}):
            with Cluster() as client:
                self.assertEqual(client.submit(os.getenv, "COLOUR").result(LONG), "red")
                self.assertIsInstance(client.submit(tasks.spin).exception(LONG), isles.DeadlineExceeded)

    def test_wrong_ones_are_told_where_the_worker_is_made(self):
        for options, kind, text in (
            ({"timeout": "soon"}, ValueError, "timeout must be more than 0 seconds, .* not 'soon'"),
            ({"interpreter": {"venv": "/nowhere"}}, ValueError, "venv: /nowhere"),
            ({"interpreter": {"pth": "x"}}, TypeError, "'pth'"),
            ({"interpreter": {"site": False, "isolated": True, "path": 5}}, TypeError, "path is 5: a list is wanted"),
            ({"interpreter": {"path": "plugins"}}, TypeError, "path is 'plugins': a list is wanted"),
            ({"executor": 5}, TypeError, "executor must be a dict"),
        ):
            with self.subTest(options), self.assertRaisesRegex(kind, text):
                isles.dask.Worker("tcp://127.0.0.1:1", **options)


if __name__ == "__main__":
    unittest.main()
