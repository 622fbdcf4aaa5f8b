"""One way to run two workers with numpy and pandas at once: extensions_peer.py interpreters|processes|threads VENV

Reads numbers from standard input, one a line: each makes both workers do so many units at once. Writes a JSON object for each: the
answers, the seconds that passed, the seconds of CPU time of this process and its children. The first, without being asked, once
both workers have done one unit: what it took from the import of the package or module that makes them, and the memory then.
"""

import concurrent.futures
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def processes():
    """This one and all below it."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds():
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes()]
    return sum(int(field[11]) + int(field[12]) for field in fields) / TICK


def memory_bytes():
    """What they have, each shared page divided among those that share it."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in processes()]
    return sum(int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith("Pss:")) * 1024


def make_interpreters(venv):
    import isles

    def make(number):
        return isles.Interpreter(f"worker-{number}", venv=venv, path=[os.path.dirname(__file__)], extensions="private")

    with concurrent.futures.ThreadPoolExecutor(2) as starters:
        workers = list(starters.map(make, range(2)))
    return lambda *args: [job.result() for job in [worker.submit(unit, n, *args) for n, worker in enumerate(workers)]]


def unit(*args):
    import extensions_work

    return extensions_work.unit(*args)


def make_processes(venv):
    pool = concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
    return lambda *args: [future.result() for future in [pool.submit(unit, number, *args) for number in range(2)]]


def make_threads(venv):
    pool = concurrent.futures.ThreadPoolExecutor(2)
    return lambda *args: list(pool.map(lambda number: unit(number, *args), range(2)))


def measured(round_, *args):
    cpu, began = cpu_seconds(), time.perf_counter()
    answers = round_(*args)
    return {"answers": answers, "seconds": time.perf_counter() - began, "cpu": cpu_seconds() - cpu}


def main(way, venv):
    began = time.perf_counter()
    round_ = {"interpreters": make_interpreters, "processes": make_processes, "threads": make_threads}[way](venv)
    answers = round_(1)
    first = {"answers": answers, "seconds": time.perf_counter() - began, "cpu": cpu_seconds(), "memory": memory_bytes()}
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        result = measured(round_, int(line))
        print(json.dumps({**result, "memory": memory_bytes()}), flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
