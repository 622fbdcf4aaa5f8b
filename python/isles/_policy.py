"""isles.Policy: what the code of an interpreter may do with files, network and system; what was denied."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from . import _checks, _core

__all__ = ["Policy", "PolicyFinding", "PolicyReport"]

_PATHS = ("read", "write", "execute")
_PORTS = ("connect", "bind")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """Guard rails for the code of an interpreter: Interpreter(policy=isles.Policy(...)). No wall: docs/policy.md.

    read, write, execute    files and folders, with all below them, that may be read, written, run; None: not limited;
                (): none. What may be written or run may be read, too, as may what Python needs itself
    connect, bind   TCP ports that may be connected to, or listened at; None: not limited
    seccomp     profiles of system calls that are denied: "no-network", "no-exec", "no-admin"
    rules       "deny EVENT", "allow EVENT", "deny EVENT:PATTERN" of Python's audit events: the last one that matches
                decides. Both are patterns as of file names. PATTERN is that of the event's first argument that is
                text or a number; one that begins with / is that of an absolute path
    observe     True: deny nothing, and list what would have been denied

    The kernel sees to the first five (Landlock) and to seccomp, for native code and child processes too; they fail with
    PermissionError. rules are Python's: a denied event raises PermissionError with the rule's name, a denied import
    ImportError.

    >>> policy = isles.Policy(read=[], rules=["deny ctypes.*"])
    >>> with isles.Interpreter(policy=policy) as it:
    ...     it.call(open, "/etc/passwd")
    Traceback (most recent call last):
    PermissionError: [Errno 13] Permission denied: '/etc/passwd'
    """

    read: Iterable[str | os.PathLike[str]] | None = None
    write: Iterable[str | os.PathLike[str]] | None = None
    execute: Iterable[str | os.PathLike[str]] | None = None
    connect: Iterable[int] | None = None
    bind: Iterable[int] | None = None
    seccomp: Iterable[str] = ()
    rules: Iterable[str] = ()
    observe: bool = False

    def __post_init__(self) -> None:
        for name in _PATHS:
            self._set(name, [self._path(name, i, path) for i, path in enumerate(self._items(name))])
        for name in _PORTS:
            self._set(name, [self._port(name, i, port) for i, port in enumerate(self._items(name))])
        self._set("seccomp", [self._profile(i, profile) for i, profile in enumerate(self._items("seccomp"))])
        self._set("rules", [self._rule(i, rule) for i, rule in enumerate(self._items("rules"))])
        if not isinstance(self.observe, bool):
            raise TypeError(f"Policy.observe is {self.observe!r}, not True or False")

    def _items(self, name: str) -> list[Any]:
        return _checks.items(f"Policy.{name}", getattr(self, name))

    def _set(self, name: str, items: list[Any]) -> None:
        if getattr(self, name) is not None:
            object.__setattr__(self, name, tuple(items))

    @staticmethod
    def _path(name: str, index: int, path: Any) -> str:
        text = _checks.path(f"Policy.{name}[{index}]", path)
        if not text:
            raise ValueError(f"Policy.{name}[{index}] is {path!r}, not a path")
        return text

    @staticmethod
    def _port(name: str, index: int, port: Any) -> int:
        least = 1 if name == "connect" else 0
        if isinstance(port, bool) or not isinstance(port, int) or not least <= port <= 65535:
            raise ValueError(f"Policy.{name}[{index}] is {port!r}, not a port from {least} to 65535")
        return port

    @staticmethod
    def _profile(index: int, profile: Any) -> str:
        known = _core._policy_profiles()
        if profile not in known:
            raise ValueError(f"Policy.seccomp[{index}] is {profile!r}, none of {', '.join(known)}")
        return str(profile)

    @staticmethod
    def _rule(index: int, rule: Any) -> str:
        if not isinstance(rule, str):
            raise TypeError(f"Policy.rules[{index}] is {rule!r}, not text")
        fault = "has a null character" if "\0" in rule else _core._policy_rule_fault(rule)
        if fault is not None:
            raise ValueError(f"Policy.rules[{index}]: {rule!r} {fault}")
        return rule

    def _settings(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


class PolicyFinding(NamedTuple):
    """What was denied, or would have been: count times the same."""

    rule: str
    """As it was given: "deny open:/etc/*". For a list its name: "read"; for a profile "seccomp no-exec"."""
    event: str
    """Python's audit event."""
    subject: str
    """The path, host:port, module …, as far as it is known."""
    times: int


class PolicyReport(NamedTuple):
    """What an interpreter's policy found so far: Interpreter.policy_report()."""

    observe: bool
    """True: it was not denied."""
    findings: list[PolicyFinding]
    left_out: int
    """How many times something came that had no room among the findings: they are 256 at the most."""
    unused_rules: list[str]
    """deny rules that denied nothing: a typing mistake?"""


def report_of(id: int) -> PolicyReport:
    observe, findings, left_out, unused = _core._policy_report(id)
    return PolicyReport(observe, [PolicyFinding(*finding) for finding in findings], left_out, unused)


for _public in (Policy, PolicyFinding, PolicyReport):
    _public.__module__ = "isles"  # where users find them
