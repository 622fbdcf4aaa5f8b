"""The Python side of `isles bench`: what threads, interpreters and processes are made to do, and how those that Python
itself starts are timed.

Every interpreter and process that is measured imports this module, so at its top level it does next to nothing. Times
are of CLOCK_MONOTONIC in nanoseconds, which is the same clock in all of them and in the program.
"""

from time import monotonic_ns as now

MESSAGE = b"\xa5" * 64

_held = []  # what lives while memory is measured


# --- the work -----------------------------------------------------------------------------------------------------


def add_one(number):
    return number + 1


def spin(count):
    total = 0
    for i in range(count):
        total += i & 7
    return total


def timed_calls(call, count):
    samples = []
    for i in range(count):
        before = now()
        result = call(i)
        samples.append(now() - before)
        if result != i + 1:
            raise AssertionError(f"{i} became {result}")
    return samples


def ping_pong(send, receive, count):
    samples = []
    for _ in range(count):
        before = now()
        send(MESSAGE)
        answer = receive()
        samples.append(now() - before)
        if answer != MESSAGE:
            raise AssertionError("another message came back")
    return samples


# --- interpreters: messages go through two functions of the host ----------------------------------------------------


def interpreter_ping(count):
    import isles

    host = isles.host
    return ping_pong(lambda message: host.bench_send(0, message), lambda: host.bench_receive(1), count)


def interpreter_pong(count):
    import isles

    host = isles.host
    for _ in range(count):
        host.bench_send(1, host.bench_receive(0))


# --- threads of one interpreter -------------------------------------------------------------------------------------


class Worker:
    """A thread that calls what it is sent."""

    def __init__(self):
        import threading
        from _queue import SimpleQueue

        self.requests, self.replies = SimpleQueue(), SimpleQueue()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while (request := self.requests.get()) is not None:
            function, argument = request
            self.replies.put(function(argument))

    def call(self, function, argument):
        self.requests.put((function, argument))
        return self.replies.get()

    def close(self):
        self.requests.put(None)
        self.thread.join()


def thread_start(count):
    import threading

    samples = []
    for _ in range(count):
        ran = []
        before = now()
        thread = threading.Thread(target=lambda: ran.append(now()))
        thread.start()
        thread.join()
        samples.append(ran[0] - before)
    return samples


def thread_hold():
    worker = Worker()
    worker.call(add_one, 1)
    _held.append(worker)


def thread_drop():
    while _held:
        _held.pop().close()


def thread_call(count):
    worker = Worker()
    try:
        return timed_calls(lambda i: worker.call(add_one, i), count)
    finally:
        worker.close()


def thread_message(count):
    worker = Worker()

    def echo(message):
        return message

    try:
        return ping_pong(lambda m: worker.requests.put((echo, m)), worker.replies.get, count)
    finally:
        worker.close()


def thread_spin(count, workers):
    """How long so many threads take, each with the whole loop."""
    import threading

    threads = [threading.Thread(target=spin, args=(count,)) for _ in range(workers)]
    before = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - before


# --- processes: a fresh Python, with one thread, starts and times them; the program asks it line by line --------------


def tell_start(connection):
    connection.send(now())


def serve_calls(connection):
    while (request := connection.recv()) is not None:
        name, argument = request
        connection.send(globals()[name](argument))


def serve_echo(connection):
    while message := connection.recv_bytes():
        connection.send_bytes(message)


class Child:
    def __init__(self, context, target):
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def call(self, name, argument):
        self.connection.send((name, argument))
        return self.connection.recv()

    def close(self):
        self.process.join()
        self.connection.close()


def process_start(context, count):
    samples = []
    for _ in range(count):
        before = now()
        child = Child(context, tell_start)
        samples.append(child.connection.recv() - before)
        child.close()
    return samples


def process_hold(context):
    """One more, and the ids of all: this process is the first."""
    import os

    child = Child(context, serve_calls)
    child.call("add_one", 1)
    _held.append(child)
    return [os.getpid()] + [c.process.pid for c in _held]


def process_drop(context):
    while _held:
        child = _held.pop()
        child.connection.send(None)
        child.close()


def process_call(context, count):
    child = Child(context, serve_calls)
    samples = timed_calls(lambda i: child.call("add_one", i), count)
    child.connection.send(None)
    child.close()
    return samples


def process_message(context, count):
    child = Child(context, serve_echo)
    samples = ping_pong(child.connection.send_bytes, child.connection.recv_bytes, count)
    child.connection.send_bytes(b"")
    child.close()
    return samples


def process_spin(context, count, workers):
    children = [Child(context, serve_calls) for _ in range(workers)]
    for child in children:
        child.call("add_one", 1)
    before = now()
    for child in children:
        child.connection.send(("spin", count))
    for child in children:
        child.connection.recv()
    elapsed = now() - before
    for child in children:
        child.connection.send(None)
        child.close()
    return elapsed


def main():
    """A request is [how, function, argument...]; an answer is {"result": ...} or {"error": ...}."""
    import json
    import multiprocessing
    import sys

    for line in sys.stdin:
        how, name, *args = json.loads(line)
        try:
            answer = {"result": globals()[name](multiprocessing.get_context(how), *args)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
