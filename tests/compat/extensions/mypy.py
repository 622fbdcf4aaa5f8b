import os
import tempfile

from mypy import api, build

PROGRAM = "def f(x: int) -> str:\n    return x + 1\n"


def work():
    assert build.__file__.endswith(".so")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.py")
        with open(path, "w") as file:
            file.write(PROGRAM)
        out, _, status = api.run([path, "--cache-dir", folder, "--no-site-packages", "--custom-typeshed-dir", typeshed(folder)])
        assert status == 1 and 'got "int", expected "str"' in out, out


def typeshed(folder):
    return os.path.join(os.path.dirname(build.__file__), "typeshed")
