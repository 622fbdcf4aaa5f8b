"""Lets `import concurrent.interpreters`, InterpreterPoolExecutor, and the private modules that CPython's tests look at, find
Isles'. It imports nothing of Isles itself: site runs it while an interpreter is being made."""

import importlib
import importlib.abc
import importlib.machinery
import sys

NAMES = {
    "concurrent.interpreters": "isles.interpreters",
    "concurrent.interpreters._queues": "isles.interpreters._queues",
    "concurrent.interpreters._crossinterp": "isles.interpreters._crossinterp",
    "concurrent.futures.interpreter": "isles._pool",
    "test.support.interpreters": "isles.interpreters",  # as it was called before 3.14
    "test.support.interpreters.queues": "isles.interpreters._queues",
    "test.support.interpreters._crossinterp": "isles.interpreters._crossinterp",
    "_interpreters": "upstream_low",
    "_interpqueues": "upstream_low_queues",
}


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in NAMES else None

    def create_module(self, spec):
        module = importlib.import_module(NAMES[spec.name])
        self.spec = module.__spec__
        if spec.name == "test.support.interpreters":
            module.queues = module._queues
        return module

    def exec_module(self, module):
        module.__spec__ = self.spec


def install():
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    for name in NAMES:
        sys.modules.pop(name, None)
