#!/usr/bin/env python3
"""Do the benchmarks run, and is what they print well-formed? Nothing is said of their figures.

Usage: smoke.py ISLES BENCH_COST
"""
import json
import subprocess
import sys

PEERS = {"thread", "interpreter_cold", "interpreter_warm", "forked", "spawned"}
GROUPS = {"create", "call", "enter", "acquire", "leak"}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_summary(summary):
    assert summary["samples"] > 0, summary
    assert summary["min"] <= summary["median"] <= summary["max"], summary


def check_comparison(report):
    assert set(report["measures"]) == {"start", "memory", "call", "message", "cores"}
    for name, measure in report["measures"].items():
        assert measure["unit"] in ("ns", "bytes", "times")
        assert set(measure["peers"]) == PEERS, name
        for summary in measure["peers"].values():
            check_summary(summary)
            assert summary["min"] > 0 or name == "memory", (name, summary)


def check_costs(report):
    assert {figure["group"] for figure in report["figures"]} == GROUPS
    for figure in report["figures"]:
        if report["machine"]["cores"] == 1 and "two cores" in figure["name"]:
            assert "error" in figure, figure
            continue
        assert "error" not in figure, figure
        check_summary(figure["isles"])
        if "peer" in figure:
            check_summary(figure[figure["peer"]])
        if "ratio" in figure:
            check_summary(figure["ratio"])
        if "target" in figure:
            assert figure["target"]["result"] == "not judged", figure


def check_head(report):
    assert report["isles"] and report["engine"].startswith("3.")
    assert report["machine"]["cores"] >= 1


def main(isles, bench_cost):
    for command, check in ((isles, "bench"), check_comparison), ((bench_cost,), check_costs):
        report = json.loads(run(*command, "--quick", "--json"))
        check_head(report)
        check(report)
    table = run(isles, "bench", "--quick", "--only", "call")
    for label in "thread", "interpreter, cold", "interpreter, warm", "forked process", "spawned process":
        assert table.count(f"\n{label} ") == 2, table
    figures = run(bench_cost, "--quick", "--only", "call")
    assert "call, on one core" in figures and "futex" in figures, figures


if __name__ == "__main__":
    main(*sys.argv[1:])
