#!/usr/bin/env python3
"""Makes docs/bench.md and its plots of the results in bench/results/.

Usage: report.py join COST.json COMPARE.json LOAD prints one result of the two programs' JSON
       report.py write RESULTS_FOLDER DOCS_FOLDER
"""
import json
import math
import pathlib
import sys

PEERS = {
    "thread": "thread",
    "interpreter_cold": "interpreter, cold",
    "interpreter_warm": "interpreter, warm",
    "forked": "forked process",
    "spawned": "spawned process",
}
MEASURES = {
    "start": ("Start", "from asking for one until a function ran in it"),
    "memory": ("Memory", "what one more adds, idle, after its first call"),
    "call": ("Call", "a function with one int, there and back"),
    "message": ("Message", "64 bytes to another that waits, and back"),
    "cores": ("Two at once", "a CPU-bound loop in two of them: how many times faster than one after the other"),
}
COLOURS = ("#4477aa", "#ee8866", "#228833", "#aa3377", "#888888")

INTRO = """\
# What it costs

Made by `bench/run` in a release build (`scripts/build release && bench/run build-release/isles build-release/bench_cost`) of
the results in `bench/results/`; don't edit it. For your own machine: `isles bench`.

Compare figures within one table, not between tables or with another day's: everything in a table was measured in the
same run, in turns, and medians are shown, with the least and the greatest beside them. The load average says what other
work the cores had: above zero, times by the clock waver, CPU time says more, and *two at once* can't show a core that
was not free.
"""

COMPARED = """\
## Threads, interpreters, processes

`isles bench`. A warm interpreter comes from a pool; *cold* is `isle_interp_create` with site and all. Processes are those
of the engine's own `multiprocessing`, forked by a fresh Python with one thread, or spawned. A call goes by a
`SimpleQueue` for threads, `isle_interp_call` for interpreters, a `multiprocessing` pipe for processes; a message likewise,
but between interpreters by two functions of the host. Memory is `Pss_Anon`: a process's own pages and its part of those that
a fork shares; pages of libraries are not counted. In the plots a bar is the median and its white mark the least; scales are
logarithmic but for the last one.
"""

COSTS = """\
## Over the bare engine and the bare system

`bench_cost`. *Engine* is the same work by CPython's own calls, with the same configuration on fresh threads of the same
stack size, in the same process and run: `Py_NewInterpreterFromConfig` and `Py_EndInterpreter`, or `PyThreadState_New` and
attaching. Being in the same process it has the recycled arenas of Isles, too. *Call* is `isle_interp_call` of a function
with one int, there and back; *futex* the same between two C threads that sleep on a futex; both are measured with the two
threads on one core, and on two, where a wake-up may have to fetch a core out of its sleep; threads of Isles look before they
sleep. What is kept after a cycle is the slope of the resident set over 60 of them, or 240, in a process of its own. The ratio is
the median of those of pairs measured one after the other.
"""


# --- numbers ---------------------------------------------------------------------------------------------------


def scaled(value, step, names):
    index = 0
    while index + 1 < len(names) and abs(value) >= 0.9995 * step:
        value /= step
        index += 1
    decimals = 0 if index == 0 else 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{decimals}f} {names[index]}"


def text_of(unit, value):
    if unit == "ns":
        return scaled(value, 1000, ("ns", "µs", "ms", "s"))
    if unit == "bytes":
        return scaled(value, 1024, ("B", "KiB", "MiB", "GiB"))
    return f"{value:.2f}"


def interval(numbers):
    """Where their median is, with 95 %: two of them, by the binomial distribution (whatever theirs is)."""
    ordered = sorted(numbers)
    last = len(ordered) - 1
    below = max(0, math.floor(last / 2 - 0.98 * math.sqrt(len(ordered))))
    return ordered[below], ordered[last - below]


def cell(unit, summary):
    if summary is None or "error" in summary:
        return "–"
    low, high = text_of(unit, summary["min"]), text_of(unit, summary["max"])
    return f"{text_of(unit, summary['median'])} <small>({low} … {high})</small>"


# --- tables ----------------------------------------------------------------------------------------------------


def head_of(result):
    machine = result["machine"]
    return (f"### CPython {result['engine']}\n\n{machine['cores']} cores, {machine['system']} {machine['architecture']}, "
            f"{result['date']}, Isles {result['isles']}; load average {result['load']:.1f} when it began.\n")


def comparison(result):
    measures = result["compare"]["measures"]
    lines = ["| | " + " | ".join(MEASURES[name][0].lower() for name in measures) + " |",
             "|---|" + "---|" * len(measures)]
    for peer, label in PEERS.items():
        cells = [cell(m["unit"], m["peers"].get(peer)) for m in measures.values()]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def target_of(figure):
    target = figure.get("target")
    if target is None:
        return "", ""
    unit = "times" if target["of"] == "ratio" else figure["unit"]
    result = "met" if target["result"] == "met" else f"**{target['result']}**"
    return f"≤ {text_of(unit, target['at_most'])}", result


def costs(result):
    lines = ["| | Isles | compared with | ratio | target | |", "|---|---|---|---|---|---|"]
    for figure in result["cost"]["figures"]:
        name = figure["name"]
        if name.startswith(("of which", "the same")):
            name = f"… {name}"
        peer = figure.get("peer")
        with_peer = f"{peer}: {cell(figure['unit'], figure[peer])}" if peer else ""
        ratio = text_of("times", figure["ratio"]["median"]) if "ratio" in figure else ""
        target, verdict = target_of(figure)
        cells = (name, cell(figure["unit"], figure["isles"]), with_peer, ratio, target, verdict)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


# --- plots: bars of medians, a mark where the least is -----------------------------------------------------------


def scale_for(unit, values):
    """Returns a function from a value to 0..1, and the values of the grid."""
    if unit == "times":
        top = max(2.0, max(values)) * 1.05
        return (lambda v: max(v, 0) / top), [x / 2 for x in range(int(top * 2) + 1)]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values) * 1.01))
    return (lambda v: (math.log10(max(v, 10 ** low)) - low) / (high - low)), [10.0 ** x for x in range(low, high + 1)]


def bars(peer, engines, unit, place, top):
    out = []
    for index, (engine, peers) in enumerate(engines):
        summary = peers.get(peer)
        if summary is None or "median" not in summary:
            continue
        y = top + index * 15
        width = place(summary["median"])
        out.append(f'<rect x="150" y="{y}" width="{max(width, 1):.1f}" height="12" fill="{COLOURS[index % 5]}"/>')
        if unit != "times" and summary["min"] > 0:
            mark = 150 + place(summary["min"])
            out.append(f'<path d="M{mark:.1f} {y}v12" stroke="#fff" stroke-width="1.5"/>')
        out.append(f'<text x="{156 + width:.1f}" y="{y + 10}">{text_of(unit, summary["median"])}</text>')
    return out


def plot(title, meaning, unit, labels, engines):
    """Bars for each peer of `labels`; `engines` is a list of engines and their peers' summaries."""
    values = [s["median"] for _, peers in engines for s in peers.values() if s.get("median", 0) > 0]
    fraction, grid = scale_for(unit, values)
    group = 15 * len(engines) + 12
    bottom = 62 + group * len(labels)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {bottom + 24}" font-family="sans-serif" '
           f'font-size="11">', f'<title>{title}: {meaning}</title>', f'<rect width="760" height="{bottom + 24}" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14" font-weight="bold">{title}</text>',
           f'<text x="10" y="36" fill="#555">{meaning}</text>']
    for value in grid:
        x = 150 + 520 * fraction(value)
        out.append(f'<path d="M{x:.1f} 54V{bottom - 4}" stroke="#ddd"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 10}" text-anchor="middle" fill="#555">{text_of(unit, value)}</text>')
    for index, (engine, _) in enumerate(engines):
        x = 470 + index * 95
        out.append(f'<rect x="{x}" y="10" width="11" height="11" fill="{COLOURS[index % 5]}"/>')
        out.append(f'<text x="{x + 16}" y="20">{engine}</text>')
    for index, (peer, label) in enumerate(labels.items()):
        top = 58 + index * group
        out.append(f'<text x="142" y="{top + 15 * len(engines) / 2 + 3:.1f}" text-anchor="end">{label}</text>')
        out += bars(peer, engines, unit, lambda v: 520 * fraction(v), top)
    return "\n".join(out + ["</svg>"]) + "\n"


# --- the program -------------------------------------------------------------------------------------------------


def join(cost, compare, load):
    cost, compare = (json.loads(pathlib.Path(p).read_text()) for p in (cost, compare))
    head = {key: compare.pop(key) for key in ("isles", "engine", "date", "machine")}
    for key in head:
        cost.pop(key)
    head["load"] = float(load)
    print(json.dumps(head | {"compare": compare, "cost": cost}, indent=1))


def version_of(result):
    return [int(part) for part in result["engine"].split(".")[:2]], result["engine"]


def write(folder, docs):
    results = sorted((json.loads(p.read_text()) for p in pathlib.Path(folder).glob("cpython-*.json")), key=version_of)
    docs = pathlib.Path(docs)
    (docs / "bench").mkdir(exist_ok=True)
    parts = [INTRO, COMPARED]
    for name, (title, meaning) in MEASURES.items():
        engines = [(r["engine"], r["compare"]["measures"][name]["peers"]) for r in results]
        unit = results[0]["compare"]["measures"][name]["unit"]
        (docs / "bench" / f"{name}.svg").write_text(plot(title, meaning, unit, PEERS, engines))
        parts.append(f"![{title}: {meaning}](bench/{name}.svg)\n")
    for result in results:
        parts += [head_of(result), comparison(result)]
    parts.append(COSTS)
    for result in results:
        parts += [head_of(result), costs(result)]
    (docs / "bench.md").write_text("\n".join(parts))


if __name__ == "__main__":
    commands = {"join": join, "write": write}
    if [len(sys.argv), *sys.argv[1:2]] not in ([5, "join"], [4, "write"]):
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
