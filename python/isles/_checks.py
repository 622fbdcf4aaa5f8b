"""What callers give, looked at before anything is made of it. Each says which argument it is, and what is wanted."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

__all__ = ["amount", "count", "integer", "items", "mapping", "path", "text", "texts", "word"]

_TOO_MUCH = 1 << 63


def items(name: str, value: Any) -> list[Any]:
    if isinstance(value, (str, bytes, os.PathLike)):  # one letter each, else
        raise TypeError(f"{name} is {value!r}: a list is wanted, [{value!r}]")
    try:
        return list(value if value is not None else ())
    except TypeError:
        raise TypeError(f"{name} is {value!r}: a list is wanted") from None


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name} has a null character: {value!r}")
    return value


def texts(name: str, value: Any) -> list[str]:
    return [text(f"{name}[{i}]", item) for i, item in enumerate(items(name, value))]


def path(name: str, value: Any) -> str:
    found = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(found, str):
        raise TypeError(f"{name} is {value!r}, not a path")
    if "\0" in found:
        raise ValueError(f"{name} is {value!r}, not a path")
    return found


def mapping(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of names, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name}: {key!r} is no str")
    return dict(value)


def word(name: str, value: T, words: tuple[str, ...]) -> T:
    if value not in words:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(map(repr, words))}")
    return value


def integer(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None


def count(name: str, value: Any) -> int:
    number = integer(name, value)
    if number < 0:
        raise ValueError(f"{name} must be 0 or more, not {number}")
    if number >= _TOO_MUCH:
        raise ValueError(f"{name} can't be {number}")
    return number


def amount(name: str, value: Any, unit: int = 1) -> int:
    """More than nothing, in units of which the caller's has so many."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not value > 0:
        raise ValueError(f"{name} must be more than 0, not {value!r}")
    number = round(min(value * unit, _TOO_MUCH))
    if not 0 < number < _TOO_MUCH:
        raise ValueError(f"{name} can't be {value!r}")
    return number
