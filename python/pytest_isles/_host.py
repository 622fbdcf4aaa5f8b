"""The plugin in the host: gives each test to its interpreter, and tells its reports as if it had run here."""

from __future__ import annotations

import builtins
import itertools
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from ._isle import Limit, Message, Settings, Test
from ._runner import Ahead, Runner

# Options that are the host's affair: which tests there are, and where results go.
_OPTIONS: dict[str, Any] = {
    "isles": "off", "keyword": "", "markexpr": "", "deselect": None, "pyargs": False, "lf": False, "failedfirst": False,
    "newfirst": False, "stepwise": False, "cacheclear": False, "xmlpath": None, "pastebin": None, "debug": None,
    "log_file_mode": "a", "dist": "no", "distload": False, "looponfail": False, "numprocesses": None,
    "maxprocesses": None,
}


class Host:
    def __init__(
        self, config: pytest.Config, places: Mapping[pytest.Item, str | None], path: list[str], environ: dict[str, str]
    ) -> None:
        self.config = config
        self.places = places
        self.settings = _settings(config, path, environ)
        self.runs: Runner | Ahead | None = None
        self.limit: Limit | None = None  # that pytest-timeout sets for the next test

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        workers = self.config.option.isles_workers
        if workers > 1:
            pairs = itertools.pairwise([*session.items, None])
            tests = [test for pair in pairs if (test := self.test(*pair)) is not None]
            self.runs = Ahead(self.settings, tests, workers, self.config.getvalue("maxfail"))
        else:
            self.runs = Runner(self.settings)
        try:
            return (yield)
        finally:
            self.runs.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        test = self.test(item, nextitem)
        if test is None:
            return None
        assert self.runs is not None
        limit, self.limit = self.limit, None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        with _captured(self.config) as written:
            try:
                messages = self.runs.run(test, self.failures_left(item.session), limit)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"in {item.nodeid}") from None
        self.tell(item, messages, written)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """In the place of pytest-timeout's alarm, which looks at the stacks of all threads: CPython crashes where those
        are another interpreter's."""
        if self.places.get(item) is None:
            return None
        self.limit = Limit(settings.timeout, "pytest-timeout")
        return True

    def test(self, item: pytest.Item | None, nextitem: pytest.Item | None) -> Test | None:
        place = self.places[item] if item is not None else None
        if item is None or place is None:
            return None
        follows = nextitem is not None and self.places.get(nextitem) == place
        return Test(item.nodeid, str(item.path), place, nextitem.nodeid if nextitem is not None and follows else None)

    def failures_left(self, session: pytest.Session) -> int:
        most: int = self.config.getvalue("maxfail")
        return max(1, most - session.testsfailed) if most else 0

    # --- telling ----------------------------------------------------------------------------------------------------

    def tell(self, item: pytest.Item, messages: list[Message], written: list[tuple[str, str]]) -> None:
        with_written = _best_for_output(messages)
        for message in messages:
            if message[0] in ("report", "wrong"):
                report = self.report(item, message)
                if message is with_written:
                    report.sections.extend(written)
                item.ihook.pytest_runtest_logreport(report=report)
            elif message[0] == "warning":
                self.warn(*message[1])
            elif message[0] == "exit":
                raise pytest.exit.Exception(message[1], message[2])
            elif message[0] == "interrupt":
                raise KeyboardInterrupt(f"in {item.nodeid}")
            elif message[0] == "finished":
                item.session.shouldstop = item.session.shouldstop or message[1]
                item.session.shouldfail = item.session.shouldfail or message[2]

    def report(self, item: pytest.Item, message: Message) -> Any:
        if message[0] == "report":
            return self.config.hook.pytest_report_from_serializable(config=self.config, data=message[1])
        _, when, text = message
        keywords: dict[str, Literal[1]] = {name: 1 for name in item.keywords}
        return pytest.TestReport(item.nodeid, item.location, keywords, "failed", text, when)

    def warn(
        self, told: tuple[str, str, str], where: tuple[str, int, str | None], nodeid: str, location: Any
    ) -> None:
        category = _category(told[1], told[2])
        warning = warnings.WarningMessage(category(told[0]), category, *where[:2], line=where[2])
        self.config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": warning, "nodeid": nodeid, "when": "runtest", "location": location}
        )


def _best_for_output(messages: list[Message]) -> Message | None:
    """The report of the call, or what is told in its place."""
    reports = [m for m in messages if m[0] in ("report", "wrong")]
    calls = [m for m in reports if m[0] == "wrong" or m[1]["when"] == "call"]
    return next(iter(calls or reports), None)


def _category(module: str, name: str) -> type[Warning]:
    """The class where it is known here; else one of that name."""
    known = getattr(sys.modules.get(module, builtins), name, None)
    if isinstance(known, type) and issubclass(known, Warning):
        return known
    return type(name, (Warning,), {"__module__": module})


@contextmanager
def _captured(config: pytest.Config) -> Iterator[list[tuple[str, str]]]:
    """What comes to the process's descriptors meanwhile, from child processes and native code: sections of a report."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    written: list[tuple[str, str]] = []
    if capture is None:
        yield written
        return
    capture.resume_global_capture()
    try:
        yield written
    finally:
        capture.suspend_global_capture(in_=False)
        out, err = capture.read_global_capture()
        streams = ("stdout", out), ("stderr", err)
        written += [(f"Captured {name} of the process", text) for name, text in streams if text]


def _settings(config: pytest.Config, path: list[str], environ: dict[str, str]) -> Settings:
    args = [str(arg) for arg in config.invocation_params.args]
    capture = config.getoption("capture", "no")
    if capture == "fd":  # descriptors are the process's, and captured here
        args.append("--capture=sys")
    if config.pluginmanager.has_plugin("pytest_cov"):
        args.append("--no-cov")
    temporary = getattr(config, "_tmp_path_factory", None)
    seconds = config.option.isles_timeout
    return Settings(
        args=args,
        argv=list(sys.argv),
        path=path,
        environ={name: value for name, value in environ.items() if name != "PYTEST_CURRENT_TEST"},
        options=_OPTIONS,
        markers=list(config.getini("markers")),
        worker=dict(getattr(config, "workerinput", {})),
        basetemp=str(temporary.getbasetemp()) if temporary is not None else None,
        limit=Limit(seconds, "--isles-timeout") if seconds is not None else None,
    )
