"""Functions that job_test.c calls."""
import threading


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


class Holder:
    def __init__(self, held):
        self.held = held


def unshareable(kind):
    lock = threading.Lock()
    deep = []
    for _ in range(600):
        deep = [deep]

    def closure():
        return lock

    return {
        "lock": lock,
        "inside": {"a": [1, {"b": (2, lock)}]},
        "attribute": Holder(lock),
        "key": {(lock,): 1},
        "deep": deep,
        "closure": closure,
        "module": threading,
    }[kind]
