"""How late a limit of CPU time or wall time acts, in pure Python.

    PYTHONPATH=build/python python3.14 bench/limits.py [--quick] [--samples N] [--json FILE] [--page FILE]

Run by the engine's python. Each sample runs code that would never end, in an interpreter that may use so much more time, and sees how
much it had used (CPU time) or how much time had passed (wall time) when the job was over. Once with cores to spare, and once with two
other interpreters that keep two cores busy.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import time
from pathlib import Path

import isles
import report

LIMIT = 0.05  # seconds
PROGRAMS = {
    "an empty loop": "while True: pass",
    "calls": "def f(n): return n and f(n - 1)\nwhile True: f(50)",
    "comprehensions": "while True: [x * x for x in range(1000)]",
    "exceptions, caught": "while True:\n    try: raise ValueError\n    except Exception: pass",
}
KINDS = {"cpu": "CPU time", "wall": "wall time"}
PLACES = {0: "alone", 2: "beside two busy interpreters"}


def run_out(it, code):
    try:
        it.exec(code)
    except isles.OverBudget:
        return
    raise SystemExit(f"not stopped: {code}")


def late(it, kind, code):
    """Seconds from the limit to the end of the job."""
    used = it.usage()["cpu"].used
    it.set_budgets(**{kind: used + LIMIT if kind == "cpu" else LIMIT})
    began = time.perf_counter()
    run_out(it, code)
    passed = time.perf_counter() - began
    return (it.usage()["cpu"].used - used if kind == "cpu" else passed) - LIMIT


@contextlib.contextmanager
def busy(count):
    others = [isles.Interpreter(f"busy-{number}") for number in range(count)]
    jobs = [it.submit(exec, "while True: pass") for it in others]
    try:
        yield
    finally:
        for job in jobs:
            job.cancel()
        for it in others:
            it.close()


def measure(samples):
    found = []
    for count in PLACES:
        with busy(count), isles.Interpreter("limited") as it:
            for kind in KINDS:
                for name, code in PROGRAMS.items():
                    late(it, kind, code)
                    found.append({"kind": kind, "busy": count, "code": name, "late": [late(it, kind, code) for _ in range(samples)]})
    return found


def table(found):
    lines = ["| limit | where | code | late: median | the latest |", "|---|---|---|---|---|"]
    for row in found:
        numbers = [seconds * 1e9 for seconds in row["late"]]
        cells = " | ".join(report.text_of("ns", value) for value in (statistics.median(numbers), max(numbers)))
        lines.append(f"| {KINDS[row['kind']]} | {PLACES[row['busy']]} | {row['code']} | {cells} |")
    return "\n".join(lines)


def latest(found):
    """Of each kind, with cores to spare."""
    return {kind: max(max(row["late"]) for row in found if row["kind"] == kind and row["busy"] == 0) for kind in KINDS}


PAGE = """\
# How late a limit acts

Made by `bench/limits.py`; don't edit it. Code that would never end, in an interpreter that may use {limit:.0f} ms more: how much more than
that it had used (CPU time), or how much later than that its job was over (wall time; to its caller, in another thread). {samples} samples
each. Beside two busy interpreters three threads share {cores} cores: what is late there waits for a core, not for Isles.

CPython {python}, {cores} cores, {system}, {date}, Isles {isles}; load average {load} when it began.

{table}

Wanted: within 10 ms, in pure Python; the latest with cores to spare: {cpu:.1f} ms of CPU time, {wall:.1f} ms of wall time. C code is
asked when it returns, or comes to a call that can be interrupted ([budgets.md](budgets.md)).
For your own machine: `PYTHONPATH=build/python python3.14 bench/limits.py`.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two samples each, which say nothing")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    samples = 2 if options.quick else options.samples
    facts = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0)), "date": time.strftime("%Y-%m-%d"),
             "system": f"{platform.system()} {platform.machine()}", "isles": isles.__version__, "load": f"{os.getloadavg()[0]:.1f}",
             "samples": samples}  # fmt: skip
    found = measure(samples)
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps({**facts, "limit_seconds": LIMIT, "rows": found}, indent=1) + "\n")
    if options.page:
        in_ms = {kind: seconds * 1e3 for kind, seconds in latest(found).items()}
        options.page.write_text(PAGE.format(**facts, **in_ms, limit=LIMIT * 1e3, table=table(found)))


if __name__ == "__main__":
    main()
