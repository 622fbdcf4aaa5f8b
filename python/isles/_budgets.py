"""Budgets: what an interpreter may use, between Python's numbers and the library's."""

from __future__ import annotations

from typing import NamedTuple

from . import _checks

__all__ = ["Amount", "Limit", "amounts", "limits"]

Limit = float | tuple[float | None, float | None] | None  # the hard limit, or (soft, hard); None: no limit

_SECOND = 1_000_000_000
_SECONDS = ("cpu", "wall")
_CALLED = {"descriptor_limit": "descriptors"}  # in the library; the others are called the same


class Amount(NamedTuple):
    """Of one budget: bytes, seconds or a count. No limit: None.

    used      now; wall: of the job that runs
    peak      the most there ever was; wall: the longest job
    soft, hard    the limits
    reached   how often the hard one was; memory: allocations refused
    """

    used: float
    peak: float
    soft: float | None
    hard: float | None
    reached: int


def limits(**given: Limit) -> dict[str, tuple[int, int]]:
    """In the library's units: bytes, nanoseconds, counts; 0 is no limit."""
    return {_CALLED.get(name, name): _pair(name, limit) for name, limit in given.items() if limit is not None}


def _pair(name: str, limit: float | tuple[float | None, float | None]) -> tuple[int, int]:
    if not isinstance(limit, tuple):
        return 0, _number(name, limit)
    if len(limit) != 2:
        raise ValueError(f"{name} must be a limit, or a pair of a soft and a hard one, not {limit!r}")
    return _number(name, limit[0]), _number(name, limit[1])


def _number(name: str, limit: float | None) -> int:
    return 0 if limit is None else _checks.amount(name, limit, _SECOND if name in _SECONDS else 1)


def amounts(usage: dict[str, tuple[int, int, int, int, int]]) -> dict[str, Amount]:
    return {name: _amount(name, *numbers) for name, numbers in usage.items()}


def _amount(name: str, used: int, peak: int, soft: int, hard: int, reached: int) -> Amount:
    unit = _SECOND if name in _SECONDS else 1

    def told(number: int) -> float:
        return number / unit if unit != 1 else number

    return Amount(told(used), told(peak), told(soft) if soft else None, told(hard) if hard else None, reached)


Amount.__module__ = "isles"  # where users find it
