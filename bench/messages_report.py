#!/usr/bin/env python3
"""Makes docs/bench-messages.md and its plots of the results of bench/messages. bench/remarks.json says what holds a target that
was missed: {"CASE": text} for all rows of a case, or {"CASE/WAY": text} for the row of one peer.

Usage: messages_report.py RESULTS_FOLDER DOCS_FOLDER
"""
import json
import pathlib
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent

WAYS = {
    "isles": "Isles",
    "isles_many": "Isles, get_many(64)",
    "interpreters": "concurrent.interpreters",
    "pipe": "multiprocessing.Pipe",
    "threads": "two threads, queue",
    "futex": "C threads, futex",
    "memcpy": "C, memcpy",
    "pickle": "pickle, protocol 5",
    "msgpack": "msgpack",
    "cbor2": "cbor2",
}
CASES = {
    "pingpong": ("Ping-pong", "an int to another that waits, and back"),
    "stream_dict": ("Stream of dicts", "20 keys each; time for one"),
    "stream_int": ("Stream of ints", "time for one"),
    "stream_bytes": ("Stream of bytes", "64 bytes each; time for one"),
    "stream_tuple": ("Stream of tuples", "an int, a str and a float each; time for one"),
    "bounded": ("Bounded stream", "ints, at most 100 under way; time for one"),
    "stream_1mb": ("Stream of large bytes", "1 MB each; time for one"),
    "handover": ("Handing over", "a buffer of 100 MB, from put to got"),
    "document": ("Encode and decode", "a document of 1,000 values, there and back"),
}

INTRO = """\
# What a message costs

Made by `bench/messages` (`cmake --build build --target bench_messages`) of the results in `bench/results/`; don't edit it.
What interpreters and calls cost is on [another page](bench.md).

## How it is measured

Each way has a process of its own, started anew five times for each case: for Isles a C program with two interpreters, each with its
own GIL and one thread, and the loops in Python; for the others the engine's own `python`. All run the same two loops, which
differ only in what `put` and `get` are, and both ends are there before the clock starts, so that starting anything is not
counted. The peers are taken as they do best: interpreters, queues and the child process are made once, bytes go by
`send_bytes`, nothing has a timeout. A round has as many messages as take about 0.2 s, found while warming up (fewer where a
megabyte each would not fit in memory). The ways take turns round by round, who is first changes each time, and while one is
measured no other does anything. Shown are medians of the rounds with the least and the greatest beside them; a ratio is the
median of those of the same round. So what else the machine does hits all alike; yet with only two cores, an otherwise
idle machine is needed for figures that can be repeated. The load average says whether it was one. In a virtual machine
there are minutes in which all that passes from core to core takes longer: Isles' streams up to four times as long, which are
little else, those of the others 1.3 to 1.8 times.

What is compared is not always the same thing. A thread hands over a reference and copies nothing: it is shown for scale.
`concurrent.interpreters.Queue` polls: an end that finds it empty, or full, sleeps for 10 ms, so ping-pong and a bounded stream
measure that sleep, and a stream hardly does. A pipe has room for 64 KiB and makes its sender wait, other streams can grow.
The same message is put again and again, so large bytes lie in the processor's cache where there is room; `memcpy` copies
1 MB between the same two places likewise. Encoding is that of one value of dicts, lists, tuples, str, int, float, bool, None and
bytes, 20 values in each of 50 orders; msgpack and cbor2 make lists of tuples, which is less work. NumPy is loaded in an
interpreter that shares the main one's GIL, the other end is an interpreter with its own.

*Must* is what was promised, *aim* what was hoped for; *what holds it* is said where one was missed.
"""

NOTHING_YET = "There are no results yet.\n"


def times(value):
    if value < 0.0995:
        return f"{value:.2g}"
    return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def ratio_of(row):
    if "ratio" not in row:
        return ""
    s = row["ratio"]
    what = "times as fast" if row["of"] == "faster" else "times as long"
    return f"{times(s['median'])} {what} <small>({times(s['min'])} … {times(s['max'])})</small>"


def target_of(row, name):
    """The target and whether it was met."""
    wanted = row[name]
    if wanted is None:
        return ""
    text = {"faster": f"≥ {wanted:g}", "slower": f"≤ {wanted:g}", "value": f"≤ {report.text_of('ns', wanted)}"}[row["of"]]
    verdict = row.get(f"{name}_result") or "not measured"
    return f"{text}: {'**MISSED**' if verdict == 'MISSED' else verdict}"


def remark_of(row, remarks):
    if "MISSED" not in (row.get("must_result"), row.get("aim_result")):
        return ""
    return remarks.get(f"{row['case']}/{row['way']}", remarks.get(row["case"], ""))


def cell(figure):
    return "–" if "median" not in figure else report.cell("ns", figure)


def table(result, remarks=None):
    lines = ["| case | Isles | compared with | Isles is | must | aim | what holds it |", "|---|---|---|---|---|---|---|"]
    last = None
    for row in result["rows"]:
        figures = result["cases"][row["case"]]
        title, meaning = CASES[row["case"]]
        new = row["case"] != last
        last = row["case"]
        peer = "" if row["way"] == "isles" else f"{WAYS[row['way']]}: {cell(figures[row['way']])}"
        cells = (f"**{title}**: {meaning}" if new else "", cell(figures["isles"]) if new else "", peer, ratio_of(row),
                 target_of(row, "must"), target_of(row, "aim"), remark_of(row, remarks or {}))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def remarks_on(result):
    """What is not in the table and why, and what has to be known of what is: one line for each way and text."""
    cases_of = {}
    for case, figures in result["cases"].items():
        for way, figure in figures.items():
            if "missing" in figure:
                cases_of.setdefault((way, f"not measured: {figure['missing']}"), []).append(case)
            elif "note" in figure:
                cases_of.setdefault((way, figure["note"]), []).append(case)
    lines = []
    for (way, text), cases in cases_of.items():
        titles = [CASES[case][0] for case in cases]
        where = "" if len(titles) > 3 else f" ({', '.join(titles).lower()})"
        lines.append(f"- {WAYS[way]}{where}: {text}.")
    return "\n".join(lines) + "\n" if lines else ""


def plots(results, docs):
    """Writes them, and returns the lines that show them."""
    (docs / "bench").mkdir(parents=True, exist_ok=True)
    lines = []
    for case, (title, meaning) in CASES.items():
        engines = [(r["engine"], r["cases"].get(case, {})) for r in results]
        labels = {way: label for way, label in WAYS.items() if any("median" in peers.get(way, {}) for _, peers in engines)}
        if labels:
            svg = report.plot(title, meaning, "ns", labels, engines)
            (docs / "bench" / f"messages-{case}.svg").write_text(svg)
            lines.append(f"![{title}: {meaning}](bench/messages-{case}.svg)\n")
    return lines


def write(folder, docs):
    folder, docs = pathlib.Path(folder), pathlib.Path(docs)
    results = sorted((json.loads(p.read_text()) for p in folder.glob("messages-cpython-*.json")), key=report.version_of)
    path = HERE / "remarks.json"
    remarks = json.loads(path.read_text()) if path.exists() else {}
    parts = [INTRO] + (plots(results, docs) if results else [NOTHING_YET])
    for result in results:
        parts.append(report.head_of(result).replace("### ", "## "))
        parts.append(table(result, remarks))
        parts.append(remarks_on(result))
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "bench-messages.md").write_text("\n".join(part for part in parts if part))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(*sys.argv[1:])
