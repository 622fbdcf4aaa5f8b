"""What the sides of the messages benchmark send, and the loops in which they send it: the same for all of them.

One end is `first`, the other `second`; each is told how to put and how to get, and returns its times. Times are of
perf_counter, which on Linux is the same clock in all interpreters and processes. Every interpreter and process that is
measured imports this, so at its top level it does next to nothing.
"""

from itertools import repeat
from time import perf_counter

BUFFER_BYTES = 100_000_000
BATCH = 64
STREAMS = ("stream_dict", "stream_int", "stream_bytes", "stream_tuple", "bounded", "stream_1mb")


def record():
    """A dict of 20 keys, as a row of a table is one."""
    row = {}
    for i in range(5):
        row[f"name_{i}"] = f"the name number {i}"
        row[f"count_{i}"] = 1000 * i + 7
        row[f"price_{i}"] = 19.95 + i
        row[f"flag_{i}"] = None if i == 4 else i % 2 == 0
    return row


def message_of(case):
    if case in ("pingpong", "stream_int", "bounded"):
        return 123456
    if case == "stream_dict":
        return record()
    if case == "stream_bytes":
        return bytes(range(64))
    if case == "stream_tuple":
        return (17, "a short text", 2.5)
    if case == "stream_1mb":
        return bytes(range(250)) * 4000
    raise LookupError(f"no case {case}")


def order(i):
    """20 values, some of them nested."""
    return {
        "id": 100_000 + i,
        "customer": {"name": f"Customer No. {i}", "mail": f"customer{i}@example.org", "vip": i % 3 == 0},
        "lines": [(f"article-{i}-{j}", j + 1, 4.95 + i + j) for j in range(4)],
        "note": None,
        "digest": bytes((i + j) % 256 for j in range(16)),
        "total": 123.25 * (i + 1),
        "tag": f"tag {i % 7}",
    }


def document():
    """1,000 values in dicts, lists and tuples."""
    return {"orders": [order(i) for i in range(50)]}


def leaves(value):
    if isinstance(value, dict):
        return sum(leaves(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(leaves(item) for item in value)
    return 1


# --- the two ends -------------------------------------------------------------------------------------------------


def first(case, count, put, get):
    """Begins once the other end says that it is there."""
    message = message_of(case)
    get()
    begin = perf_counter()
    if case == "pingpong":
        for _ in repeat(None, count):
            put(message)
            answer = get()
        end = perf_counter()
        check(answer, message)
        return {"begin": begin, "end": end}
    for _ in repeat(None, count):
        put(message)
    return {"begin": begin}


def second(case, count, put, get, get_many=None):
    """With get_many, as many as are there are taken at a time."""
    put("ready")
    if case == "pingpong":
        for _ in repeat(None, count):
            put(get())
        return {}
    if get_many is None:
        for _ in repeat(None, count):
            message = get()
        end = perf_counter()
    else:
        left = count
        while left > 0:
            messages = get_many(BATCH)
            left -= len(messages)
        end = perf_counter()
        message = messages[-1]
    check(message, message_of(case))
    return {"end": end}


def check(got, sent):
    if type(got) is not type(sent) or got != sent:
        raise AssertionError(f"another message came: {got!r:.100}, not {sent!r:.100}")


def seconds_of(one, other):
    """How long a round took, of what both ends returned."""
    return one.get("end", other.get("end")) - one["begin"]


# --- a buffer that is handed over ---------------------------------------------------------------------------------------


def hand_over(buffer, writable, count, put, get):
    """Puts `buffer` so often; returns the sum of the times from put to got. `writable` is the memory, as bytes."""
    get()
    total = 0.0
    for _ in repeat(None, count):
        begin = perf_counter()
        put(buffer)
        total += get() - begin
    note = "the same memory"
    put(buffer) # once more: does the other end see what is written after it has got it?
    before = get()
    try:
        writable[0] = before ^ 255
    except (TypeError, ValueError, BufferError):
        note = "not told whether it is the same memory: the sender can't write any more"
    put("look")
    if get() == before and not note.startswith("not told"):
        note = "a copy"
    return {"begin": 0.0, "end": total, "note": note}


def take_over(count, put, get):
    put("ready")
    for _ in repeat(None, count):
        buffer = get()
        if isinstance(buffer, str):
            return {} # the sender gave up
        end = perf_counter()
        if memoryview(buffer).nbytes != BUFFER_BYTES:
            raise AssertionError(f"{memoryview(buffer).nbytes} bytes came")
        del buffer
        put(end)
    buffer = memoryview(get())
    put(buffer[0])
    get()
    put(buffer[0])
    return {}


# --- encode and decode ----------------------------------------------------------------------------------------------------


def encode_and_decode(encode, decode, count, same=True):
    """`same`: what comes out is what went in, tuples included."""
    value = document()
    if leaves(value) != 1000:
        raise AssertionError(f"{leaves(value)} values")
    begin = perf_counter()
    for _ in repeat(None, count):
        result = decode(encode(value))
    end = perf_counter()
    if same:
        check(result, value)
    elif leaves(result) != 1000:
        raise AssertionError("something was lost")
    return {"begin": begin, "end": end}
