#!/usr/bin/env python3
"""shared.py SOURCE: does docs/shared.md agree with the tables of the tests?

Each resource of its first table has an entry in the second, which names rows of isolation_rows.h by their section, rows of
compartment_rows.h by how their names begin, and files of tests. All of these must be there. Where the first table says
nothing but that a resource is shared, no row of it may be one that shows an interpreter's own, unless the column "by choice"
or "by default" says so; and where rows show that something is shared, the table must say that, too.
"""

import pathlib
import re
import sys

SAYS_SHARED = re.compile(r"process's|shared|are the same|static variables|gettext|change all")
NOTHING = {"", "–"}


def tables(text):
    """Lists of rows, each a list of cells; without the heading."""
    found, rows = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            rows = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if rows is None:
            found.append(rows := [])
        elif not set(cells[0]) <= set("-: "):
            rows.append(cells)
    return found


def c_strings(text, pattern):
    return re.findall(pattern, text)


def isolation_rows(path):
    sections = {}
    for section, kind in c_strings(path.read_text(), r'\{"(48\.\d+)",\s*"(?:[^"\\]|\\.)*",\s*([A-Z]+),'):
        sections.setdefault(section, set()).add(kind)
    return sections


def compartment_names(path):
    text = path.read_text()
    return c_strings(text[text.index("changes[]"):text.index("change_count")], r'\n    \{"((?:[^"\\]|\\.)*)"')


def check(source):
    sections = isolation_rows(source / "tests/isolation_rows.h")
    names = compartment_names(source / "tests/compartment_rows.h")
    said, proofs = tables((source / "docs/shared.md").read_text())
    proved = {row[0]: row[1:] for row in proofs}
    if len(sections) < 20 or len(names) < 20:
        yield "the tables of the tests could not be read"
    for resource, default, choice, never in said:
        if resource not in proved:
            if default not in NOTHING or choice not in NOTHING:
                yield f"{resource}: no test is named"
            continue
        rows, tests = proved.pop(resource)
        if not rows and not tests:
            yield f"{resource}: no test is named"
        for row in filter(None, map(str.strip, rows.split(","))):
            if row.startswith("48."):
                kinds = sections.get(row, set())
                if not kinds:
                    yield f"{resource}: there is no row {row}"
                if "ALONE" in kinds and default in NOTHING and choice in NOTHING and "SHARED" not in kinds:
                    yield f"{resource}: said to be shared, but {row} shows it to be an interpreter's own"
                if "SHARED" in kinds and not SAYS_SHARED.search(default + never):
                    yield f"{resource}: {row} shows something to be shared, of which nothing is said"
            elif not any(name.startswith(row) for name in names):
                yield f"{resource}: no row of compartment_rows.h begins with {row}"
        for test in re.findall(r"\]\(\.\./([^)]*)\)", tests):
            if not (source / test).is_file():
                yield f"{resource}: there is no {test}"
    for resource in proved:
        yield f"{resource}: a test is named for what the first table hasn't"


if __name__ == "__main__":
    faults = list(check(pathlib.Path(sys.argv[1])))
    print("\n".join(faults) or "docs/shared.md agrees with the tests")
    sys.exit(bool(faults))
