#!/usr/bin/env python3
"""Measures what a message between two interpreters costs, and between two threads, two processes, two interpreters of
concurrent.interpreters; and what encoding costs. Leaves a result (JSON), a page (Markdown) and plots.

Each way has a process of its own, which does nothing while another is measured. All are started anew a few times for each
case, since one start of the same code can be a tenth faster or slower than the next. Rounds go in turns, who is first changes
each time, and ratios are those of the same round.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import select
import statistics
import subprocess
import sys

import messages_report

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

import venvs # noqa: E402
PACKAGES = ("msgpack", "cbor2", "numpy")
PATIENCE = 300 # seconds that a round may take before its process is given up

# case: the ways beside "isles", and how many messages a round has at the least and the most
CASES = {
    "pingpong": (("interpreters", "pipe", "threads", "futex"), 1, 10 ** 6),
    "stream_dict": (("isles_many", "interpreters", "pipe", "threads"), 1, 10 ** 5),
    "stream_int": (("isles_many", "interpreters", "pipe", "threads"), 1, 10 ** 6),
    "stream_bytes": (("isles_many", "interpreters", "pipe", "threads"), 1, 10 ** 6),
    "stream_tuple": (("isles_many", "interpreters", "pipe", "threads"), 1, 10 ** 6),
    "bounded": (("isles_many", "interpreters", "threads"), 400, 10 ** 6), # enough to fill it
    "stream_1mb": (("interpreters", "pipe", "threads", "memcpy"), 1, 500), # what is under way has to fit in memory
    "handover": (("interpreters",), 1, 1000),
    "document": (("pickle", "msgpack", "cbor2"), 1, 10 ** 5),
}
ROUNDS = 25
ROUNDS_A_START = 5
QUICK = {"bounded": 250, "handover": 2, "document": 3, "stream_1mb": 5}

# (case, way): must, aim. "faster": so many times as fast as that way, or more; "slower": so many times as long as it
# takes, or less; "value": so many nanoseconds, or less.
TARGETS = {
    ("pingpong", "interpreters"): ("faster", 300, None),
    ("pingpong", "futex"): ("slower", None, 1.5),
    ("pingpong", "pipe"): ("faster", 2, 4),
    ("stream_dict", "interpreters"): ("faster", 8, 15),
    ("stream_dict", "pipe"): ("faster", 8, 15),
    ("stream_int", "interpreters"): ("faster", 3, 6),
    ("stream_bytes", "interpreters"): ("faster", 3, 6),
    ("stream_tuple", "interpreters"): ("faster", 3, 6),
    ("bounded", "interpreters"): ("faster", 100, 300),
    ("stream_1mb", "interpreters"): ("faster", 1.5, None),
    ("stream_1mb", "memcpy"): ("slower", None, 1),
    ("handover", "isles"): ("value", 50_000, None),
    ("document", "pickle"): ("faster", 1.5, 3),
    ("document", "msgpack"): ("faster", 1, 1.5),
}


# --- the processes --------------------------------------------------------------------------------------------------


class Side:
    """A process that measures one way, or several; it is asked one round at a time."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.dead = None

    def ask(self, way, case, count):
        """{"seconds": for each message, "note": ...}, or {"missing": why not}."""
        if self.dead:
            return {"missing": self.dead}
        try:
            self.process.stdin.write(f"{way} {case} {count}\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                raise TimeoutError
            line = self.process.stdout.readline()
        except (TimeoutError, BrokenPipeError):
            line = ""
        if not line:
            self.process.kill()
            self.dead = f"its process gave no answer to {case} (status {self.process.wait()})"
            return {"missing": self.dead}
        answer = json.loads(line)
        if "seconds" in answer:
            answer["seconds"] /= count
        return answer

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Sides:
    """Started when they are first asked for."""

    def __init__(self, ends, python, venv):
        peer = (str(HERE / "messages_peer.py"),)
        in_venv = (str(venv / "bin/python") if venv else python, "-B")
        isles = (ends, "isles", str(HERE)) + ((str(venv),) if venv else ())
        self.commands = {"isles": isles, "isles_many": isles, "futex": (ends, "bare"), "memcpy": (ends, "bare")}
        for way in ("interpreters", "pipe", "threads"):
            self.commands[way] = (python, "-B", *peer, way)
        for way in ("pickle", "msgpack", "cbor2"):
            self.commands[way] = (*in_venv, *peer, way)
        self.running = {}

    def ask(self, way, case, count):
        command = self.commands[way]
        if command not in self.running:
            self.running[command] = Side(*command)
        return self.running[command].ask(way, case, count)

    def close(self):
        """They are started anew when they are asked again."""
        for side in self.running.values():
            side.close()
        self.running.clear()


# --- the virtual environment ------------------------------------------------------------------------------------------


def run(*command, timeout=60):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"not done after {timeout} seconds")


def is_of(folder, engine):
    """An environment of another engine may be left from an earlier build."""
    python = folder / "bin/python"
    look = "import platform; print(platform.python_version())"
    return python.exists() and run(str(python), "-c", look).stdout.strip() == engine


def make_venv(folder, python, engine, install):
    """Returns the environment's folder, or None where there is none, and why packages are not in it."""
    if not is_of(folder, engine):
        if not install:
            return None, {}
        print("bench: making a virtual environment for msgpack, cbor2 and NumPy", flush=True)
        why = venvs.make(folder, python=python)
        if why is not None:
            print(f"bench: no virtual environment: {why}", file=sys.stderr)
            return None, dict.fromkeys(PACKAGES, "this engine makes no virtual environment")
    inside, reasons = str(folder / "bin/python"), {}
    for package in PACKAGES:
        if not install or run(inside, "-c", f"import {package}").returncode == 0:
            continue
        why = venvs.install(folder, package)
        if why is not None:
            print(f"bench: {package} could not be installed: {why}", file=sys.stderr)
            reasons[package] = "pip could not install it"
    return folder, reasons


# --- measuring ----------------------------------------------------------------------------------------------------------


def calibrate(ask, least, most, goal):
    """How many messages make a round that takes so long; warms up on the way. Returns the number and the last answer."""
    count = least
    while True:
        answer = ask(count)
        if "missing" in answer:
            return 0, answer
        took = answer["seconds"] * count
        wanted = int(count * goal / took) if took > 0 else most
        if took >= goal / 4 or count == most:
            return max(least, min(most, wanted)), answer
        count = min(most, max(2 * count, min(8 * count, wanted)))


def summary_of(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values), "samples": len(values)}


def measure(sides, case, rounds, goal, quick):
    """Returns the summary of each way, in nanoseconds a message, and all rounds."""
    ways, least, most = CASES[case]
    ways = ("isles", *ways)
    counts, figures, times = {}, {}, {}
    for way in ways:
        def ask(count, asked=way):
            return sides.ask(asked, case, count)
        if quick:
            counts[way] = QUICK.get(case, 20)
            answer = ask(counts[way])
        else:
            counts[way], answer = calibrate(ask, least, most, goal)
        figures[way] = {key: answer[key] for key in ("missing", "note") if key in answer}
        if "missing" not in answer:
            times[way] = []
    for i in range(rounds):
        if i % ROUNDS_A_START == 0 and i > 0:
            sides.close()
            for way in times: # warms up
                sides.ask(way, case, counts[way])
        for way in list(times)[::1 if i % 2 == 0 else -1]:
            answer = sides.ask(way, case, counts[way])
            if "missing" in answer:
                figures[way] = {"missing": answer["missing"]}
                del times[way]
            else:
                times[way].append(answer["seconds"] * 1e9)
    for way, values in times.items():
        figures[way] |= summary_of(values) | {"messages": counts[way]}
    return figures, times


def judged(value, of, target):
    if target is None:
        return None
    good = value >= target if of == "faster" else value <= target
    return "met" if good else "MISSED"


def row_of(case, way, times, quick):
    """Isles beside one other way, and what was wanted."""
    of, must, aim = TARGETS.get((case, way), ("faster", None, None))
    row = {"case": case, "way": way, "of": of, "must": must, "aim": aim}
    isles, other = times.get("isles"), times.get(way)
    if isles and other and of != "value":
        pairs = [(b / a if of == "faster" else a / b) for a, b in zip(isles, other)]
        row["ratio"] = summary_of(pairs)
        value = row["ratio"]["median"]
    elif isles and of == "value":
        value = statistics.median(isles)
    else:
        return row
    for name in "must", "aim":
        verdict = judged(value, of, row[name])
        row[f"{name}_result"] = "not judged" if quick and verdict else verdict # two rounds say nothing
    return row


def measure_all(sides, cases, rounds, goal, quick, reasons):
    result = {"cases": {}, "rows": []}
    for case in cases:
        print(f"bench: {case}", flush=True)
        figures, times = measure(sides, case, rounds, goal, quick)
        for way, figure in figures.items():
            if "missing" in figure and way in reasons:
                figure["missing"] = f"{way}: {reasons[way]}"
        result["cases"][case] = figures
        own = [way for way in figures if way != "isles" or (case, way) in TARGETS]
        result["rows"] += [row_of(case, way, times, quick) for way in own]
    return result


# --- the program ------------------------------------------------------------------------------------------------------


def options():
    parser = argparse.ArgumentParser(prog="bench/messages", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few messages: does it run? Nothing is judged")
    parser.add_argument("--only", metavar="CASE,...", help=f"of: {', '.join(CASES)}; without --results nothing is written")
    parser.add_argument("--rounds", type=int, help=str(ROUNDS))
    parser.add_argument("--seconds", type=float, default=0.2, help="how long each round of a way should take (0.2)")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build", help="the build folder")
    parser.add_argument("--results", type=pathlib.Path,
                        help="folder for the JSON (bench/results; with --quick BUILD/bench-quick)")
    parser.add_argument("--docs", type=pathlib.Path, help="folder for page and plots (docs; with --results RESULTS/docs)")
    parser.add_argument("--no-install", action="store_true", help="take what BUILD/bench-venv has, install nothing")
    args = parser.parse_args()
    args.only = args.only.split(",") if args.only else None
    unknown = set(args.only or ()) - set(CASES)
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    args.rounds = args.rounds or (2 if args.quick else ROUNDS)
    if args.quick and args.results is None:
        args.results = args.build / "bench-quick"
    if args.docs is None and args.results is not None:
        args.docs = args.results / "docs"
    if args.results is None and args.only is None:
        args.results = HERE / "results"
        args.docs = args.docs or HERE.parent / "docs"
    return args


def main():
    args = options()
    load = os.getloadavg()[0] # what else the machine does
    done = run(str(args.build / "isles"), "info", "--json")
    if done.returncode != 0:
        sys.exit(f"bench: no Isles in {args.build}: build it, or name its folder by --build")
    info = json.loads(done.stdout)
    python = run(str(args.build / "isles"), "info", "--python").stdout.strip()
    venv, reasons = make_venv(args.build.resolve() / "bench-venv", python, info["engine"], not args.no_install)
    sides = Sides(str((args.build / "bench_ends").resolve()), python, venv)
    head = {"isles": info["version"], "engine": info["engine"],
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "machine": {"cores": os.cpu_count(), "system": platform.system(), "architecture": platform.machine()},
            "load": load, "rounds": args.rounds, "quick": args.quick}
    try:
        result = head | measure_all(sides, args.only or CASES, args.rounds, args.seconds, args.quick, reasons)
    finally:
        sides.close()
    print(messages_report.table(result).replace("<small>", "").replace("</small>", ""))
    print(messages_report.remarks_on(result))
    if args.results is not None:
        args.results.mkdir(parents=True, exist_ok=True)
        path = args.results / f"messages-cpython-{result['engine']}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        messages_report.write(args.results, args.docs)
        print(f"bench: {path.name} in {args.results}, bench-messages.md in {args.docs}")


if __name__ == "__main__":
    main()
