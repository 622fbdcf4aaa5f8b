#!/usr/bin/env python3
"""Does the messages benchmark run, every case or a reason given, and are its JSON, page and plots well-formed? Nothing is said
of its figures, and nothing is installed: msgpack, cbor2 and NumPy are taken where an earlier run has left them.

Usage: messages_smoke.py BUILD_FOLDER
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
CASES = {"pingpong", "stream_dict", "stream_int", "stream_bytes", "stream_tuple", "bounded", "stream_1mb", "handover",
         "document"}
ALWAYS = {"isles", "isles_many", "pipe", "threads", "futex", "memcpy", "pickle"} # need nothing but the engine


def run(*options):
    command = [HERE / "messages", "--quick", "--no-install", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_figure(case, way, figure, engine):
    if "missing" in figure:
        assert figure["missing"], (case, way)
        excused = way not in ALWAYS or case == "handover"
        if way == "interpreters" and engine >= (3, 14):
            excused = False
        assert excused, (case, way, figure)
        assert "failed" not in figure["missing"] and "gave no answer" not in figure["missing"], (case, way, figure)
    else:
        assert 0 < figure["min"] <= figure["median"] <= figure["max"], (case, way, figure)
        assert figure["samples"] == 2 and figure["messages"] > 0, (case, way, figure)


def check_row(row, figures):
    measured = "median" in figures["isles"] and "median" in figures[row["way"]]
    assert ("ratio" in row) == (measured and row["of"] != "value"), row
    for name in "must", "aim":
        judged = row.get(f"{name}_result")
        assert judged == ("not judged" if measured and row[name] is not None else None), row


def check(result, page, docs):
    engine = tuple(int(part) for part in result["engine"].split(".")[:2])
    assert set(result["cases"]) == CASES
    for case, figures in result["cases"].items():
        assert "isles" in figures, case
        for way, figure in figures.items():
            check_figure(case, way, figure, engine)
        rows = [row for row in result["rows"] if row["case"] == case]
        assert {row["way"] for row in rows} | {"isles"} == set(figures), case
        for row in rows:
            check_row(row, figures)
        if any("median" in figure for figure in figures.values()):
            plot = f"bench/messages-{case}.svg"
            assert f"({plot})" in page, plot
            xml.etree.ElementTree.parse(docs / plot)
    assert f"## CPython {result['engine']}" in page and "](bench.md)" in page


def main(build):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        docs = folder / "docs"
        table = run("--build", build, "--results", folder)
        (path,) = folder.glob("messages-cpython-*.json")
        check(json.loads(path.read_text()), (docs / "bench-messages.md").read_text(), docs)
        assert "concurrent.interpreters" in table and "C threads, futex" in table, table
        few = run("--build", build, "--only", "stream_int", "--rounds", "3", "--results", folder)
        assert "Stream of ints" in few and "Ping-pong" not in few, few


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
