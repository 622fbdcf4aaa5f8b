"""What the tests of the isles program share: running it by pipes, and on a pseudo-terminal."""
import os
import pathlib
import subprocess
import time

import pytest

from terminal import Terminal

PROGRAM = os.environ.get("ISLES_PROGRAM", "isles")
LIMIT = 60  # seconds; nothing here should come near

# What of the caller's environment would change what the program does.
UNWANTED = ("NO_COLOR", "VIRTUAL_ENV", "TERM", "ISLES_NAME", "ISLES_NUMBER")


def clean_environment(extra=None):
    environment = {name: value for name, value in os.environ.items() 
                   if name not in UNWANTED and not name.startswith("PYTHON")}
    environment["TERM"] = "xterm"
    environment.update(extra or {})
    return environment


def wait_until_it_burns(process):
    """Until the code is surely inside its loop: the process has used 50 ms of CPU since now."""
    def ticks():
        with open(f"/proc/{process.pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[11])

    begin, give_up = ticks(), time.monotonic() + 20
    while ticks() < begin + 5:
        assert time.monotonic() < give_up, "it does nothing"
        time.sleep(0.01)


class Folder:
    """A folder of programs, and the isles program in it."""

    def __init__(self, path):
        self.path = path

    def write(self, name, text="", mode=0o644):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def isles(self, *args, before=(), stdin=subprocess.DEVNULL, env=None, text=True, **options):
        """Runs it to its end, all by pipes. `input=` takes the place of stdin; `before` is a command that runs it."""
        if "input" in options:
            stdin = None
        return subprocess.run([*before, PROGRAM, *map(str, args)], cwd=self.path, env=clean_environment(env),
                              stdin=stdin, capture_output=True, text=text, timeout=LIMIT, **options)

    def run(self, *args, **options):
        return self.isles("run", *args, **options)

    def start(self, *args, env=None, **options):
        """Begins it; the caller waits."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([PROGRAM, *map(str, args)], cwd=self.path, env=clean_environment(env), text=True,
                                **options)

    def on_terminal(self, *args, env=None, **options):
        return Terminal([PROGRAM, *map(str, args)], cwd=self.path, env=clean_environment(env), **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def engine_python():
    """The engine's own python: its path."""
    result = subprocess.run([PROGRAM, "info", "--python"], capture_output=True, text=True, timeout=LIMIT, check=True)
    return pathlib.Path(result.stdout.strip())
