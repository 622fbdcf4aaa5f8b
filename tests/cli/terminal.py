"""A program on a pseudo-terminal of its own, and what a person would see there."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest


class Terminal:
    def __init__(self, command, cwd, env, columns=100, rows=40, stdout=None):
        """stdout: a file for it; the rest is the terminal."""
        try:
            self.master, slave = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts
            pytest.skip(f"no pseudo-terminals here: {error}")
        self.resize(columns, rows)
        self.seen = ""

        def own_session():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=slave, stdout=stdout or slave, stderr=slave,
                                        preexec_fn=own_session)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def resize(self, columns, rows=40):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def press_ctrl_c(self):
        self.send("\x03")

    def read_some(self, deadline):
        """False: nothing will come any more."""
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"waited too long; so far: {self.seen!r}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def wait_for(self, pattern, seconds=20):
        """Reads until the pattern has been seen, from where the last wait ended."""
        deadline = time.monotonic() + seconds
        start = getattr(self, "found_to", 0)
        while not (match := re.compile(pattern).search(self.seen, start)):
            if not self.read_some(deadline):
                raise AssertionError(f"{pattern!r} never came: {self.seen!r}")
        self.found_to = match.end()
        return match

    def finish(self, seconds=30):
        """Reads to the end. Returns the exit status."""
        deadline = time.monotonic() + seconds
        while self.read_some(deadline):
            pass
        return self.process.wait(timeout=max(1, deadline - time.monotonic()))

    @property
    def screen(self):
        """The lines as they stand in the end, without colours."""
        return draw(self.seen)


def draw(text):
    """Plays the few control sequences that the program uses; any other fails the test."""
    lines, column = [""], 0
    for part in re.findall(r"\033\[[0-9;]*[A-Za-z]|\r|\n|[^\r\n\033]+", text):
        if part == "\n":
            lines.append("")
        elif part == "\r":
            column = 0
        elif part == "\033[K":
            lines[-1] = lines[-1][:column]
        elif part.startswith("\033["):
            assert part.endswith("m"), f"unexpected control sequence {part!r}"
        else:
            lines[-1] = lines[-1][:column].ljust(column) + part + lines[-1][column + len(part):]
            column += len(part)
        if part == "\n":
            column = 0
    return lines
