"""NumPy arrays cross as the same memory. Where NumPy can't be imported (it loads in one interpreter of a process), what comes
is a memoryview on it. Run with --gil shared, in a virtual environment with numpy, with echo.py as its neighbour, without."""

import time

import isles
import numpy as np
from meeting import back, there

TYPES = "?bBhHiIlLqQefdgFDG"
own = isles.create_queue()


def over(value):
    """To an interpreter without NumPy and back."""
    there.put(value)
    return back.get(timeout=60)


def queued(value):
    own.put(value)
    return own.get()


def as_bytes(value):
    return isles.decode(isles.encode(value), objects=True)


def address(array):
    return array.__array_interface__["data"][0]


def layouts(a):
    yield a
    yield np.asfortranarray(a)
    yield a[::2]
    yield a[:, ::-1]
    yield a[1:, 1:3]
    yield a.T
    yield a[:0]
    yield a.reshape(2, 3, 4)
    yield a[0]
    yield np.array(a[0, 0])


def check(a, trip, shared):
    came = trip(a)
    assert type(came) is np.ndarray and came.dtype == a.dtype and came.shape == a.shape, (a.dtype, came.dtype, a.shape)
    assert came.tobytes() == a.tobytes()
    if shared:
        assert came.strides == a.strides
        assert came.size == 0 or address(came) == address(a)
        assert not came.flags.writeable


def test_every_type_and_layout():
    for code in TYPES:
        whole = np.arange(24).astype(code).reshape(4, 6)
        for a in layouts(whole):
            check(a, queued, shared=True)
            check(a, as_bytes, shared=False)
        swapped = whole.astype(whole.dtype.newbyteorder(">"))
        check(swapped, queued, shared=code not in "gG")
        assert (as_bytes(swapped) == swapped).all()


def test_where_there_is_no_numpy():
    for code in "?bBhHiIlLqQefd":
        for a in layouts(np.arange(24).astype(code).reshape(4, 6)):
            came = over(a)
            assert type(came) is memoryview and came.shape == a.shape and came.strides == a.strides and came.readonly
            array = np.asarray(came)
            assert array.dtype == a.dtype and (array == a).all() and (a.size == 0 or address(array) == address(a))


def test_dates_text_and_records():
    moments = np.array(["2020-01-01", "NaT"], "M8[ns]")
    check(moments, queued, shared=True)
    assert queued(moments - moments[0]).dtype == "m8[ns]"
    records = np.array([(1, 2.5)], [("x", int), ("y", float)])
    for a in np.array(["a", "bc"]), np.array([b"a"]), records, np.array([[1], None], object):
        for trip in queued, as_bytes:
            came = trip(a)
            assert came.dtype == a.dtype and (came == a).all()
    assert queued(np.float64(1.5)) == 1.5 and type(queued(np.int8(3))) is np.int8


def test_payload_bits():
    odd = np.array([0x7FF8DEAD0000BEEF, 0x8000000000000000], "u8").view("d")
    for trip in queued, as_bytes:
        assert trip(odd).tobytes() == odd.tobytes()


def test_typed_arrays_of_others():
    """RFC 8746, as other implementations write them."""
    assert isles.decode(bytes.fromhex("d828 82 82 02 02 d845 48 0100 0200 0300 0400".replace(" ", ""))).tolist() == [[1, 2], [3, 4]]
    assert isles.decode(bytes.fromhex("d90410 82 82 02 02 d845 48 0100 0200 0300 0400".replace(" ", ""))).tolist() == [[1, 3], [2, 4]]
    assert isles.decode(bytes.fromhex("d841 44 0001 0002".replace(" ", ""))).tolist() == [1, 2]


def test_handing_over_copies_nothing():
    a = np.zeros(100_000_000, "u1")
    best = 1.0
    for _ in range(20):
        began = time.perf_counter()
        there.put(a)
        best = min(best, time.perf_counter() - began)
        came = back.get(timeout=60)
        assert address(np.asarray(came)) == address(a)
    a[5] = 7
    assert came[5] == 7
    print(f"put of 100 MB: {best * 1e6:.1f} us")


def test_sharing_for_writing():
    a = np.zeros(10)
    view = np.asarray(over(isles.share(a, writable=True)))
    view[3] = 5
    assert a[3] == 5


for name, test in sorted(globals().items()):
    if name.startswith("test_"):
        began = time.monotonic()
        test()
        print(f"ok {name} {time.monotonic() - began:.1f} s")
there.close()
