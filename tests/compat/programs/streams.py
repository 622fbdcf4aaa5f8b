"""The standard streams where they are not redirected: descriptors, and children that write to the same place."""

import os
import subprocess
import sys

for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.newlines, stream.isatty(), stream.closed,
          stream.fileno(), stream.buffer.raw.readable() if stream is sys.stdin else stream.buffer.writable())
text = sys.stdin.read()
print(ascii(text))
print(text.encode("utf-8", "surrogateescape").decode("latin-1").encode("unicode-escape").decode())
print(text)
print("before", flush=True)
subprocess.run(["echo", "child"], stdout=sys.stdout, check=True)
subprocess.run(["sh", "-c", "echo child >&2"], stderr=sys.stdout, check=True)
os.write(sys.stdout.fileno(), b"written\n")
sys.stdout.buffer.write(b"bytes\n")
sys.stdout.buffer.flush()
sys.stdout.write("no newline")
