"""Python exits with something under way: in time, with its own status, and without a crash. Each in a child process."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest

LIMIT = 60


def child(source):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class Exits(unittest.TestCase):
    def ends(self, source, status=0, out=""):
        process = child(source)
        self.addCleanup(process.kill)  # one that doesn't end
        stdout, stderr = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, stdout), (status, out), stderr)
        return stderr

    def test_with_nothing_used(self):
        self.ends("import isles")

    def test_with_an_idle_interpreter(self):
        self.ends("import isles; it = isles.Interpreter(); it.exec('x = 1')")

    def test_with_a_job_that_runs(self):
        self.ends("import isles, time; it = isles.Interpreter(); it.submit(time.sleep, 600)")

    def test_with_code_that_can_not_be_stopped(self):
        """CPython would wait for that interpreter's GIL."""
        self.ends(
            """
            import isles, sys
            it = isles.Interpreter(stuck_after=0.2)
            try:
                it.within(0.1).exec("import itertools; sum(itertools.count())")
            except isles.DeadlineExceeded:
                print("given up")
            sys.exit(7)
            """,
            status=7,
            out="given up\n",
        )

    def test_with_daemon_threads_there(self):
        self.ends(
            """
            import isles
            it = isles.Interpreter()
            it.exec('''if True:
                import threading, time
                for _ in range(5):
                    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            ''')
            """
        )

    def test_with_values_in_queues_and_shared_memory(self):
        self.ends(
            """
            import isles
            q = isles.create_queue(name="left")
            it = isles.Interpreter()
            q.put(bytearray(1 << 20))
            it.call(lambda q: q.put(memoryview(bytes(1 << 20))), q)
            """
        )

    def test_with_tasks_in_a_pool(self):
        """They are finished, as those of concurrent.futures are."""
        self.ends(
            """
            import isles, time
            pool = isles.InterpreterPoolExecutor(2)
            futures = [pool.submit(time.sleep, 0.05) for _ in range(6)]
            futures[-1].add_done_callback(lambda f: print("last", flush=True))
            """,
            out="last\n",
        )

    def test_by_sys_exit_in_the_middle(self):
        self.ends("import isles, sys; it = isles.Interpreter(); it.exec('import asyncio'); sys.exit(7)", status=7)

    def test_by_an_exception(self):
        stderr = self.ends("import isles; it = isles.Interpreter(); it.exec('1 / 0')", status=1)
        self.assertIn("ZeroDivisionError", stderr)
        self.assertIn("isles.ExecutionFailed", stderr)

    def test_threads_that_still_call(self):
        self.ends(
            """
            import isles, threading, time
            it = isles.Interpreter()
            def go():
                while True:
                    try:
                        it.call(pow, 2, 3)
                    except isles.InterpreterError:
                        return
            for _ in range(4):
                threading.Thread(target=go, daemon=True).start()
            time.sleep(0.1)
            """
        )

    def test_imported_in_an_interpreter_of_somebody_else(self):
        try:
            import _interpreters  # noqa: F401
        except ImportError:
            self.skipTest("this Python has no _interpreters")
        stderr = self.ends(
            """
            import _interpreters, isles
            other = _interpreters.create()
            why = _interpreters.exec(other, "import isles")
            print(why.type.__name__)
            """,
            out="ImportError\n",
        )
        self.assertNotIn("Fatal", stderr)


    def test_asyncio_is_whole_after_isles(self):
        """On 3.13 Isles imports C modules in the main interpreter; _asyncio before asyncio would leave that half made."""
        self.ends(
            """
            import isles
            import asyncio

            async def main():
                async with asyncio.timeout(30):
                    print(asyncio.current_task() is not None)

            asyncio.run(main())
            """,
            out="True\n",
        )


class Interrupts(unittest.TestCase):
    def interrupted(self, source, ready="ready\n"):
        process = child(source)
        self.assertEqual(process.stdout.readline(), ready)
        time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=LIMIT)
        self.assertLess(time.monotonic() - began, 30)
        return process.returncode, stdout, stderr

    def test_ctrl_c_stops_a_call(self):
        status, stdout, stderr = self.interrupted(
            """
            import isles, time
            it = isles.Interpreter()
            print("ready", flush=True)
            try:
                it.call(time.sleep, 600)
            except KeyboardInterrupt:
                print("stopped", it.call(pow, 2, 3), flush=True)
            """
        )
        self.assertEqual((status, stdout), (0, "stopped 8\n"), stderr)

    def test_ctrl_c_stops_a_wait_for_a_queue(self):
        status, stdout, stderr = self.interrupted(
            """
            import isles
            print("ready", flush=True)
            try:
                isles.create_queue().get()
            except KeyboardInterrupt:
                print("stopped", flush=True)
            """
        )
        self.assertEqual((status, stdout), (0, "stopped\n"), stderr)

    def test_ctrl_c_in_a_pool(self):
        status, _, stderr = self.interrupted(
            """
            import isles, time
            pool = isles.InterpreterPoolExecutor(2)
            f = pool.submit(time.sleep, 0.5)
            print("ready", flush=True)
            f.result()
            """
        )
        self.assertIn(status, (1, -signal.SIGINT), stderr)
        self.assertIn("KeyboardInterrupt", stderr)


if __name__ == "__main__":
    unittest.main()
