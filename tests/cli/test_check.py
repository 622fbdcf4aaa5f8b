"""isles check: what it finds, what it says of files, its options and its exit status. The verdicts of the odd extensions by probes
are in test_check_verdicts.py."""
import json
import shutil
import subprocess
import zipfile

import pytest

SINGLE = """
#include <Python.h>
static long counter;
static PyTypeObject thing_type = {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "NAME.Thing", .tp_basicsize = sizeof(PyObject)};
static PyObject *count(PyObject *self, PyObject *args) { (void)self; (void)args; return PyLong_FromLong(++counter); }
static PyMethodDef methods[] = {{"count", count, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "NAME", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_NAME(void) { return PyType_Ready(&thing_type) < 0 ? NULL : PyModule_Create(&definition); }
"""

MULTI = """
#include <Python.h>
static struct PyModuleDef_Slot slots[] = {{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "NAME", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_NAME(void) { return PyModuleDef_Init(&definition); }
"""

UNIQUE = """
#include <Python.h>
inline long next() { static long number; return ++number; }
extern "C" __attribute__((visibility("default"))) long (*keep)() ;
long (*keep)() = next;
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "NAME", NULL, -1, NULL, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&definition); }
"""


@pytest.fixture(scope="session")
def engine(engine_python):
    """Where its headers are, and how its extension modules end."""
    code = "import sysconfig as s, json; print(json.dumps([s.get_path('include'), s.get_config_var('EXT_SUFFIX'), " \
           "s.get_python_version()]))"
    return json.loads(subprocess.run([engine_python, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="session")
def built(engine, tmp_path_factory):
    """Makes an extension module, once for each source and flags: its path."""
    made = {}
    folder = tmp_path_factory.mktemp("built")

    def build(name, source, *flags, suffix=None):
        key = (name, source, flags, suffix)
        if key not in made:
            language = ["c++"] if "extern \"C\"" in source else ["cc"]
            place = folder / str(len(made))
            place.mkdir()
            file = place / (name + (engine[1] if suffix is None else suffix))
            text = place / ("x.cc" if language == ["c++"] else "x.c")
            text.write_text(source.replace("NAME", name))
            subprocess.run([*language, "-shared", "-fPIC", "-g", "-I", engine[0], text, "-o", file, *flags], check=True)
            made[key] = file
        return made[key]

    return build


def put(folder, name, file):
    path = folder.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, path)
    return path


def check(folder, *args, **options):
    env = {"XDG_CACHE_HOME": str(folder.path / "cache"), "TMPDIR": str(folder.path / "tmp"), **options.pop("env", {})}
    (folder.path / "tmp").mkdir(exist_ok=True)
    return folder.isles("check", *args, env=env, **options)


def facts(folder, *args, status=None):
    """The extensions of the report."""
    result = check(folder, "--json", *args)
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert result.returncode == (0 if report["good_enough"] else 1)
    assert status is None or result.returncode == status
    assert list((folder.path / "tmp").iterdir()) == []  # nothing is left
    return report["extensions"]


def only(folder, *args, **options):
    (one,) = facts(folder, *args, **options)
    return one


def symbols(one):
    return {data["symbol"]: data for data in one["elf"]["statics"]}


# --- what a file says --------------------------------------------------------------------------------------------------------


def test_static_data_with_types_and_lines(folder, built):
    one = only(folder, "--static", built("single", SINGLE))
    assert (one["module"], one["verdict"], one["basis"]) == ("single", "private copy", "file")
    assert (one["elf"]["init"], one["elf"]["state_bytes"]) == ("single-phase", -1)
    counter, thing = symbols(one)["counter"], symbols(one)["thing_type"]
    assert (counter["bytes"], counter["section"], counter["kind"]) == (8, ".bss", "data")
    assert (thing["kind"], thing["bytes"] > 300) == ("type", True)
    assert symbols(one)["methods"]["kind"] == "table"
    if counter["evidence"] == "debug information":  # built with libdw
        assert (counter["type"], counter["file"], counter["line"]) == ("long int", "x.c", 3)
        assert {"symbol": "thing_type", "file": "x.c", "line": 4}.items() <= one["advice"][-2].items()
    assert {"PyModule_Create2", "PyType_Ready"} <= set(one["elf"]["imports"])


def test_stripped_file(folder, built):
    one = only(folder, "--static", built("single", SINGLE, "-s"))
    assert (one["verdict"], one["elf"]["init"], one["elf"]["stripped"]) == ("private copy", "single-phase", True)
    (thing,) = [data for data in one["elf"]["statics"] if data["kind"] == "type"]
    assert (thing["symbol"], thing["type"], thing["evidence"]) == (None, "single.Thing", "layout")
    assert one["elf"]["writable_bytes"] > thing["bytes"]


def test_slots_are_read_from_the_file(folder, built):
    one = only(folder, "--static", "--require", "own-gil", built("multi", MULTI, "-s"), status=0)
    assert (one["verdict"], one["elf"]["multiple_interpreters"], one["elf"]["gil"]) == ("own GIL", "own GIL", "none")


def test_unique_symbols_of_cplusplus(folder, built):
    one = only(folder, "--static", built("unique", UNIQUE))
    assert [name for name in one["elf"]["unique_symbols"] if "number" in name]
    assert one["verdict"] == "shared GIL"


@pytest.mark.parametrize("suffix, tag", [(".so", None), (".abi3.so", "abi3"), (".cpython-39-x86_64-linux-gnu.so", "cp39"),
                                         (".cpython-313t-x86_64-linux-gnu.so", "cp313t")])
def test_abi_tags(folder, built, suffix, tag):
    assert only(folder, "--static", built("multi", MULTI, suffix=suffix))["abi_tag"] == tag


def test_a_file_for_another_engine_is_read_and_not_probed(folder, built):
    one = only(folder, built("multi", MULTI, suffix=".cpython-39-x86_64-linux-gnu.so"))
    assert (one["basis"], one["probes"]) == ("file", [])
    assert "for another engine: cp39: not probed" in one["reasons"]


@pytest.mark.parametrize("change, trouble", [
    (lambda data: b"INPUT(-lm)\n", "not an ELF file"),
    (lambda data: b"", "empty"),
    (lambda data: data[:700], "trunc"),
    (lambda data: data[:16] + b"\x02\x00" + data[18:], "not a shared library"),
])
def test_damaged_files(folder, built, change, trouble):
    (folder.path / "bad.so").write_bytes(change(built("multi", MULTI).read_bytes()))
    one = only(folder, "bad.so", status=1)
    assert one["verdict"] == "broken"
    assert trouble in one["elf"]["trouble"]


def test_another_machine(folder, built):
    data = built("multi", MULTI).read_bytes()
    (folder.path / "multi.so").write_bytes(data[:18] + b"\xf3\x00" + data[20:])  # RISC-V
    one = only(folder, "multi.so")
    if one["elf"]["machine"] != "x86-64":
        assert (one["elf"]["machine"], one["probes"]) == ("RISC-V", [])
        assert "for another machine" in " ".join(one["reasons"])


def test_a_file_with_another_name_than_its_function(folder, built):
    put(folder, "renamed.so", built("multi", MULTI))
    one = only(folder, "renamed.so", status=1)
    assert (one["verdict"], one["reasons"][0]) == ("broken", "the file has no function PyInit_renamed")


# --- targets -----------------------------------------------------------------------------------------------------------------


def make_wheel(folder, built, engine, python=None, name="shop"):
    """A wheel with a package, an extension module in it, and one in a namespace."""
    own = "cp" + engine[2].replace(".", "")
    path = folder.path / f"{name}-1.0-{python or own}-{python or own}-linux_x86_64.whl"
    info = f"{name}-1.0.dist-info"
    files = {f"{name}/__init__.py": b"", f"{name}/plain.py": b"",
             f"{name}/_fast{engine[1]}": built("_fast", MULTI).read_bytes(),
             f"space_{name}/inner/_deep{engine[1]}": built("_deep", SINGLE).read_bytes(),
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
             f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {own}-{own}-linux_x86_64\n".encode()}
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"]).encode()
    with zipfile.ZipFile(path, "w") as wheel:
        for file, data in files.items():
            wheel.writestr(file, data)
    return path


def test_wheel(folder, built, engine):
    found = {one["module"]: one for one in facts(folder, "--static", make_wheel(folder, built, engine))}
    assert found.keys() == {"shop._fast", "space_shop.inner._deep"}
    assert found["shop._fast"]["verdict"] == "own GIL"
    assert found["shop._fast"]["file"].endswith(f".whl:shop/_fast{engine[1]}")


def test_wheels_that_cannot_be_checked(folder, built, engine):
    wheel = make_wheel(folder, built, engine, python="cp39")
    result = check(folder, wheel)
    assert (result.returncode, result.stdout) == (2, "")
    assert "is for cp39-cp39, the engine is CPython" in result.stderr
    assert len(facts(folder, "--static", wheel)) == 2
    for name, words in (("shop.whl", "not the name of a wheel"), ("shop-1-py3-none-any.whl", "not a wheel")):
        folder.write(name, "PK no")
        result = check(folder, name)
        assert (result.returncode, words in result.stderr) == (2, True), result.stderr


@pytest.fixture(scope="session")
def environment(engine_python, tmp_path_factory):
    """An empty virtual environment of the engine."""
    path = tmp_path_factory.mktemp("environment") / "venv"
    made = subprocess.run([engine_python, "-m", "venv", path], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"the engine makes no virtual environments: {made.stdout}{made.stderr}")
    return path


def test_environment_and_names_in_it(folder, built, engine, environment):
    wheel = make_wheel(folder, built, engine, name="store")
    subprocess.run([environment / "bin/python", "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--force-reinstall", wheel],
                   check=True, capture_output=True)
    both = {"store._fast", "space_store.inner._deep"}
    assert {one["module"] for one in facts(folder, "--static", environment)} == both
    named = ["--static", "--venv", environment]
    assert {one["module"] for one in facts(folder, *named, "store")} == both  # all of its distribution
    assert {one["module"] for one in facts(folder, *named, "store._fast")} == {"store._fast"}
    assert {one["module"] for one in facts(folder, *named, "space_store")} == {"space_store.inner._deep"}
    file = environment / f"lib/python{engine[2]}/site-packages/space_store/inner/_deep{engine[1]}"
    assert only(folder, "--static", file)["module"] == "space_store.inner._deep"


def test_requirements(folder, built, engine, environment):
    make_wheel(folder, built, engine)
    folder.write("needs/requirements.txt", f"--no-index\n../{next(folder.path.glob('shop*.whl')).name}\n")
    found = facts(folder, "--static", "needs/requirements.txt")
    assert {one["module"] for one in found} == {"shop._fast", "space_shop.inner._deep"}
    folder.write("needs/wrong.txt", "--no-index\nno-such-thing-anywhere\n")
    result = check(folder, "needs/wrong.txt")
    assert (result.returncode, result.stdout) == (2, "")
    assert "pip could not install it: ERROR: " in result.stderr
    assert "No matching distribution found for no-such-thing-anywhere" in result.stderr


def test_folder_of_packages(folder, built, engine):
    put(folder, f"src/pkg/sub/multi{engine[1]}", built("multi", MULTI))
    folder.write("src/pkg/__init__.py")
    folder.write("src/pkg/sub/__init__.py")
    put(folder, "src/pkg/libhelp.so", built("libhelp", "int helped; \n"))  # no module: a library
    assert only(folder, "--static", "src")["module"] == "pkg.sub.multi"
    assert only(folder, "--static", "src/pkg/sub")["module"] == "pkg.sub.multi"


def test_package_without_extension_modules(folder):
    result = check(folder, "json.tool")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "json.tool: no extension modules\nnothing to check\n"


@pytest.mark.parametrize("target, words", [
    ("nothing-of-that-name", "no such file, no importable module and no installed distribution"),
    ("no/such.so", "no/such.so: no such file or folder"),
    ("plain.cfg", "none of a .so, a wheel (.whl), a folder and a requirements file (.txt)"),
    ("empty", "no extension module in empty"),
])
def test_bad_targets(folder, target, words):
    folder.write("plain.cfg", "x = 1\n")
    folder.write("empty/x.py")
    result = check(folder, target)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_stdlib_by_files(folder):
    found = {one["module"]: one for one in facts(folder, "--static", "--stdlib")}
    assert {"_json", "_datetime", "zlib"} <= found.keys()
    assert not {"_testcapi", "sys"} & found.keys()
    for name in ("_json", "zlib"):
        assert found[name]["elf"] is None or found[name]["verdict"] == "own GIL"


# --- options and output ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args, words", [
    ([], "nothing to check"),
    (["--require", "best", "x.so"], "--require: 'best' is none of own-gil, private, shared-gil and main"),
    (["--jobs", "0", "x.so"], "--jobs: '0' is not a number from 1"),
    (["--timeout", "soon", "x.so"], "--timeout: 'soon' is not a time"),
    (["--color", "red", "x.so"], "--color: 'red' is none of auto, always, never"),
    (["--snippet", "nowhere.py", "x.so"], "--snippet: cannot read nowhere.py"),
    (["--venv", "nowhere", "x.so"], "--venv: no virtual environment in nowhere"),
    (["--stat", "--requires", "main", "x.so"], "unknown option: --requires (did you mean --require?)"),
    (["x.so", "--verboos"], "did you mean --verbose?"),
    (["x.so", "-q"], "unknown option: -q"),
    (["--timeout"], "--timeout needs a value"),
])
def test_wrong_command_line(folder, args, words):
    result = check(folder, *args)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("wanted, status", [("own-gil", 1), ("private", 0), ("shared-gil", 0), ("main", 0)])
def test_exit_status_is_for_ci(folder, built, wanted, status):
    result = check(folder, "--static", "--require", wanted, built("single", SINGLE))
    assert (result.returncode, result.stderr) == (status, "")
    assert ("not as good as wanted" in result.stdout) == (status == 1)


def test_table_and_evidence(folder, built):
    brief = check(folder, "--static", built("single", SINGLE), built("multi", MULTI)).stdout
    assert brief.splitlines()[0].split() == ["MODULE", "VERDICT", "INIT", "SAYS", "WHY"]
    assert [line.split()[0] for line in brief.splitlines()[1:3]] == ["single", "multi"]
    assert "2 extension modules on CPython" in brief
    long = check(folder, "--static", "--verbose", built("single", SINGLE)).stdout
    for words in ("counter: data", "thing_type: static type", "to change", "PyModuleDef_Init", "calls", "because"):
        assert words in long
    assert "\033" not in brief + long


def test_colours(folder, built):
    file = built("single", SINGLE)
    assert "\033[32mprivate copy" in check(folder, "--static", "--color", "always", file).stdout
    with folder.on_terminal("check", "--static", file) as terminal:
        assert terminal.finish() == 0
    assert "\033[32mprivate copy" in terminal.seen
    assert [line.split()[0] for line in terminal.screen[:2]] == ["MODULE", "single"]
    assert all(len(line) <= 100 for line in terminal.screen)
    with folder.on_terminal("check", "--static", file, env={"NO_COLOR": "1"}) as terminal:
        assert terminal.finish() == 0
    assert "private copy" in terminal.seen and "\033[32m" not in terminal.seen


# --- probes, and what stays --------------------------------------------------------------------------------------------------


def test_probed_and_remembered(folder, built, engine):
    cache = folder.write("cache/isles/verdicts.json", '{"00": {"3.13": {"verdict": "shared GIL"}}}')
    one = only(folder, built("multi", MULTI), "--require", "own-gil", status=0)
    assert (one["verdict"], one["basis"], one["said"]["end"]) == ("own GIL", "probes", "ok")
    assert {probe["scene"]: probe["end"] for probe in one["probes"]}["two at once"] == "ok"
    verdicts = json.loads(cache.read_text())
    assert verdicts.keys() == {"00", one["sha256"]}
    assert verdicts[one["sha256"]][engine[2]]["verdict"] == "own GIL"
    cache.unlink()
    check(folder, "--no-cache", built("multi", MULTI))
    assert not cache.exists()


def test_snippet_is_what_exercises_it(folder, built):
    folder.write("good.py", "assert module.__name__ == 'multi'\n")
    folder.write("bad.py", "module.nothing_like_that\n")
    assert only(folder, "--snippet", "good.py", built("multi", MULTI))["verdict"] == "own GIL"
    one = only(folder, "--snippet", "bad.py", built("multi", MULTI), status=1)
    assert one["verdict"] == "broken"
    assert "nothing_like_that" in one["reasons"][0]


def test_what_it_needs_is_not_installed(folder, built, engine):
    put(folder, f"pkg/multi{engine[1]}", built("multi", MULTI))
    folder.write("pkg/__init__.py", "import a_module_that_nobody_has\n")
    one = only(folder, "pkg", status=1)
    assert (one["module"], one["verdict"]) == ("pkg.multi", "unknown")
    assert "not installed" in " ".join(one["reasons"])
