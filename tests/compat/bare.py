"""Runs a script in a bare isolated interpreter of CPython (PEP 684, PEP 734), without Isles: bare.py SCRIPT ARGS...

What differs from plain Python here too is CPython's doing, not that of Isles.
"""

import sys

import _interpreters

PROGRAM = """
import sys
sys.argv = {argv!r}
sys.path[:] = {path!r}
__file__ = {script!r}
with open(__file__, encoding="utf-8") as file:
    code = compile(file.read(), __file__, "exec")
exec(code)
"""


def main():
    script = sys.argv[1]
    interp = _interpreters.create("isolated")
    trouble = _interpreters.exec(interp, PROGRAM.format(argv=sys.argv[1:], path=sys.path, script=script))
    if trouble is not None:
        sys.exit(trouble.errdisplay)
    _interpreters.destroy(interp)


main()
