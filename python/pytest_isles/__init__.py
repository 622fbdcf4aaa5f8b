"""pytest with each test file, or each test, in an interpreter of its own: `pytest --isles`. See docs/pytest.md.

This file is what pytest loads in every run: options, the marker, and where each test belongs. Isles is imported only
when a test belongs into an interpreter.

PYTEST_DONT_REWRITE: pytest need not look for asserts here.
"""

from __future__ import annotations

import os
import sys

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    Mode = Literal["", "file", "test", "off"]

_BEFORE = pytest.StashKey[tuple[list[str], dict[str, str]]]()
_NEEDS_THE_HOST = {
    "usepdb": "--pdb", "trace": "--trace", "setupplan": "--setup-plan", "setuponly": "--setup-only",
    "setupshow": "--setup-show",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("isles", "interpreters (isles)")
    # Names with the value in them: an option whose value may be left out would take the path that stands behind it.
    for names, mode, what in (
        (("--isles", "--isles=file"), "file", "each test file in an interpreter of its own"),
        (("--isles=test",), "test", "each test in an interpreter of its own"),
        (("--isles=off",), "off", "all tests in the host, whatever pytest.ini and markers say"),
    ):
        group.addoption(*names, action="store_const", const=mode, dest="isles", default=None, help=what)
    group.addoption(
        "--isles-workers", metavar="N", type=_workers, default=1,
        help="so many interpreters at once, or 'auto': as many as there are cores; results come in the usual order (1)",
    )
    group.addoption(
        "--isles-timeout", metavar="SECONDS", type=_seconds, default=None,
        help="stop a test in an interpreter that takes longer, and likewise the import of its file",
    )
    parser.addini("isles", "file, test or off: as the option --isles", default="")
    parser.addini("isles_timeout", "as the option --isles-timeout", default="")


def _workers(text: str) -> int:
    if text == "auto":
        return len(os.sched_getaffinity(0))
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e9:
        raise ValueError(text)
    return seconds


# argparse names them in its messages: "invalid number of interpreters value: 'x'"
_workers.__name__ = "number of interpreters"
_seconds.__name__ = "number of seconds"


@pytest.fixture(scope="session")
def isles_check() -> Callable[..., list[dict[str, Any]]]:
    """isles_check("mypkg", "own-gil"): fails unless `isles check` finds its extension modules fit for that, or better."""
    from ._extensions import check

    return check


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before code of the tests is run here: interpreters start from what is so now."""
    early_config.stash[_BEFORE] = list(sys.path), dict(os.environ)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "isles(mode): an interpreter for what it marks: one for a file, class or test; 'test': one for each test; "
        "False: in the host.",
    )
    if config.option.isles is None:
        config.option.isles = _from_ini(config)
    if config.option.isles_timeout is None and config.getini("isles_timeout"):
        try:
            config.option.isles_timeout = _seconds(config.getini("isles_timeout"))
        except ValueError:
            raise pytest.UsageError(
                f"ini-option isles_timeout: {config.getini('isles_timeout')!r} is not a number of seconds"
            ) from None


def _from_ini(config: pytest.Config) -> Mode:
    mode: Mode = config.getini("isles")
    if mode not in ("", "file", "test", "off"):
        raise pytest.UsageError(f"ini-option isles: {mode!r} is not file, test or off")
    return mode


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.option.isles in ("", "off"):
        return None
    workers = config.option.isles_workers
    line = f"isles: each {config.option.isles} in an interpreter of its own"
    if workers > 1:
        line += f", {workers} at once"
    if config.pluginmanager.has_plugin("_cov"):
        line += "; coverage is not measured there"
    return line


def place_of(item: pytest.Item) -> str | None:
    """Tests of one place that follow each other share an interpreter. None: the test runs in the host."""
    mode: Mode = item.config.option.isles
    if mode == "off":
        return None
    for node, mark in item.iter_markers_with_node("isles"):
        _check(node, mark)
        if not mark.args:
            return node.nodeid
        mode = mark.args[0] or ""
        break
    if not mode:
        return None
    return item.nodeid if mode == "test" else _file_of(item)


def _file_of(item: pytest.Item) -> str:
    return next((node.nodeid for node in item.iter_parents() if isinstance(node, pytest.File)), item.nodeid)


def _check(node: object, mark: pytest.Mark) -> None:
    if mark.kwargs or len(mark.args) > 1 or mark.args and mark.args[0] not in (False, "file", "test"):
        given = [repr(a) for a in mark.args] + [f"{name}={value!r}" for name, value in mark.kwargs.items()]
        where = getattr(node, "nodeid", node)
        raise pytest.UsageError(
            f"{where}: pytest.mark.isles takes nothing, 'file', 'test' or False, not {', '.join(given)}"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    places = {item: place_of(item) for item in session.items}
    if not any(places.values()) or config.option.collectonly:
        return
    for option, name in _NEEDS_THE_HOST.items():
        if config.getoption(option, False):
            raise pytest.UsageError(f"{name} does not reach into the interpreters of Isles: use --isles=off with it")
    if config.option.isles_workers > 1 and hasattr(config, "workerinput"):
        raise pytest.UsageError("--isles-workers does not go with the processes of pytest-xdist (-n)")
    from . import _host

    before = config.stash.get(_BEFORE, (list(sys.path), dict(os.environ)))  # missing: a conftest.py named the plugin
    config.pluginmanager.register(_host.Host(config, places, *before), "isles-host")
