"""Queues with the names and ways of concurrent.interpreters, over isles.Queue: no polling, timeouts to the nanosecond."""

from __future__ import annotations

import queue
import weakref
from typing import Any, Final, Self

from .. import _core
from . import _crossinterp
from ._crossinterp import UNBOUND_ERROR, UNBOUND_REMOVE

__all__ = [
    "UNBOUND", "UNBOUND_ERROR", "UNBOUND_REMOVE", "ItemInterpreterDestroyed", "Queue", "QueueEmpty", "QueueError",
    "QueueFull", "QueueNotFoundError", "create", "list_all",
]

UNBOUND: Final = _crossinterp.unbound(f"{__name__}.UNBOUND")


class QueueError(Exception):
    """Something about a queue went wrong."""


class QueueNotFoundError(QueueError):
    """There is no queue of that id."""


class QueueEmpty(QueueError, queue.Empty):
    """There was nothing to get."""


class QueueFull(QueueError, queue.Full):
    """There was no room."""


class ItemInterpreterDestroyed(QueueError, _crossinterp.ItemInterpreterDestroyed):
    """The interpreter that put the item has ended, and it was put with UNBOUND_ERROR."""


_RULES = {UNBOUND: "marker", _crossinterp.UNBOUND: "marker", UNBOUND_ERROR: "error", UNBOUND_REMOVE: "remove"}
_ITEMS = {"marker": UNBOUND, "error": UNBOUND_ERROR, "remove": UNBOUND_REMOVE, "keep": None}


def _rule(unbounditems: Any) -> str:
    try:
        return _RULES[unbounditems]
    except (KeyError, TypeError):
        raise NotImplementedError(f"unsupported unbound replacement op {unbounditems!r}") from None


def create(maxsize: int = 0, *, unbounditems: Any = UNBOUND) -> Queue:
    """A new queue, of at most maxsize items (0 or less: of any number).

    unbounditems is what becomes of items whose interpreter ends before they are got: UNBOUND takes their places,
    UNBOUND_ERROR raises ItemInterpreterDestroyed, UNBOUND_REMOVE takes them out.
    """
    if not isinstance(maxsize, int):
        raise TypeError(f"maxsize must be an int, not {maxsize!r}")
    inner = _core.create_queue(max(maxsize, 0), unbound=_rule(unbounditems))
    self = Queue._of(inner)
    self._maxsize = maxsize
    return self


def list_all() -> list[Queue]:
    """All queues that live."""
    found = (_core._queue(id) for id in sorted(_core._queues()))
    return [Queue._of(inner) for inner in found if inner is not None]


_known: weakref.WeakValueDictionary[int, Queue] = weakref.WeakValueDictionary()


class Queue:
    """A queue between interpreters. There is one object for each in an interpreter."""

    _inner: _core.Queue
    _maxsize: int

    def __new__(cls, id: int, /) -> Self:
        if not isinstance(id, int):
            raise TypeError(f"id must be an int, got {id!r}")
        known = _known.get(id)
        inner = known._inner if known is not None else _core._queue(id) if id > 0 else None
        if inner is None:
            raise QueueNotFoundError(f"queue {id} not found")
        return cls._of(inner)

    @classmethod
    def _of(cls, inner: _core.Queue) -> Self:
        known = _known.get(inner.id)
        if known is None:
            known = object.__new__(cls)
            known._inner = inner
            known._maxsize = inner.maxsize
            _known[inner.id] = known
        return known  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"

    def __hash__(self) -> int:
        return hash(self._inner.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queue) and self._inner == other._inner

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id,)

    @property
    def id(self) -> int:
        return self._inner.id

    @property
    def maxsize(self) -> int:
        return self._maxsize

    @property
    def unbounditems(self) -> Any:
        return _ITEMS[self._inner.unbound]

    def fileno(self) -> int:
        """A descriptor that is readable exactly while there is something to get."""
        return self._inner.fileno()

    def empty(self) -> bool:
        return self._inner.empty()

    def full(self) -> bool:
        return self._inner.full()

    def qsize(self) -> int:
        return self._inner.qsize()

    def put(
        self, obj: Any, block: bool = True, timeout: float | None = None, *, unbounditems: Any = None
    ) -> None:
        """Puts a copy of obj, waiting for room up to timeout seconds. Raises QueueFull, NotShareableError."""
        rule = None if unbounditems is None else _rule(unbounditems)
        try:
            self._inner.put(obj, block, timeout, rule)
        except _core.QueueFull:
            raise QueueFull(f"queue {self.id} is full") from None

    def put_nowait(self, obj: Any, *, unbounditems: Any = None) -> None:
        self.put(obj, False, unbounditems=unbounditems)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next item, waiting for one up to timeout seconds. Raises QueueEmpty, ItemInterpreterDestroyed."""
        try:
            item = self._inner.get(block, timeout)
        except _core.QueueEmpty:
            raise QueueEmpty(f"queue {self.id} is empty") from None
        except _core.QueueItemUnbound:
            raise ItemInterpreterDestroyed("item's original interpreter destroyed") from None
        return UNBOUND if item is _core.UNBOUND else item

    def get_nowait(self) -> Any:
        return self.get(False)


def _describe(self: Queue) -> tuple[_core.Queue, int]:
    return self._inner, self._maxsize


def _rebuild(described: tuple[_core.Queue, int]) -> Queue:
    self = Queue._of(described[0])
    self._maxsize = described[1]
    return self


_core.register(Queue, _describe, _rebuild)
