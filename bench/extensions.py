"""Real parallel work: two interpreters with private copies of numpy and pandas, beside two processes (multiprocessing's spawn) and
two threads in one interpreter.

    PYTHONPATH=build/python python3.14 bench/extensions.py [--quick] [--groups N] [--rounds N] [--json FILE] [--page FILE]

Run by the engine's python. numpy and pandas are installed from PyPI, once, in the cache. Each way is a process of its own, warm; they
take turns in each round, in one order after the other: who comes after the threads, which leave a core idle, finds another machine than
who comes after two busy cores. They are started afresh a dozen times: where the system lays memory makes one start a few percent faster
than another. A ratio is the median of the rounds' ratios. Exit status 77 where PyPI can't be reached.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import isles
import report

SOURCE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "scripts"))
import venvs  # noqa: E402

WAYS = ("interpreters", "processes", "threads")
NAMES = {"interpreters": "two interpreters, private copies", "processes": "two processes", "threads": "two threads"}
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = ("numpy", "pandas")


class Peer:
    """A way, in its process."""

    def __init__(self, way, venv):
        command = [str(venv / "bin" / "python"), str(SOURCE / "bench" / "extensions_peer.py"), way, str(venv)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **ONE_THREAD})  # fmt: skip
        self.first = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[2]} ended with status {self.process.wait()}")
        return json.loads(line)

    def round(self, units):
        self.process.stdin.write(f"{units}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(60)
        if status != 0:
            sys.exit(f"{self.process.args[2]} ended with status {status}")


def measure(venv, groups, rounds, starts, units):
    found = {way: {"first": [], "rounds": []} for way in WAYS}
    for _ in range(starts):  # cold, one after the other
        for way in WAYS:
            peer = Peer(way, venv)
            found[way]["first"].append(peer.first)
            peer.close()
    orders = itertools.cycle(itertools.permutations(WAYS))
    for _ in range(groups):
        take_turns({way: Peer(way, venv) for way in WAYS}, itertools.islice(orders, rounds), units, found)
    check(found)
    return found


def take_turns(peers, orders, units, found):
    for peer in peers.values():
        peer.round(1)
    for order in orders:
        for way in order:
            found[way]["rounds"].append(peers[way].round(units))
    for peer in peers.values():
        peer.close()


def check(found):
    """All have done the same work, and right."""
    for part in "first", "rounds":
        answers = {json.dumps(result["answers"]) for way in WAYS for result in found[way][part]}
        if len(answers) != 1:
            sys.exit(f"the ways' answers differ: {answers}")


def values(found, way, part, key):
    return [result[key] for result in found[way][part]]


def spread(numbers, unit):
    summary = {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers)}
    return report.cell(unit, summary)


def ratios(found, way, part, key):
    """How many times what the interpreters take that way takes, in each round."""
    return [theirs / ours for theirs, ours in zip(values(found, way, part, key), values(found, "interpreters", part, key))]


def ratio(found, way, part, key):
    numbers = ratios(found, way, part, key)
    return f"{statistics.median(numbers):.3g} <small>({min(numbers):.3g} … {max(numbers):.3g})</small>"


FIGURES = (
    ("a round of work, both workers at once", "rounds", "seconds", "ns", 1e9),
    ("CPU time of a round", "rounds", "cpu", "ns", 1e9),
    ("time to the first result of both", "first", "seconds", "ns", 1e9),
    ("memory after the first result", "first", "memory", "bytes", 1),
    ("memory after the last round", "last", "memory", "bytes", 1),
)


def lines(found):
    for way in WAYS:
        found[way]["last"] = found[way]["rounds"][-1:]
    yield f"| figure |{''.join(f' {NAMES[way]} |' for way in WAYS)} processes ÷ interpreters | threads ÷ interpreters |"
    yield "|---|" + "---|" * (len(WAYS) + 2)
    for title, part, key, unit, scale in FIGURES:
        cells = "".join(f" {spread([value * scale for value in values(found, way, part, key)], unit)} |" for way in WAYS)
        yield f"| {title} |{cells} {ratio(found, 'processes', part, key)} | {ratio(found, 'threads', part, key)} |"


PAGE = """\
# numpy and pandas in parallel

Made by `bench/extensions.py`; don't edit it. Two interpreters of one process, each with its own GIL and
private copies of numpy and pandas, beside two processes (`multiprocessing`, spawn, the same libraries) and two threads
of one interpreter. Both workers do the same at once (`bench/extensions_work.py`: matrices, FFT, sorting; merge, group-by, pivot, rolling
means, a loop over rows), {units} units a round. OpenBLAS is held to one thread in all ways (`OPENBLAS_NUM_THREADS=1`):
else two workers would each start as many as there are cores.

The ways take turns, in one order after the other; a figure is the median, with the least and the greatest beside it; a ratio is the
median of the rounds' ratios, and more than 1 says that the interpreters take less. {rounds} rounds of each of {groups} starts, and {starts} cold
starts. The 95 % interval is that of the starts' medians: where the system lays memory makes one start a few percent faster than another.
The CPU time is that of all processes of the way; where other programs keep the cores busy, it tells more than the time that passed.
Time to the first result: from before the workers are made (Python runs already) until both have imported numpy and pandas and done one
unit. Memory: Pss of all processes of the way.

## CPython {python}

{cores} cores, {system}, {date}, Isles {isles}, numpy {numpy}, pandas {pandas}; load average {load} when it began, {load_end} when it ended.

{table}

Wanted: no slower than processes, {verdict}. For your own machine: `PYTHONPATH=build/python python3.14 bench/extensions.py`.
"""


def version_of(venv, package):
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([venv / "bin" / "python", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def medians(numbers, groups):
    """Of each group, the rounds of one start."""
    rounds = len(numbers) // groups
    return [statistics.median(numbers[i * rounds : (i + 1) * rounds]) for i in range(groups)]


def judged(found, groups):
    numbers = ratios(found, "processes", "rounds", "seconds")
    times, (low, high) = statistics.median(numbers), report.interval(medians(numbers, groups))
    verdict = "met" if times >= 1 else "no difference that these starts could tell" if high >= 1 else "**MISSED**"
    return f"{times:.3g} times their speed (95 %: {low:.3g} … {high:.3g}): {verdict}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few samples, which say nothing")
    parser.add_argument("--groups", type=int, default=12, help="how often the ways are started for their rounds")
    parser.add_argument("--rounds", type=int, default=6, help="... and how many rounds each time: multiples of 6 see all orders")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    cache = Path(os.environ.get("ISLES_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isles")
    venv = cache / "bench-extensions" / platform.python_version()
    venv.parent.mkdir(parents=True, exist_ok=True)
    venvs.environment_or_skip(venv, *PACKAGES)
    load = os.getloadavg()[0]
    groups, rounds, starts, units = (1, 2, 1, 1) if options.quick else (options.groups, options.rounds, 5, 8)
    found = measure(venv, groups, rounds, starts, units)
    facts = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0)), "date": time.strftime("%Y-%m-%d"),
             "system": f"{platform.system()} {platform.machine()}", "isles": isles.__version__, "load": f"{load:.1f}",
             "load_end": f"{os.getloadavg()[0]:.1f}", "groups": groups, "rounds": rounds, "starts": starts, "units": units,
             **{package: version_of(venv, package) for package in PACKAGES}}  # fmt: skip
    table = "\n".join(lines(found))
    print(table)
    print(f"against processes: {judged(found, groups)}")
    if options.json:
        options.json.write_text(json.dumps({**facts, "ways": found}, indent=1) + "\n")
    if options.page:
        options.page.write_text(PAGE.format(**facts, table=table, verdict=judged(found, groups)))


if __name__ == "__main__":
    main()
