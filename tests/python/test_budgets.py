"""Budgets of interpreters, from Python. What reaches which limit is tests/budget_test.c's."""

import sys
import unittest

import isles
import work


class Budgets(unittest.TestCase):
    @unittest.skipIf(work.FREE_THREADED, "memory can't be counted there")
    def test_memory(self):
        with isles.Interpreter(memory=(30 << 20, 60 << 20)) as it:
            it.exec("x = bytes(10 << 20)")
            with self.assertRaises(MemoryError) as caught:
                it.exec("y = bytes(100 << 20)")
            self.assertEqual(caught.exception.__notes__, ["the interpreter's memory limit is reached"])
            amount = it.usage()["memory"]
            self.assertGreater(amount.used, 10 << 20)
            self.assertLess(amount.peak, 60 << 20)
            self.assertEqual((amount.soft, amount.hard, amount.reached), (30 << 20, 60 << 20, 1))

    def test_cpu(self):
        with isles.Interpreter(cpu=0.1, stuck_after=30) as it:
            with self.assertRaisesRegex(isles.OverBudget, "^cpu: the limit of 0.1 s is used up"):
                it.exec("while True: pass")
            spent = f"^interpreter {it.id} '{it.name}' has used up its cpu budget and takes no jobs; set_budgets\\(\\) can"
            for use in (lambda: it.exec("x = 1")), (lambda: it.call(pow, 1, 1)):
                with self.assertRaisesRegex(isles.OverBudget, spent):
                    use()
            it.set_budgets(cpu=(50, 100))
            self.assertEqual(it.call(pow, 2, 3), 8)
            amount = it.usage()["cpu"]
            self.assertEqual((amount.soft, amount.hard, amount.reached), (50, 100, 1))
            self.assertGreaterEqual(amount.used, 0.1)

    def test_code_sees_why_it_is_stopped(self):
        with isles.Interpreter(wall=0.1, stuck_after=30) as it:
            with self.assertRaises(isles.OverBudget):
                it.exec(
                    "import isles\ntry:\n    while True: pass\n"
                    "except isles.BudgetExceeded as error:\n    text = str(error)\n    raise"
                )
            self.assertRegex(it.call(eval, "__import__('__main__').text"), "^wall: the limit of 0.1 s is reached")
            self.assertEqual(it.call(eval, "__import__('isles').BudgetExceeded.__mro__[1].__name__"), "Cancelled")

    def test_threads_and_output(self):
        with isles.Interpreter(threads=1, output=1000, stdout=isles.CAPTURE, stuck_after=30) as it:
            with self.assertRaisesRegex(RuntimeError, "the limit of 1 \\(threads\\)"):
                it.exec(
                    "import threading; e = threading.Event()\ntry:\n"
                    "    for n in range(2): threading.Thread(target=e.wait).start()\nfinally: e.set()"
                )
            with self.assertRaisesRegex(isles.OverBudget, "output: the limit of 1000 bytes"):
                it.exec("while True: print('x' * 99, flush=True)")
            with self.assertRaisesRegex(isles.OverBudget, "has used up its output budget and takes no jobs"):
                it.call(pow, 1, 1)
            self.assertIsNone(it.usage()["memory"].hard)

    def test_values_in_queues(self):
        queue = isles.create_queue()
        with isles.Interpreter(messages=(2, 3), queue_bytes=100_000) as it:
            it.call(queue.put, 1)
            with self.assertRaisesRegex(isles.OverBudget, "^queue_bytes: the limit of 97.66 KiB is reached"):
                it.call(queue.put, bytes(100_000))
            with self.assertRaisesRegex(isles.OverBudget, "^messages: the limit of 3 is reached"):
                it.call(self.put_all, queue, range(10))
            self.assertEqual([queue.get() for n in range(3)], [1, 0, 1])
            amount = it.usage()["messages"]
            self.assertEqual((amount.used, amount.peak, amount.soft, amount.hard, amount.reached), (0, 3, 2, 3, 1))
            it.set_budgets(messages=5)
            it.call(self.put_all, queue, range(5))

    @staticmethod
    def put_all(queue, values):
        for value in values:
            queue.put(value)

    def test_recursion(self):
        with isles.Interpreter(recursion=400) as it:
            self.assertEqual(it.call(sys.getrecursionlimit), 400)
            with self.assertRaisesRegex(ValueError, "at most 400 is allowed"):
                it.call(sys.setrecursionlimit, 401)
            with self.assertRaises(RecursionError) as caught:
                it.exec("def f(): f()\nf()")
            self.assertEqual(caught.exception.__notes__, ["the interpreter's recursion limit of 400 is reached"])
            self.assertEqual(it.usage()["recursion"].reached, 2)

    def test_descriptors(self):
        with isles.Interpreter(private_descriptors=True, descriptor_limit=20) as it:
            with self.assertRaisesRegex(OSError, "the interpreter's limit of 20 descriptors is reached"):
                it.exec("x = []\nwhile True: x.append(open('/dev/null'))")
            self.assertEqual(it.usage()["descriptors"].used, 20)

    @unittest.skipIf(work.FREE_THREADED, "memory can't be counted there")
    def test_a_pool_takes_them(self):
        with isles.InterpreterPoolExecutor(1, memory=60 << 20) as pool:
            with self.assertRaises(MemoryError):
                pool.submit(bytes, 100 << 20).result(60)
            self.assertEqual(pool.submit(pow, 2, 3).result(60), 8)

    @unittest.skipIf(work.FREE_THREADED, "there is no GIL to share")
    def test_what_is_refused(self):
        with self.assertRaisesRegex(ValueError, "^descriptor_limit: the interpreter has no table of its own"):
            isles.Interpreter(descriptor_limit=20)
        with self.assertRaisesRegex(TypeError, "^descriptor_limit must be a number, not str"):
            isles.Interpreter(descriptor_limit="x")
        with self.assertRaisesRegex(ValueError, "^recursion: less than 100 is not enough"):
            isles.Interpreter(recursion=10)
        for limit, error, text in (
            (0, ValueError, "memory must be more than 0, not 0"),
            ("64M", TypeError, "memory must be a number, not str"),
            ((1, 2, 3), ValueError, "memory must be a limit, or a pair"),
            ((2 << 30, 1 << 30), ValueError, "memory: the soft limit is above the hard one"),
            (1000, ValueError, "memory: a new interpreter holds"),
            (float("inf"), ValueError, "memory can't be inf"),
        ):
            with self.subTest(limit), self.assertRaisesRegex(error, f"^{text}"):
                isles.Interpreter(memory=limit)
        with self.assertRaisesRegex(NotImplementedError, "^memory: an interpreter that shares the GIL"):
            isles.Interpreter(memory=1 << 30, shared_gil=True)
        with isles.Interpreter() as it:
            pass
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.usage()
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.set_budgets(cpu=1)


if __name__ == "__main__":
    unittest.main()
