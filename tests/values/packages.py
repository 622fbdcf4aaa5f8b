"""The tests of values that need packages from PyPI, in a virtual environment that is made in the build folder:

    packages.py BUILD properties|numpy_arrays

Run by the engine's own python. Ends with status 77 where there is no PyPI.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

import venvs  # noqa: E402

PACKAGES = {
    "properties": ("hypothesis==6.112.*", "cbor2<6"),  # later ones have native parts that refuse interpreters
    "numpy_arrays": ("numpy",),
}
OPTIONS = {"properties": (), "numpy_arrays": ("--gil", "shared", "-W", "ignore")}  # NumPy warns of subinterpreters


def main():
    build, name = Path(sys.argv[1]), sys.argv[2]
    folder = build / f"values-venv-{name}"
    venvs.environment_or_skip(folder, *PACKAGES[name])
    command = [build / "isles", "run", "--fail-fast", "--summary", "--timeout", "240s", HERE / f"{name}.py", *OPTIONS[name],
               "--venv", folder, HERE / "echo.py", "--venv", "none"]  # fmt: skip
    sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL).returncode)


main()
