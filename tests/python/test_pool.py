"""isles.InterpreterPoolExecutor beyond what CPython's own tests of its interface look at."""

import concurrent.futures
import contextlib
import gc
import io
import os
import random
import signal
import threading
import time
import unittest

import isles
import work


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def under_address_sanitizer():
    with open("/proc/self/maps") as file:
        return "/libasan." in file.read()


class Pool(unittest.TestCase):
    def test_map_keeps_the_order(self):
        with isles.InterpreterPoolExecutor(2) as pool:
            for options in ({}, {"chunksize": 7}, {"buffersize": 3}, {"chunksize": 2, "buffersize": 2}):
                with self.subTest(options):
                    self.assertEqual(list(pool.map(work.square, range(100), **options)), [n * n for n in range(100)])
            self.assertEqual(list(pool.map(pow, [2, 3], [3, 2])), [8, 9])
            with self.assertRaises(work.Odd):
                list(pool.map(work.half, [2, 3, 4]))
            with self.assertRaises(ValueError):
                pool.map(work.half, [2], chunksize=0)

    def test_what_can_not_cross_is_named(self):
        lock = threading.Lock()
        with isles.InterpreterPoolExecutor(1) as pool:
            for named, future in (
                (r"args\[0\]", pool.submit(print, lock)),
                (r"args\[1\]\['k'\]\[0\]", pool.submit(print, 1, {"k": [lock]})),
                (r"kwargs\['end'\]", pool.submit(print, end=lock)),
                ("function", pool.submit(lock.acquire)),
            ):
                with self.subTest(named), self.assertRaisesRegex(isles.NotShareableError, f"^{named}: _thread.lock"):
                    future.result(30)
            for options in {}, {"chunksize": 2}:
                with self.subTest(options):
                    with self.assertRaisesRegex(isles.NotShareableError, r"^args\[1\]: _thread.lock"):
                        list(pool.map(print, [1, 2, 3], [4, 5, lock], **options))
                    with self.assertRaisesRegex(isles.NotShareableError, "^function: _thread.lock"):
                        list(pool.map(lock.acquire, [1], **options))
            with self.assertRaisesRegex(isles.NotShareableError, "^result: _thread.lock"):
                pool.submit(work.lock).result(30)

    @unittest.skipIf(work.FREE_THREADED, "objects of a free-threaded build know their thread")
    def test_large_bytes_that_the_worker_does_not_keep_are_not_copied(self):
        with isles.InterpreterPoolExecutor(1) as pool, isles.Interpreter() as interpreter:
            for call in (lambda *task: pool.submit(*task).result(30)), interpreter.call:
                for _ in range(3):
                    made = call(work.make_bytes, 1 << 20)
                    self.assertEqual(made, b"x" * (1 << 20))
                    self.assertEqual(id(made), call(work.id_of_made))
                mine = bytes(range(256)) * 1024
                again = [call(work.same, mine) for _ in range(3)]
                self.assertEqual(again, [mine] * 3)
                self.assertEqual(len({id(mine), *map(id, again)}), 4)

    def test_a_timeout_that_is_none_is_named(self):
        """Whether the task is done or not; and where a job or an interpreter is waited for."""
        gate = isles.create_queue()
        with isles.InterpreterPoolExecutor(1) as pool:
            done, open_ = pool.submit(work.square, 1), pool.submit(gate.get)
            done.result()
            for future in done, open_:
                for wait in future.result, future.exception:
                    for timeout in "soon", [1], 1j:
                        message = f"^'timeout' must be a number of seconds or None, not {type(timeout).__name__}$"
                        with self.subTest(wait=wait, timeout=timeout), self.assertRaisesRegex(TypeError, message):
                            wait(timeout)
            gate.put(1)
            self.assertEqual(open_.result(30), 1)
        with isles.Interpreter() as it:
            job = it.submit(work.square, 1)
            for wait in job.wait, job.result, it.close:
                with self.assertRaisesRegex(TypeError, "^'timeout' must be a number of seconds or None, not str$"):
                    wait("soon")

    def test_a_quick_task_does_not_wait_behind_a_slow_one(self):
        """Workers have a task in hand; when the other comes free it takes that one."""
        gate = isles.create_queue()
        with isles.InterpreterPoolExecutor(2) as pool:
            list(pool.map(work.square, range(4)))
            blocked = pool.submit(gate.get)
            rest = [pool.submit(work.square, n) for n in range(20)]
            self.assertEqual([f.result(60) for f in rest], [n * n for n in range(20)])
            self.assertFalse(blocked.done())
            gate.put("open")
            self.assertEqual(blocked.result(60), "open")

    def test_exceptions_keep_class_and_traceback(self):
        with isles.InterpreterPoolExecutor(1) as pool:
            error = pool.submit(work.half, 3).exception()
            self.assertIsInstance(error, work.Odd)
            self.assertIn("in half", str(error.__cause__))
            self.assertIsInstance(pool.submit(work.hopeless).exception(), isles.ExecutionFailed)
            self.assertIsInstance(pool.submit(work.lock).exception(), isles.NotShareableError)
            self.assertIsInstance(pool.submit(work.square, threading.Lock()).exception(), isles.NotShareableError)
            self.assertEqual(pool.submit(work.square, 2).result(), 4)

    def test_each_worker_is_initialized(self):
        with isles.InterpreterPoolExecutor(2, initializer=work.initialize, initargs=("ready",)) as pool:
            self.assertEqual({pool.submit(work.what_was_initialized).result() for _ in range(10)}, {"ready"})

    def test_a_failed_initializer_breaks_the_pool(self):
        with self.assertLogs("concurrent.futures", "CRITICAL") as logs:
            with isles.InterpreterPoolExecutor(1, initializer=work.fail_to_initialize) as pool:
                future = pool.submit(work.square, 1)
                self.assertIsInstance(future.exception(60), isles.BrokenInterpreterPool)
                self.assertIsInstance(future.exception().__cause__, OSError)
                why = "^the initializer failed: OSError: no such thing; the pool is not usable any more$"
                self.assertRegex(str(future.exception()), why)
                with self.assertRaisesRegex(isles.BrokenInterpreterPool, why):
                    pool.submit(work.square, 1)
        self.assertIn("no such thing", "".join(logs.output))

    def test_a_pool_whose_interpreters_can_not_be_made_is_broken(self):
        with self.assertLogs("concurrent.futures", "CRITICAL") as logs:
            with isles.InterpreterPoolExecutor(1, venv="/no/such") as pool:
                why = "^a worker could not be made: ValueError: venv: /no/such/pyvenv.cfg: No such file or directory; the pool"
                with self.assertRaisesRegex(isles.BrokenInterpreterPool, why):
                    pool.submit(work.square, 1).result(60)
        self.assertIn("a worker could not be made:\n", logs.output[0])

    def test_settings_are_checked_when_it_is_made(self):
        before, descriptors = isles.list_interpreters(), os.listdir("/proc/self/fd")
        for error, settings, text in (
            (TypeError, {"memroy": 3}, "unexpected keyword argument 'memroy'"),
            (TypeError, {"name": "x"}, "multiple values for argument 'name'"),
            (TypeError, {"number": 1}, "multiple values for keyword argument 'number'"),
            (TypeError, {"path": "plugins"}, "path is 'plugins': a list is wanted"),
            (TypeError, {"umask": "022", "stdout": isles.CAPTURE}, "umask must be an int"),
            (ValueError, {"memory": 0}, "memory must be more than 0"),
            (ValueError, {"extensions": "all"}, "extensions: 'all' is none of"),
            (ValueError, {"stdout": io.StringIO()}, "stdout: .* has no descriptor"),
            (TypeError, {"max_workers": "2"}, "max_workers must be an int, not str"),
            (ValueError, {"max_workers": 0}, "max_workers must be greater than 0"),
        ):
            with self.subTest(settings), self.assertRaisesRegex(error, text):
                isles.InterpreterPoolExecutor(**{"max_workers": 2} | settings)
        isles.InterpreterPoolExecutor(2, stdout=isles.CAPTURE)
        gc.collect()
        self.assertEqual((isles.list_interpreters(), os.listdir("/proc/self/fd")), (before, descriptors))

    def test_a_setting_that_can_be_read_once_is_every_worker_s(self):
        with isles.InterpreterPoolExecutor(1, max_tasks_per_child=1, path=iter(["/no/such"])) as pool:
            self.assertEqual([pool.submit(work.first_path).result(60) for _ in range(3)], ["/no/such"] * 3)

    def test_workers_are_replaced_after_their_share(self):
        with isles.InterpreterPoolExecutor(2, max_tasks_per_child=3) as pool:
            ids = [f.result(60)[1] for f in [pool.submit(work.name_and_id) for _ in range(12)]]
        self.assertGreaterEqual(len(set(ids)), 4)
        self.assertLessEqual(max(ids.count(i) for i in ids), 3)

    def test_a_worker_that_is_lost_is_replaced(self):
        with isles.InterpreterPoolExecutor(1, thread_name_prefix="lost") as pool:
            _, id = pool.submit(work.name_and_id).result(60)
            future = pool.submit(work.sleep, 60)
            waiting = pool.submit(work.square, 5)
            later = pool.submit(work.square, 6)
            worker = next(iter(pool._scheduler.workers.values()))
            time.sleep(0.1)  # it is in the task by then; if not, the task is lost all the same
            worker.interpreter.close(0.05)
            self.assertIsInstance(future.exception(60), isles.InterpreterError)
            self.assertIsInstance(waiting.exception(60), (isles.InterpreterError, type(None)))
            self.assertEqual(later.result(60), 36)
            self.assertNotEqual(pool.submit(work.name_and_id).result(60)[1], id)

    def waiting(self, future, count=2):
        """Threads that wait for its result; they append what they get."""
        got = []
        threads = [threading.Thread(target=lambda: got.append(future.exception(60) or future.result())) for _ in range(count)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)  # they wait by then; if not, they have less to show
        return threads, got

    def join(self, threads):
        """They are through long before their own timeouts: somebody woke them."""
        for thread in threads:
            thread.join(30)
            self.assertFalse(thread.is_alive())

    def test_all_who_wait_for_a_result_get_it(self):
        gate = isles.create_queue()
        with isles.InterpreterPoolExecutor(1) as pool:
            future = pool.submit(gate.get)
            with self.assertRaises(TimeoutError):
                future.result(0.02)
            with self.assertRaises(TimeoutError):
                future.result(0)
            threads, got = self.waiting(future)
            gate.put("open")
            self.join(threads)
            self.assertEqual(got, ["open", "open"])

    @contextlib.contextmanager
    def busy_pool(self):
        """One whose worker has more to do than it takes in hand, until the end of the block."""
        gate = isles.create_queue()
        with isles.InterpreterPoolExecutor(1) as pool:
            for _ in range(3):
                pool.submit(gate.get)
            try:
                yield pool
            finally:
                for _ in range(3):
                    gate.put(1)

    def test_who_waits_hears_of_arguments_that_cannot_cross(self):
        """They are found out when the task is given out, by the pool's thread."""
        with self.busy_pool() as pool:
            threads, got = self.waiting(pool.submit(work.square, threading.Lock()))
        self.join(threads)
        self.assertEqual([type(error) for error in got], [isles.NotShareableError] * 2)

    def test_who_waits_hears_of_cancelling_and_of_other_ends(self):
        with self.busy_pool() as pool:
            cancelled, other = pool.submit(work.square, 2), pool.submit(work.square, 3)
            errors = []

            def wait():
                try:
                    cancelled.result(60)
                except concurrent.futures.CancelledError as error:
                    errors.append(error)

            thread = threading.Thread(target=wait)
            thread.start()
            threads, got = self.waiting(other)
            self.assertTrue(cancelled.cancel())
            other.set_result("by hand")
            self.join([thread, *threads])
            self.assertEqual((len(errors), got), (1, ["by hand", "by hand"]))

    def test_a_signal_reaches_who_waits(self):
        gate = isles.create_queue()
        with isles.InterpreterPoolExecutor(1) as pool:
            future = pool.submit(gate.get)
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                future.result(60)
            timer.join()
            self.assertFalse(future.done())
            gate.put("open")
            self.assertEqual(future.result(60), "open")

    @unittest.skipIf(under_address_sanitizer(), "the address sanitizer keeps what is freed, and looks for leaks itself")
    def test_ten_thousand_calls_leave_nothing(self):
        with isles.InterpreterPoolExecutor(2) as pool:

            def calls(count):
                for future in [pool.submit(work.square, n) for n in range(count)]:
                    future.result()

            calls(2000)
            least = min(self.grown(calls, 10000) for _ in range(3))
        self.assertLess(least, 300)  # KiB; 30 bytes of each call would be as much

    def grown(self, calls, count):
        gc.collect()
        before = resident_kib()
        calls(count)
        gc.collect()
        return resident_kib() - before

    def test_a_worker_that_leaves_is_replaced(self):
        with isles.InterpreterPoolExecutor(1) as pool:
            for status in (3, 4):
                with self.assertRaisesRegex(isles.InterpreterError, "ended before its task did") as caught:
                    pool.submit(os._exit, status).result(60)
                self.assertIn(f"os._exit({status})", str(caught.exception.__cause__))
                self.assertEqual(pool.submit(work.square, 3).result(60), 9)

    def test_cancelled_futures_never_run(self):
        gate = isles.create_queue()
        pool = isles.InterpreterPoolExecutor(1)
        blocked = pool.submit(gate.get)
        rest = [pool.submit(work.square, n) for n in range(10)]
        cancelled = [f for f in rest if f.cancel()]
        self.assertGreaterEqual(len(cancelled), 8)
        pool.shutdown(wait=False, cancel_futures=True)
        gate.put(1)
        self.assertEqual(blocked.result(60), 1)
        pool.shutdown()
        self.assertTrue(all(f.done() for f in rest))
        with self.assertRaises(RuntimeError):
            pool.submit(work.square, 1)

    def test_a_forgotten_pool_finishes_its_work(self):
        pool = isles.InterpreterPoolExecutor(2)
        futures = [pool.submit(work.sleep, 0.05) for _ in range(4)]
        del pool
        gc.collect()
        done, not_done = concurrent.futures.wait(futures, 60)
        self.assertFalse(not_done)
        self.assertTrue(all(f.result() == 0.05 or f.cancelled() for f in done))

    def test_a_soak_of_random_tasks(self):
        """Each future ends, and with what its task says; bounded. ISLES_SOAK: how many."""
        rng = random.Random(7)
        expected = {}
        with isles.InterpreterPoolExecutor(3, max_tasks_per_child=400) as pool:
            for n in range(int(os.environ.get("ISLES_SOAK", 100000))):
                kind = rng.random()
                if kind < 0.6:
                    expected[pool.submit(work.square, n)] = n * n
                elif kind < 0.8:
                    expected[pool.submit(work.half, n)] = n // 2 if n % 2 == 0 else work.Odd
                elif kind < 0.9:
                    expected[pool.submit(work.lock)] = isles.NotShareableError
                else:
                    future = pool.submit(work.sleep, 0.001)
                    expected[future] = concurrent.futures.CancelledError if future.cancel() else 0.001
            done, not_done = concurrent.futures.wait(expected, 500)
        self.assertFalse(not_done)
        for future in done:
            if future.cancelled():
                self.assertIs(expected[future], concurrent.futures.CancelledError)
            elif future.exception() is not None:
                self.assertIsInstance(future.exception(), expected[future])
            else:
                self.assertEqual(future.result(), expected[future])


if __name__ == "__main__":
    unittest.main()
