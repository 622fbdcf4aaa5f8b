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
    Reason("pyogrio", "crash",
           "Its GDAL has json-c inside, whose `json_object_get` is called by the name of one in jansson, which `isles run` is linked"
           " with: the dynamic linker binds GDAL to that. In a process without jansson it does not happen."),
    Reason("ijson", "crash",
           "It declares that it supports an own GIL, so it gets no copy; but interpreters share its static objects, and two that work"
           " at once crash now and then, in strict mode, too. `isles check ijson` finds it: *shared GIL*."),
    Reason("setproctitle", "failed",
           "It keeps no state that a copy would part: the title is the process's, and who reads it while another interpreter writes"
           " finds half of it or nothing.", r"getproctitle"),
    Reason("torch", "failed crash",
           "It works in one interpreter of the process. Its libraries without Python code (libc10, libtorch) stay shared by the copies, and"
           " the second copy of libtorch_python that enters itself in their registries ends the process.",
           r"Key already registered"),
)  # fmt: skip


def of(name, mode, entry, version):
    """The words for a failure in private mode; None: not known."""
    if mode != "private":
        return None
    return next((reason.why for reason in REASONS if reason.explains(name, entry)), None)
