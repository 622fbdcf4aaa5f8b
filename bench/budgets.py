"""What budgets cost: pure-Python programs of pyperformance (PyPI) in an interpreter of Isles with every budget limited, beside
a plain python that is linked with the same library.

    "$(build-release/isles info --python)" bench/budgets.py --isles build-release/isles \\
        --plain build-release/bench_plain_python [--quick] [--json FILE] [--page FILE]

Run by the engine's python, which is measured, too, for who wonders. The two sides take turns; each figure is the shortest of its rounds, a ratio that of the two shortest. Targets are said, not
asserted.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

import venvs  # noqa: E402

PROGRAMS = ("chaos", "deltablue", "fannkuch", "float", "go", "hexiom", "json_loads", "nbody", "nqueens", "raytrace", "richards",
            "spectral_norm")
LIMITS = ("--memory", "2G", "--cpu", "10h", "--threads", "100", "--output-limit", "1G")


def run(command, environment):
    done = subprocess.run(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr}")
    words = [line.split() for line in done.stdout.splitlines() if line.startswith("stopwatch ")]
    return float(words[0][2])


def measure(isles, python, program, rounds, seconds):
    environment = {"PYTHONPATH": str(HERE / "stopwatch"), "STOPWATCH_SECONDS": str(seconds)}
    own, plain, limited = [], [], []
    for _ in range(rounds):
        own.append(run([sys.executable, program], environment))
        plain.append(run([python, program], environment))
        limited.append(run([isles, "run", "--output", "plain", *LIMITS, program], environment))
    return {"own": min(own), "plain": min(plain), "isles": min(limited), "ratio": min(limited) / min(plain)}


def table(results):
    lines = ["| program | plain python | Isles, all budgets | ratio | the engine's own python |", "|---|---|---|---|---|"]
    for name, r in results["programs"].items():
        lines.append(f"| {name} | {r['plain'] * 1e3:.3g} ms | {r['isles'] * 1e3:.3g} ms | {r['ratio']:.3f} | {r['own'] * 1e3:.3g} ms |")
    lines.append(f"| **geometric mean** | | | **{results['mean']:.3f}** | |")
    return "\n".join(lines)


def page(results):
    return f"""# What budgets cost

Made by `bench/budgets.py`. Twelve pure-Python programs of pyperformance, each timed inside the interpreter that runs it
(start-up not counted): by a plain python that is linked with the same `libpython` (`bench/plain_python.c`), and by
`isles run {' '.join(LIMITS)}`. They take turns; a figure is the shortest of {results['rounds']} rounds of three.

CPython {results['python']}, {results['machine']}.

{table(results)}

Wanted: at most 1.05 in the geometric mean; aimed at: 1.02. The ratio holds all that differs between the two: the counting
of memory, the hook that interrupts blocking calls, an interpreter of its own. The last column is the engine's `python` as
it is installed: Debian's has all of CPython inside instead of calling into a shared library, which is faster, and would
be so without Isles. A program that wants that speed links CPython statically (docs/embedding.md).
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isles", required=True, type=Path)
    parser.add_argument("--plain", required=True, type=Path, help="bench_plain_python of the same build")
    parser.add_argument("--quick", action="store_true", help="one short round of two programs")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.gettempdir(), f"isles-bench-budgets-{platform.python_version()}")
    venvs.environment_or_skip(folder, "--no-deps", "pyperformance")  # its programs only
    (benchmarks,) = folder.glob("lib/python*/site-packages/pyperformance/data-files/benchmarks")
    names, rounds, seconds = (PROGRAMS[:2], 1, 0.02) if options.quick else (PROGRAMS, 5, 0.2)
    results = {"programs": {}, "rounds": rounds, "machine": f"{platform.system()}, {os.cpu_count()} cores", "python": platform.python_version()}
    for name in names:
        program = benchmarks / f"bm_{name}" / "run_benchmark.py"
        results["programs"][name] = measure(options.isles, options.plain, program, rounds, seconds)
        print(f"{name}: {results['programs'][name]['ratio']:.3f}", flush=True)
    results["mean"] = statistics.geometric_mean(r["ratio"] for r in results["programs"].values())
    print(f"geometric mean: {results['mean']:.3f} (wanted: at most 1.05)")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.page:
        options.page.write_text(page(results))


if __name__ == "__main__":
    main()
