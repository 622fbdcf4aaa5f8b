import os
import sys
import tempfile

import coverage
from coverage import tracer  # noqa: F401 (the compiled one)

PROGRAM = "def f(x):\n    if x:\n        return 1\n    return 2\n\nf(1)\n"


def work():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "measured_program.py")
        with open(path, "w") as file:
            file.write(PROGRAM)
        measure = coverage.Coverage(data_file=None, branch=True, include=[path])
        measure.set_option("run:core", "ctrace")
        measure.start()
        exec(compile(PROGRAM, path, "exec"), {})
        measure.stop()
        assert sorted(measure.get_data().lines(path)) == [1, 2, 3, 6]
        assert measure.analysis2(path)[3] == [4] and sys.gettrace() is None
