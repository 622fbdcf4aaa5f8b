"""breakpoint(): PYTHONBREAKPOINT as os.environ has it, and a debugger that stops in the caller."""

import os
import pdb
import sys
import warnings

warnings.simplefilter("always")
warnings.showwarning = lambda message, category, filename, lineno, *rest: print(category.__name__, message, lineno)


def stop(*args, **options):
    print("stop", args, options, sys._getframe(1).f_code.co_name)
    return 5


def main():
    here = "here"
    os.environ["PYTHONBREAKPOINT"] = "__main__.stop"
    print(breakpoint(1, two=2))
    for setting in ["0", "no.such", ".", ".len", "..a.b", "len.", "len", ""]:
        os.environ["PYTHONBREAKPOINT"] = setting
        try:
            print(setting, breakpoint(*["text"] * (setting == "len")) if setting else "")
        except Exception as error:
            print(type(error).__name__, error)
    del os.environ["PYTHONBREAKPOINT"]
    pdb.set_trace = lambda: print("set_trace", sys._getframe(1).f_locals["here"])
    breakpoint()
    sys.breakpointhook = lambda: print("hook")
    breakpoint()
    sys.breakpointhook = sys.__breakpointhook__
    breakpoint()


main()
