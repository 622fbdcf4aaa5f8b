"""A Dask task on its way: packed by the worker, run in an interpreter, its end packed there. Both sides need this, so
it imports nothing of `distributed`, which an interpreter with its own GIL can't import.
"""

from __future__ import annotations

import pickle

import cloudpickle  # type: ignore[import-not-found, import-untyped, unused-ignore]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

_AS_THEY_ARE = {bool, bytearray, bytes, complex, float, int, memoryview, str, type(None)}

NEEDS_MAIN = (
    "isles: this module does not load in the interpreters for tasks; what needs it can run on the worker's threads:"
    ' with dask.annotate(executor="threads")'
)
CAN_NOT_LEAVE = "isles: what the task returned can't leave the interpreter that it was made in"


def pack(value: Any) -> Any:
    """As Isles carries it, or pickled, in a tuple. Classes and functions of no module go whole, as in Dask."""
    if type(value) in _AS_THEY_ARE:
        return value
    try:
        data = pickle.dumps(value, 5)
        if b"__main__" not in data:
            return (data,)
    except Exception:
        pass  # cloudpickle does more, or says why it can't be done
    return (cloudpickle.dumps(value, 5),)


def unpack(packed: Any) -> Any:
    return pickle.loads(packed[0]) if type(packed) is tuple else packed


def prepare() -> None:
    """The first that an interpreter does: what each task needs is imported."""
    import dask._task_spec  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    import tblib.pickling_support  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401


def run(task: Any, values: Mapping[Any, Any]) -> tuple[Any, ...]:
    """(its packed result,), or (the pickled exception, its last line, its traceback as text)."""
    try:
        function: Callable[[Mapping[Any, Any]], Any] = unpack(task)
        result = function({key: unpack(value) for key, value in values.items()})
    except Exception as error:
        return _end_by(error)
    try:
        return (pack(result),)
    except Exception as error:
        error.add_note(CAN_NOT_LEAVE)
        return _end_by(error)


def _end_by(error: Exception) -> tuple[Any, ...]:
    import traceback

    from tblib import pickling_support

    if _wants_main(error):
        error.add_note(NEEDS_MAIN)
    error.__traceback__ = _of_task(error.__traceback__)
    pickling_support.install(error)
    text = "".join(traceback.format_exception(error))
    try:
        data = cloudpickle.dumps(error, 5)
        pickle.loads(data)
    except Exception:
        data = None
    return data, traceback.format_exception_only(error)[0].strip(), text


def _wants_main(error: Exception) -> bool:
    """CPython's words for an extension module that refuses, and NumPy's."""
    told = str(error)
    return isinstance(error, ImportError) and ("subinterpreter" in told or "more than once per process" in told)


def _of_task(frames: TracebackType | None) -> TracebackType | None:
    """Without the frames that led to the task: ours, and Dask's."""
    first = frames
    while frames is not None and frames.tb_frame.f_code.co_filename.endswith(("_dask_task.py", "_task_spec.py")):
        frames = frames.tb_next
    return frames or first
