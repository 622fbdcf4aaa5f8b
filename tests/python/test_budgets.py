"""Budgets of interpreters, from Python. What reaches which limit is tests/budget_test.c's."""

import unittest

import isles


class Budgets(unittest.TestCase):
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
            with self.assertRaisesRegex(isles.OverBudget, "takes no jobs"):
                it.exec("x = 1")
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
            self.assertIsNone(it.usage()["memory"].hard)

    def test_a_pool_takes_them(self):
        with isles.InterpreterPoolExecutor(1, memory=60 << 20) as pool:
            with self.assertRaises(MemoryError):
                pool.submit(bytes, 100 << 20).result(60)
            self.assertEqual(pool.submit(pow, 2, 3).result(60), 8)

    def test_what_is_refused(self):
        for limit, error, text in (
            (0, ValueError, "memory must be more than 0, not 0"),
            ("64M", TypeError, "memory must be a number, not str"),
            ((1, 2, 3), ValueError, "a pair"),
            ((2 << 30, 1 << 30), ValueError, "the soft limit is above the hard one"),
            (1000, ValueError, "a new interpreter holds"),
        ):
            with self.subTest(limit), self.assertRaisesRegex(error, text):
                isles.Interpreter(memory=limit)
        with self.assertRaisesRegex(NotImplementedError, "shares the GIL"):
            isles.Interpreter(memory=1 << 30, shared_gil=True)
        with isles.Interpreter() as it:
            pass
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.usage()
        with self.assertRaises(isles.InterpreterNotFoundError):
            it.set_budgets(cpu=1)


if __name__ == "__main__":
    unittest.main()
