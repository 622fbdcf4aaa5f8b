"""Virtual environments of the engine with packages from PyPI, for the demo, benchmarks and tests. Made once for an engine and a
list of packages. Where something can't be had, functions return why, in one line."""

import shutil
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent


def _run(*command, timeout=300):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"not done after {timeout} seconds")


def _why(done):
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    telling = [line for line in lines if "onnection" in line or "resol" in line] or lines[-1:]
    return telling[0] if telling else f"it ended with status {done.returncode}"


def _has_ensurepip(python):
    """Debian keeps a part of venv in a package of its own."""
    look = (python, "-c", "import venv, ensurepip")
    if _run(*look).returncode == 0:
        return True
    told = _run(python, "-c", "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])").stdout.split()
    if told[:1] == ["/usr"] and shutil.which("apt-get"):
        _run(str(SCRIPTS / "get-packages"), "venv", told[1])
    return _run(*look).returncode == 0


def make(folder, with_pip=True, python=sys.executable):
    """An empty one. Returns why not, or None."""
    if with_pip and not _has_ensurepip(python):
        return "this engine has no ensurepip (Debian: apt-get install python3.X-venv)"
    shutil.rmtree(folder, ignore_errors=True)
    options = () if with_pip else ("--without-pip",)
    return _why(_run(python, "-m", "venv", *options, str(folder)))


def install(folder, *packages):
    """Returns why not, or None. Only what needs no building."""
    options = ("--quiet", "--disable-pip-version-check", "--timeout", "15", "--retries", "1", "--prefer-binary")
    return _why(_run(str(Path(folder) / "bin/python"), "-m", "pip", "install", *options, *packages, timeout=600))


def environment(folder, *packages):
    """Makes the folder an environment with all these packages, unless it is. Returns why not, or None."""
    made = Path(folder) / "made-for"
    wanted = "\n".join((sys.version, *packages))
    if made.exists() and made.read_text() == wanted:
        return None
    why = make(folder) or (install(folder, *packages) if packages else None)
    if why is None:
        made.write_text(wanted)
    return why


def environment_or_skip(folder, *packages):
    """The same for a test that is nothing without it: ends the program with status 77 where it can't be made."""
    why = environment(folder, *packages)
    if why is not None:
        print(f"skipped: {' and '.join(packages)} could not be installed: {why}")
        sys.exit(77)
