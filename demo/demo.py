"""The demo: real programs side by side in one process, and a look at whether each thing happened as it should.

Run by the engine's own python: $(build/isles info --python) demo/demo.py [--own | --pypi]   (make demo does that)
It makes two virtual environments with two major versions of one package from PyPI, runs one `isles run`, shows
what it prints, and then says what was seen. Exit status 0 only if all of it was seen.

Where PyPI can't be reached it says so, and takes two versions of a small package of its own. --own takes those at once;
--pypi ends with status 77 where there is no PyPI.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parent
sys.path.insert(0, str(DEMO.parent / "scripts"))

import venvs  # noqa: E402

BUILD = Path(os.environ.get("ISLES_BUILD", DEMO.parent / "build"))
WORK = BUILD / "demo"
PYPI = {"old": "markdown-it-py==2.2.0", "new": "markdown-it-py==4.0.0"}
FALLBACK = {"old": "tally-1", "new": "tally-2"}
TIMEOUT_S = 1.5
SLACK_S = 2  # a stop takes milliseconds, and longer where many processes want the cores
CORES_PROOF = 1.2  # CPU seconds in each second: more than one core can give
SKIPPED = 77
LEFT_OUT = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")  # of the environment
FEW_WAITS = 20  # of a thread; two under one GIL come to hundreds


def say(text=""):
    print(text, flush=True)


def fail(text):
    sys.exit(f"isles demo: {text}")


# --- the two environments ---------------------------------------------------------------------------------------------


def environment(name):
    """The environment's folder, made once for an engine and a package; and why not, where PyPI could not be used."""
    folder = WORK / f"venv-{name}"
    if not folder.exists():
        say(f"  making {shown(folder)} with {PYPI[name]}")
    return folder, venvs.environment(folder, PYPI[name])


def fallback_environment(name):
    folder = WORK / f"venv-fallback-{name}"
    why = venvs.make(folder, with_pip=False)
    if why is not None:
        fail(f"the engine could not make a virtual environment: {why}")
    site = next(folder.glob("lib/python3*/site-packages"))
    shutil.copytree(DEMO / "fallback" / FALLBACK[name], site, dirs_exist_ok=True)
    return folder


def from_pypi():
    """The environments, or why they can't be had."""
    folders, why = {}, None
    for name in PYPI:
        folders[name], why = environment(name)
        if why is not None:
            break
    return folders, why


def environments(wish):
    """The two environments, and the folder with the two programs that need them."""
    if wish != "--own":
        folders, why = from_pypi()
        if why is None:
            return folders, DEMO / "programs"
        say(f"  PyPI can't be used: {why}")
        if wish == "--pypi":
            sys.exit(SKIPPED)
        say("  so the demo takes two versions of a small package of its own")
    return {name: fallback_environment(name) for name in FALLBACK}, DEMO / "fallback/programs"


# --- the run ----------------------------------------------------------------------------------------------------------


def command_line(folders, programs):
    own = DEMO / "programs"
    line = [BUILD / "isles", "run", "--summary"]
    if sys.stdout.isatty():
        line += ["--color", "always"]
    line += ["--path", own]
    line += [programs / "report_old.py", "--name", "old", "--venv", folders["old"]]
    line += [programs / "report_new.py", "--name", "new", "--venv", folders["new"]]
    line += [own / "primes.py", "-n", "2"]
    line += [own / "broken.py"]
    line += [own / "runaway.py", "--timeout", f"{TIMEOUT_S}s"]
    return [str(word) for word in line]


def shown(word):
    """A word of the command line as a person would type it."""
    path = Path(word)
    return str(path.relative_to(DEMO.parent)) if path.is_absolute() and path.is_relative_to(DEMO.parent) else word


def run(line):
    """Shows what it prints; returns its lines without colours, its exit status and its process id."""
    say("$ " + " ".join(map(shown, line)))
    clean = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", env=clean)
    lines = []
    for text in process.stdout:
        sys.stdout.write(text)
        sys.stdout.flush()
        lines.append(re.sub(r"\x1b\[[0-9;]*m", "", text.rstrip("\n")))
    return lines, process.wait(), process.pid


# --- what was seen ----------------------------------------------------------------------------------------------------


def seconds(text):
    """The table's durations: 850ms, 1.52s, 1m02s."""
    minutes, number, unit = re.fullmatch(r"(?:(\d+)m)?([\d.]+)(ms|s)", text).groups()
    return 60 * int(minutes or 0) + float(number) / (1000 if unit == "ms" else 1)


class Seen:
    """The lines of each program, and the table's rows."""

    ROW = re.compile(r"(\S+)\s+(ok|failed|timeout|limit|cancelled|stuck)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\d+)$")

    def __init__(self, lines):
        self.output = {}
        self.rows = {}
        for line in lines:
            if match := re.match(r"(\S+)\s* \| (.*)", line):
                self.output.setdefault(match[1], []).append(match[2])
            elif match := self.ROW.match(line):
                self.rows[match[1]] = {"result": match[2], "exit": int(match[3]), "wall": match[4], "cpu": match[5]}

    def text(self, name):
        return "\n".join(self.output.get(name, []))

    def result(self, name):
        return self.rows.get(name, {}).get("result", "missing")

    def find(self, start, pattern):
        return [match for name, lines in self.output.items() if name.startswith(start)
                for line in lines if (match := re.match(pattern, line))]

    def named(self, start):
        return [row for name, row in self.rows.items() if name.startswith(start)]


def check_versions(seen, pid):
    found, spans = {}, {}
    for name in ("old", "new"):
        if seen.result(name) != "ok":
            return False, f"{name} ended as {seen.result(name)}"
        match = re.search(r"^(\S+) (\S+) in process (\d+)$", seen.text(name), re.MULTILINE)
        span = re.search(r"^worked from ([\d.]+) to ([\d.]+)$", seen.text(name), re.MULTILINE)
        if not match or not span or int(match[3]) != pid:
            return False, f"{name} did not say its version, from process {pid}"
        found[name], spans[name] = (match[1], match[2]), (float(span[1]), float(span[2]))
    together = min(s[1] for s in spans.values()) - max(s[0] for s in spans.values())
    majors = {version.split(".")[0] for _, version in found.values()}
    (package, old), (_, new) = found["old"], found["new"]
    text = f"{package} {old} and {new} in process {pid}, both at work for {together:.2f} s"
    return len(majors) == 2 and together > 0, text


def check_cores(seen):
    """CPU time beyond the wall time shows two cores in use. Where other processes had the cores, this shows that both
    could have been: neither copy ever waited for the other, as it would for a common GIL."""
    rows = seen.named("primes")
    if len(rows) != 2 or any(row["result"] != "ok" for row in rows):
        return False, "the two copies of primes.py did not both end well"
    wall = max(seconds(row["wall"]) for row in rows)
    cpu = sum(seconds(row["cpu"]) for row in rows)
    text = f"two CPU-bound copies: {cpu:.2f} s of CPU in {wall:.2f} s, {cpu / wall:.1f} cores in use"
    if cpu / wall >= CORES_PROOF:
        return True, text
    waits = [int(match[1]) for match in seen.find("primes", r"copy .* waited (\d+) times")]
    text += f" (other processes had the rest); they waited for each other {sum(waits)} times"
    return len(waits) == 2 and max(waits) <= FEW_WAITS, text


def check_failure(seen):
    text = seen.text("broken.py") or seen.text("broken")
    wanted = ["Traceback (most recent call last):", "KeyError: 'price'", "direct cause",
              "OrderError: order 7 has no price", "broken.py"]
    missing = [part for part in wanted if part not in text]
    rows = seen.named("broken")
    good = not missing and len(rows) == 1 and rows[0]["result"] == "failed" and rows[0]["exit"] == 1
    if not good:
        return False, f"the failing program did not end as it should; missing: {missing}"
    return True, "the failing program: its traceback with the cause, exit status 1"


def check_runaway(seen):
    rows = seen.named("runaway")
    if len(rows) != 1 or rows[0]["result"] != "timeout" or rows[0]["exit"] != 124:
        return False, "the runaway was not stopped by its deadline"
    wall = seconds(rows[0]["wall"])
    text = f"the runaway, which catches everything: stopped after {wall:.2f} s of {TIMEOUT_S} s allowed, status 124"
    return TIMEOUT_S * 0.99 <= wall < TIMEOUT_S + SLACK_S, text


def check_status(status):
    return status == 1, f"exit status {status}: that of the first program that failed"


def main(wish=None):
    if wish not in (None, "--own", "--pypi"):
        fail("it takes --own, --pypi or nothing")
    if not (BUILD / "isles").exists():
        fail(f"{BUILD / 'isles'} is not there: run make build")
    WORK.mkdir(parents=True, exist_ok=True)
    say("Two virtual environments, made with the engine's own python:")
    folders, programs = environments(wish)
    say("\nSix programs in one process, each in an interpreter of its own:\n")
    lines, status, pid = run(command_line(folders, programs))
    seen = Seen(lines)
    results = [check_versions(seen, pid), check_cores(seen), check_failure(seen), check_runaway(seen),
               check_status(status)]
    say("\nSeen:")
    for good, text in results:
        say(f"  {'yes' if good else 'NO '}  {text}")
    if not all(good for good, _ in results):
        fail("not all of it happened as it should")
    say("\nAll as it should be.")


main(*sys.argv[1:])
