"""Limits of a program: --memory, --cpu, --threads, --output-limit, --queue-bytes, --messages, --recursion, --descriptors."""
import json
import re
import signal

import pytest


def test_memory(folder):
    folder.write("bomb.py", "x = []\nwhile True: x.append(bytes(1 << 20))")
    folder.write("good.py", "print(sum(range(1000)))")
    result = folder.run("--memory", "64M", "bomb.py", "good.py")
    assert result.returncode == 1
    assert "bomb | MemoryError\n" in result.stderr and "the interpreter's memory limit is reached" in result.stderr
    assert result.stdout == "good | 499500\n"


def test_cpu(folder):
    folder.write("spin.py", "while True: pass")
    folder.write("good.py", "print('x')")
    result = folder.run("spin.py", "--cpu", "200ms", "good.py")
    assert result.returncode == 124
    assert "spin | isles.BudgetExceeded: cpu: the limit of 0.2 s is used up" in result.stderr
    assert "spin | isles: stopped: cpu: the limit of 0.2 s is used up" in result.stderr
    assert "1 ok, 1 limit" in result.stderr and result.stdout == "good | x\n"


def test_threads(folder):
    folder.write("a.py", "import threading\ne = threading.Event()\ntry:\n    while True: threading.Thread(target=e.wait).start()\n"
                         "except RuntimeError as error: print(error)\ne.set()")
    assert folder.run("--threads", "3", "a.py").stdout == "can't start new thread: the limit of 3 (threads) is reached\n"


def test_output(folder):
    folder.write("a.py", "while True: print('x' * 99)")
    result = folder.run("--output-limit", "10K", "a.py")
    assert result.returncode == 124 and "output: the limit of 10 KiB is used up" in result.stderr
    assert len(result.stdout) == 10 << 10


def test_values_in_queues(folder):
    folder.write("a.py", "import isles\nq = isles.create_queue()\nwhile True: q.put('x' * 1000)")
    result = folder.run("--messages", "5", "a.py")
    assert result.returncode == 124
    assert "isles.BudgetExceeded: messages: the limit of 5 is reached (5)\n" in result.stderr
    result = folder.run("--queue-bytes", "100K", "a.py")
    assert result.returncode == 124 and "queue_bytes: the limit of 100 KiB is reached" in result.stderr


def test_recursion(folder):
    folder.write("a.py", "import sys\nprint(sys.getrecursionlimit())\ntry: sys.setrecursionlimit(1001)\n"
                         "except ValueError as error: print(error)\ndef f(): f()\nf()")
    result = folder.run("--recursion", "200", "a.py")
    assert result.stdout == "200\nrecursion limit: at most 200 is allowed here (the budget recursion)\n"
    assert result.returncode == 1 and "the interpreter's recursion limit of 200 is reached" in result.stderr


# it opens up to the limit, then closes all that it has, and goes on writing
OPENS = """
import os, subprocess, sys
print("begin")
kept = []
try:
    while True: kept.append(open("/dev/null"))
except OSError as error: print(error.strerror)
kept.clear()
os.closerange(3, 1000)
os.write(1, b"native\\n")
subprocess.run(["echo", "child"])
print("end"); print("bad", file=sys.stderr)
"""
REFUSED = "Too many open files: the interpreter's limit of 20 descriptors is reached"


def test_descriptors(folder):
    folder.write("a.py", OPENS)
    result = folder.run("--descriptors", "20", "a.py")
    assert (result.returncode, result.stderr) == (0, "bad\n")
    assert sorted(result.stdout.splitlines()) == sorted(["begin", REFUSED, "native", "child", "end"])
    result = folder.run("--descriptors", "20", "-n", "5", "a.py")
    assert result.returncode == 0
    shown = [line.partition(" | ")[2] for line in result.stdout.splitlines() if " | " in line]
    assert sorted(shown) == sorted(["begin", REFUSED, "end"] * 5)
    assert result.stdout.count("child\n") == 5


@pytest.mark.parametrize("options, files", [(("--output", "out"), ("out/a.out", "out/a.err")),
                                            (("--stdout", "x", "--stderr", "y"), ("x", "y"))])
def test_descriptors_and_files(folder, options, files):
    folder.write("a.py", OPENS)
    result = folder.run("--descriptors", "20", *options, "a.py")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert sorted((folder.path / files[0]).read_text().splitlines()) == sorted(["begin", REFUSED, "native", "child", "end"])
    assert (folder.path / files[1]).read_text() == "bad\n"


def test_too_many_descriptors_by_other_ways(folder):
    folder.write("a.py", "import os, time\nfor i in range(100): os.dup(0)\ntime.sleep(1000)")
    folder.write("b.py", OPENS)
    result = folder.run("a.py", "--descriptors", "50", "b.py", "--descriptors", "20")
    assert result.returncode == 124
    assert "a | isles: stopped: descriptors: the limit of 50 is reached" in result.stderr
    assert "b | end" in result.stdout and "1 ok, 1 limit" in result.stderr


def test_descriptors_and_a_reader_who_stops_reading(folder):
    folder.write("a.py", "while True: print('x' * 99)")
    process = folder.start("run", "--descriptors", "20", "-n", "2", "a.py")
    assert process.stdout.readline().endswith(" | " + "x" * 99 + "\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.stdout.close(), process.stderr.close()


def test_what_is_of_one_counts_for_more(folder):
    folder.write("a.py", "x = bytes(100 << 20)")
    assert folder.run("--memory", "50M", "a.py", "--memory", "200M").returncode == 0
    assert folder.run("--memory", "200M", "a.py", "--memory", "50M").returncode == 1


def test_usage_is_told(folder):
    folder.write("a.py", "x = bytes(50 << 20)")
    record = json.loads(folder.run("--output", "json", "a.py").stdout.splitlines()[-1])
    assert 50 << 20 < record["memory"] < 80 << 20
    head, row = [line.split() for line in folder.run("--summary", "a.py").stderr.splitlines()[:2]]
    assert head[5] == "MEMORY" and 50 < float(row[5].removesuffix("M")) < 80


@pytest.mark.parametrize("options, says", [
    (("--memory", "64X"), "--memory: '64X' is not a size (try 64M, 1.5G, 500K)"),
    (("--memory", "0"), "--memory: '0' is not a size (try 64M, 1.5G, 500K)"),
    (("--cpu", "soon"), "--cpu: 'soon' is not a time (try 5s, 500ms, 2m)"),
    (("--cpu", "0"), "--cpu: '0' is not a time (try 5s, 500ms, 2m)"),
    (("--threads", "many"), "--threads: 'many' is not a number from 1 to 1000000"),
    (("--messages", "0"), "--messages: '0' is not a number from 1 to 1000000"),
    (("--recursion", "5"), "--recursion: '5' is less than 100"),
    (("--recursion", "99"), "--recursion: '99' is less than 100"),
    (("--descriptors", "0"), "--descriptors: '0' is not a number from 1 to 1000000"),
    (("--queue-bytes", "some"), "--queue-bytes: 'some' is not a size (try 64M, 1.5G, 500K)"),
    (("--output-limit", "-1"), "--output-limit: '-1' is not a size (try 64M, 1.5G, 500K)"),
])
def test_mistakes(folder, options, says):
    folder.write("a.py")
    result = folder.run(*options, "a.py")
    assert (result.returncode, result.stderr) == (2, f"isles: {says}\n")


def test_cpu_time_of_threads_counts_whatever_the_allocator(folder):
    folder.write("spin.py", "import threading, time\ndef spin():\n    while True: pass\n"
                            "for _ in range(2): threading.Thread(target=spin, daemon=True).start()\n"
                            "time.sleep(600)")
    for malloc in "pymalloc", "malloc":
        result = folder.run("spin.py", "--cpu", "200ms", "--timeout", "60s", env={"PYTHONMALLOC": malloc})
        assert "isles: stopped: cpu: the limit of 0.2 s is used up" in result.stderr, (malloc, result.stderr)


def test_a_limit_that_cannot_be(folder):
    folder.write("a.py", "print('started')")
    folder.write("b.py")
    result = folder.run("a.py", "b.py", "--memory", "100K")
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(r"isles: --memory: a new interpreter holds \d+ already\n", result.stderr)
    for shares in (("--gil", "shared"), ("--extensions", "shared-gil")):
        result = folder.run(*shares, "--memory", "64M", "a.py")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("isles: --memory: an interpreter that shares the GIL ")
    # CPython's own leaks are in its arenas, else
    result = folder.run("--memory", "64M", "a.py", env={"PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0"})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "isles: --memory: CPython does not use its usual allocator (PYTHONMALLOC, -X dev)\n"
    assert folder.run("--recursion", "100", "a.py").returncode == 0
