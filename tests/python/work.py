"""Functions for the tests' interpreters, which import this module."""

import dataclasses
import os
import sys
import sysconfig
import threading
import time

import isles

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # docs/limits.md has what is not had there


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Odd(Exception):
    """Has an argument of its own kind."""

    def __init__(self, number):
        super().__init__(f"{number} is odd")
        self.number = number

    def __reduce__(self):
        return Odd, (self.number,)


class OnlyHere(Exception):
    """Can't cross."""

    def __init__(self):
        super().__init__("held", threading.Lock())


def square(x):
    return x * x


made = None


def make_bytes(size):
    global made
    result = b"x" * size
    made = id(result)
    return result


def id_of_made():
    return made


def same(x):
    return x


def mirror(point):
    return Point(point.y, point.x)


def half(number):
    if number % 2:
        raise Odd(number)
    return number // 2


def noted():
    try:
        {}["key"]
    except KeyError as error:
        error.add_note("a note")
        raise ValueError("outer") from error


def hopeless():
    raise OnlyHere


def lock():
    return threading.Lock()


def end_here(status):
    sys.exit(status)


def name_and_id():
    return isles.name, isles.id


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def stubborn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except BaseException:
            pass


def say(text):
    print(text)
    print("err:", text, file=sys.stderr)


def variable(name):
    return os.environ.get(name)


def first_path():
    return sys.path[0]


initialized = None


def initialize(value):
    global initialized
    initialized = value


def what_was_initialized():
    return initialized


def fail_to_initialize():
    error = OSError("no such thing")
    error.add_note("a note")
    raise error


def change(array):
    array[0] = 99
    return sum(array)


def lines(letter, count):
    """Some in parts, and longer than what goes into a pipe at once."""
    for i in range(count):
        for part in range(3):
            print(letter * (1 + i * 7 % 3000), end="" if part < 2 else "\n")


def named_descriptors():
    return list(isles.descriptors)


def write_to_descriptor(name, data):
    os.write(isles.descriptors[name], data)


def read_stdin():
    return sys.stdin.read()


def can_get(queue):
    return isles.select([queue], 0) == [queue]


def what_an_inner_one_sees():
    with isles.Interpreter() as inner:
        inner.exec("import os")
        return inner.call(eval, "os.getcwd(), os.umask(0), os.environ['ISLES_INNER'], os.environ.get('PATH')")


def chances():
    """What begins by chance, in this interpreter."""
    import random
    import secrets
    import tempfile
    import uuid

    names = next(tempfile._get_candidate_names())
    return random.random(), random.Random().random(), str(uuid.uuid4()), str(uuid.uuid1()), secrets.token_hex(8), names


def log():
    import logging
    import threading

    logging.basicConfig(format=f"{isles.name} {isles.id} %(threadName)s %(message)s thread %(thread)d", level="INFO")
    logging.info("hello")
    thread = threading.Thread(target=logging.info, args=["hello"], name="helper")
    thread.start()
    thread.join()


def start_by_asyncio():
    import asyncio

    async def main():
        return await (await asyncio.create_subprocess_exec("echo", "asyncio")).wait()

    return asyncio.run(main())


def start_by_multiprocessing():
    import multiprocessing

    process = multiprocessing.get_context("spawn").Process(target=print, args=("multiprocessing",))
    process.start()
    process.join()
    return process.exitcode


def evaluate(expression):
    name, dot, _ = expression.partition(".")
    return eval(expression, {"sys": sys, **({name: __import__(name)} if dot and name.isidentifier() else {})})
