"""Makes docs/compat-stdlib.md from the results of scripts/compat-stdlib."""

import collections

import causes

HEAD = """\
# The standard library in an interpreter of Isles

CPython's own regression tests, run file by file in plain Python and in an interpreter of Isles with its own GIL, on the same
engine, and compared test by test. What is not the same is explained below, cause by cause.

**In short.** {short}

This page is made by a script; don't edit it. The words are in `tests/compat/`.

```sh
scripts/compat-stdlib run --isles build/isles --out 3.14.json      # for each engine, some 30 minutes on 2 cores
scripts/compat-stdlib page 3.13.json 3.14.json 3.15.json > docs/compat-stdlib.md
scripts/compat-stdlib run --isles build/isles test_json test_ssl   # single files
```

It needs the engine's tests: a CPython that was built from source brings them, Debian has them in `libpython3.14-testsuite` and
the like. The starred files of `tests/compat/files.txt` are also run by the test `compat.stdlib`, which fails where one
becomes different; `compat.programs` compares the whole output of small programs.

## How it was done

- Each file runs in a process of its own, two at a time: `isles run tests/compat/one_file.py` against
  `python tests/compat/one_file.py`. `isles run -m test` can't be: it imports `faulthandler`, which refuses interpreters
  with their own GIL. `one_file.py` does what it does for one file: no network, no screen, no large files, a folder of its own.
- A test that takes the process down, or lasts longer than 100 s, has failed, and the others run in another round.
- Where a file differs, a bare isolated interpreter of CPython, without Isles (`tests/compat/bare.py`), is asked too: what
  differs there in the same way is CPython's doing (a few tests it does not reach). Where no known cause explains a
  difference, both ways run once more, so that a test that is only unsteady isn't taken for a difference.
"""


def make(results):
    results = sorted(results, key=lambda result: [int(part) for part in result["version"].split(".")])
    parts = [HEAD.format(short=in_short(results)), engines(results), table(results), explanations(results), unsteady(results)]
    return "\n".join(parts)


def total(result, way):
    return [sum(column) for column in zip(*(file[way] for file in result["files"]))]


def same(file):
    return not file["differences"]


def in_short(results):
    sentences = []
    for result in results:
        files = result["files"]
        plain = total(result, "plain")
        differing = sum(len(file["differences"]) for file in files)
        bare = sum(owner_of(entry) == causes.CPYTHON and entry["bare"] == entry["isles"]
                   for file in files for entry in file["differences"])
        sentences.append(f"{result['version']}: {sum(map(same, files))} of {len(files)} files are the same,"
                         f" {differing:,} of {plain[0]:,} tests differ, {bare:,} of them in a bare isolated interpreter"
                         f" of CPython too.")
    return " ".join(sentences)


def owner_of(entry):
    return next((cause.owner for cause in causes.CAUSES if cause.name == entry["cause"]), "")


def engines(results):
    lines = ["## Engines", "", "| engine | date | files | tests run, plain | Isles | passed, plain | Isles | same files |",
             "|---|---|---|---|---|---|---|---|"]
    for result in results:
        plain, isles = total(result, "plain"), total(result, "isles")
        lines.append(f"| {result['version']} | {result['date']} | {len(result['files'])} | {plain[0]:,} | {isles[0]:,} |"
                     f" {plain[1]:,} | {isles[1]:,} | {sum(map(same, result['files']))} |")
    return "\n".join(lines) + "\n"


def table(results):
    head = "".join(f" {result['version']}, plain | Isles |" for result in results)
    lines = ["## Table", "", "Each cell: ran / passed / failed / skipped. A file that isn't the same names its causes; an"
             " empty cell: the engine has no such file.", "",
             f"| file |{head} |", "|---|" + "---|---|" * len(results) + "---|"]
    names = dict.fromkeys(file["name"] for result in results for file in result["files"])
    for name in names:
        cells, why = [], []
        for result in results:
            file = next((file for file in result["files"] if file["name"] == name), None)
            cells.append(f" {counts(file['plain'])} | {counts(file['isles'])} |" if file else " | |")
            why += [entry["cause"] or "not explained" for entry in (file["differences"] if file else [])]
        verdict = "different: " + ", ".join(dict.fromkeys(why)) if why else "same"
        lines.append(f"| {name} |{''.join(cells)} {verdict} |")
    return "\n".join(lines) + "\n"


def counts(numbers):
    return " / ".join(map(str, numbers))


def explanations(results):
    lines = ["## Why"]
    for owner, title in ((causes.CPYTHON, "What CPython's isolated interpreters do"), (causes.ISLES, "What Isles does")):
        lines += ["", f"### {title}"]
        for cause in causes.CAUSES:
            if cause.owner == owner:
                lines += explain(cause, results)
    unknown = [entry for result in results for file in result["files"] for entry in file["differences"] if not entry["cause"]]
    if unknown:
        lines += ["", "### Not explained", "", *(f"- {entry['test']}" for entry in unknown)]
    return "\n".join(lines) + "\n"


def explain(cause, results):
    tests = collections.defaultdict(lambda: collections.defaultdict(list))  # file -> test -> versions
    for result in results:
        for file in result["files"]:
            for entry in file["differences"]:
                if entry["cause"] == cause.name:
                    tests[file["name"]][entry["test"]].append(result["version"])
    if not tests:
        return []
    count = max(sum(version in versions for file in tests.values() for versions in file.values())
                for version in (result["version"] for result in results))
    lines = ["", f"**{cause.name}** (up to {count} tests on one engine). {cause.why}", "", "<details><summary>Tests</summary>", ""]
    for file, found in tests.items():
        lines.append(f"- {file}: {', '.join(listed(file, found, len(results)))}")
    return lines + ["", "</details>"]


def listed(file, found, engine_count):
    """Test names without what all share; many of one file as a number."""
    if len(found) > 12:
        return [f"{len(found)} tests"]
    short = []
    for test, versions in found.items():
        name = test.removeprefix(f"test.{file}.")
        short.append(f"`{name}`" + ("" if len(versions) == engine_count else f" ({', '.join(versions)})"))
    return short


def unsteady(results):
    lines = ["## Unsteady tests", "", "They differed in one of two rounds only, or don't always pass in plain Python either.", ""]
    found = collections.defaultdict(list)
    for result in results:
        for file in result["files"]:
            for test in file.get("unstable", []):
                found[test.removeprefix("test.")].append(result["version"])
    lines += [f"- `{test}` ({', '.join(versions)})" for test, versions in found.items()] or ["None."]
    return "\n".join(lines) + "\n"
