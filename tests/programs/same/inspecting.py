# -*- coding: latin-1 -*-
"""Source that looks at itself."""
from __future__ import annotations

import atexit
import contextlib
import functools
import inspect
import io
import subprocess
import sys
import warnings


@functools.singledispatch
def show(x: int) -> str:
    return "any"


@show.register
def _(x: str):
    return "text"


print(show(1), show("a"), inspect.signature(show), inspect.getsource(show)[:25])
print(inspect.getmodule(show).__name__, inspect.getsourcefile(show) == __file__, show.__module__)
print(open(__file__, encoding="latin-1").readline().strip(), __import__("__main__").show is show)
with contextlib.redirect_stdout(io.StringIO()) as kept:
    print("kept")
print(repr(kept.getvalue()))
print(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("careful", stacklevel=1)
print(caught[0].filename == __file__, caught[0].lineno, caught[0].category.__name__)
atexit.register(print, "at the end")
atexit.register(lambda: print("before that"))
sys.stdout.write("no newline at the end")
sys.exit(3)
