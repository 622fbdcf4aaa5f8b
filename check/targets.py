"""Finds the extension modules of targets. Runs in an interpreter of Isles; nothing that it finds is imported.

find() returns {"extensions": [...], "paths": [...], "notes": [...], "left_out": [...], "error": text or None}. left_out has what is for
other engines (with skip_foreign), as dicts of target and why. An extension is a dict: target, module,
file (None: built into the engine), shown (its file as people know it), tag (cp314, abi3, ...), fits (this engine loads such
files), sha256, stdlib (a part of CPython), path (an index into paths: folders that must be on sys.path for it).
"""

import hashlib
import importlib.machinery
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import zipfile

SUFFIXES = importlib.machinery.EXTENSION_SUFFIXES
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
LARGEST_WHEEL = 16 << 30  # bytes, unpacked
SITES = ("site-packages", "dist-packages")
PIP_PATIENCE = 1800  # seconds
# the interpreter itself, not modules that anybody loads
CORE = ("sys", "builtins", "_imp")
TESTS = re.compile(r"_?xx|_test|_ctypes_test$")


# of those that some engine loads
FOREIGN = re.compile(r"cp\d|abi3|pypy|graalpy")


class Bad(Exception):
    """A target that can't be checked."""


class Foreign(Bad):
    """It is for another engine."""


class Search:
    def __init__(self, static, skip_foreign, scratch, python):
        self.static, self.skip_foreign, self.scratch, self.python = static, skip_foreign, scratch, python
        self.extensions, self.paths, self.notes, self.left_out, self.seen = [], [], [], [], set()
        self.foreign_tags = []  # of the files of this target that were left out

    def path(self, folders):
        base = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), dynload()}
        folders = [f for f in folders if f and f not in base and not f.endswith(".zip")]
        if folders not in self.paths:
            self.paths.append(folders)
        return self.paths.index(folders)

    def add(self, target, module, file, shown, folders):
        key = (module, os.path.realpath(file)) if file else (module, None)
        if key in self.seen:
            return
        self.seen.add(key)
        if self.skip_foreign and file and not fits(file) and FOREIGN.match(tag_of(file)):
            self.foreign_tags.append(tag_of(file))
            return
        self.extensions.append({
            "target": target, "module": module, "file": file, "shown": shown, "tag": tag_of(file) if file else "",
            "fits": fits(file) if file else True, "sha256": sha256(file) if file else "", "path": self.path(folders),
            "stdlib": not file or os.path.dirname(file) == dynload()})


def dynload():
    return os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")


def sha256(file):
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""  # whoever reads it next says why


# --- files -----------------------------------------------------------------------------------------------------------------


def module_part(file):
    """The last part of its module's name: what comes before the first dot."""
    return os.path.basename(file).partition(".")[0]


def tag_of(file):
    middle = os.path.basename(file).partition(".")[2].removesuffix(".so")
    found = re.match(r"cpython-(\d)(\d+)(t?)", middle)
    if found:
        return f"cp{found[1]}{found[2]}{found[3]}"
    return middle if middle in ("abi3", "abi3t") else middle if middle != "so" else ""


def fits(file):
    name = os.path.basename(file)
    return any(name.endswith(suffix) and "." not in name.removesuffix(suffix) for suffix in SUFFIXES)


def dotted(root, file):
    """Its module's name, seen from that folder; None: not a name."""
    parts = [*os.path.relpath(os.path.dirname(file), root).split(os.sep), module_part(file)]
    parts = [part for part in parts if part != "."]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else None


def holds_distributions(folder):
    try:
        return any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(folder))
    except OSError:
        return False


def is_below(file, folder):
    return file.startswith(folder.rstrip(os.sep) + os.sep)


def place(file, top=None):
    """The folder from which it is imported, and its module's name: below a site-packages or a folder of sys.path; else below the
    folder where its package, with an __init__.py, begins; namespace packages below `top` where that holds distributions."""
    roots = [os.path.abspath(p) for p in sys.path if p]
    folder = os.path.dirname(file)
    while folder != os.path.dirname(folder):
        if os.path.basename(folder) in SITES:
            roots.append(folder)
        folder = os.path.dirname(folder)
    if top is not None and holds_distributions(top):
        roots.append(top)
    for root in sorted((r for r in roots if is_below(file, r)), key=len, reverse=True):
        if name := dotted(root, file):
            return root, name
    folder = os.path.dirname(file)
    while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.basename(folder).isidentifier():
        folder = os.path.dirname(folder)
    return folder, dotted(folder, file) or module_part(file)


def libraries(folder):
    """All .so files below it; none of environments that lie inside."""
    for place_, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith(".")
                            and not os.path.exists(os.path.join(place_, name, "pyvenv.cfg")))
        for name in sorted(names):
            if name.endswith(".so"):
                yield os.path.join(place_, name)


# --- targets ---------------------------------------------------------------------------------------------------------------


def take_file(search, target, file):
    root, name = place(file)
    search.add(target, name, file, target, [root, *sys.path])


def take_folder(search, target, folder):
    found = False
    for file in libraries(folder):
        found = True
        root, name = place(file, folder)
        search.add(target, name, file, os.path.join(target, os.path.relpath(file, folder)), [root, *sys.path])
    if not found:
        raise Bad(f"no extension module in {target}")


def take_site(search, target, folder, shown):
    """All that is installed in a site-packages folder."""
    for file in libraries(folder):
        if name := dotted(folder, file):
            search.add(target, name, file, os.path.join(shown, os.path.relpath(file, folder)), [folder])


def venv_version(folder):
    with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8", errors="replace") as opened:
        found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", opened.read(), re.MULTILINE)
    return found[1] if found else VERSION


def take_venv(search, target, folder, shown=None):
    made_for = venv_version(folder)
    if made_for != VERSION and (search.skip_foreign or not search.static):
        raise Foreign(f"{target} is an environment of Python {made_for}, the engine is {VERSION} (--static reads it anyway)")
    site = os.path.join(folder, "lib", f"python{made_for}", "site-packages")
    if not os.path.isdir(site):
        raise Bad(f"{target} has no lib/python{made_for}/site-packages")
    shown = os.path.join(target, os.path.relpath(site, folder)) if shown is None else shown
    take_site(search, target, site, shown)


def wheel_fits(pythons, abis):
    own = f"cp{VERSION.replace('.', '')}"
    if any(p.startswith("py") for p in pythons) or (own in pythons and any(a in (own, "none", "abi3") for a in abis)):
        return True
    minors = [int(p[3:]) for p in pythons if re.fullmatch(r"cp3\d+", p)]
    return any(a.startswith("abi3") for a in abis) and any(minor <= sys.version_info.minor for minor in minors)


def merge_data(root):
    """What a wheel keeps in NAME.data/purelib and platlib belongs beside the rest."""
    for data in [d for d in os.listdir(root) if d.endswith(".data")]:
        for kind in ("purelib", "platlib"):
            folder = os.path.join(root, data, kind)
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                if not os.path.exists(os.path.join(root, name)):
                    os.rename(os.path.join(folder, name), os.path.join(root, name))


def take_wheel(search, target, file):
    parts = os.path.basename(file).removesuffix(".whl").split("-")
    if len(parts) not in (5, 6):
        raise Bad(f"{target}: not the name of a wheel (NAME-VERSION-PYTHON-ABI-PLATFORM.whl)")
    pythons, abis = parts[-3].split("."), parts[-2].split(".")
    if (search.skip_foreign or not search.static) and not wheel_fits(pythons, abis):
        raise Foreign(f"{target} is for {parts[-3]}-{parts[-2]}, the engine is CPython {VERSION} (--static reads it anyway)")
    root = os.path.join(search.scratch, f"wheel-{len(search.paths)}-{len(search.seen)}")
    try:
        with zipfile.ZipFile(file) as wheel:
            if sum(info.file_size for info in wheel.infolist()) > LARGEST_WHEEL:
                raise Bad(f"{target}: larger than {LARGEST_WHEEL >> 30} GiB unpacked")
            wheel.extractall(root)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Bad(f"{target}: not a wheel: {error}") from None
    merge_data(root)
    for library in libraries(root):
        if name := dotted(root, library):
            search.add(target, name, library, f"{target}:{os.path.relpath(library, root)}", [root, *sys.path])


def run(*command, cwd=None):
    """What a command of ours said, where it failed; else None."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                              text=True, errors="replace", timeout=PIP_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stdout


def last_lines(text, count=3):
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("[notice]")]
    errors = [line for line in lines if line.startswith("ERROR")]
    return " ".join((errors or lines)[-count:])


def take_requirements(search, target, file):
    if not search.python:
        raise Bad(f"{target}: the engine's python is not known, so nothing can be installed")
    folder = os.path.join(search.scratch, f"installed-{len(search.paths)}-{len(search.seen)}")
    has_pip = run(search.python, "-m", "pip", "--version") is None  # one in each environment takes seconds to make
    said = run(search.python, "-m", "venv", *(["--without-pip"] if has_pip else []), folder)
    if said is not None:
        raise Bad(f"{target}: no virtual environment could be made: {last_lines(said)}")
    inside = os.path.join(folder, "bin", "python")
    pip = [search.python, "-m", "pip", "--python", inside] if has_pip else [inside, "-m", "pip"]
    said = run(*pip, "install", "--disable-pip-version-check", "--no-input", "-q", "-r", file, cwd=os.path.dirname(file))
    if said is not None:
        raise Bad(f"{target}: pip could not install it: {last_lines(said)}")
    take_venv(search, target, folder, shown="")


def is_library(file):
    with open(file, "rb") as opened:
        return opened.read(4) == b"\x7fELF" or file.endswith(".so")


def take_path(search, target):
    file = os.path.abspath(target)
    if os.path.isdir(file):
        kind = take_venv if os.path.exists(os.path.join(file, "pyvenv.cfg")) else take_folder
        return kind(search, target, file)
    if not os.path.isfile(file):
        raise Bad(f"{target}: neither a file nor a folder")
    if file.endswith(".whl"):
        return take_wheel(search, target, file)
    if is_library(file):
        return take_file(search, target, file)
    if file.endswith((".txt", ".in")):
        return take_requirements(search, target, file)
    raise Bad(f"{target}: none of a .so, a wheel (.whl), a folder and a requirements file (.txt)")


# --- names -----------------------------------------------------------------------------------------------------------------


def find_spec(name):
    """As an import finds it, but without importing its parents."""
    spec, path, full = None, None, ""
    for part in name.split("."):
        full = f"{full}.{part}" if full else part
        for finder in sys.meta_path:
            spec = finder.find_spec(full, path) if hasattr(finder, "find_spec") else None
            if spec is not None:
                break
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and full != name:
            return None
    return spec


def take_distribution(search, target, distribution):
    """The extension modules among its files."""
    for entry in distribution.files or ():
        file = os.path.abspath(str(distribution.locate_file(entry)))
        if not file.endswith(".so") or ".." in entry.parts:
            continue
        root = os.path.abspath(str(distribution.locate_file("")))
        if name := dotted(root, file):
            search.add(target, name, file, str(entry), sys.path)


def providers(name):
    """The distributions that a top-level name comes from."""
    for distribution in importlib.metadata.distributions():
        tops = (distribution.read_text("top_level.txt") or "").split()
        tops += [entry.parts[0].partition(".")[0] for entry in (distribution.files or ()) if not entry.parts[0].endswith(
            (".dist-info", ".egg-info", ".libs", ".data"))]
        if name in tops:
            yield distribution


def take_module(search, target, name, spec):
    if spec.origin in ("built-in", "frozen"):
        if spec.origin == "built-in":
            search.add(target, name, None, "built in", sys.path)
        return
    if spec.origin and spec.origin.endswith(".so"):
        search.add(target, name, os.path.abspath(spec.origin), spec.origin, sys.path)
    for folder in spec.submodule_search_locations or ():
        for file in libraries(folder):
            if rest := dotted(folder, file):
                search.add(target, f"{name}.{rest}", file, file, sys.path)
    if "." not in name and spec.origin:  # not of a namespace, which belongs to many
        for distribution in providers(name):
            take_distribution(search, target, distribution)


def take_name(search, target):
    if all(part.isidentifier() for part in target.split(".")):
        spec = find_spec(target)
        if spec is not None:
            return take_module(search, target, target, spec)
    try:
        distribution = importlib.metadata.distribution(target)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise Bad(f"{target}: no such file, no importable module and no installed distribution") from None
    take_distribution(search, target, distribution)


def take_stdlib(search):
    for name in sorted(sys.builtin_module_names):
        if name not in CORE and not TESTS.match(name):
            search.add("--stdlib", name, None, "built in", [])
    for file in libraries(dynload()):
        name = module_part(file)
        if not TESTS.match(name) and fits(file):
            search.add("--stdlib", name, file, file, [])


def leave_out(search, target, why):
    search.left_out.append({"target": target, "why": why})


def take(search, target):
    before, search.foreign_tags = len(search.extensions), []
    try:
        if os.path.exists(target) or os.sep in target:
            if not os.path.exists(target):
                raise Bad(f"{target}: no such file or folder")
            take_path(search, target)
        else:
            take_name(search, target)
    except OSError as error:
        raise Bad(f"{target}: {error.strerror or error}") from None
    except Foreign as foreign:
        if not search.skip_foreign:
            raise
        return leave_out(search, target, str(foreign).removesuffix(" (--static reads it anyway)"))
    if tags := search.foreign_tags:
        leave_out(search, target, f"{target}: CPython {VERSION} does not load {', '.join(sorted(set(tags)))} "
                  f"({len(tags)} file{'s'[:len(tags) > 1]})")
    elif len(search.extensions) == before:
        search.notes.append(f"{target}: no extension modules")


def find(targets, stdlib, static, skip_foreign, scratch, python):
    search = Search(static, skip_foreign, scratch, python)
    error = None
    try:
        if stdlib:
            take_stdlib(search)
        for target in targets:
            take(search, target)
    except Bad as bad:
        error = str(bad)
    return {"extensions": search.extensions, "paths": search.paths, "notes": search.notes, "left_out": search.left_out,
            "error": error, "version": VERSION}
