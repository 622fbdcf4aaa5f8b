"""Functions that job_test.c calls."""
import collections
import enum


def echo(*args, **kwargs):
    return [args, kwargs] if kwargs else args[0] if len(args) == 1 else args


def told(value):
    """What came, in Python's words."""
    return f"{type(value).__name__} {value!a}"


class Class:
    class Inner:
        @staticmethod
        def method(a, b=2, *, c=3):
            return (a, b, c)

    def __init__(self, x):
        self.x = x


not_callable = 5


def fail(message):
    raise ValueError(message)


class Colour(enum.IntEnum):
    RED = 1


Named = collections.namedtuple("N", "a b")


def unshareable(kind):
    knot = []
    knot.append(knot)
    deep = []
    for _ in range(600):
        deep = [deep]
    return {
        "object": object(),
        "inside": {"a": [1, {"b": (2, object())}]},
        "key": {object: 1},
        "knot": knot,
        "deep": deep,
        "function": unshareable,
        "set": {1},
        "subclass of int": Colour.RED,  # not silently made an int
        "named tuple": Named(1, 2),
    }[kind]
