"""isles.inspect_extension and extension_copies, with the extension modules of tests/extensions. What is inspected is loaded, so that
is done in a process of its own."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import unittest
from pathlib import Path

import isles
import work

FOLDER = Path(os.environ.get("ISLES_EXTENSIONS", "build/extensions"))
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


def file_of(name):
    return FOLDER / f"{name}{SUFFIX}"


def in_child(source):
    done = subprocess.run([sys.executable, "-c", "import isles, json, sys\n" + source], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(done.stdout)


class Inspect(unittest.TestCase):
    def test_what_modules_say(self):
        names = ("static_counter", "static_type", "cpp_statics")
        files = {name: str(file_of(name)) for name in names}
        found = in_child(f"print(json.dumps([isles.inspect_extension(f)._asdict() for f in {files!r}.values()]))")
        single, unsaid, own = found
        self.assertEqual(single, {"init": "single-phase", "interpreters": None, "gil": None, "state_size": -1})
        self.assertEqual((unsaid["init"], unsaid["interpreters"]), ("multi-phase", None))
        self.assertEqual((own["init"], own["interpreters"]), ("multi-phase", "own GIL"))

    def test_in_an_interpreter_too_and_by_path(self):
        source = f"import isles, pathlib\nassert isles.inspect_extension(pathlib.Path({str(file_of('cpp_statics'))!r}))[1] == 'own GIL'"
        found = in_child(f"with isles.Interpreter() as it: it.exec({source!r})\nprint(1)")
        self.assertEqual(found, 1)

    def test_no_such_module_in_it(self):
        found = in_child(f"print(json.dumps(isles.inspect_extension({str(file_of('static_counter'))!r}, 'pkg.other')))")
        self.assertIsNone(found[0])

    def test_not_loadable(self):
        with self.assertRaises(ImportError) as caught:
            isles.inspect_extension("nowhere/module.so")
        self.assertEqual((caught.exception.name, caught.exception.path), ("module", os.path.abspath("nowhere/module.so")))
        self.assertIn("cannot open shared object file", str(caught.exception))
        with tempfile.NamedTemporaryFile(suffix=".so") as empty, self.assertRaisesRegex(ImportError, "file too short"):
            isles.inspect_extension(empty.name)
        with self.assertRaises(TypeError):
            isles.inspect_extension(5)
        with self.assertRaises(ValueError):
            isles.inspect_extension("nul\0.so")

    def test_it_is_an_import_for_a_policy(self):
        with isles.Interpreter(policy=isles.Policy(rules=["deny import:static_counter"])) as it:
            it.exec("import isles")
            with self.assertRaises(ImportError):
                it.call(isles.inspect_extension, str(file_of("static_counter")))


@unittest.skipIf(work.FREE_THREADED, "extension modules are not copied there")
class Copies(unittest.TestCase):
    def test_of_one_and_of_all(self):
        before = isles.extension_copies()
        with isles.Interpreter(extensions="private", path=[str(FOLDER)]) as it:
            it.exec("import static_counter, static_object")
            stats, during = it.stats(), isles.extension_copies()
        self.assertEqual(stats["extension_copies"], 2)
        self.assertEqual(during.copies, before.copies + 2)
        self.assertEqual(during.bytes, before.bytes + stats["extension_copy_bytes"])
        self.assertEqual(isles.extension_copies(), before)  # these can be unloaded

    def test_limit(self):
        with isles.Interpreter(extensions="private", extension_copy_limit=1, path=[str(FOLDER)]) as it:
            it.exec("import static_counter")
            with self.assertRaisesRegex(ImportError, "extension_copy_limit is 1"):
                it.exec("import static_object")
