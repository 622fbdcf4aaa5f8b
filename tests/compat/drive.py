"""Runs the smoke test of a package, in whatever interpreter this is: drive.py SMOKE.py FOLDER PARTNERS REPEATS

Where there are partners (other interpreters of the process), it waits for the first of them in FOLDER, so that they import at
once and work at once. The last line of the output is a JSON object.
"""

import importlib.util
import json
import os
import sys
import tempfile
import time

PATIENCE = 40  # s; a partner that died does not come


def come(folder, place):
    here = os.path.join(folder, place)
    os.makedirs(here, exist_ok=True)
    os.close(tempfile.mkstemp(dir=here)[0])


def meet(folder, place, partners):
    """Goes on when as many have come to this place as there are at once."""
    come(folder, place)
    until = time.monotonic() + PATIENCE
    while len(os.listdir(os.path.join(folder, place))) < partners and time.monotonic() < until:
        time.sleep(0.002)


def load(path):
    spec = importlib.util.spec_from_file_location("smoke", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["smoke"] = module
    spec.loader.exec_module(module)
    return module


def extensions():
    """The extension modules that are loaded, less those of Python."""
    own = os.path.dirname(os.__file__) + "/lib-dynload"
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    return sum(".so" in os.path.basename(file) and not file.startswith(own) for file in files)


def main(path, folder, partners, repeats):
    meet(folder, "import", int(partners))
    try:
        smoke = load(path)
    except BaseException:
        come(folder, "work")  # nobody waits for this one
        raise
    meet(folder, "work", int(partners))
    for _ in range(int(repeats)):
        smoke.work()
    print(json.dumps({"worked": int(repeats), "extensions": extensions()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
