"""Inside an interpreter: pytest as it was called in the host, for one file, running the tests that the host names.

Messages to the host:
    ("collecting",)         pytest has begun
    ("ready",)              it is collected
    ("report", data)        of a test: pytest's own form of it
    ("warning", …)          that a test gave: see _Reporter.pytest_warning_recorded()
    ("missing", text)       there is no such test here, and why
    ("finished", shouldstop, shouldfail)   the test has ended; what the session's attributes say
    ("exit", text, status)  a test called pytest.exit()
    ("interrupt",)          a test raised KeyboardInterrupt
    ("broken", text)        pytest itself failed
    ("ended",)              the library's own: run() has returned, or was stopped
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Generator
from typing import Any, NoReturn

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig, create_terminal_writer

import isles

# Their options and settings are known, but they don't take part: one can't be imported, the other wants signals.
_LEFT_OUT = ("faulthandler", "timeout")


def run(
    args: list[str], path: str, options: dict[str, Any], markers: list[str], worker: dict[str, Any],
    tasks: isles.Queue, answers: isles.Queue,
) -> None:
    try:
        config = _prepareconfig(list(args), [_Reporter(tasks, answers)])
        _adapt(config, path, options, markers, worker)
        config.hook.pytest_cmdline_main(config=config)
    except (Exception, SystemExit) as error:
        answers.put(("broken", _told(error)))


def _adapt(
    config: pytest.Config, path: str, options: dict[str, Any], markers: list[str], worker: dict[str, Any]
) -> None:
    """From what was called in the host to what is wanted here."""
    config.args = [path]
    for name, value in options.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    for line in markers:  # of plugins that don't take part, too
        config.addinivalue_line("markers", line)
    for name in _LEFT_OUT:
        if config.pluginmanager.has_plugin(name):
            config.pluginmanager.unregister(name=name)
    # By these plugins know a process of pytest-xdist: one that leaves files, summaries and caches to another.
    config.workerinput = worker  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]


def _told(error: BaseException) -> str:
    if isinstance(error, pytest.UsageError):
        return "\n".join(map(str, error.args))
    if isinstance(error, ConftestImportFailure):
        return f"{error}\n" + "".join(traceback.format_exception(error.cause))
    return "".join(traceback.format_exception(error))


class _Reporter:
    """The plugin that takes the place of pytest's loop and terminal."""

    def __init__(self, tasks: isles.Queue, answers: isles.Queue) -> None:
        self.tasks = tasks
        self.put = answers.put
        self.failures: list[str] = []  # of collection
        self.why: str | None = None  # it is being stopped

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        import pdb

        self.config = config
        pdb.set_trace = _no_debugger  # put back by pytest's own plugin
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:  # others ask for it, so there is one that nobody hears
            nowhere = open(os.devnull, "w")
            config.add_cleanup(nowhere.close)
            terminal._tw = create_terminal_writer(config, nowhere)

    def pytest_internalerror(self, excrepr: object) -> bool:
        self.put(("broken", f"pytest failed in the interpreter:\n{excrepr}"))
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        self.put(("collecting",))

    # --- the loop ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        self.put(("ready",))
        while self.why is None:
            try:
                task = self.tasks.get()
            except isles.QueueClosed:
                break
            if isinstance(task, str):  # a stop that came too late
                break
            nodeid, following = task
            if nodeid in items:
                self.run_test(items[nodeid], items.get(following))
            else:
                self.put(("missing", self.why_missing(nodeid, items)))
            stop, fail = (session.shouldstop, session.shouldfail) if self.why is None else (False, False)
            self.put(("finished", stop, fail))
        return True

    def run_test(self, item: pytest.Item, following: pytest.Item | None) -> None:
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except pytest.exit.Exception as error:
            self.put(("exit", str(error.msg), error.returncode))
            raise
        except isles.Cancelled:
            raise
        except KeyboardInterrupt:
            self.put(("interrupt",))
            raise

    def why_missing(self, nodeid: str, items: dict[str, pytest.Item]) -> str:
        if self.failures:
            return "\n".join(self.failures)
        shown = "\n".join(f"  {name}" for name in list(items)[:10]) or "  none"
        more = f"\n  and {len(items) - 10} more" if len(items) > 10 else ""
        return f"In the interpreter there is no test {nodeid}. There are:\n{shown}{more}"

    # --- a test that is stopped fails -------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self.stoppable(item))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self.stoppable(item))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        return (yield from self.stoppable(item))

    def stoppable(self, item: pytest.Item) -> Generator[None, object, object]:
        try:
            return (yield)
        except isles.Cancelled as error:
            self.why = self.why or self.why_stopped()
            item.session.shouldstop = self.why  # so that all fixtures are torn down with this test
            raise pytest.fail.Exception(self.why).with_traceback(error.__traceback__) from None

    def why_stopped(self) -> str:
        try:
            return str(self.tasks.get_nowait())
        except (isles.QueueEmpty, isles.QueueClosed):
            return "stopped"

    # --- what is told -----------------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.put(("report", _plain(data)))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        if when == "runtest":  # the host has seen the others itself
            of = warning_message.category
            told = str(warning_message.message), of.__module__, of.__qualname__
            where = warning_message.filename, warning_message.lineno, warning_message.line
            self.put(("warning", _plain((told, where, nodeid, location))))


def _plain(value: Any) -> Any:
    """Reports may hold anything that a plugin or a test put there; the host need not know its classes."""
    if value is None or type(value) in (str, int, float, bool, bytes):
        return value
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(map(_plain, value))
    return str(value)


def _no_debugger(*args: object, **kwargs: object) -> NoReturn:
    __tracebackhide__ = True
    raise RuntimeError("there is no debugger in an interpreter of Isles: run the test in the host, with --isles=off")
