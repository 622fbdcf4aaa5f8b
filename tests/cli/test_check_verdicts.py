"""`isles check` over the odd extensions (tests/extensions) and the example's two: each gets its verdict, for its reason."""
import concurrent.futures
import json
import os
import pathlib
import subprocess

import pytest

from conftest import PROGRAM, clean_environment

FOLDER = pathlib.Path(os.environ.get("ISLES_EXTENSIONS", "build/extensions"))
SOURCES = pathlib.Path(os.environ["ISLES_SOURCE"])
SUFFIX = os.environ.get("ISLES_EXTENSION_SUFFIX", ".so")
LIMIT = 850  # seconds, for all of them on a loaded machine; alone it takes 20

# Verdict, and the scene that decides against a better one with how it ended there.
EXPECTED = {
    "cpp_statics": ("own GIL", None, None),
    "crashes_elsewhere": ("worker process", "own gil", "crashed"),
    "destructor_order": ("private copy", "own gil", "refused"),
    "exits": ("broken", "main", "crashed"),
    "floods": ("own GIL", None, None),
    "gilstate_thread": ("private copy", "own gil", "failed"),
    "hangs": ("worker process", "own gil", "hung"),
    "kept_callback": ("private copy", "own gil", "refused"),
    "leaking": ("own GIL", "ended and again", "leaked"),
    "lying": ("shared GIL", "own gil state", "shares"),
    "opens_another": ("shared GIL", "own gil", "refused"),
    "second_init_fails": ("main only", "two at once", "failed"),
    "static_counter": ("private copy", "own gil", "refused"),
    "static_object": ("private copy", "own gil", "refused"),
    "static_type": ("private copy", "own gil", "refused"),
    "good/bag": ("own GIL", None, None),
    "bad/bag": ("private copy", "own gil", "refused"),
}


def snippet_of(name):
    kind, _, module = name.rpartition("/")
    path = SOURCES / ("examples/extension/test_bag.py" if kind else f"tests/extensions/{module}.py")
    return [path] if path.exists() else []


def check(names, *options):
    files = [FOLDER / f"{name}{SUFFIX}" for name in names]
    done = subprocess.run([PROGRAM, "check", "--json", "--no-cache", *map(str, options), *map(str, files)],
                          env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    assert done.stderr == "" and done.returncode in (0, 1), done
    found = json.loads(done.stdout)["extensions"]
    assert len(found) == len(names)
    return dict(zip(names, found))


@pytest.fixture(scope="module")
def reports():
    plain = [name for name in EXPECTED if not snippet_of(name) and name != "hangs"]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(check, plain, "--jobs", 1), pool.submit(check, ["hangs"], "--timeout", "5s")]
        runs += [pool.submit(check, [n], "--jobs", 1, "--snippet", *snippet_of(n)) for n in EXPECTED if snippet_of(n)]
        return {name: report for run in runs for name, report in run.result().items()}


def scenes_of(report):
    return {probe["scene"]: probe for probe in report["probes"]}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_odd_extension_gets_its_verdict(reports, name):
    verdict, scene, end = EXPECTED[name]
    report = reports[name]
    assert (report["module"], report["verdict"]) == (name.rpartition("/")[2], verdict), report
    if scene is not None:
        assert scenes_of(report)[scene]["end"] == end, report["probes"]
    if verdict != "own GIL":
        assert report["reasons"]


def test_a_module_that_lies_is_found_out_by_the_object_that_it_shares(reports):
    assert "lying.cache (list)" in scenes_of(reports["lying"])["own gil state"]["detail"]


def test_what_ends_a_process_is_told_with_its_place(reports):
    crash = scenes_of(reports["crashes_elsewhere"])["own gil"]
    assert (crash["signal"], crash["detail"]) == (11, "import")
    end = scenes_of(reports["exits"])["main"]
    assert (end["signal"], end["detail"]) == (None, "import: the process ended with status 3")


def test_a_leak_is_measured(reports):
    slope = scenes_of(reports["leaking"])["ended and again"]["rss_slope_bytes"]
    # 1 MiB, less what malloc had left from before, and the arenas that CPython 3.14 keeps for the object that is left
    assert 0.5 * 2**20 < slope < 8 * 2**20
    assert any(" grow" in warning for warning in reports["leaking"]["warnings"])


def test_each_source_has_a_verdict():
    sources = {path.stem for path in (SOURCES / "tests/extensions").glob("*.c*")} - {"tally"}
    assert sources == {name for name in EXPECTED if "/" not in name}
