"""Classes and functions of the tests of values: both interpreters import them."""

import collections
import dataclasses
import enum


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    inside: object = None


@dataclasses.dataclass
class Child(Point):
    z: list = dataclasses.field(default_factory=list)


Pair = collections.namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = "r"
    GREEN = 2


class Bits(enum.Flag):
    A = 1
    B = 2
    C = 4


class Level(enum.IntEnum):
    LOW = 1


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("next", "__weakref__", "__private")

    def __init__(self):
        self.next = self
        self.__private = 5

    def private(self):
        return self.__private


class Oops(Exception):
    """Its __init__ wants other arguments than it keeps."""

    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


class Celsius:
    """Known to isles.register()."""

    def __init__(self, degrees):
        self.degrees = degrees

    def __eq__(self, other):
        return type(other) is Celsius and self.degrees == other.degrees


class Reduced:
    """Says itself how it is pickled."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Reduced, (self.value,)

    def __eq__(self, other):
        return type(other) is Reduced and self.value == other.value


def increment(number):
    return number + 1


import isles  # noqa: E402

isles.register(Celsius, lambda c: {"degrees": c.degrees}, lambda value: Celsius(value["degrees"]))
