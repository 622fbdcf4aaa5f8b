"""What docs/pytest.md shows is what one sees."""

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pytest.md"
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page(suite):
    result, shown = None, 0
    for language, name, text in BLOCK.findall(PAGE.read_text()):
        if language == "python":
            (suite.path / name).write_text(text)
        elif language == "sh":
            result = suite.run(*shlex.split(text)[1:])
        else:
            result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in text.splitlines()], consecutive=True)
            shown += 1
    assert shown == PAGE.read_text().count("```text") > 4
