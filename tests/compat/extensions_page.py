"""docs/compat.md, from the results of scripts/compat-extensions."""

import collections

import reasons

MODES = ("main", "strict", "shared", "private")
WORDS = {"ok": "works", "refused": "refused", "failed": "fails", "crash": "crash", "hang": "hangs"}

INTRO = """\
# Packages with extension modules

Made by `scripts/compat-extensions page`; don't edit it. Widely used packages of PyPI that have extension modules (or are thin
over one), each with a smoke test of real work in `tests/compat/extensions/`: it computes something and checks the answer.
They are those that the authors know as the most downloaded; the list was not taken from PyPI's statistics. Left out are those that
can't be imported without a library of the system (pyodbc), and that only load a library by ctypes (lightgbm, xgboost). torch is
PyPI's wheel, which is the one for CUDA (5 GB with what it needs), and works on the CPU.

Each cell is a process (in private mode two, one after the other) with a deadline:

- **plain**: the engine's own `python`.
- **strict**: two interpreters at once, each with its own GIL (`isles run -n 2`): CPython's rule. *Refused* is what CPython or the
  extension itself says to it.
- **shared**: two interpreters at once that share the main interpreter's GIL (`--gil shared`).
- **private**: four interpreters, two at once, each with its own GIL and [private copies](extensions.md) of the extensions that
  would refuse (`--extensions private -n 4 --jobs 2`), and that twice. They import at once and work at once, three times over.

"one: works" is where two at once failed and a single interpreter of the process works. What was run is what pip took for
that engine that day; for 3.15, some have no wheel yet. `scripts/compat-extensions run` does it again, for the engine that Isles was built for.

## A soak

`bench/soak_extensions.py` makes, uses and ends interpreters with private copies of numpy, two at a time, in a Python that has imported
`isles`. An hour on 3.14.8, 2026-11-28, on two cores that had a load of 4 to 10 from other work: 32,588 interpreters, no crash, no wrong
answer, none stuck (an end may take 120 s there). One copy is left loaded, whatever the number of interpreters. Memory grows by 2.07 MB
for each interpreter (the slope of anonymous memory): 1.6 MB of it comes with `import numpy` alone, and is what extensions take by
`malloc` and never free. So the soak goes on in a new process when one has grown to 3 GB (22 of them in the hour).
`PYTHONPATH=build/python python3.14 bench/soak_extensions.py --minutes 60` does it again.

"""


def make(results):
    results = sorted(results, key=lambda result: [int(part) for part in result["version"].split(".")])
    return INTRO + totals(results) + "\n" + table(results) + "\n" + why(results)


def had(result):
    """Packages that could be installed, and that plain Python runs."""
    return {name: entry["modes"] for name, entry in result["packages"].items()
            if entry.get("modes", {}).get("main", {}).get("end") == "ok"}


def totals(results):
    lines = ["## Totals", "", "Of the packages that have a wheel for the engine and work in plain Python.", "",
             "| engine | date | packages | strict | shared | **private** | crashes in strict, shared, private |",
             "|---|---|---|---|---|---|---|"]
    for result in results:
        packages = had(result)
        count = collections.Counter((mode, modes[mode]["end"]) for modes in packages.values() for mode in MODES if mode in modes)
        tried = collections.Counter(mode for modes in packages.values() for mode in MODES if mode in modes)
        cells = [f"{count[mode, 'ok']} of {tried[mode]} ({share(count[mode, 'ok'], tried[mode])})" if tried[mode] else "not run"
                 for mode in MODES[1:]]
        crashes = [str(count[mode, "crash"]) for mode in MODES[1:]]
        lines.append(f"| {result['version']} | {result['date']} | {len(packages)} | {' | '.join(cells)} | {', '.join(crashes)} |")
    return "\n".join(lines) + "\n"


def share(part, whole):
    return f"{100 * part / whole:.0f}%"


def cell(entry):
    if entry is None:
        return ""
    text = WORDS[entry["end"]]
    if entry["end"] == "ok":
        return text
    if entry["end"] == "crash":
        text = f"crash ({entry['signal']})"
    if entry.get("alone") == "ok":
        text += "; one: works"
    return text


def table(results):
    lines = ["## Table", "", "An empty cell: no wheel for this engine, or not run.", ""]
    head = "".join(f" {result['version']} | plain | strict | shared | private |" for result in results)
    lines += [f"| package |{head}", "|---|" + "---|" * (5 * len(results))]
    for name in sorted({name for result in results for name in result["packages"]}, key=str.lower):
        cells = []
        for result in results:
            entry = result["packages"].get(name) or {}
            modes = entry.get("modes", {})
            cells += [entry.get("version") or "", *(cell(modes.get(mode)) for mode in MODES)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def why(results):
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for result in results:
        for name, modes in had(result).items():
            entry = modes.get("private", {"end": "ok"})
            if entry["end"] != "ok":
                reason = reasons.of(name, "private", entry, result["version"])
                found[reason or "Not explained."][name].append(f"{result['version']}: {cell(entry)}")
    lines = ["## What does not work in private mode, and why", ""]
    for reason, names in found.items():
        listed = "; ".join(f"**{name}** ({', '.join(said)})" for name, said in names.items())
        lines.append(f"- {listed}. {reason}")
    return "\n".join(lines if found else [*lines, "Nothing failed."]) + "\n"
