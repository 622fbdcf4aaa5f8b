"""What code and its child processes are told of the interpreter's settings."""

import subprocess
import sys

PROCESS_WIDE = {"utf8_mode"}  # Isles runs in UTF-8 mode
for name in sorted(name for name in dir(sys.flags) if not name.startswith("_")):
    if not callable(getattr(sys.flags, name)) and name not in PROCESS_WIDE:
        print(name, getattr(sys.flags, name))
print(subprocess._args_from_interpreter_flags())
print(type(sys.flags), len(sys.flags))
