"""The programs in examples/python/ do what they show."""

import importlib.util
import subprocess
import sys
import unittest
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "python"

OUTPUT = {
    "parallel_map.py 500": "49 of 500 odd numbers above 1,000,000,000 are prime\n",
    "plugin_host.py": (
        "count: (3, 4.666666666666667)\n"
        "shout: 'THREE WORDS HERE!'\n"
        "count: failed: ZeroDivisionError: division by zero\n"
        "shout: '!'\n"
        "count: (2, 3.5)\n"
        "shout: took too long, and was stopped\n"
        "count wrote 'wording 2\\nwording 2\\nwording 2\\n'\n"
        "shout wrote 'wording 1\\nwording 1\\n'\n"
    ),
    "asyncio_service.py": (
        "120\n3628800\nerror: factorial() not defined for negative values\n2432902008176640000\n"
    ),
}

DASK = "dask_cluster.py"
OUTPUT_OF_DASK = (
    "the longest chain below 100,000 begins at 77,031 and has 351 numbers\n"
    "a task failed: no 'price', in first_price()\n"
    "the task was stopped: it did not end within 0.5 seconds\n"
)


class Shows:
    def shows(self, command, output):
        name, *args = command.split()
        done = subprocess.run([sys.executable, EXAMPLES / name, *args], capture_output=True, text=True, timeout=100)
        self.assertEqual((done.stdout, done.returncode), (output, 0), done.stderr)


class Examples(Shows, unittest.TestCase):
    def test_they_show_what_they_say(self):
        for command, output in OUTPUT.items():
            with self.subTest(command):
                self.shows(command, output)

    def test_all_are_run(self):
        run = {command.split()[0] for command in (*OUTPUT, DASK)}
        self.assertEqual({p.name for p in EXAMPLES.glob("*.py")}, run)


@unittest.skipUnless(importlib.util.find_spec("distributed"), "distributed is not installed; python.dask has it")
class WithDask(Shows, unittest.TestCase):
    def test_dask_shows_what_it_says(self):
        self.shows(DASK, OUTPUT_OF_DASK)


if __name__ == "__main__":
    unittest.main()
