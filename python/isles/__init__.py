"""Many isolated Python interpreters in one process, each with its own GIL.

    >>> import isles
    >>> with isles.Interpreter() as it:
    ...     it.call(pow, 2, 10)  # computed in another interpreter
    1024
    >>> with isles.InterpreterPoolExecutor(2) as pool:
    ...     list(pool.map(divmod, [7, 8], [2, 3]))  # on both cores
    [(3, 1), (2, 2)]

isles.interpreters has the API of concurrent.interpreters (PEP 734); isles.aio what waits as coroutines. docs/python.md
tells the whole. It is no sandbox.

PYTEST_DONT_REWRITE: pytest need not look for asserts here.
"""

from __future__ import annotations

from ._core import (
    BudgetExceeded,
    Cancelled,
    HostError,
    __version__,
    allow_pickle,
    create_queue,
    decode,
    descriptors,
    encode,
    find_queue,
    host,
    id,
    name,
    number,
    register,
    select,
    share,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio, interpreters
    from ._core import (
        UNBOUND,
        NotShareableError,
        Queue,
        QueueClosed,
        QueueEmpty,
        QueueFull,
        QueueItemUnbound,
    )
    from ._errors import (
        DeadlineExceeded,
        ExecutionFailed,
        Frame,
        InterpreterError,
        InterpreterNotFoundError,
        InterpreterStuck,
        JobCancelled,
        OverBudget,
        RemoteException,
    )
    from ._budgets import Amount
    from ._extensions import ExtensionCopies, ExtensionInfo, extension_copies, inspect_extension
    from ._interpreter import CAPTURE, DEVNULL, Interpreter, Job, Stream, Within, list_interpreters
    from ._policy import Policy, PolicyFinding, PolicyReport
    from ._pool import BrokenInterpreterPool, InterpreterPoolExecutor

__all__ = [
    "CAPTURE", "DEVNULL", "UNBOUND", "Amount", "BrokenInterpreterPool", "BudgetExceeded", "Cancelled",
    "DeadlineExceeded", "ExecutionFailed", "ExtensionCopies", "ExtensionInfo", "Frame", "HostError", "Interpreter",
    "InterpreterError", "InterpreterNotFoundError", "InterpreterPoolExecutor", "InterpreterStuck", "Job",
    "JobCancelled", "NotShareableError", "OverBudget", "Policy", "PolicyFinding", "PolicyReport", "Queue",
    "QueueClosed", "QueueEmpty", "QueueFull", "QueueItemUnbound", "RemoteException", "Stream", "Within",
    "__version__", "aio", "allow_pickle", "create_queue", "decode", "descriptors", "encode", "extension_copies",
    "find_queue", "host", "id", "inspect_extension", "interpreters", "list_interpreters", "name", "number",
    "register", "select", "share",
]

# What not every program wants is found when it is asked for (PEP 562): each worker imports this file.
_LATER = {
    "_core": (
        "UNBOUND", "NotShareableError", "Queue", "QueueClosed", "QueueEmpty", "QueueFull", "QueueItemUnbound",
    ),
    "_errors": (
        "DeadlineExceeded", "ExecutionFailed", "Frame", "InterpreterError", "InterpreterNotFoundError",
        "InterpreterStuck", "JobCancelled", "OverBudget", "RemoteException",
    ),
    "_budgets": ("Amount",),
    "_extensions": ("ExtensionCopies", "ExtensionInfo", "extension_copies", "inspect_extension"),
    "_interpreter": ("CAPTURE", "DEVNULL", "Interpreter", "Job", "Stream", "Within", "list_interpreters"),
    "_policy": ("Policy", "PolicyFinding", "PolicyReport"),
    "_pool": ("BrokenInterpreterPool", "InterpreterPoolExecutor"),
    "aio": ("aio",),
    "interpreters": ("interpreters",),
}


def __getattr__(attribute: str) -> object:
    import importlib

    for module, names in _LATER.items():
        if attribute in names:
            found = importlib.import_module("." + module, __name__)
            value = globals()[attribute] = found if attribute == module else getattr(found, attribute)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
