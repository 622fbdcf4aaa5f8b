"""What __main__ looks like."""
import sys

print(__name__, __file__, __spec__, __package__, __doc__, type(__loader__).__name__)
print(sorted(name for name in globals() if name.startswith("__") and name != "__cached__"))
print(sys.argv, sys.path[0], sys.path[1:] == list(sys.path)[1:])
print(sys.modules["__main__"].__dict__ is globals(), "__annotations__" in globals())
print(sys.executable, sys.prefix, sys.stdin is not None, sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors)
print(sys.getrecursionlimit(), sys.getfilesystemencoding(), sys.flags.utf8_mode, sys.flags.optimize, sys.byteorder)
print([type(stream).__name__ for stream in (sys.stdin, sys.stdout, sys.stderr, sys.stdout.buffer)])
print(sys.stdin.name, sys.stdout.name, sys.stderr.name, sys.stdout.mode, sys.stdin.mode)
