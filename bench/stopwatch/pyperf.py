"""In place of pyperf, for bench/budgets.py: times a benchmark of pyperformance where it is run, in this interpreter.

pyperf itself starts processes for each; here the two sides take turns, and each run prints the shortest time of its rounds.
"""

import argparse
import os
import time

perf_counter = time.perf_counter
ROUND_SECONDS = float(os.environ.get("STOPWATCH_SECONDS", "0.2"))
ROUNDS = 3


def python_implementation():
    return "cpython"


class Runner:
    def __init__(self, *args, **kwargs):
        self.argparser = argparse.ArgumentParser()
        self.metadata = {}

    def parse_args(self):
        return self.argparser.parse_args([])

    def bench_func(self, name, function, *args, inner_loops=1):
        def timed(loops):
            began = perf_counter()
            for _ in range(loops):
                function(*args)
            return perf_counter() - began

        self._report(name, timed)

    def bench_time_func(self, name, function, *args, inner_loops=1):
        self._report(name, lambda loops: function(loops, *args))

    def _report(self, name, timed):
        loops = 1
        while (took := timed(loops)) < ROUND_SECONDS / 4:
            loops *= 2
        loops = max(1, round(loops * ROUND_SECONDS / took))
        print("stopwatch", name, min(timed(loops) for _ in range(ROUNDS)) / loops, flush=True)
