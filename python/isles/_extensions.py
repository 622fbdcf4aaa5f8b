"""Extension modules: what one says of itself, and the copies of libraries that this process has."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import _core
from ._errors import failure_of

__all__ = ["ExtensionCopies", "ExtensionInfo", "extension_copies", "inspect_extension"]


class ExtensionInfo(NamedTuple):
    """What an extension module says of itself.

    init           "single-phase", "multi-phase" or "export" (PEP 793); None: the file has no function for that module
    interpreters   its slot Py_mod_multiple_interpreters: "own GIL", "shared GIL", "not supported"; None: it has none
    gil            its slot Py_mod_gil: "used", "not used"; None: it has none
    state_size     bytes of the module's state (m_size); -1: what it keeps is static, for the process
    """

    init: str | None
    interpreters: str | None
    gil: str | None
    state_size: int


def inspect_extension(file: str | os.PathLike[str], module: str | None = None) -> ExtensionInfo:
    """Calls the module's init function and tells what it gives. A multi-phase module is not executed.

    `module` is the full name; without it what is before the first dot of the file's name. The file is loaded into this
    process, its code runs in the main interpreter, and it stays loaded: ask in a child process about what you don't
    trust, as `isles check` does. ImportError: the dynamic linker refuses it, or the init function raised.
    """
    path = os.path.abspath(os.fspath(file))
    name = module or os.path.basename(path).partition(".")[0]
    try:
        return ExtensionInfo(*_core._inspect_extension(path, name))
    except _core.JobError as error:
        status, message = error.args[:2]
        if status in ("PYTHON", "SYSTEM"):
            raise ImportError(message, name=name, path=path) from None
        raise failure_of(error) from None


class ExtensionCopies(NamedTuple):
    """Copies of libraries in this process (extensions="private").

    copies, bytes            of interpreters that live, and what these don't share with the originals, at most
    left, left_bytes         of ended ones, where unloading is not safe
    """

    copies: int
    bytes: int
    left: int
    left_bytes: int


def extension_copies() -> ExtensionCopies:
    """What this process has now; Interpreter.stats() has one interpreter's."""
    return ExtensionCopies(*_core._extension_copies())
