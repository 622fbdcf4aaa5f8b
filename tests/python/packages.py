"""The tests of the Python package that need PyPI, each in a virtual environment in the build folder:

    packages.py BUILD types   mypy --strict on the package, the plugin and a program that uses it; stubtest on its stub
    packages.py BUILD pytest  the tests of the pytest plugin, with the plugins that it is to go with
    packages.py BUILD wheel   builds the wheel, looks into it, installs it into a clean environment, and runs the package's tests
    packages.py BUILD dask    Dask's scheduler with isles.dask's workers: with_dask/, and the example that needs it

Run by the engine's own python. Ends with status 77 where there is no PyPI.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
sys.path.insert(0, str(SOURCE / "scripts"))

import make_wheel  # noqa: E402
import venvs  # noqa: E402

PACKAGES = {
    "types": ("mypy", "pytest>=8.2"),
    "pytest": ("pytest>=8.2", "pytest-xdist", "pytest-timeout", "pytest-cov"),
    "dask": ("distributed",),
    "wheel": make_wheel.TOOLS,
}


def run(*command, **kwargs):
    print("+", *command, flush=True)
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, **kwargs).returncode


def check_types(build, python):
    env = {**os.environ, "MYPYPATH": str(SOURCE / "python"), "PYTHONPATH": str(build / "python")}
    cache = build / "mypy-cache"
    mypy = [python, "-m", "mypy", "--strict", "--cache-dir", cache]
    packages = SOURCE / "python" / "isles", SOURCE / "python" / "pytest_isles"
    return run(*mypy, *packages, env=env) or run(*mypy, HERE / "typed.py", env=env) or run(
        python, "-m", "mypy.stubtest", "isles._core", env=env
    )


def licences_wanted(wheel):
    """Of a wheel with that many libraries inside, on a system where packages keep their licences as Debian's do."""
    libraries = [name for name in wheel.namelist() if name.startswith("isles.libs/")]
    return len(libraries) if Path("/usr/share/doc/libc6/copyright").exists() else 0


def looks_whole(path):
    """Says what is missing in the wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        for name in ("isles/py.typed", "isles/_core.pyi", "isles.libs/libjansson", ".dist-info/licenses/LICENSE"):
            if not any(name in n for n in names):
                print(f"not in the wheel: {name}")
                return False
        licences = [name for name in names if ".dist-info/licenses/lib" in name]
        if len(licences) < licences_wanted(wheel):
            print(f"licences of bundled libraries: {licences}")
            return False
    return True


USES = "import isles\nwith isles.Interpreter() as it: assert it.call(pow, 2, 10) == 1024"
NEEDED = re.compile(r"file=(\S+) \[\d+\];  needed by (\S+)")  # as ld.so(8) says it with LD_DEBUG=files


def uses_what_it_brings(clean, work, env):
    """Each library that the package brings is needed by the package, which asks the system for none of those; the engine
    and its modules may (Debian's are linked with libzstd)."""
    packages = next(clean.glob("lib/python3.*/site-packages"))
    brought = {path.name for path in (packages / "isles.libs").iterdir()}
    command = [clean / "bin" / "python", "-c", USES]
    done = subprocess.run(command, cwd=work, env={**env, "LD_DEBUG": "files"}, capture_output=True, text=True)
    needed = {name for name, by in NEEDED.findall(done.stderr) if by.startswith(str(packages))}
    stems = {name.split("-")[0] for name in brought}
    strangers = {name for name in needed - brought if name.split("-")[0].split(".")[0] in stems}
    print(f"brought: {brought}; not needed: {brought - needed}; of the system: {strangers}")
    return done.returncode == 0 and brought and brought <= needed and not strangers


def fits_other_machines(python, path):
    """auditwheel finds that it needs nothing that its name doesn't say."""
    shown = subprocess.run([python, "-m", "auditwheel", "show", path], capture_output=True, text=True)
    print(shown.stdout, shown.stderr)
    return shown.returncode == 0 and f'"{path.stem.split("-")[-1]}"' in shown.stdout


def works_when_installed(wheel, work):
    clean = work / "clean"
    why = venvs.make(clean, python=sys.executable)
    if why is not None:
        print(f"skipped: no virtual environment: {why}")
        return 77
    python = clean / "bin" / "python"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return (
        run(python, "-m", "pip", "install", "--quiet", "--no-index", wheel)
        or int(not uses_what_it_brings(clean, work, env))
        or run(python, HERE / "run.py", "test_engine", "test_interpreter", "test_exit", cwd=work, env=env)
        or venvs.install(clean, *PACKAGES["pytest"])
        or pytest_finds_the_plugin(python, work, env)
    )


def check_pytest(build, python):
    env = {**os.environ, "PYTHONPATH": str(build / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"ISLES_PROGRAM": str(build / "isles"), "ISLES_EXTENSIONS": str(build / "extensions")}
    env.pop("CI", None)  # with which pytest's summary says all of each error
    options = "-q", "-p", "no:cacheprovider", "-p", "pytester", "-n", "2"
    with tempfile.TemporaryDirectory(prefix="isles-pytest-") as work:
        command = python, "-m", "pytest", *options, "--basetemp", Path(work, "tests"), HERE / "plugin"
        return run(*command, cwd=work, env=env)


def check_wheel(build, python):
    with tempfile.TemporaryDirectory(prefix="isles-wheel-") as folder:
        work = Path(folder)
        shutil.copytree(SOURCE, work / "source", ignore=shutil.ignore_patterns("build*", ".git", "*.pyc"))
        make = [sys.executable, "-B", work / "source" / "scripts" / "make_wheel.py", "--tools", python.parent.parent]
        if run(*make, work / "wheels") != 0:
            return 1
        (wheel,) = (work / "wheels").glob("isles-*-manylinux_*.whl")
        if not looks_whole(wheel) or not fits_other_machines(python, wheel):
            return 1
        return works_when_installed(wheel, work)


def pytest_finds_the_plugin(python, work, env):
    """By its entry point; and it is content with what is imported already."""
    Path(work, "test_it.py").write_text("import isles\ndef test_it(): assert isles.name == 'test_it.py'\n")
    args = ["--isles", "-W", "error", "test_it.py"]
    late = f"import isles, pytest, sys; sys.exit(pytest.main({['-p', 'pytest_isles', *args]}))"
    return run(python, "-m", "pytest", *args, cwd=work, env=env) or run(python, "-c", late, cwd=work, env=env)


def check_dask(build, python):
    env = {**os.environ, "PYTHONPATH": str(build / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="isles-dask-") as work:  # for Dask's files
        env["DASK_TEMPORARY_DIRECTORY"] = work
        runs = [python, HERE / "run.py"]
        return run(*runs, "WithDask", env=env, cwd=work) or run(*runs, "--in", HERE / "with_dask", env=env, cwd=work)


CHECKS = {"types": check_types, "pytest": check_pytest, "wheel": check_wheel, "dask": check_dask}


def main():
    build, name = Path(sys.argv[1]), sys.argv[2]
    folder = build / f"python-venv-{name}"
    venvs.environment_or_skip(folder, *PACKAGES[name])
    python = folder / "bin" / "python"
    sys.exit(CHECKS[name](build, python))


main()
