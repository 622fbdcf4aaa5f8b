"""Sends values to another interpreter and back: types and values must be equal. Run with echo.py as its neighbour."""

import array
import collections
import datetime as dt
import decimal
import fractions
import gc
import ipaddress
import math
import mmap
import pathlib
import re
import struct
import sys
import threading
import time
import uuid
import weakref
import zoneinfo

import isles
import kinds
from meeting import back, there

D = decimal.Decimal
UTC = dt.timezone.utc


def zone(**delta):
    return dt.timezone(dt.timedelta(**delta))


def berlin():
    try:
        return zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:  # no time zones on this machine
        return UTC


PLAIN = [
    None, True, False, 0, 1, -1, 23, 24, -24, -25, 255, 256, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, -(2**64),
    10**10000, -(10**10000), 0.0, -0.0, 1.5, 5e-324, math.inf, -math.inf,
    "", "a", "a" * 23, "a" * 24, "é", "ÿĀ", "日本" * 100, "😀", "\ud800", "a\udfff\ud83d\ude00", "\0",
    b"", b"x" * 100, b"y" * 200_000, bytearray(b"abc"), bytearray(),
    (), (1,), (1, (2, (3,))), [], [1, [2]], {}, {"a": 1}, {(1, 2): 3, 4: "x", None: 1, 1.5: 2}, {"k" * 40: 1, "é": 2, "": 3},
    set(), {1, 2, 3}, frozenset(), frozenset([1, (2, 3)]), {frozenset([1]), 2}, list(range(100_000)), {i: str(i) for i in range(20_000)},
    1 + 2j, complex(math.inf, -0.0), range(3), range(1, 10, 2), slice(1, 2), slice(None), slice("a", None, (1,)), ..., NotImplemented,
]  # fmt: skip
TIMES = [
    dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, fold=1), dt.datetime(2020, 1, 1, tzinfo=UTC),
    dt.datetime(2020, 1, 1, 1, 2, 3, 4, tzinfo=zone(hours=5, minutes=30)), dt.datetime(2020, 1, 1, tzinfo=zone(seconds=3), fold=1),
    dt.datetime(2020, 10, 25, 2, 30, tzinfo=berlin(), fold=1), dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3), "x")),
    dt.datetime.max, dt.date(1, 1, 1), dt.date.max, dt.time(1, 2, 3, 4), dt.time(1, tzinfo=UTC, fold=1), dt.timedelta(-1, 3, 7),
    dt.timedelta.max, dt.timedelta.min, zone(hours=1), dt.timezone(dt.timedelta(hours=1), "n"), UTC, berlin(),
]  # fmt: skip
NUMBERS = [
    D("1.50"), D("-0"), D("-0E+3"), D("0E-5"), D("Infinity"), D("-Infinity"), D("1E+1000"), D("-12.3"), D(10) ** 5000,
    D("NaN"), D("NaN123"), D("-sNaN5"), D("sNaN"), fractions.Fraction(1, 3), fractions.Fraction(-(10**50), 7),
]  # fmt: skip
NAMES = [
    uuid.UUID(int=5), pathlib.Path("/a/b"), pathlib.PurePosixPath("x"), pathlib.PureWindowsPath("c:\\x"),
    ipaddress.ip_address("1.2.3.4"), ipaddress.ip_address("::1"), ipaddress.ip_address("fe80::1%eth0"),
    ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("2001:db8::/32"),
    ipaddress.ip_interface("1.2.3.4/24"), ipaddress.ip_interface("::1/64"), ipaddress.ip_interface("fe80::1%e/64"),
    re.compile("a+"), re.compile("a", re.I), re.compile(b"x"),
]  # fmt: skip
OBJECTS = [
    kinds.Point(1, 2), kinds.Frozen("x", [1]), kinds.Child(1, 2, [3]), kinds.Pair(1, "x"), kinds.Colour.RED, kinds.Bits.A,
    kinds.Bits.A | kinds.Bits.C, kinds.Bits(0), kinds.Level.LOW, kinds.Celsius(20.5), kinds.Reduced([1]),
    collections.OrderedDict(a=1, b=2), collections.Counter("aab"), collections.deque([1, 2], 5), collections.defaultdict(list, a=[1]),
    int, dict, kinds.Point, kinds.increment, len, math.sin, dict.fromkeys, collections.OrderedDict, ValueError,
    *[array.array(code, [1, 2, 3]) for code in "bBhHiIlLqQfd"], array.array("d"),
    collections.ChainMap({"a": 1}), type("x", (), {}).__mro__[1],
]  # fmt: skip


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, D):
        return a.as_tuple() == b.as_tuple()
    if isinstance(a, dt.datetime):
        return a == b and a.fold == b.fold and repr(a) == repr(b)
    if isinstance(a, array.array):
        return a == b and a.typecode == b.typecode
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b




def over(value):
    """To the other interpreter and back."""
    there.put(value)
    return back.get(timeout=60)


def as_bytes(value):
    return isles.decode(isles.encode(value), objects=True)


def test_equal_type_and_value():
    for values in PLAIN, TIMES, NUMBERS, NAMES, OBJECTS:
        for value in values:
            for trip in over, as_bytes:
                came = trip(value)
                assert same(value, came), f"{trip.__name__}: {value!r:.200} became {came!r:.200}"
        assert same(over(values), values)


def test_nan_payloads():
    for bits in 0x7FF8DEAD0000BEEF, 0xFFF8000000000001, 0x7FF0000000000001:
        nan = struct.unpack("d", struct.pack("Q", bits))[0]
        assert struct.unpack("Q", struct.pack("d", over(nan)))[0] in (bits, bits | 1 << 51)  # hardware may quiet a signalling one
    assert struct.pack("d", over(math.nan)) == struct.pack("d", math.nan)


def test_cycles_and_shared_parts():
    knot = []
    knot.append(knot)
    came = over(knot)
    assert came[0] is came
    loop = ([],)
    loop[0].append(loop)
    came = over(loop)
    assert type(came) is tuple and came[0][0] is came
    table = {}
    table["self"], table["list"] = table, [table]
    came = over(table)
    assert came["self"] is came and came["list"][0] is came
    part = [1]
    came = over([part, part, (part,)])
    assert came[0] is came[1] is came[2][0]
    many = [[i] for i in range(1000)]
    came = over(many + many)
    assert all(came[i] is came[i + 1000] for i in range(1000)) and came[0] is not came[1]
    p = kinds.Plain(name="p")
    p.me, p.all = p, {p}
    came = over(p)
    assert came.me is came and came.all == {came} and came.name == "p"
    s = kinds.Slotted()
    came = over([s, s])
    assert came[0] is came[1] and came[0].next is came[0] and came[0].private() == 5


def as_record(i, *, first="first", last="last"):
    return {first: i, "a key that is longer": "text", "": [i], "none": None, last: {"x": i, "y": 2.5}}


def test_records_of_one_shape():
    """Dicts are made from the form of those that came before (src/engine/shape.c)."""
    for trip in over, as_bytes:
        for i in range(50):
            came = trip(as_record(i))
            assert same(came, as_record(i))
            came["first"] = came["more"] = came[""]  # what was got is nobody else's
            del came["none"]
            came["last"].clear()
        others = ["last", "lasu", "las", "last of all", "last of alk", "é", "k" * 23, "k" * 24, 5, ("t",)]
        for known in others:  # where a key differs, after those that were alike
            for i in range(20):
                assert same(trip(as_record(i, last=known)), as_record(i, last=known))
            for other in others:
                assert same(trip(as_record(1, last=other)), as_record(1, last=other))
                assert same(trip(as_record(2, first=other)), as_record(2, first=other))
        for i in range(20):  # lists of them, and one in another
            turned = dict(reversed(as_record(i).items()))
            values = [as_record(as_record(i)), turned, as_record(turned), as_record(i, last="x")]
            assert same(trip(values), values)
        for size in [*range(70), 1000]:
            rows = [{f"{size} {j}": i + j for j in range(size)} for i in range(20)]
            assert all(same(trip(row), row) for row in rows)
    part = [1]
    came = over([{"a": part, "b": part, "c": {"a": 1, "b": part, "c": None}} for _ in range(20)])
    assert all(row["a"] is row["b"] is row["c"]["b"] is came[0]["a"] for row in came)


def test_records_of_every_make():
    """The same keys in dicts that lie in memory otherwise: whose keys are new objects, that had others, that are attributes."""
    for trip in over, as_bytes:
        for i in range(30):
            record = as_record(i)
            again = {(key + "!")[:-1]: value for key, value in record.items()}
            gone = {"gone": 1} | record
            del gone["gone"]
            moved = as_record(i)
            moved["first"], moved["more"] = moved.pop("first"), 1
            mixed = {1: 2} | record
            object_ = kinds.Plain(first=i, none=None, last=2.5)
            for dict_ in record, again, gone, moved, mixed, vars(object_):
                assert same(trip(dict_), dict_)
            assert same(trip([record, gone, moved, vars(object_), again, record["last"]]),
                        [record, gone, moved, vars(object_), again, record["last"]])  # fmt: skip
            assert same(vars(trip(object_)), vars(object_))


def test_records_that_change_while_they_are_read():
    class Changing:
        def __init__(self, dict_, change):
            self.dict, self.change = dict_, change

        def __reduce__(self):
            self.change(self.dict)
            return int, ()

    def grow(dict_):
        dict_.update((str(i), i) for i in range(1000))

    def turn(dict_):
        items = [*reversed(dict_.items())]
        dict_.clear()
        dict_.update(items)

    def exchange(dict_):
        for key in dict_:
            dict_[key] = [key] * 100

    for change in dict.clear, grow, turn, exchange, dict.popitem, lambda d: d.pop("first"):
        for _ in range(20):
            assert same(as_bytes(as_record(1)), as_record(1))
            record = as_record(1)
            record["a key that is longer"] = Changing(record, change)
            try:
                came = as_bytes(record)
            except isles.NotShareableError as e:
                assert "changed while it was read" in str(e), e
            else:
                assert len(came) <= 5


def test_records_that_are_wrong():
    good = isles.encode(as_record(1))
    for _ in range(20):
        assert isles.decode(good) == as_record(1)
        for end in range(len(good)):
            try:
                isles.decode(good[:end])
            except ValueError:
                pass
            else:
                raise AssertionError(good[:end])
        assert isles.decode(bytes.fromhex("a3 6161 01 6162 02 6163 03")) == {"a": 1, "b": 2, "c": 3}
        assert isles.decode(bytes.fromhex("a3 6161 01 6162 02 6162 03")) == {"a": 1, "b": 3}
        assert isles.decode(bytes.fromhex("a3 6161 01 780162 02 6163 03")) == {"a": 1, "b": 2, "c": 3}
        assert isles.decode(bytes.fromhex("bf 6161 01 6162 02 6163 03 ff")) == {"a": 1, "b": 2, "c": 3}


def test_records_and_the_garbage_collector():
    for i in range(20):
        came = over({"a": i, "b": kinds.Plain()})
        came["self"], alive = came, weakref.ref(came["b"])
        assert gc.is_tracked(came)
        del came
        gc.collect()
        assert alive() is None
    assert over({"a": 1, "b": 2}) in gc.get_objects()


class Nosy:
    """Decoding one runs Python code in the middle of what it is a part of."""


def test_python_code_within_a_record():
    """It decodes records of the same shape, and of others that want its place, and finds none that is not complete."""
    incomplete = []

    def decode(number):
        assert as_bytes(as_record(number)) == as_record(number)
        for i in range(20):
            as_bytes(as_record(i, last=f"{number} {i}"))
        for i in range(640):
            as_bytes({f"short {i // 10}": 1, "b": 2})
        incomplete.extend(o for o in gc.get_objects() if type(o) is dict and o.get("mark") == "sought" and o.get("end", 1) is None)
        return number

    isles.register(Nosy, lambda _: 7, decode)
    for _ in range(20):
        came = as_bytes(as_record(0) | {"mark": "sought", "nosy": Nosy(), "end": 1})
        assert same(came, as_record(0) | {"mark": "sought", "nosy": 7, "end": 1})
        assert as_bytes(as_record(Nosy())) == as_record(7)
        assert same(as_bytes(as_record(0) | {"none": Nosy()}), as_record(0) | {"none": 7})
    assert not incomplete


def test_exceptions():
    error = kinds.Oops(3)
    error.add_note("a note")
    try:
        try:
            1 / 0
        except ZeroDivisionError as cause:
            raise error from cause
    except kinds.Oops as raised:
        came = over(raised)
    assert type(came) is kinds.Oops and came.code == 3 and came.args == error.args and came.__notes__ == ["a note"]
    assert type(came.__cause__) is ZeroDivisionError and came.__context__ is came.__cause__ and came.__suppress_context__
    for error in [
        OSError(2, "no", "f"), FileNotFoundError(2, "x"), KeyError("k"), UnicodeDecodeError("utf8", b"x", 0, 1, "r"), SystemExit(3),
        StopIteration(5), ImportError("m", name="n", path="p"), AttributeError("m", name="n"), SyntaxError("bad", ("f", 1, 2, "text")),
        ExceptionGroup("g", [ValueError(1), KeyError(2)]), isles.Cancelled("x"),
    ]:  # fmt: skip
        came = over(error)
        assert type(came) is type(error) and str(came) == str(error), (error, came)
        for name in "errno", "filename", "name", "path", "value", "code", "lineno", "text", "reason":
            assert getattr(came, name, None) == getattr(error, name, None), (error, name)


def stateless(a, b=2, *, c=3):
    return [a + b + c, len("xx")]


def test_functions_without_state():
    there.put(stateless)
    assert back.get()(1) == [6, 2]
    assert over(lambda x: x * 2)(4) == 8


def refused(value, *texts):
    try:
        there.put(value)
    except isles.NotShareableError as e:
        assert all(text in str(e) for text in texts), str(e)
    else:
        raise AssertionError(f"{value!r} crossed, as {back.get()!r}")
    assert there.empty()  # nothing half-sent


def test_what_cannot_cross_is_named_by_its_path():
    lock, y = threading.Lock(), 5
    refused(lock, "value: _thread.lock")
    refused([1, {"lock": lock}], "value[1]['lock']: _thread.lock")
    refused([kinds.Plain(lock=lock)], "value[0].lock: _thread.lock")
    refused({(lock,): 1}, "value (a key)[0]: _thread.lock")
    refused({frozenset([lock])}, "_thread.lock")
    refused((x for x in []), "generator")
    refused(sys, "module")
    refused(kinds.Reduced(lock), "kinds.Reduced", "lock")
    refused(type("Local", (), {})(), "Local")
    refused(lambda: y, "closure")
    deep = []
    for _ in range(600):
        deep = [deep]
    refused(deep, "nested too deeply")
    deep = ()
    for _ in range(40_000):
        deep = (deep,)
    refused(deep, "nested too deeply")


def test_a_describer_that_misbehaves():
    class Bad:
        def __reduce__(self):
            raise RuntimeError("no way")

    class Worse:
        def __reduce__(self):
            raise KeyboardInterrupt

    refused(Bad(), "no way")
    try:
        there.put(Worse())
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
    items = [1, 2]

    class Shrinks:
        def __reduce__(self):
            items.clear()
            return int, ()

    items[:] = [Shrinks(), [1], [2]]
    refused(items, "changed while it was read")


def test_pickling_can_be_turned_off():
    pickled = isles.encode(collections.deque([1]))
    assert isles.allow_pickle(False) is True
    refused(collections.deque(), "pickling is turned off")
    try:
        isles.decode(pickled, objects=True)
    except ValueError as e:
        assert "pickling is turned off" in str(e)
    else:
        raise AssertionError
    assert over(kinds.Point(1, 2)) == kinds.Point(1, 2)
    assert isles.allow_pickle(True) is False


def test_decoding_foreign_bytes_runs_no_code():
    for value in kinds.Point(1), collections.deque(), kinds.increment, kinds.Colour.RED, kinds.Celsius(1), ValueError(1):
        try:
            isles.decode(isles.encode([value]))
        except ValueError as e:
            assert "objects=True" in str(e), e
        else:
            raise AssertionError(value)


def test_memory_is_shared():
    data = bytearray(b"hello world" * 1000)
    view = over(memoryview(data))
    assert view.readonly and view == data
    data[0] = 65
    assert view[0] == 65  # the same memory, in both interpreters and back
    try:
        data.append(1)
    except BufferError:
        pass
    else:
        raise AssertionError("it is lent")
    again = over(view)
    assert again[0] == 65
    del view, again
    drain()
    data.append(1)  # all let go


def drain():
    """The other interpreter's last value goes with the next."""
    over(None)
    over(None)


def test_memory_that_may_be_written():
    data = bytearray(b"..........")
    view = over(isles.share(data, writable=True))
    view[1] = 66
    assert data[1] == 66
    over(view)[2] = 67
    assert data[2] == 67 and not view.readonly
    read_only = over(isles.share(data))
    try:
        read_only[0] = 1
    except TypeError:
        pass
    else:
        raise AssertionError
    try:
        isles.share(b"abc", writable=True)
    except BufferError:
        pass
    else:
        raise AssertionError


def test_shapes_of_memory():
    grid = memoryview(array.array("d", range(24))).cast("B").cast("d", (4, 6))
    views = [grid, grid[::2], memoryview(b"abcdef")[::-2], memoryview(b""), memoryview(b"abc")[1:1], memoryview(array.array("i", [7]))]
    for view in views:
        for trip in over, as_bytes:
            came = trip(view)
            assert (came.shape, came.format, came.itemsize) == (view.shape, view.format, view.itemsize), (trip, view.shape)
            assert came.tolist() == view.tolist()
    area = mmap.mmap(-1, 4096)
    area[:3] = b"xyz"
    came = over(memoryview(area))
    assert bytes(came[:3]) == b"xyz"


def test_large_bytes_are_handed_over():
    big = b"z" * 10_000_000
    before = sys.getrefcount(big)
    assert over(big) == big
    drain()
    for _ in range(1000):
        if sys.getrefcount(big) == before:  # a pending call of ours: it comes while Python runs
            break
    assert sys.getrefcount(big) == before


def test_queues_in_values():
    inner = isles.create_queue()
    came = over({"reply to": inner})["reply to"]
    assert came == inner and came is not inner
    came.put(5)
    assert inner.get() == 5


for name, test in sorted(globals().items()):
    if name.startswith("test_"):
        began = time.monotonic()
        test()
        print(f"ok {name} {time.monotonic() - began:.1f} s")
there.close()
