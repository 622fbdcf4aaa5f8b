"""The examples of docs/python.md, docs/streams.md and docs/compartments.md: each runs as a script of its own, and prints what
the page says. Those in docstrings."""

import doctest
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import isles

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES = (DOCS / "python.md", DOCS / "streams.md", DOCS / "compartments.md")
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n\n^```text output\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Examples(unittest.TestCase):
    def examples_of(self, page):
        examples = EXAMPLE.findall(page.read_text())
        self.assertEqual(len(examples), page.read_text().count("```python\n"))
        return examples

    def test_they_print_what_the_page_says(self):
        env = dict(os.environ, PYTHONPATH=str(Path(isles.__file__).parent.parent))
        for source, output in (example for page in PAGES for example in self.examples_of(page)):
            with self.subTest(source), tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "example.py")
                path.write_text(source)
                done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60, cwd=folder,
                                      env=env)
                self.assertEqual((done.stdout, done.returncode), (output, 0), done.stderr)

    def test_those_of_docstrings_hold(self):
        found = doctest.DocTestFinder(recurse=False).find(isles, "isles")
        for name in isles.__all__:
            found += doctest.DocTestFinder().find(getattr(isles, name), f"isles.{name}", isles, globs={"isles": isles})
        runner = doctest.DocTestRunner()
        for test in found:
            runner.run(test)
        self.assertEqual(runner.failures, 0)
        self.assertGreaterEqual(runner.tries, 8)


if __name__ == "__main__":
    unittest.main()
