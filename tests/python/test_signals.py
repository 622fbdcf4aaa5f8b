"""Interpreter.signal(): signals of an interpreter's own."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import isles
from isles import aio

HEARD = """
import isles, signal, threading, time
heard = []
def note(number, frame):
    heard.append((number, threading.current_thread() is threading.main_thread()))
"""


class Signals(unittest.TestCase):
    def setUp(self):
        self.it = isles.Interpreter("signals")
        self.addCleanup(self.it.close)
        self.it.exec(HEARD)
        self.ready = isles.create_queue()
        self.it.prepare_main(ready=self.ready)

    def begin(self, source):
        job = self.it._submit("source", "ready.put(1)\n" + source)
        self.ready.get(timeout=30)
        time.sleep(0.02)
        return job

    def test_a_handler_runs_and_the_wait_goes_on(self):
        self.it.exec("signal.signal(signal.SIGUSR1, note)")
        self.assertTrue(self.it.handles_signal(signal.SIGUSR1))
        self.assertFalse(self.it.handles_signal(signal.SIGTERM))
        job = self.begin("before = time.monotonic(); time.sleep(0.3); took = time.monotonic() - before")
        self.it.signal(signal.SIGUSR1)
        job.result(30)
        self.assertEqual(self.it.call(eval, "heard"), [(signal.SIGUSR1, True)])
        self.assertGreater(self.it.call(eval, "took"), 0.29)

    def test_defaults(self):
        for number, status in (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129):
            job = self.begin("while True: pass")
            self.it.signal(number)
            with self.assertRaises(isles.ExecutionFailed) as failed:
                job.result(30)
            self.assertEqual(failed.exception.exit_status, status)
        job = self.begin("time.sleep(0.1)")
        self.it.signal(signal.SIGCHLD)
        job.result(30)

    def test_what_a_handler_raises_is_raised_here(self):
        self.it.exec("def fail(number, frame): raise LookupError(number)\nsignal.signal(signal.SIGUSR1, fail)")
        job = self.begin("while True: pass")
        self.it.signal(signal.SIGUSR1)
        with self.assertRaisesRegex(LookupError, "^10$"):
            job.result(30)

    def test_this_process_notices_nothing(self):
        before = [signal.getsignal(n) for n in signal.valid_signals()]
        self.it.exec("import os; signal.signal(signal.SIGTERM, note); os.kill(os.getpid(), signal.SIGTERM)\n"
                     "signal.signal(signal.SIGINT, signal.SIG_IGN); os.kill(os.getpid(), signal.SIGINT)")
        self.it.signal(signal.SIGTERM)
        self.assertEqual(self.it.call(eval, "len(heard)"), 2)
        self.assertEqual([signal.getsignal(n) for n in signal.valid_signals()], before)

    def test_passing_the_processes_on(self):
        self.it.exec("signal.signal(signal.SIGUSR2, note)")
        before = signal.signal(signal.SIGUSR2, lambda number, frame: self.it.signal(number))
        self.addCleanup(signal.signal, signal.SIGUSR2, before)
        job = self.begin("while not heard: time.sleep(0.01)")
        os.kill(os.getpid(), signal.SIGUSR2)
        job.result(30)

    def test_interpreters_signal_each_other(self):
        self.it.exec("signal.signal(signal.SIGUSR1, note)")
        job = self.begin("while not heard: time.sleep(0.01)")
        with isles.Interpreter() as other:
            other.call(tell, self.it.id, int(signal.SIGUSR1))
        job.result(30)

    def test_from_a_thread_of_another_kind(self):
        self.it.exec("signal.signal(signal.SIGUSR1, note)")
        threads = [threading.Thread(target=lambda: [self.it.signal(signal.SIGUSR1) for i in range(100)]) for i in range(4)]
        job = self.begin("while not heard: time.sleep(0.001)")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        job.result(30)

    def test_mistakes(self):
        for number in (-1, 65, 32, signal.SIGKILL, signal.SIGSTOP):
            with self.assertRaisesRegex(ValueError, "^signum: "):
                self.it.signal(number)
        with self.assertRaises(TypeError):
            self.it.signal("SIGTERM")
        self.it.signal(0)
        self.it.close()
        with self.assertRaises(isles.InterpreterNotFoundError):
            self.it.signal(signal.SIGTERM)
        with self.assertRaises(isles.InterpreterNotFoundError):
            self.it.handles_signal(signal.SIGTERM)


def tell(id, number):
    from isles import _core

    _core._signal(id, number)


class Coroutines(unittest.IsolatedAsyncioTestCase):
    async def test_a_service_is_stopped(self):
        async with await aio.Interpreter.create() as it:
            ready = aio.Queue()
            call = asyncio.ensure_future(it.call(serve, ready.inner))
            async with asyncio.timeout(30):
                await ready.get()
                it.signal(signal.SIGTERM)
                self.assertEqual(await call, "stopped")


def serve(ready):
    async def main():
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        ready.put(1)
        await stop.wait()
        return "stopped"

    return asyncio.run(main())


class Embedded(unittest.TestCase):
    def test_ctrl_c_is_as_it_was_without_isles(self):
        """Also where importing isles is the first that would make Python look at signals."""
        source = ("import os, signal, sys, time\nimport isles\nit = isles.Interpreter()\n"
                  "it.exec('import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)')\n"
                  "try:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(10)\n"
                  "except KeyboardInterrupt: print('caught')\nit.close()\n")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "main.py")
            path.write_text(source)
            done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.stdout, done.returncode), ("caught\n", 0), done.stderr)


if __name__ == "__main__":
    unittest.main()
