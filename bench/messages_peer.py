#!/usr/bin/env python3
"""A peer in the messages benchmark: a process that reads "WAY CASE COUNT" lines and answers each with the seconds that it
took, as JSON.

Usage: messages_peer.py interpreters|pipe|threads|pickle|msgpack|cbor2
"""
import json
import os
import sys
import threading

import messages_cases as cases

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """Why a peer can't take part."""


def both(one, other):
    """Runs two functions, each on a thread of its own, and returns what they return."""
    results, errors = [None, None], []

    def run(place, function):
        try:
            results[place] = function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate((one, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive() and not errors: # when one fails the other would wait for ever
            thread.join(0.2)
    if errors:
        raise errors[0]
    return results


# --- concurrent.interpreters ------------------------------------------------------------------------------------------


def in_interpreter(folder, end, case, count, there, back):
    """Is sent to the interpreter by its code, so it uses no globals."""
    import sys

    if folder not in sys.path:
        sys.path.insert(0, folder)
    import messages_cases as cases

    if case == "handover" and end == "first":
        buffer = memoryview(bytearray(cases.BUFFER_BYTES))
        times = cases.hand_over(buffer, buffer, count, there.put, back.get)
        return times | {"note": "memoryview(bytearray); " + times["note"]}
    if case == "handover":
        return cases.take_over(count, back.put, there.get)
    if end == "first":
        return cases.first(case, count, there.put, back.get)
    return cases.second(case, count, back.put, there.get)


class Interpreters:
    """Two interpreters and their queues live as long as the process; a thread runs in each for as long as a round lasts, and
    is in it before the clock starts. So nothing of it polls while others are measured."""

    def __init__(self):
        try:
            from concurrent import interpreters
        except ImportError:
            raise Missing("this engine has no concurrent.interpreters (3.14 and newer do)") from None
        self.one, self.other = interpreters.create(), interpreters.create()
        self.there, self.back = interpreters.create_queue(), interpreters.create_queue()
        self.bounded = interpreters.create_queue(100)

    def round(self, case, count):
        there = self.bounded if case == "bounded" else self.there
        return both(*(lambda i=interp, e=end: i.call(in_interpreter, FOLDER, e, case, count, there, self.back)
                      for interp, end in ((self.one, "first"), (self.other, "second"))))


# --- threads, processes -------------------------------------------------------------------------------------------------


class Threads:
    def __init__(self):
        import queue

        self.there, self.back, self.bounded = queue.SimpleQueue(), queue.SimpleQueue(), queue.Queue(100)

    def round(self, case, count):
        there = self.bounded if case == "bounded" else self.there
        return both(lambda: cases.first(case, count, there.put, self.back.get),
                    lambda: cases.second(case, count, self.back.put, there.get))


def ends_of(connection, case):
    """Bytes have a quicker way than pickle."""
    if case in ("stream_bytes", "stream_1mb"):
        return connection.send_bytes, connection.recv_bytes
    return connection.send, connection.recv


def in_process(connection, control):
    try:
        while (task := control.recv()) is not None:
            case, count = task
            put, get = ends_of(connection, case)
            control.send(cases.second(case, count, connection.send, get))
    except (EOFError, OSError):
        pass # the other end has gone


class Pipe:
    """The other end is a process of its own, spawned once."""

    def __init__(self):
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.control, their_control = context.Pipe()
        self.process = context.Process(target=in_process, args=(theirs, their_control), daemon=True)
        self.process.start()

    def round(self, case, count):
        put, get = ends_of(self.connection, case)
        self.control.send((case, count))
        times = cases.first(case, count, put, self.connection.recv)
        return times, self.control.recv()


# --- encodings ------------------------------------------------------------------------------------------------------------


class Codec:
    def __init__(self, name):
        self.same, self.note = True, None
        if name == "pickle":
            import pickle

            self.encode, self.decode = (lambda value: pickle.dumps(value, 5)), pickle.loads
            return
        try:
            module = __import__(name)
        except ImportError:
            raise Missing(f"{name} is not installed") from None
        self.same = False # a tuple becomes a list
        if name == "msgpack":
            self.encode, self.decode = module.packb, module.unpackb
            compiled = module.Packer.__module__ == "msgpack._cmsgpack"
        else:
            self.encode, self.decode = module.dumps, module.loads
            compiled = not hasattr(module.dumps, "__code__")
        self.note = f"{name} {version_of(name)}, {'compiled' if compiled else 'in Python'}"

    def round(self, case, count):
        times = cases.encode_and_decode(self.encode, self.decode, count, self.same)
        return times | ({"note": self.note} if self.note else {}), {}


def version_of(name):
    from importlib.metadata import version

    return version(name)


KINDS = {"interpreters": Interpreters, "threads": Threads, "pipe": Pipe}


def main(way):
    sys.stdout.reconfigure(line_buffering=True)
    try:
        peer, missing = (KINDS[way]() if way in KINDS else Codec(way)), None
    except Missing as reason:
        peer, missing = None, str(reason)
    for line in sys.stdin:
        _, case, count = line.split()
        answer = {"missing": missing}
        if peer is not None:
            try:
                one, other = peer.round(case, int(count))
                answer = {"seconds": cases.seconds_of(one, other)}
                answer |= {"note": one["note"]} if "note" in one else {}
            except Exception as error:
                answer = {"missing": f"failed: {type(error).__name__}: {error}"}
        print(json.dumps(answer))
    if way == "pipe":
        peer.control.send(None)
    sys.stdout.flush()
    os._exit(0) # an end that waits for ever is left behind


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
