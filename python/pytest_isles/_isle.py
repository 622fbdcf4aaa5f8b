"""An interpreter with pytest in it, as the host sees it: it is given tests, and tells what they report.

A message is a tuple: its kind, and what _inside.py puts behind that. Used by one thread; stop() may be called by any.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from time import monotonic
from typing import Any, NamedTuple

import isles

from . import _inside

Message = tuple[Any, ...]

# A test that is stopped gets one exception, then has this long for its traceback and for fixtures to be torn down; then
# one at every step.
_GRACE_SECONDS = 3.0
_STUCK_SECONDS = 5.0
_END_SECONDS = 5.0
_START_SECONDS = 60.0  # at least: pytest's own time is not the tests'


class Test(NamedTuple):
    nodeid: str
    path: str
    place: str  # see place_of()
    following: str | None  # the next test of the same place


class Limit(NamedTuple):
    seconds: float
    name: str  # of the option that set it

    @property
    def reached(self) -> str:
        return f"stopped after {self.seconds:g} seconds ({self.name})"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What makes the inside like the host; the same for all interpreters of a run."""

    args: list[str]  # pytest's
    argv: list[str]  # Python's
    path: list[str]
    environ: dict[str, str]
    options: dict[str, Any]  # that are other ones inside
    markers: list[str]
    worker: dict[str, Any]
    basetemp: str | None
    limit: Limit | None


def _only(environ: dict[str, str]) -> dict[str, str | None]:
    """Without what came into the process's since."""
    return {**dict.fromkeys(os.environ), **environ}


class Isle:
    def __init__(self, settings: Settings, test: Test, number: int, count: int, maxfail: int) -> None:
        """The number-th worker's; count is different for each interpreter of the run."""
        self.over: str | None = None  # why it takes no more tests
        self._limit = settings.limit
        self._tasks = isles.create_queue()
        self._answers = isles.create_queue()
        self._busy = False
        self._ended = False
        self._interpreter = isles.Interpreter(
            test.place, number=number, env=_only(settings.environ), warnings=sys.warnoptions,
            site=not sys.flags.no_site, isolated=bool(sys.flags.isolated), bytecode=not sys.dont_write_bytecode,
            cancel_grace=_GRACE_SECONDS, stuck_after=_STUCK_SECONDS,
        )
        self._interpreter.exec(f"import sys; sys.path[:] = {settings.path!r}; sys.argv[:] = {settings.argv!r}")
        options = {**settings.options, "maxfail": maxfail}
        if settings.basetemp is not None:
            options["basetemp"] = f"{settings.basetemp}/isle-{count}"
        worker = {"workerid": f"isle{number}", **settings.worker}
        self._job = self._interpreter._submit(
            "apply",
            _inside.run,
            (settings.args, test.path, options, settings.markers, worker, self._tasks, self._answers),
            tell=(self._answers, ("ended",)),
        )

    def start(self) -> None:
        """Until the tests are collected there."""
        patient = Limit(max(self._limit.seconds, _START_SECONDS), self._limit.name) if self._limit is not None else None
        self._wait("collecting", patient, "the start of its interpreter was ")
        if self.over is None:
            self._wait("ready", self._limit, "the import of the test file was ")

    def run(self, test: Test, limit: Limit | None) -> list[Message]:
        """What the test tells. The last message is ("finished", …), unless it did not come to that: `over` says why."""
        self._tasks.put((test.nodeid, test.following))
        return self._wait("finished", min(filter(None, (limit, self._limit)), default=None))

    def stop(self, why: str) -> None:
        """The test that runs fails with that."""
        self.over = why
        try:
            self._tasks.put(why)
        except isles.QueueClosed:
            pass
        self._job.cancel()

    def close(self) -> str | None:
        """Ends it. What went wrong then."""
        if self._busy:  # who waited for it was interrupted
            self.stop("interrupted")
        was_over = self.over
        self._tasks.close()
        if not self._ended:
            self._wait("ended", self._limit if self.over is None else None, "the end of its interpreter was ")
        wrong = self.over if was_over is None else None
        try:
            self._interpreter.close(_END_SECONDS)
        except isles.InterpreterError as error:
            wrong = wrong or f"its interpreter would not end: {error}"
        return wrong

    def _wait(self, last: str, limit: Limit | None, what: str = "") -> list[Message]:
        """Messages up to the one that is wanted, or to the end. Stops what takes too long."""
        messages: list[Message] = []
        self._busy = True
        until = monotonic() + limit.seconds if limit is not None else None
        while True:
            try:
                message = self._answers.get(timeout=max(0.0, until - monotonic()) if until is not None else None)
            except isles.QueueEmpty:
                assert limit is not None
                self.stop(what + limit.reached)
                until = None  # the library sees to it that it ends
                continue
            if message[0] == "broken":
                self.over = message[1]
            elif message[0] == "ended":
                self._ended = True
                self._note_end(expected=last == "ended")
            else:
                messages.append(message)
            if message[0] in (last, "ended"):
                self._busy = False
                return messages

    def _note_end(self, expected: bool) -> None:
        failure = self._job.exception()
        if self._interpreter.stats()["state"] == "stuck":
            self.over = f"{self.over or 'it'}; its code could not be stopped, and is left behind with its interpreter"
        elif self.over is None and failure is not None:
            self.over = f"its interpreter failed: {failure}"
        elif self.over is None and not expected:
            self.over = "its interpreter ended before the test did"
