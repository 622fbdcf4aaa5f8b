"""A process has one engine: the one that loads the package."""

import ctypes
import subprocess
import sys
import textwrap
import unittest

from isles import _host


class Engine(unittest.TestCase):
    def test_the_module_has_no_engine_inside_and_needs_none(self):
        module = ctypes.CDLL(_host.__file__)
        self.assertTrue(module.PyInit__host)
        with self.assertRaises(AttributeError):  # looked for in the module, and in all libraries that it needs
            module.Py_InitializeFromConfig

    def test_no_other_libpython_is_loaded(self):
        """Where python has it built in, as Debian's has, none is."""
        source = """
            def loaded():
                with open("/proc/self/maps") as maps:
                    return {line.split()[-1] for line in maps if "libpython" in line}

            before = loaded()
            import isles
            with isles.Interpreter() as it:
                it.exec("import ctypes, json, decimal")
            print(len(before) < 2, loaded() == before, loaded())
        """
        command = [sys.executable, "-c", textwrap.dedent(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout.split()[:2], ["True", "True"], done.stdout + done.stderr)
