"""Hypothesis over all types of values; cbor2 reads what we write and we read what it writes; damaged bytes.

Run inside an interpreter, with echo.py as its neighbour, in a virtual environment with hypothesis and cbor2.
"""

import datetime as dt
import decimal
import fractions
import ipaddress
import math
import os
import struct
import time

import cbor2
import isles
import kinds
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from meeting import back, there

MANY = int(os.environ.get("ISLES_EXAMPLES", "100"))
settings.register_profile("isles", max_examples=MANY, deadline=None, database=None, derandomize=True,
                          phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))  # fmt: skip
settings.load_profile("isles")



def over(value):
    there.put(value)
    return back.get(timeout=60)


# --- what both know ---------------------------------------------------------------------------------------------------

offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
plain_text = st.text(st.characters(exclude_categories=["Cs"]))
decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: d != 0 or not d.is_signed())
atoms_of_both = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), st.floats(), plain_text, st.binary(),
    st.dates(), st.datetimes(timezones=offsets).map(lambda d: d.replace(fold=0)), decimals, st.fractions(), st.uuids(), st.complex_numbers(),
    st.ip_addresses(v=4), st.ip_addresses(v=6).filter(lambda a: not a.scope_id),
)  # fmt: skip
keys_of_both = st.one_of(plain_text, st.integers(), st.binary(), st.booleans(), st.none())
values_of_both = st.recursive(
    atoms_of_both,
    lambda inner: st.lists(inner) | st.dictionaries(keys_of_both, inner) | st.sets(keys_of_both),
    max_leaves=30,
)

# --- what only we know --------------------------------------------------------------------------------------------------

text = st.text()  # lone surrogates, too
atoms = st.one_of(
    atoms_of_both, text, st.decimals(), st.datetimes(), st.times(), st.timedeltas(), st.builds(bytearray, st.binary()),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 5)), st.builds(slice, st.none() | st.integers(), st.integers()),
    st.just(...), st.sampled_from(kinds.Colour), st.sampled_from(kinds.Bits), st.just(kinds.Bits.A | kinds.Bits.C),
    st.builds(dt.timezone, st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23))),
    st.ip_addresses(v=4).map(lambda a: ipaddress.ip_network((int(a), 32))),
)  # fmt: skip
keys = st.recursive(st.one_of(text, st.integers(), st.binary(), st.none(), st.booleans()), lambda k: st.tuples(k, k) | st.frozensets(k), max_leaves=5)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(keys, inner), st.sets(keys), st.frozensets(keys),
        st.builds(kinds.Point, inner, inner), st.builds(kinds.Frozen, text, inner), st.builds(kinds.Pair, inner, inner),
        st.builds(lambda a: kinds.Plain(a=a), inner), st.builds(lambda a: ValueError(*a), st.lists(inner)),
    ),
    max_leaves=30,
)  # fmt: skip


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, decimal.Decimal):
        return a.as_tuple() == b.as_tuple()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values())) and all(map(same, a, b))
    if isinstance(a, (set, frozenset)):
        return a == b
    if isinstance(a, kinds.Plain):
        return same(a.__dict__, b.__dict__)
    if isinstance(a, (kinds.Point, kinds.Frozen)):
        fields = type(a).__dataclass_fields__
        return all(same(getattr(a, f), getattr(b, f)) for f in fields)
    if isinstance(a, BaseException):
        return same(a.args, b.args)
    return a == b and repr(a) == repr(b)


@given(values)
def test_values_come_back(value):
    assert same(value, over(value))
    assert same(value, isles.decode(isles.encode(value), objects=True))


@given(st.lists(values, min_size=1, max_size=4), st.data())
def test_shared_parts_stay_shared(parts, data):
    parts = [[p] for p in parts]
    value = [data.draw(st.sampled_from(parts)) for _ in range(8)]
    came = over(value)
    assert same(value, came)
    for i, a in enumerate(value):
        for j, b in enumerate(value):
            assert (a is b) == (came[i] is came[j])


@given(values_of_both)
def test_cbor2_reads_what_we_write(value):
    came = cbor2.loads(isles.encode(value), tag_hook=tag_hook)
    assert same(value, came), (value, came)


def tag_hook(decoder, tag):
    """Addresses: RFC 9164, which cbor2 5 does not know yet."""
    if tag.tag in (52, 54):
        return ipaddress.ip_address(tag.value)
    return tag


@given(values_of_both, st.booleans())
def test_we_read_what_cbor2_writes(value, sharing):
    came = isles.decode(cbor2.dumps(value, value_sharing=sharing))
    assert same(value, came), (value, came)


def test_cycles_with_cbor2():
    knot = [1]
    knot.append(knot)
    came = cbor2.loads(isles.encode(knot))
    assert came[1] is came
    came = isles.decode(cbor2.dumps(knot, value_sharing=True))
    assert came[1] is came
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
    assert isles.decode(cbor2.dumps(moment, datetime_as_timestamp=True)) == moment


@given(values, st.data())
def test_damaged_bytes(value, data):
    """Any bytes give a value or a ValueError (or what a constructor said of nonsense), and never more memory than is due."""
    good = bytearray(isles.encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        if good:
            at = data.draw(st.integers(0, len(good) - 1))
            good[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    for bytes_ in bytes(good), bytes(good[:cut]):
        try:
            isles.decode(bytes_)
        except (ValueError, TypeError, OverflowError, ArithmeticError, LookupError, AttributeError, MemoryError, RecursionError):
            pass


def test_a_bomb_takes_no_memory():
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    inside = b""
    for size in range(400):
        inside = b"\x9a" + struct.pack(">I", 100_000) + inside
    try:
        isles.decode(inside + b"\x00" * 100_100)
    except ValueError as e:
        assert "more items than bytes are left" in str(e), e
    else:
        raise AssertionError
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


for name, test in sorted(globals().items()):
    if name.startswith("test_"):
        began = time.monotonic()
        test()
        print(f"ok {name} {time.monotonic() - began:.1f} s")
there.close()
