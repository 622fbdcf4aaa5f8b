"""Which interpreter runs a test. Runner: one after the other, when they are asked for. Ahead: several at once, before."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import isles

from ._isle import Isle, Limit, Message, Settings, Test

_count = itertools.count()
_HINT = "Tests that can't be in an interpreter run in the host with pytestmark = pytest.mark.isles(False)."


class Runner:
    """Runs tests, each in the interpreter of the test before if that has the same place, else in a new one.

    A message more than those of _inside.py: ("wrong", when, text), where a phase of the test did not report.
    """

    def __init__(self, settings: Settings, number: int = 0) -> None:
        self._settings = settings
        self._number = number
        self._lock = threading.Lock()  # guards what follows
        self._isle: Isle | None = None
        self._stopped = False
        self._place: str | None = None  # of the last test
        self._unusable: str | None = None  # why tests of this place can't be run
        self._told: str | None = None

    def run(
        self, test: Test, maxfail: int, limit: Limit | None = None, begins: Callable[[], object] = lambda: None
    ) -> list[Message]:
        """maxfail: after so many failures the run ends; 0: never. limit: of this test, beside that for all. begins() is
        called when its interpreter is there."""
        if self._place != test.place:
            self.close()
            self._place, self._unusable = test.place, None
        if self._isle is None and self._unusable is None:
            self._open(test, maxfail)
        if self._isle is None:
            return [("wrong", "setup", self._once(self._unusable or "stopped"))]
        begins()
        messages = [
            ("wrong", "setup", self._once(message[1], _HINT)) if message[0] == "missing" else message
            for message in self._isle.run(test, limit)
        ]
        if self._isle.over is not None or test.following is None:
            messages += self._end(messages)
        return messages

    def _once(self, why: str, hint: str = "") -> str:
        """The whole where it is another than for the last test."""
        if self._told == why:
            return f"{_last_line(why)} (as for the test before)"
        self._told = why
        return f"{_headed(why)}\n\n{hint}" if hint else _headed(why)

    def stop(self, why: str, for_good: bool = False) -> None:
        """The test that runs fails with that. Any thread."""
        with self._lock:
            self._stopped = self._stopped or for_good
            if self._isle is not None:
                self._isle.stop(why)

    def close(self) -> None:
        if self._isle is not None:
            self._close(self._isle)

    def _close(self, isle: Isle) -> str | None:
        wrong = isle.close()
        with self._lock:
            self._isle = None  # not before: what hangs at its end can be stopped, too
        return wrong

    def _open(self, test: Test, maxfail: int) -> None:
        with self._lock:
            if self._stopped:
                return
            try:
                self._isle = Isle(self._settings, test, self._number, next(_count), maxfail)
            except isles.InterpreterError as error:
                self._unusable = f"no interpreter could be made: {error}"
                return
        self._isle.start()
        if self._isle.over is not None:
            self._unusable = self._isle.over
            self.close()

    def _end(self, messages: list[Message]) -> list[Message]:
        isle = self._isle
        assert isle is not None
        why = isle.over
        wrong = self._close(isle)
        kinds = {message[0] for message in messages}
        if "finished" in kinds:
            return [("wrong", "teardown", _headed(wrong))] if wrong is not None else []
        if kinds & {"exit", "interrupt"}:
            return []
        return [("wrong", _phase_after(messages), _headed(why or wrong or "it did not report"))]


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1].removeprefix("E").strip()


def _headed(text: str) -> str:
    """With the last line first, too: that is what summaries show, and where Python says what it was."""
    headline = _last_line(text)
    return text if text.strip() == headline else f"{headline}\n\n{text}"


def _phase_after(messages: list[Message]) -> str:
    """What had to come after the last report."""
    reports = [message[1] for message in messages if message[0] == "report"]
    if not reports:
        return "setup"
    return "call" if reports[-1]["when"] == "setup" and reports[-1]["outcome"] == "passed" else "teardown"


class Ahead:
    """Several runners, each in a thread of its own. A place is one runner's. Results wait until they are asked for."""

    def __init__(self, settings: Settings, tests: Sequence[Test], workers: int, maxfail: int) -> None:
        self._begun: dict[str, Future[None]] = {test.nodeid: Future() for test in tests}
        self._results: dict[str, Future[list[Message]]] = {test.nodeid: Future() for test in tests}
        self._places: queue.SimpleQueue[list[Test]] = queue.SimpleQueue()
        for _, group in itertools.groupby(tests, lambda test: test.place):
            self._places.put(list(group))
        self._maxfail = maxfail
        self._closing = False
        self._running: dict[str, Runner] = {}
        self._runners = [Runner(settings, number) for number in range(min(workers, self._places.qsize()))]
        self._threads = [
            threading.Thread(target=self._work, args=(runner,), name=f"isles worker {number}", daemon=True)
            for number, runner in enumerate(self._runners)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, test: Test, maxfail: int, limit: Limit | None = None) -> list[Message]:
        result = self._results[test.nodeid]
        if limit is not None:
            either: list[Future[Any]] = [result, self._begun[test.nodeid]]
            wait(either, return_when=FIRST_COMPLETED)
            if not wait([result], limit.seconds).done and (runner := self._running.get(test.nodeid)) is not None:
                runner.stop(limit.reached)
        return result.result()

    def close(self) -> None:
        self._closing = True
        for runner in self._runners:
            runner.stop("the run has ended", for_good=True)
        for thread in self._threads:
            thread.join()

    def _work(self, runner: Runner) -> None:
        try:
            while not self._closing:
                for test in self._places.get_nowait():
                    if self._closing:
                        return
                    self._running[test.nodeid] = runner
                    self._run(runner, test)
                    del self._running[test.nodeid]
        except queue.Empty:
            pass
        finally:
            runner.close()

    def _run(self, runner: Runner, test: Test) -> None:
        begun, result = self._begun[test.nodeid], self._results[test.nodeid]
        if result.done():
            return  # it was collected twice (--keep-duplicates)
        try:
            result.set_result(runner.run(test, self._maxfail, begins=lambda: begun.set_result(None)))
        except BaseException as error:
            result.set_exception(error)
