"""A soak: interpreters with private copies of numpy are made, work, and end, two at a time, for as long as is told.

    PYTHONPATH=build/python python3.14 bench/soak_extensions.py [--minutes M | --cycles N] [--most GiB] [--json FILE]

Run by the engine's python. numpy is installed from PyPI, once, in the cache. The cycles run in a child process, so that a
crash is counted, not suffered: another child goes on, as when one has grown to --most. Prints a line each so many cycles, and at the end: cycles, crashes, wrong
answers, growth for one interpreter (the slope of a line through the samples after the first tenth), and
copies that were left behind. Exit status: 1 with a crash or a wrong answer, 77 where PyPI can't be reached.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
AT_ONCE = 2
WORK = """
import warnings
warnings.filterwarnings("ignore", "NumPy was imported from a Python sub-interpreter")  # 2,000 times would hide the rest
import numpy as np
random = np.random.default_rng(SEED)
a = random.random((120, 120)) + 120 * np.eye(120)
assert np.allclose(np.linalg.inv(a) @ a, np.eye(120))
assert np.allclose(np.fft.ifft(np.fft.fft(a[0])).real, a[0])
answer = int(np.sort(random.integers(0, 1000, 10_000))[5000])
"""


def memory():
    """Bytes. rss counts a page as often as it is mapped, and copies map their original's; pss does not; anonymous: no file's."""
    fields = dict(line.split(":") for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return {name.lower(): int(fields[name].split()[0]) * 1024 for name in ("Rss", "Pss", "Anonymous")}


# --- the child ----------------------------------------------------------------------------------------------------------


def one_life(venv, seed):
    import isles

    with isles.Interpreter(venv=venv, extensions="private", stuck_after=120) as it:  # a loaded machine is none
        it.exec(WORK.replace("SEED", str(seed)))
        return it.submit(answer_of).result(), it.stats()["extension_copies"]


def answer_of():
    import __main__

    return __main__.answer


def child(venv, until, cycles, every, most):
    """A JSON object a line: ended interpreters, memory, threads, wrong answers, copies left. Ends when it has `most` bytes."""
    from concurrent.futures import ThreadPoolExecutor

    right, wrong, done = {}, 0, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.time() < until and done < cycles:
            seeds = [(done + i) % 10 for i in range(AT_ONCE)]
            for seed, (answer, _) in zip(seeds, pool.map(lambda seed: one_life(venv, seed), seeds)):
                wrong += right.setdefault(seed, answer) != answer
            done += AT_ONCE
            if done // every != (done - AT_ONCE) // every or done >= cycles or time.time() >= until:
                threads = len(os.listdir("/proc/self/task"))
                sample = {"done": done, **memory(), "threads": threads, "wrong": wrong, "left": copies_left()}
                print(json.dumps(sample), flush=True)
                if sample["pss"] > most:
                    return


def copies_left():
    """Of those that no interpreter has any more: the writable parts of a copy are in memory files."""
    maps = (line.split(None, 5) for line in Path("/proc/self/maps").read_text().splitlines())
    return len({fields[4] for fields in maps if len(fields) == 6 and fields[5].startswith("/memfd:")})


# --- the parent ---------------------------------------------------------------------------------------------------------


def one_child(options, venv, until, cycles, samples):
    """Returns how many interpreters ended, and what was wrong with the child's end, or ""."""
    command = [str(venv / "bin" / "python"), __file__, "--child", str(venv), str(until), str(cycles), str(options.every),
               str(int(options.most * 2**30))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    mine = []
    for line in process.stdout:
        mine.append({**json.loads(line), "at": round(time.time(), 1)})
        print(" ".join(f"{key} {value}" for key, value in mine[-1].items()), flush=True)
    status = process.wait()
    samples.append(mine)
    return (mine[-1]["done"] if mine else 0), (f"status {status}" if status else "")


def slope(samples, kind):
    """Bytes for each interpreter, of the longest child, less its first tenth."""
    longest = max(samples, key=len)
    kept = longest[len(longest) // 10 :]
    if len(kept) < 3:
        return None
    return statistics.linear_regression([s["done"] for s in kept], [s[kind] for s in kept]).slope


def soak(options, venv):
    began = time.time()
    until = began + 60 * options.minutes
    samples, crashes, done = [], [], 0
    while time.time() < until and done < options.cycles and len(crashes) < 20:
        ended, trouble = one_child(options, venv, until, options.cycles - done, samples)
        done += ended
        if trouble:
            crashes.append({"after": ended, "trouble": trouble})
            print(f"a crash: {trouble}", flush=True)
    last = [mine[-1] for mine in samples if mine]
    return {
        "python": platform.python_version(),
        "minutes": round((time.time() - began) / 60, 1),
        "interpreters": done,
        "crashes": crashes,
        "wrong": sum(sample["wrong"] for sample in last),
        "slope_bytes": {kind: slope(samples, kind) for kind in ("rss", "pss", "anonymous")},
        "left": last[-1]["left"] if last else None,
        "children": len(samples),
        "samples": samples,
    }


def main():
    if sys.argv[1:2] == ["--child"]:
        venv, until, cycles, every, most = sys.argv[2:]
        return child(venv, float(until), int(cycles), int(every), int(most))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--cycles", type=int, default=10**9, help="interpreters, at the most")
    parser.add_argument("--every", type=int, default=20, help="a sample after so many interpreters")
    parser.add_argument("--most", type=float, default=3, help="GiB (Pss) at which a child makes way for another")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.path.insert(0, str(SOURCE / "scripts"))
    import venvs

    cache = Path(os.environ.get("ISLES_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isles")
    venv = cache / "bench-extensions" / platform.python_version()
    venv.parent.mkdir(parents=True, exist_ok=True)
    venvs.environment_or_skip(venv, "numpy", "pandas")
    result = soak(options, venv)
    said = {key: value for key, value in result.items() if key != "samples"}
    print(json.dumps(said))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if result["crashes"] or result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
