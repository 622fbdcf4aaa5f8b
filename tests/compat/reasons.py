"""Why a package does not work in private mode: for docs/compat.md, and so that scripts/compat-extensions knows what is new.

A rule holds for packages by name, and for what their test said or how it ended, so that it can't hide another failure.
"""

import re


class Reason:
    def __init__(self, packages, ends, why, text=None):
        self._packages, self._ends, self.why = packages.split(), ends.split(), why
        self._text = re.compile(text) if text else None

    def explains(self, name, entry):
        return (name in self._packages and entry["end"] in self._ends
                and (self._text is None or self._text.search(entry.get("text", "")) is not None))


REASONS = (
    Reason("greenlet gevent", "crash",
           "When a thread ends, greenlet has its greenlets destroyed by a pending call (`Py_AddPendingCall`), which CPython gives to"
           " the main interpreter, always. There the interpreter's objects are freed after it has gone, with another allocator:"
           " the process crashes at its end. Nothing but greenlet can say which interpreter it means."),
    Reason("pyarrow deltalake", "crash hang",
           "Arrow's I/O threads let go of Python objects by `PyGILState_Ensure`, which attaches a thread that has no interpreter"
           " yet to the main one (python/cpython#90453; PEP 788, in 3.15, has functions that can say which): the object is"
           " freed by another interpreter's allocator. Reading a file of Python's (`pq.read_table(BytesIO)`) does it, often, not"
           " each time. deltalake's test hands its data over by pyarrow."),
    Reason("pyogrio", "crash",
           "Its GDAL has json-c inside, whose `json_object_get` is called by the name of one in jansson, which `isles run` is linked"
           " with: the dynamic linker binds GDAL to that. In a process without jansson it does not happen."),
)  # fmt: skip


def of(name, mode, entry, version):
    """The words for a failure in private mode; None: not known."""
    if mode != "private":
        return None
    return next((reason.why for reason in REASONS if reason.explains(name, entry)), None)
