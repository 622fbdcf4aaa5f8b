"""What goes wrong in an interpreter, as exceptions of the one that asked. They hold texts and numbers, and can be pickled."""

from __future__ import annotations

from concurrent.futures import CancelledError
import re
import types
from typing import Any, NoReturn

from . import _core
from ._budgets import amounts

__all__ = [
    "DeadlineExceeded", "ExecutionFailed", "Frame", "InterpreterError", "InterpreterNotFoundError", "InterpreterStuck",
    "JobCancelled", "OverBudget", "RemoteException",
]


class InterpreterError(Exception):
    """Something about an interpreter went wrong."""


class InterpreterNotFoundError(InterpreterError):
    """There is no such interpreter: it has ended, or never was."""


class InterpreterStuck(InterpreterError):
    """The code could not be stopped; its interpreter takes no more work."""


class DeadlineExceeded(InterpreterError, TimeoutError):
    """The code was stopped because its time was over."""


class JobCancelled(InterpreterError, CancelledError):
    """The code was stopped because somebody cancelled it."""


class OverBudget(InterpreterError):
    """The code was stopped because its interpreter had used up a budget, or the interpreter takes no more for that reason."""


class Frame(tuple[str, int, str, str | None, int, int, int]):
    """One line of a traceback: file, line, function, source, end_line, column, end_column (0 or -1: unknown)."""

    __slots__ = ()

    @property
    def file(self) -> str:
        return self[0]

    @property
    def line(self) -> int:
        return self[1]

    @property
    def function(self) -> str:
        return self[2]

    @property
    def source(self) -> str | None:
        return self[3]


class RemoteException:
    """An exception of another interpreter, as far as it can be told without its objects.

    type is its qualified name ("json.decoder.JSONDecodeError"), message its str(), notes what add_note() gave it, frames
    its traceback (the outermost first), cause and context the exceptions behind it, children those of a group.
    """

    def __init__(self, tree: dict[str, Any]) -> None:
        self.type: str = tree["type"]
        self.message: str = tree["message"]
        self.notes: list[str] = list(tree["notes"])
        self.frames = [Frame(f) for f in tree["frames"]]
        self.cause = _remote(tree["cause"])
        self.context = _remote(tree["context"])
        self.children = [RemoteException(c) for c in tree["children"]]

    def __repr__(self) -> str:
        return f"<RemoteException {self.type}: {self.message}>" if self.message else f"<RemoteException {self.type}>"


def _remote(tree: dict[str, Any] | None) -> RemoteException | None:
    return RemoteException(tree) if tree is not None else None


class ExecutionFailed(InterpreterError):
    """Code in an interpreter raised an exception that nobody caught there, or asked to exit.

    excinfo   what concurrent.interpreters tells of it: type (with __name__, __qualname__, __module__), msg, formatted, and
              errdisplay, the text that Python would have printed there, traceback included
    remote    the whole: a RemoteException with notes, frames, cause and context; None where nothing more is known
    exit_status  what a process would have exited with

    Where the exception can cross and its class can be imported here, isles.Interpreter and isles.InterpreterPoolExecutor
    raise that exception instead, with this one as its __cause__.
    """

    def __init__(
        self, excinfo: types.SimpleNamespace, exit_status: int = 1, remote: RemoteException | None = None
    ) -> None:
        super().__init__(excinfo.formatted or excinfo.type.__name__)
        self.excinfo = excinfo
        self.exit_status = exit_status
        self.remote = remote

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.excinfo, self.exit_status, self.remote)

    def __str__(self) -> str:
        display = getattr(self.excinfo, "errdisplay", None)
        return f"{super().__str__()}\n\nUncaught in the interpreter:\n\n{display}" if display else super().__str__()


def execution_failed(message: str, text: str, exit_status: int = 1, tree: dict[str, Any] | None = None) -> ExecutionFailed:
    """message: "ValueError: no such colour"; text: what Python prints; tree: all of it, where it is known."""
    qualified = tree["type"] if tree is not None else message.partition(":")[0]
    told = tree["message"] if tree is not None else message.partition(": ")[2]
    module, qualname = _split(qualified)
    excinfo = types.SimpleNamespace(
        type=types.SimpleNamespace(__name__=qualname.rpartition(".")[2], __qualname__=qualname, __module__=module),
        msg=told,
        formatted=f"{qualified}: {told}" if told else qualified,
        errdisplay=text.rstrip("\n"),
    )
    return ExecutionFailed(excinfo, exit_status, _remote(tree))


def _split(qualified: str) -> tuple[str, str]:
    """ "pkg.mod.Outer.Inner" as ("pkg.mod", "Outer.Inner"): classes begin where a capital does."""
    parts = qualified.split(".")
    first = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[:first]) or "builtins", ".".join(parts[first:])


def not_made(error: BaseException) -> Exception:
    """The task came to its worker, but could not be made of its bytes there."""
    told = InterpreterError("the function or its arguments could not be unpickled in the worker")
    told.__cause__ = error
    failure: Exception = _core.NotShareableError(f"args not shareable: {type(error).__name__}: {error}")
    failure.__cause__ = told
    return failure


def of_task(error: _core.NotShareableError, in_chunks: bool) -> _core.NotShareableError:
    """By its own name what could not be sent to a worker: value[1] is the task's function, then come args and kwargs. In
    chunks the function is _work.Chunk's, and its one argument a list of argument tuples."""
    message = str(error)
    if in_chunks:
        message = re.sub(r"^value\[1\]\.fn", "function", message)
        message = re.sub(r"^value\[2\]\[0\]\[\d+\]", "args", message)
    message = re.sub(r"^value\[1\]", "function", message)
    message = re.sub(r"^value\[2\]", "args", message)
    error.args = (re.sub(r"^value\[3\]", "kwargs", message),)
    return error


_CLASSES: dict[str, type[Exception]] = {
    "NO_INTERP": InterpreterNotFoundError,
    "ENDED": InterpreterNotFoundError,
    "TIMEOUT": DeadlineExceeded,
    "CANCELLED": JobCancelled,
    "BUDGET": OverBudget,
    "STUCK": InterpreterStuck,
    "NOT_SHAREABLE": _core.NotShareableError,
    "INVALID": ValueError,
    "UNSUPPORTED": NotImplementedError,
    "NOMEM": MemoryError,
}


_IN_C = {  # what the library calls by names of its own
    "isle_job_cancel and isle_interp_end stop it": "Job.cancel() and close() stop it",
    "; use isle_interp_end_later": "",
    "env_base ISLE_ENV_SHARED": "env_base='shared'",
    "no_site is set, but a venv needs site": "site is False, but a venv needs it",
    "stack_size_bytes is": "stack_size is",
    "umask_set: not": "umask: not",
}
_BUDGETS_IN_C = {
    "memory_bytes": "memory", "cpu_ns": "cpu", "wall_ns": "wall", "output_bytes": "output", "descriptors": "descriptor_limit",
}


def _plain(message: str) -> str:
    """By the names that they have here: call[0][0] is the function, call[0][1:] are its arguments; fields of structs."""
    for there, here in _IN_C.items():
        message = message.replace(there, here)
    message = re.sub(r"^isle_interp_config\.(?:(std(?:in|out|err))_)?", r"\1", message)
    message = re.sub(r"^(?:budgets: |isle_budgets\.)(\w+)", lambda m: _BUDGETS_IN_C.get(m[1], m[1]), message)
    message = re.sub(r"^call\[0\]\[0\]", "function", message)
    message = re.sub(r"^call\[0\]\[(\d+)\]", lambda m: f"args[{int(m[1]) - 1}]", message)
    return re.sub(r"^call\[1\]", "kwargs", message)


def _named(message: str, id: int, name: str | None) -> str:
    """With what is known of the interpreter."""
    who = f"{id} {name!r}" if name is not None else str(id)
    message = re.sub("^no such interpreter.*", lambda _: f"no such interpreter: {who} has ended", message)
    message = re.sub("^the interpreter", lambda _: f"interpreter {who}", message)
    if message.endswith("used up a budget and takes no jobs"):
        return message.replace("a budget", _spent(id)) + "; set_budgets() can give it more"
    return message


def _spent(id: int) -> str:
    """Which budget of its life it has used up. Output that was refused is not counted as used."""
    try:
        usage = amounts(_core._usage(id))
    except _core.JobError:
        return "a budget"  # it has ended since
    cpu = usage["cpu"]
    return "its cpu budget" if cpu.hard is not None and cpu.used >= cpu.hard else "its output budget"


def failure_of(error: _core.JobError, id: int | None = None, name: str | None = None) -> Exception:
    """The exception of this package for what the library says, of the interpreter if it is known."""
    status, message, text, exit_status, tree, _ = error.args
    if status == "EXIT" and tree is None:  # no exception told of it: os._exit
        message = f"SystemExit: {message}"
    if status in ("PYTHON", "EXIT"):
        return execution_failed(message, text, exit_status, tree)
    message = _plain(message)
    return _CLASSES.get(status, InterpreterError)(_named(message, id, name) if id is not None else message)


def reraise(error: _core.JobError, id: int | None = None, name: str | None = None) -> NoReturn:
    """Raises what error stands for: a copy of the exception itself where there is one."""
    failure = failure_of(error, id, name)
    itself = error.args[5]
    if isinstance(failure, ExecutionFailed) and isinstance(itself, Exception):
        raise itself from failure
    raise failure from None


for _public in __all__:
    globals()[_public].__module__ = "isles"  # where users find them
