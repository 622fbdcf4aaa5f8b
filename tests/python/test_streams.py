"""Streams of interpreters from Python: paths, queues, isles.Stream, what is dropped, descriptors that are handed in."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import isles
import work


def drain(queue):
    return queue.get_many(1000) if queue.qsize() else []


class Streams(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_files(self):
        path = self.folder / "log"
        with isles.Interpreter(stdout=path, stderr=isles.Stream(str(path), append=True)) as it:
            it.call(work.say, "hello")
        self.assertEqual(sorted(path.read_text().splitlines()), ["err: hello", "hello"])
        with isles.Interpreter(stdout=isles.Stream(path, append=True, encoding="latin-1", errors="replace")) as it:
            it.call(print, "grün €")
        self.assertTrue(path.read_bytes().endswith(b"gr\xfcn ?\n"))
        with isles.Interpreter(stdin=path, stdout=path) as it:
            self.assertEqual(it.call(work.read_stdin), "")  # emptied

    def test_lines_of_several_in_one_file(self):
        path = self.folder / "log"
        its = [isles.Interpreter(stdout=isles.Stream(path, append=True)) for _ in range(3)]
        jobs = [it.submit(work.lines, letter, 500) for it, letter in zip(its, "abc")]
        for job in jobs:
            job.result()
        for it in its:
            it.close()
        lines = path.read_text().splitlines()
        self.assertEqual(len(lines), 1500)
        self.assertEqual({line for line in lines if len(set(line)) != 1}, set())

    def test_queues(self):
        queue = isles.create_queue()
        with isles.Interpreter(stdout=queue, stderr=queue) as it:
            it.call(work.say, "hello")
            it.exec("print('part', end='')")
        self.assertEqual(sorted(drain(queue)), ["err: hello\n", "hello\n", "part"])
        with isles.Interpreter(stdout=isles.Stream(queue, bytes=True, buffering="block")) as it:
            it.exec("print(1); print(2)")
        self.assertEqual(drain(queue), [b"1\n2\n"])

    def test_stdin_from_a_queue(self):
        queue = isles.create_queue()
        with isles.Interpreter(stdin=queue) as it:
            queue.put("one\n")
            queue.put(b"two\nthree")
            self.assertEqual([it.call(input), it.call(input)], ["one", "two"])
            queue.close()
            self.assertEqual(it.call(work.read_stdin), "three")

    def test_a_full_queue_is_waited_for_or_loses(self):
        queue = isles.create_queue(1)
        with isles.Interpreter(stdout=queue) as it:
            with self.assertRaises(isles.DeadlineExceeded):
                it.within(0.05).exec("for i in range(5): print(i)")
            self.assertEqual(it.stats()["dropped_writes"], 0)
            drain(queue)
        drain(queue)
        with isles.Interpreter(stdout=isles.Stream(queue, full="drop")) as it:
            it.exec("for i in range(5): print(i)")
            stats = it.stats()
            self.assertEqual((stats["dropped_writes"], stats["dropped_bytes"], stats["output_bytes"]), (4, 8, 2))

    def test_children(self):
        path = self.folder / "log"
        with isles.Interpreter(stdout=path, stderr=isles.DEVNULL) as it:
            it.call(subprocess.call, ["sh", "-c", "echo out; echo err >&2"])
            it.call(work.start_by_asyncio)
            it.call(work.start_by_multiprocessing)
        self.assertEqual(path.read_text(), "out\nasyncio\nmultiprocessing\n")
        queue = isles.create_queue()
        with open(path, "w") as file, isles.Interpreter(stdout=isles.Stream(queue, children=file)) as it:
            it.call(subprocess.call, ["echo", "child"])
            it.call(print, "own")
        self.assertEqual((path.read_text(), drain(queue)), ("child\n", ["own\n"]))

    def test_mistakes_are_named(self):
        for error, words, settings in (
            (TypeError, "stdout: 1.5 is no descriptor", {"stdout": 1.5}),
            (ValueError, "full: 'slow' is none of 'wait'", {"stdout": lambda: isles.Stream(full="slow")}),
            (ValueError, "buffering: None is none of", {"stdout": lambda: isles.Stream(buffering=None)}),
            (ValueError, "^stdout.encoding: Python knows no 'x'", {"stdout": isles.Stream(encoding="x")}),
            (ValueError, "^stdin: append, buffering and full", {"stdin": isles.Stream(buffering="none")}),
            (ValueError, "stdout: children is for queues", {"stdout": isles.Stream(1, children=2)}),
            (ValueError, "a queue of str has none", {"stdout": isles.Stream(isles.create_queue(), encoding="utf-8")}),
            (isles.InterpreterError, "^stdout: cannot open /no/such", {"stdout": "/no/such"}),
            (ValueError, r"descriptors\[0\] \(a\): 999 is not open", {"descriptors": {"a": 999}}),
        ):
            with self.subTest(words), self.assertRaisesRegex(error, words):
                isles.Interpreter(**{name: value() if callable(value) else value for name, value in settings.items()})


class Descriptors(unittest.TestCase):
    def test_by_name(self):
        read, write = os.pipe()
        with isles.Interpreter(descriptors={"out": write}) as it:
            self.assertEqual(it.call(work.named_descriptors), ["out"])
            it.call(work.write_to_descriptor, "out", b"hi")
        self.assertEqual(os.read(read, 10), b"hi")
        self.assertEqual(dict(isles.descriptors), {})
        os.close(read)
        os.close(write)

    @unittest.skipUnless(sys.platform == "linux", "a table for each thread is Linux's")
    def test_a_table_of_its_own(self):
        read, write = os.pipe()
        queue = isles.create_queue(1)
        with isles.Interpreter(descriptors={"out": write}, private_descriptors=True, stdout=isles.CAPTURE) as it:
            it.call(work.write_to_descriptor, "out", b"hi")
            it.call(os.close, write)
            os.fstat(write)
            it.call(os.write, 1, b"native\n")
            self.assertEqual(it.output(), "native\n")
            with self.assertRaises(OSError):
                it.call(os.fstat, read)
            job = it.submit(queue.put, 1)
            self.assertEqual(isles.select([job], 30), [job])
            self.assertEqual(isles.select([queue], 30), [queue])
            self.assertEqual(it.call(work.can_get, queue), True)
            with self.assertRaisesRegex(OSError, "descriptors are private"):
                it.call(queue.fileno)
        os.close(read)
        os.close(write)


if __name__ == "__main__":
    unittest.main()
