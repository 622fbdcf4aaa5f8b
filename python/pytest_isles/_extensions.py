"""What the fixture `isles_check` does: asks the program `isles check` about extension modules, and fails the test where one is
not as good as wanted. Nothing is imported: neither the modules nor Isles."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Literal

import pytest

Required = Literal["own-gil", "private", "shared-gil", "main"]

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_NEEDED = (
    f"isles_check needs the program `isles`, built for CPython {_VERSION}, which the wheel of Isles does not have: build it from "
    "its source (make build), and put it on PATH or name it in ISLES_PROGRAM"
)


def _program() -> str:
    named = os.environ.get("ISLES_PROGRAM")
    found = shutil.which(named or "isles")
    if found is None:
        pytest.fail(f"{_NEEDED}. ISLES_PROGRAM={named}: no such program" if named else _NEEDED, pytrace=False)
    said = subprocess.run([found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    engine = re.search(r"CPython (\d+\.\d+)", said)
    if engine is None or engine[1] != _VERSION:
        pytest.fail(f"{_NEEDED}. {found} says: {said.strip() or 'nothing'}", pytrace=False)
    return found


def _places(target: str) -> list[str]:
    """A top-level name that can be imported here, wherever it lies: its folders, or its file. Others are asked for as they are."""
    if os.path.exists(target) or not target.isidentifier():
        return [target]
    spec = importlib.util.find_spec(target)
    if spec is None or spec.origin in (None, "built-in", "frozen") and not spec.submodule_search_locations:
        return [target]
    return list(spec.submodule_search_locations or [str(spec.origin)])


def _text_of(report: Any) -> str:
    lines = []
    for extension in report["extensions"]:
        if extension["good_enough"]:
            continue
        lines.append(f"{extension['module']}: {extension['verdict']}, not {report['required']}")
        lines += [f"    {reason}" for reason in extension["reasons"]]
        for advice in extension["advice"]:
            place = f"{advice['file']}:{advice['line']}: " if advice["file"] and advice["line"] else ""
            symbol = f"{advice['symbol']}: " if advice["symbol"] else ""
            lines.append(f"    to change: {symbol}{place}{advice['text']}")
    return "\n".join(lines)


def _run(program: str, options: list[str]) -> Any:
    done = subprocess.run([program, "check", "--json", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        pytest.fail(done.stderr.strip() or f"isles check ended with status {done.returncode}", pytrace=False)
    return json.loads(done.stdout)


def check(
    target: str | os.PathLike[str], required: Required = "own-gil", *, snippet: str | None = None, timeout: float | None = None
) -> list[dict[str, Any]]:
    """`target` is what `isles check` takes: a package, a .so, a wheel, a folder. `snippet` is Python source that exercises the
    module, `timeout` the seconds that each scene may take. Returns what `isles check --json` says of each extension."""
    options = ["--no-cache", "--require", required, "--venv", sys.prefix if sys.prefix != sys.base_prefix else "none"]
    if timeout is not None:
        options += ["--timeout", f"{round(timeout * 1000)}ms"]
    program = _program()
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        if snippet is not None:
            file.write(snippet)
            file.flush()
            options += ["--snippet", file.name]
        report = _run(program, [*options, "--", *_places(os.fspath(target))])
    extensions: list[dict[str, Any]] = report["extensions"]
    if not extensions:
        pytest.fail(f"{os.fspath(target)} has no extension module: {' '.join(report['notes'])}", pytrace=False)
    if not report["good_enough"]:
        pytest.fail(_text_of(report), pytrace=False)
    return extensions
