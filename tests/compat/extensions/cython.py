import os
import tempfile

import Cython.Compiler.Main as compiler
from Cython.Compiler import Scanning, Visitor

SOURCE = "cdef int twice(int x):\n    return 2 * x\n\ndef f(int n):\n    return [twice(i) for i in range(n)]\n"


def work():
    assert Scanning.__file__.endswith(".so") and Visitor.__file__.endswith(".so")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.pyx")
        with open(path, "w") as file:
            file.write(SOURCE)
        result = compiler.compile_single(path, compiler.CompilationOptions(compiler.default_options, language_level=3), "made")
        assert result.num_errors == 0
        with open(path[:-3] + "c") as file:
            text = file.read()
        assert "PyInit_made" in text and "_twice(int" in text
