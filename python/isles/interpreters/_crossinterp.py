"""What queues say in place of an item whose interpreter has ended."""

from __future__ import annotations

from typing import Any, Final, NoReturn


class ItemInterpreterDestroyed(Exception):
    """The interpreter that put the item has ended."""


class UnboundItem:
    """Stands for an item whose interpreter has ended. There is one for each kind of container."""

    __slots__ = ("_where",)
    _where: str

    def __new__(cls) -> NoReturn:
        raise TypeError("there is one of these, and it can't be made: use UNBOUND")

    def __repr__(self) -> str:
        return self._where


def unbound(where: str) -> UnboundItem:
    make: Any = object.__new__
    item: UnboundItem = make(UnboundItem)
    item._where = where
    return item


UNBOUND: Final = unbound(f"{__name__}.UNBOUND")
UNBOUND_ERROR: Final = object()
UNBOUND_REMOVE: Final = object()
