"""What the tests of the pytest plugin share: runs of pytest in a process of their own, with the plugin. They need
`-p pytester`: see packages.py."""

import re
import signal
import subprocess
import sys
import time

import pytest

LIMIT = 100  # seconds; nothing here should come near


class Suite:
    """A folder with test files."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, **files):
        """NAME="text" makes NAME.py."""
        self.pytester.makepyfile(**files)

    def command(self, *args):
        return [sys.executable, "-m", "pytest", "-p", "pytest_isles", *args]

    def run(self, *args):
        return self.pytester.run(*self.command(*args), timeout=LIMIT)

    def interrupted(self, *args, ready, shown):
        """Ctrl-C once the file `ready` is there and pytest has said `shown`: an interpreter may be ahead of it. The
        result, and how long the end took."""
        written = self.path / "written"
        with written.open("w") as file:
            process = subprocess.Popen(self.command("-v", *args), cwd=self.path, stdout=file, stderr=subprocess.STDOUT)
        try:
            give_up = time.monotonic() + LIMIT
            while not (self.path / ready).exists() or shown not in written.read_text():
                assert process.poll() is None and time.monotonic() < give_up, written.read_text()
                time.sleep(0.05)
            time.sleep(0.05)  # it waits for that test now
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.wait(LIMIT)
            return process.returncode, written.read_text(), time.monotonic() - began
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def suite(pytester, monkeypatch):
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester)


def same_for_all(result):
    """Lines without what differs from run to run: times, folders, the line of the plugin."""
    lines = []
    for line in result.outlines:
        if line.startswith("isles:"):
            continue
        line = re.sub(r"\d+\.\d+s|0x[0-9a-f]+", "…", line)
        lines.append(re.sub(r"=+", "=", line))
    return lines
