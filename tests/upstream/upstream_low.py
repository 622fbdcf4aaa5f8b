"""What CPython's tests of the public modules use of the private module _interpreters, told by Isles. The rest is the real one."""

import importlib.machinery
import importlib.util

from isles import interpreters
from isles.interpreters import InterpreterError, InterpreterNotFoundError, NotShareableError, is_shareable


def _load_real():
    for finder in (importlib.machinery.BuiltinImporter, importlib.machinery.PathFinder):
        spec = finder.find_spec("_interpreters")
        if spec is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise ImportError("this Python has no _interpreters", name="_interpreters")


_real = _load_real()
globals().update({name: value for name, value in vars(_real).items() if name not in globals()})


def get_current():
    current = interpreters.get_current()
    return current.id, WHENCE_RUNTIME if current.id == 0 else WHENCE_STDLIB  # noqa: F821


def get_main():
    return 0, WHENCE_RUNTIME  # noqa: F821


_held = {}


def create(config="isolated", *, reqrefs=False):
    if isinstance(config, str):
        config.encode()
    interp = interpreters.create()
    _held[interp.id] = interp
    return interp.id


def destroy(id, *, restrict=False):
    interp = _held.pop(id, None) or interpreters.Interpreter(id)
    interp.close()


def is_running(id, *, restrict=False):
    return interpreters.Interpreter(id).is_running()


def exec(id, code, shared=None, *, restrict=False):
    try:
        interpreters.Interpreter(id).exec(code)
    except interpreters.ExecutionFailed as error:
        return error.excinfo
    return None


def list_all(*, require_ready=False):
    return [(i.id, WHENCE_RUNTIME if i.id == 0 else WHENCE_STDLIB) for i in interpreters.list_all()]  # noqa: F821


def whence(id):
    interpreters.Interpreter(id)
    return WHENCE_RUNTIME if id == 0 else WHENCE_STDLIB  # noqa: F821
