"""--extensions, with NumPy from PyPI, which refuses any second interpreter of a process."""
import json
import os
import pathlib
import sys

import pytest

SOURCE = pathlib.Path(os.environ.get("ISLES_SOURCE", pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(SOURCE / "scripts"))

import venvs  # noqa: E402

WORK = """
import time, isles
import numpy as np
a = np.arange(10000.0).reshape(100, 100) + np.eye(100)
for _ in range(20):
    assert np.allclose(np.linalg.inv(a) @ a, np.eye(100), atol=1e-4)
assert np.random.default_rng(1).integers(10, size=3).tolist() == [4, 5, 7]
print(np.__file__)
"""


@pytest.fixture(scope="module")
def numpy_venv(engine_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numpy") / "venv"
    why = venvs.make(folder, python=engine_python) or venvs.install(folder, "numpy")
    if why is not None:
        pytest.skip(f"NumPy could not be installed: {why}")
    return folder


def test_numpy_in_two_at_once(folder, numpy_venv):
    folder.write("work.py", WORK)
    # NumPy keeps static memory for good, which is nothing that a leak checker need tell of
    options = {"ASAN_OPTIONS": os.environ["ASAN_OPTIONS"] + ":detect_leaks=0"} if "ASAN_OPTIONS" in os.environ else {}
    done = folder.run("--venv", numpy_venv, "--extensions", "private", "--output", "json", "-n", "2", "work.py",
                      env=options)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    results = [record for record in records if record["stream"] == "result"]
    texts = [record["text"] for record in records if record["stream"] == "stdout"]
    assert [record["text"] for record in results] == ["ok", "ok"]
    assert len(texts) == 2 and all(text.startswith(str(numpy_venv)) for text in texts)
    assert all(record["copies"] > 5 and 100_000 < record["copy_bytes"] < 50_000_000 for record in results)


def test_without_it_numpy_refuses(folder, numpy_venv):
    folder.write("work.py", "import numpy")
    done = folder.run("--venv", numpy_venv, "work.py")
    assert done.returncode == 1
    assert "does not support loading in subinterpreters" in done.stderr
    done = folder.run("--venv", numpy_venv, "--gil", "shared", "--extensions", "auto", "work.py")
    assert done.returncode != 0 and "own GIL" in done.stderr


def test_mistakes(folder):
    folder.write("work.py", "")
    done = folder.run("--extensions", "own", "work.py")
    assert done.returncode == 2
    assert "--extensions: 'own' is none of strict, private, shared-gil, auto" in done.stderr


# --- a limit of copies, with the extensions of the tests ---------------------------------------------------------------------

EXTENSIONS = os.environ.get("ISLES_EXTENSIONS", "build/extensions")
TWO = "import static_counter\ntry: import static_object\nexcept ImportError as error: print(error)\nelse: print('two')\n"


def test_limit_of_copies(folder):
    folder.write("two.py", TWO)
    options = ("--path", EXTENSIONS, "--extensions", "private")
    assert folder.run(*options, "--extension-copies", "2", "two.py").stdout == "two\n"
    done = folder.run(*options, "--extension-copies", "1", "two.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "extension_copy_limit is 1" in done.stdout
    done = folder.run(*options, "two.py", "--extension-copies", "1", "two.py", "--name", "other")  # one program's own
    assert sorted(line.partition("| ")[2] == "two" for line in done.stdout.splitlines()) == [False, True]


def test_table_tells_of_copies(folder):
    folder.write("two.py", TWO)
    folder.write("none.py", "")
    options = ("--path", EXTENSIONS, "--summary")
    done = folder.run(*options, "two.py", "--extensions", "private", "none.py")
    lines = done.stderr.splitlines()
    assert lines[0].split()[-1] == "COPIES"
    assert lines[1].split()[-2] == "2," and lines[1].split()[-1][-1] in "BKM" and lines[2].split()[-1] == "-"
    assert "COPIES" not in folder.run("--summary", "none.py").stderr


@pytest.mark.parametrize("args, words", [
    (["--extension-copies", "0", "--extensions", "auto", "work.py"], "--extension-copies: '0' is not a number from 1"),
    (["--extension-copies", "5", "work.py"], "--extension-copies: goes with --extensions private or auto"),
    (["--extensions", "auto", "work.py", "--extensions", "strict", "--extension-copies", "5"], "--extension-copies: goes with"),
])
def test_mistakes_with_the_limit(folder, args, words):
    folder.write("work.py", "")
    done = folder.run(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and done.stderr.count("\n") == 1
