"""The fixture isles_check: asks the program about the extension of examples/extension, the good one and the bad one."""

import os
import sys
from pathlib import Path

import pytest

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
GOOD, BAD = (Path(os.environ["ISLES_EXTENSIONS"], kind) for kind in ("good", "bad"))


def asks(suite, text, *, where=GOOD, expect):
    suite.write(test_it=f"def test_it(isles_check):\n    {text}\n")
    result = suite.run("-q", "-o", f"pythonpath={where}")
    assert result.parseoutcomes() == {expect: 1}
    return result.stdout


def test_a_good_module_by_its_name(suite):
    asks(suite, "(bag,) = isles_check('bag', 'own-gil'); assert bag['verdict'] == 'own GIL', bag", expect="passed")


def test_a_bad_module_fails_with_reasons_and_what_to_change(suite):
    output = asks(suite, "isles_check('bag')", where=BAD, expect="failed")
    output.fnmatch_lines([
        "bag: *, not own GIL",
        "*own gil: refused: ImportError: module bag does not support loading in subinterpreters",
        "*to change: added: bag.c:*",
    ])
    assert "_extensions.py" not in output.str()  # no traceback through the plugin


def test_less_is_enough_where_less_is_wanted(suite):
    asks(suite, "isles_check('bag', 'shared-gil')", where=BAD, expect="passed")


def test_a_snippet_is_run(suite):
    output = asks(suite, "isles_check('bag', snippet='assert module.Bag(1).add(2)', timeout=60)", expect="failed")
    output.fnmatch_lines(["bag: broken, not own GIL", "*AssertionError*"])


def test_what_is_no_extension_fails(suite):
    (suite.path / "plain").mkdir()
    (suite.path / "plain" / "__init__.py").write_text("")
    asks(suite, "isles_check('plain')", expect="failed").fnmatch_lines(["*no extension module in *plain*"])
    asks(suite, "isles_check('nowhere_to_be_found')", expect="failed").fnmatch_lines(["*nowhere_to_be_found*"])


@pytest.mark.parametrize("said", ["isles 0.1.0 (CPython 3.12.1)", ""])
def test_a_program_for_another_engine_is_refused(suite, monkeypatch, said):
    program = suite.path / "other"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("ISLES_PROGRAM", str(program))
    output = asks(suite, "isles_check('bag')", expect="failed")
    output.fnmatch_lines([f"*needs the program `isles`, built for CPython {VERSION}*{said or 'nothing'}*"])


def test_a_missing_program_is_told(suite, monkeypatch):
    monkeypatch.setenv("ISLES_PROGRAM", "/nowhere/isles")
    asks(suite, "isles_check('bag')", expect="failed").fnmatch_lines(["*needs the program*/nowhere/isles: no such program*"])
    monkeypatch.delenv("ISLES_PROGRAM")
    monkeypatch.setenv("PATH", "/nowhere")
    asks(suite, "isles_check('bag')", expect="failed").fnmatch_lines(["*needs the program*ISLES_PROGRAM*"])
