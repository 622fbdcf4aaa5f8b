"""Classes of __main__ can be pickled, copied and looked up by name."""
import copy
import dataclasses
import enum
import pickle
import typing


@dataclasses.dataclass
class Point:
    x: int
    y: "list[Point]"


class Colour(enum.Enum):
    RED = 1


class Pair(typing.NamedTuple):
    a: int
    b: str = "b"


def function():
    pass


for thing in (Point(1, [Point(2, [])]), Colour.RED, Pair(1), function, Point, KeyError("k")):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(thing, protocol))
        assert again == thing or repr(again) == repr(thing)
    print(thing if thing is not function else thing.__qualname__)
print(copy.deepcopy(Point(1, [])), typing.get_type_hints(Point))
