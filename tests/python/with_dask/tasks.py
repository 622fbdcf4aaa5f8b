"""What the tests' tasks do; each interpreter imports this module for itself."""

import mmap
import os
import sys
import time

import isles

count = 0


def number_of_calls():
    """In this interpreter, or in the worker's main one."""
    global count
    count += 1
    return isles.id, count


def where():
    return isles.id, os.getpid()


def add(a, b):
    return a + b


def spin(queue_name=None, may_go=None):
    """Until it is stopped. Says that it runs, and by what it was stopped; waits then until it may go."""
    queue = isles.find_queue(queue_name) if queue_name is not None else None
    try:
        if queue is not None:
            queue.put("runs")
        while True:
            pass
    except BaseException as error:
        if queue is not None:
            queue.put(type(error).__name__)
        if may_go is not None:
            isles.find_queue(may_go).get()
        raise


def run_beside(path, mine, other):
    """Counts until the other has counted, too, in code that never lets its GIL go: with one GIL for both, the second would
    not come to its first step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    try:
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 16) as memory, memoryview(memory).cast("Q") as steps:
            began = time.monotonic()
            while steps[mine] < 1000 or steps[other] < 1000:
                steps[mine] += 1
            return isles.id, began, time.monotonic()
    finally:
        sys.setswitchinterval(before)


class Odd(Exception):
    """Has an argument of its own kind, as exceptions of libraries do."""

    def __init__(self, number):
        super().__init__(f"{number} is odd")
        self.number = number

    def __reduce__(self):
        return Odd, (self.number,)


def half(number):
    if number % 2:
        error = Odd(number)
        error.add_note("a note")
        raise error from ValueError("its cause")
    return number // 2


class Counter:
    def __init__(self, count):
        self.count = count

    def add(self, number):
        self.count += number
        return isles.id, self.count


def lock():
    import threading

    return threading.Lock()


def worker_of_dask():
    from distributed import get_worker

    return isles.id, get_worker().state.nthreads


def endless_in_c():
    import itertools

    return sum(itertools.count())


def first_byte_and_length(data):
    return data[0], len(data)


def many_bytes(count):
    return b"x" * count
