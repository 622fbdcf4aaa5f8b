"""The messages benchmark inside interpreters of Isles: bench_ends calls `first` in one and `second` in another. The queues
are made by the host."""

import warnings

import isles
import messages_cases as cases

there, back, bounded = (isles.find_queue(name) for name in ("there", "back", "bounded"))


def first(way, case, count):
    if case == "document":
        return document(count)
    if case == "handover":
        return handover(count)
    return cases.first(case, count, (bounded if case == "bounded" else there).put, back.get)


def second(way, case, count):
    if case == "document":
        return {}
    if case == "handover":
        return cases.take_over(count, back.put, there.get)
    queue = bounded if case == "bounded" else there
    return cases.second(case, count, back.put, queue.get, queue.get_many if way == "isles_many" else None)


def document(count):
    if hasattr(isles, "encode"):
        return cases.encode_and_decode(isles.encode, isles.decode, count)
    put, get = there.put, there.get_nowait
    times = cases.encode_and_decode(put, lambda _: get(), count)
    return times | {"note": "put and get_nowait on one queue of one interpreter: this build has no isles.encode"}


def handover(count):
    """This end has the main interpreter's GIL, which NumPy wants."""
    try:
        warnings.filterwarnings("ignore", "NumPy was imported from a Python sub-interpreter")
        import numpy
    except ImportError:
        kind, buffer = "memoryview(bytearray)", memoryview(bytearray(cases.BUFFER_BYTES))
        writable = buffer
    else:
        kind, buffer = f"NumPy {numpy.__version__}", numpy.zeros(cases.BUFFER_BYTES, numpy.uint8)
        writable = memoryview(buffer)
    for form in buffer, writable: # an array itself, else its memory
        try:
            bounded.put(form) # which nobody gets from
        except isles.NotShareableError:
            continue
        bounded.get()
        times = cases.hand_over(form, writable, count, there.put, back.get)
        return times | {"note": f"{kind}; {times['note']}"}
    back.get()
    there.put("stop")
    return {"missing": "not supported by this build: buffers can't be put"}
