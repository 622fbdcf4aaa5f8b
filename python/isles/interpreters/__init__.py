"""The API of concurrent.interpreters (PEP 734, Python 3.14), over Isles, on Python 3.13 and newer.

    from isles import interpreters

docs/python.md lists what differs. New programs may prefer isles.Interpreter.
"""

from __future__ import annotations

import threading
import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Self

from .. import _core, _inside
from .._core import NotShareableError
from .._errors import ExecutionFailed, InterpreterError, InterpreterNotFoundError, execution_failed, failure_of
from ._queues import Queue, QueueEmpty, QueueFull
from ._queues import create as create_queue

__all__ = [
    "ExecutionFailed", "Interpreter", "InterpreterError", "InterpreterNotFoundError", "NotShareableError", "Queue",
    "QueueEmpty", "QueueFull", "create", "create_queue", "get_current", "get_main", "is_shareable", "list_all",
]

_MAIN = 0


def _failure(error: _core.JobError, id: int | None = None) -> Exception:
    status, message, text, exit_status, tree, _ = error.args
    if status in ("PYTHON", "EXIT", "CANCELLED"):
        return execution_failed(message, text, exit_status, tree)
    if status == "BUSY":
        return InterpreterError("interpreter already running")
    return failure_of(error, id)


# --- interpreters ------------------------------------------------------------------------------------------------------


def create() -> Interpreter:
    """A new, idle interpreter. It ends when the last Interpreter object for it, in whatever interpreter, has gone."""
    try:
        id = _core._create({})
    except _core.JobError as error:
        raise _failure(error) from None
    return Interpreter(id)


def list_all() -> list[Interpreter]:
    """All that live, the main one first."""
    found = [get_main()]
    for id in _core._list():
        try:
            found.append(Interpreter(id))
        except InterpreterNotFoundError:
            pass  # it has ended since
    return found


def get_current() -> Interpreter:
    """The one that this code runs in."""
    return Interpreter(_core.id)


def get_main() -> Interpreter:
    """The one that Python began with."""
    return Interpreter(_MAIN)


_SHAREABLE = frozenset({type(None), bool, int, float, str, bytes, memoryview, Queue, _core.Queue})


def is_shareable(obj: object, /) -> bool:
    """Whether obj crosses natively. (Nearly everything else is copied, too: see Interpreter.call().)"""
    if type(obj) is tuple:
        return all(map(is_shareable, obj))
    return type(obj) in _SHAREABLE


_known: weakref.WeakValueDictionary[int, Interpreter] = weakref.WeakValueDictionary()


class Interpreter:
    """An interpreter. There is one object for each in an interpreter.

    id       an int, never used again in this process
    whence   where it was made
    """

    _id: int
    _holds: bool

    def __new__(cls, id: int, /) -> Self:
        if not isinstance(id, int):
            raise TypeError(f"id must be an int, got {id!r}")
        id = int(id)
        if id < 0:
            raise ValueError(f"interpreter ID must be a non-negative int, got {id}")
        known = _known.get(id)
        if known is None:
            if id != _MAIN:
                _hold(id, 1)
            known = object.__new__(cls)
            known._id = id
            known._holds = id != _MAIN
            _known[id] = known
        return known  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id})"

    def __hash__(self) -> int:
        return hash(self._id)

    def __del__(self, _core: Any = _core) -> None:
        if not self._holds:
            return
        self._holds = False
        try:
            if _core._hold(self._id, -1) == 0:
                if self._id == _core.id:
                    _core._end_later(self._id, None)
                else:
                    _core._end(self._id, 1.0)
        except _core.JobError:
            pass  # it has ended, or can't end now

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._id,)

    @property
    def id(self) -> int:
        return self._id

    @property
    def whence(self) -> str:
        return "runtime init" if self._id == _MAIN else "_interpreters module"

    def is_running(self) -> bool:
        """Whether it runs code now. The main one always does."""
        return self._id == _MAIN or self._state() == "running"

    def _state(self) -> str:
        try:
            stats = _core._stats(self._id)
        except _core.JobError as error:
            raise _failure(error, self._id) from None
        if stats["state"] != "ending":
            state: str = stats["state"]
            return state
        raise InterpreterNotFoundError(f"interpreter {self._id} not found")

    def close(self) -> None:
        """Ends it. Raises InterpreterError for the main one, the current one, and one that runs code."""
        if self._id == _MAIN:
            raise InterpreterError("cannot close the main interpreter")
        if self._id == _core.id:
            raise InterpreterError("cannot close the current interpreter")
        if self.is_running():
            raise InterpreterError("cannot close a running interpreter")
        try:
            _core._end(self._id, None)
        except _core.JobError as error:
            raise _failure(error, self._id) from None

    def prepare_main(self, ns: Mapping[str, Any] | Any = None, /, **kwargs: Any) -> None:
        """Sets globals of its __main__; the values must be shareable."""
        names = dict(ns, **kwargs) if ns is not None else kwargs
        if not names:
            raise ValueError("arg 2 must be a non-empty mapping")
        for name, value in names.items():
            if not is_shareable(value):
                raise NotShareableError(f"{name}: {type(value).__name__} object does not support cross-interpreter data")
        self._call(_inside.prepare_main, (names,), {})

    def exec(self, code: str | types.CodeType | Callable[[], object], /) -> None:
        """Runs source code, or a function that takes and needs nothing, in its __main__."""
        if isinstance(code, str):
            self._call(_inside.exec_source, (code,), {})
        elif isinstance(code, types.FunctionType):
            self._call(_inside.exec_function, (code,), {})
        else:
            raise TypeError(f"expected str or a function, got {type(code).__name__}")

    def call(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """callable(*args, **kwargs) in it; the result, a copy. What it raises comes back as ExecutionFailed."""
        function = _inside.as_in_main(callable)
        return self._call(function or callable, args, kwargs)

    def call_in_thread(self, callable: Callable[..., Any], /, *args: Any, **kwargs: Any) -> threading.Thread:
        """The same on a new thread, which is returned. The result is dropped."""
        thread = threading.Thread(target=self.call, args=(callable, *args), kwargs=kwargs)
        thread.start()
        return thread

    def _call(self, callable: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._id == _MAIN:
            raise InterpreterError("unrecognized interpreter: the main one runs nothing for others")
        try:
            return _core._call(self._id, callable, args, kwargs, None, True)
        except _core.JobError as error:
            raise _failure(error, self._id) from None


def _hold(id: int, by: int) -> None:
    try:
        _core._hold(id, by)
    except _core.JobError:
        raise InterpreterNotFoundError(f"interpreter {id} not found") from None
