"""What a pool costs: isles.InterpreterPoolExecutor beside concurrent.futures' InterpreterPoolExecutor and ProcessPoolExecutor
(by its forkserver), with two workers each; and a call from the main thread, beside concurrent.interpreters.

    PYTHONPATH=build/python python3.14 bench/pools.py [--quick] [--json FILE] [--page FILE]

Run by the engine's python, 3.14 or newer, which has the peers. All ways are warm, and take turns in each round; a figure is the
median of its rounds, a ratio the median of the rounds' ratios. Targets are said, not asserted.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import platform
import statistics
import time
from pathlib import Path

import isles
import pools_work as work
import report

DOCUMENT = {"records": [{"id": n, "name": f"name {n}", "tags": ["a", "b"], "value": n / 3} for n in range(143)]}
MEGABYTE = bytes(range(256)) * 4096

POOLS = {
    "isles": isles.InterpreterPoolExecutor,
    "interpreters": getattr(concurrent.futures, "InterpreterPoolExecutor", None),
    "processes": lambda workers: concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver")),
}
NAMES = {"isles": "Isles", "interpreters": "InterpreterPoolExecutor", "processes": "ProcessPoolExecutor"}


def seconds(function, *args):
    began = time.perf_counter()
    function(*args)
    return time.perf_counter() - began


def round_trips(pool, n, function, *args):
    for _ in range(n):
        pool.submit(function, *args).result()


def all_at_once(pool, n):
    for future in [pool.submit(work.nothing) for _ in range(n)]:
        future.result()


def cycle(make):
    with make(2) as pool:
        for future in [pool.submit(work.nothing) for _ in range(2)]:
            future.result()


def cores(pool, n):
    for future in [pool.submit(work.count, n) for _ in range(2)]:
        future.result()


# name -> (title, what one is, seconds for one, {peer: (must, aim)})
def cases(quick):
    n = 1 if quick else 20
    return {
        "round_trip": ("submit().result() of a no-op", lambda p: seconds(round_trips, p, 50 * n, work.nothing) / (50 * n),
                       {"interpreters": (3, 6)}),
        "rate": ("no-op tasks, all submitted at once: time for one", lambda p: seconds(all_at_once, p, 100 * n) / (100 * n),
                 {"interpreters": (4, 10)}),
        "document": ("a structure of 1,000 values there and back",
                     lambda p: seconds(round_trips, p, 10 * n, work.same, DOCUMENT) / (10 * n),
                     {"interpreters": (5, 10), "processes": (3, 5)}),
        "megabyte": ("1 MB of bytes there and back", lambda p: seconds(round_trips, p, 10 * n, work.same, MEGABYTE) / (10 * n),
                     {"processes": (20, 50)}),
        "cores": ("a CPU-bound loop in both workers", lambda p: seconds(cores, p, 50_000 * n), {"processes": (1, None)}),
    }


def measure(quick):
    rounds = 2 if quick else 21
    ways = {way: make for way, make in POOLS.items() if make is not None}
    samples = {}
    pools = {way: make(2) for way, make in ways.items()}
    try:
        for name, (_, measure_one, _) in cases(quick).items():
            for way, pool in pools.items():
                measure_one(pool)  # warm
            samples[name] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, pool in pools.items():
                    samples[name][way].append(measure_one(pool))
    finally:
        for pool in pools.values():
            pool.shutdown()
    samples["cycle"] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, make in ways.items():
            samples["cycle"][way].append(seconds(cycle, make))
    samples["call"] = measure_call(quick, rounds)
    return samples


def measure_call(quick, rounds):
    n = 10 if quick else 200
    ours = isles.Interpreter()
    ways = {"isles": ours.call}
    try:
        from concurrent import interpreters
    except ImportError:
        pass
    else:
        ways["interpreters"] = interpreters.create().call
    found = {way: [] for way in ways}
    for _ in range(rounds):
        for way, call in ways.items():
            found[way].append(seconds(lambda call=call: [call(abs, -1) for _ in range(n)]) / n)
    ours.close()
    return found


TARGETS = {
    "cycle": ("a pool of two: made, two tasks, shut down", {"interpreters": (2, 5)}),
    "call": ("a call from the main thread", {"interpreters": (5, 15)}),
}


def described():
    return {name: (title, targets) for name, (title, _, targets) in cases(False).items()} | TARGETS


def spread(values):
    ns = [value * 1e9 for value in values]
    return report.cell("ns", {"median": statistics.median(ns), "min": min(ns), "max": max(ns)})


def judge(ratios, target):
    """No slower (1x) is judged by the interval of the median: nearer to 1 than that nothing can be told."""
    if target is None:
        return ""
    met = statistics.median(ratios) >= target
    low, high = report.interval(ratios)
    if target == 1 and not met and high >= 1:
        return f"≥ 1x: no difference that could be told (95 %: {low:.3g} … {high:.3g})"
    return f"≥ {target}x: {'met' if met else '**MISSED**'}"


def lines(samples):
    yield "| case | Isles | compared with | Isles is faster by | must | aim |"
    yield "|---|---|---|---|---|---|"
    for name, (title, targets) in described().items():
        first = f"| {title} | {spread(samples[name]['isles'])} |"
        for way, values in samples[name].items():
            if way == "isles":
                continue
            ratios = [theirs / ours for theirs, ours in zip(values, samples[name]["isles"])]
            ratio = statistics.median(ratios)
            must, aim = targets.get(way, (None, None))
            low, high = f"{min(ratios):.3g}", f"{max(ratios):.3g}"
            peer = "concurrent.interpreters" if name == "call" else NAMES[way]
            yield (f"{first} {peer}: {spread(values)} | {ratio:.3g} <small>({low} … {high})</small> | "
                   f"{judge(ratios, must)} | {judge(ratios, aim)} |")
            first = "| | |"


PAGE = """\
# What a pool costs

Made by `bench/pools.py`; don't edit it. `isles.InterpreterPoolExecutor` beside the pools of `concurrent.futures` (processes by
the forkserver), two workers each, and a call beside `concurrent.interpreters`. All ways are warm and take turns; a figure
is the median of {rounds} rounds, with the least and the greatest beside it, a ratio the median of the rounds' ratios. Compare
within a row. To wake a thread on an idle core has its price (some 50 µs on this machine), and a round trip has two; threads of
Isles look for a moment before they sleep. A megabyte there and back is copied once, 21 µs at the least
([memcpy](bench-messages.md)), and twice that in the minutes in which a virtual machine's cores are far from each other: back it comes as
the object that it is, since the worker has no other use for it. For your own machine: `PYTHONPATH=build/python python3.14 bench/pools.py`.

## CPython {python}

{cores} cores, {system}, {date}, Isles {isles}; load average {load} when it began.

{table}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few samples, which say nothing")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    samples = measure(options.quick)
    facts = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0)), "date": time.strftime("%Y-%m-%d"),
             "system": f"{platform.system()} {platform.machine()}", "isles": isles.__version__, "load": f"{load:.1f}"}  # fmt: skip
    table = "\n".join(lines(samples))
    print(table)
    if options.json:
        options.json.write_text(json.dumps({**facts, "seconds": samples}, indent=1) + "\n")
    if options.page:
        options.page.write_text(PAGE.format(**facts, rounds=len(samples["call"]["isles"]), table=table))


if __name__ == "__main__":
    main()
