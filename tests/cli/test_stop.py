"""Deadlines, failures, signals: how a run ends, and with what status."""
import signal
import time

import pytest

from conftest import wait_until_it_burns

WAITS = "import sys, time\nprint('ready', flush=True)\ntime.sleep(600)\n"
SPINS = "print('ready', flush=True)\nwhile True: pass\n"
# a call inside C that nothing interrupts; it must be the last resort that ends it
STUCK = "import itertools\nprint('ready', flush=True)\nsum(itertools.repeat(0))\n"


def table(text):
    """Result and exit status by name."""
    lines = [line.split() for line in text.splitlines()]
    begin = [words[:1] for words in lines].index(["PROGRAM"]) + 1
    return {words[0]: (words[1], words[2]) for words in lines[begin:] if len(words) == 7}


@pytest.mark.parametrize("program", [WAITS, SPINS])
def test_timeout(folder, program):
    folder.write("a.py", program)
    start = time.monotonic()
    result = folder.run("--timeout", "300ms", "--summary", "a.py")
    assert time.monotonic() - start < 20
    assert result.returncode == 124
    assert table(result.stderr) == {"a": ("timeout", "124")}
    assert "isles: timed out after 300ms (--timeout)\n" in result.stderr


def test_thread_that_outlives_its_program_times_out(folder):
    folder.write("a.py", "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()")
    result = folder.run("--timeout", "300ms", "--summary", "a.py")
    assert result.returncode == 124
    assert table(result.stderr) == {"a": ("timeout", "124")}
    assert "Traceback" not in result.stderr  # threading would report that its wait was interrupted


def test_timeout_shows_where_it_was(folder):
    folder.write("a.py", "def f():\n    while True: pass\nf()\n")
    for _ in range(5):  # describing it has a limited time, which a busy machine may not give
        errors = folder.run("--timeout", "300ms", "a.py").stderr
        if 'a.py", line 2, in f' in errors:
            break
    assert 'a.py", line 2, in f' in errors


def test_timeout_of_one_leaves_the_other(folder):
    folder.write("a.py", WAITS)
    folder.write("b.py", "import time; time.sleep(0.6); print('done')")
    result = folder.run("a.py", "--timeout", "0.2s", "b.py", "--timeout", "0")
    assert result.returncode == 124
    assert table(result.stderr) == {"a": ("timeout", "124"), "b": ("ok", "0")}
    assert "b | done" in result.stdout


def test_code_that_cannot_be_stopped_is_reported_and_left(folder):
    folder.write("a.py", STUCK)
    folder.write("b.py", "print('fine')")
    result = folder.run("a.py", "--timeout", "200ms", "b.py")
    assert result.returncode == 124
    assert table(result.stderr) == {"a": ("stuck", "124"), "b": ("ok", "0")}
    assert "could not be stopped" in result.stderr
    assert "b | fine" in result.stdout


def test_exit_status_is_that_of_the_first_to_fail_in_time(folder):
    folder.write("late.py", "import pathlib, sys, time\n"
                            "while not pathlib.Path('failed').exists(): time.sleep(0.01)\n"
                            "sys.exit(5)\n")
    folder.write("early.py", "import atexit, pathlib, sys\n"
                             "atexit.register(pathlib.Path('failed').touch)\n"
                             "sys.exit(6)\n")
    assert folder.run("late.py", "early.py").returncode == 6


def test_fail_fast_stops_the_others_and_what_waits(folder):
    folder.write("waits.py", WAITS)
    folder.write("fails.py", "import time; time.sleep(0.3); raise SystemExit(4)")
    folder.write("never.py", "print('never')")
    result = folder.run("--fail-fast", "--jobs", "2", "waits.py", "fails.py", "never.py")
    assert result.returncode == 4
    assert table(result.stderr) == {"waits": ("cancelled", "130"), "fails": ("failed", "4"),
                                    "never": ("cancelled", "130")}
    assert "never |" not in result.stdout


def test_without_fail_fast_all_run(folder):
    folder.write("fails.py", "raise SystemExit(4)")
    folder.write("after.py", "print('ran')")
    result = folder.run("--jobs", "1", "fails.py", "after.py")
    assert (result.returncode, result.stdout) == (4, "after | ran\n")


def test_jobs_limits_how_many_run_at_once(folder):
    folder.write("a.py", "import os, pathlib, time\n"
                         "me = pathlib.Path(os.environ['ISLES_NAME'] + '.running')\n"
                         "me.touch()\n"
                         "print(len(list(pathlib.Path('.').glob('*.running'))))\n"
                         "time.sleep(0.05)\n"
                         "me.unlink()\n")
    result = folder.run("--output", "plain", "--jobs", "2", "-n", "8", "a.py")
    seen = [int(line) for line in result.stdout.splitlines()]
    assert len(seen) == 8
    assert max(seen) <= 2


# --- signals -----------------------------------------------------------------------------------------------------

def start_ready(folder, *args, ready=1):
    process = folder.start("run", *args)
    for _ in range(ready):
        assert process.stdout.readline().endswith("ready\n")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_politely(folder, number):
    folder.write("a.py", "import atexit\n"
                         "atexit.register(print, 'atexit ran')\n"
                         "try:\n"
                         "    import time; print('ready', flush=True); time.sleep(600)\n"
                         "finally:\n"
                         "    print('finally ran')\n")
    folder.write("b.py", SPINS)
    process = start_ready(folder, "--jobs", "2", "a.py", "b.py", "b.py", "--name", "waits", ready=2)
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "a     | finally ran\na     | atexit ran\n" in out
    text = {signal.SIGINT: "stopping (Ctrl-C once more: at once)", signal.SIGTERM: "stopping: SIGTERM (once more: at once)"}
    assert f"isles: {text[number]}\n" in errors
    assert "Traceback" not in errors
    assert table(errors) == {name: ("cancelled", "130") for name in ("a", "b", "waits")}


def test_signal_while_code_is_stuck(folder):
    folder.write("a.py", STUCK)
    process = start_ready(folder, "a.py")
    wait_until_it_burns(process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "could not be stopped" in errors


def test_second_signal_ends_at_once(folder):
    folder.write("a.py", STUCK)
    process = start_ready(folder, "a.py")
    wait_until_it_burns(process)
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline().startswith("isles: stopping")
    start = time.monotonic()
    while process.poll() is None and time.monotonic() - start < 10:
        process.send_signal(signal.SIGINT)  # until one comes late enough not to be the same wish
        time.sleep(0.05)
    assert process.returncode == 130
    assert time.monotonic() - start < 1.5  # it would be given up after two seconds
    assert process.stderr.read() == "isles: stopped at once\n"
    process.stdout.close()
    process.stderr.close()


def test_one_wish_sent_twice_is_one(folder):
    folder.write("a.py", "import atexit, time\n"
                         "atexit.register(print, 'atexit ran')\n"
                         "print('ready', flush=True); time.sleep(600)\n")
    process = start_ready(folder, "a.py")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "atexit ran\n")
    assert "at once\n" not in errors.replace("once more: at once", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_ignored_signal_stays_ignored(folder, number):
    folder.write("a.py", "import time; print('ready', flush=True); time.sleep(0.5); print('end')")
    process = folder.start("run", "a.py", preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "end\n")


def test_signal_before_anything_runs(folder):
    folder.write("a.py", "print('ran')")
    for delay in (0, 0.01, 0.03, 0.1):
        process = folder.start("run", "-n", "3", "a.py")
        time.sleep(delay)  # any moment of the start will do
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode in (0, 130, -signal.SIGTERM)


def test_signal_while_output_is_blocked(folder):
    folder.write("a.py", "print('ready', flush=True)\nwhile True: print('x' * 1000)\n")
    process = start_ready(folder, "-n", "2", "a.py")
    time.sleep(0.2)  # let the pipe fill
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130  # nobody reads
    assert "cancelled" in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_many_programs_end(folder):
    folder.write("a.py", "import isles; print(isles.number)")
    result = folder.run("--output", "plain", "-n", "60", "a.py")
    assert result.returncode == 0
    assert sorted(map(int, result.stdout.split())) == list(range(60))


def test_few_descriptors(folder):
    import resource
    folder.write("a.py", "print('ran')")

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    result = folder.run("-n", "60", "--jobs", "4", "a.py", preexec_fn=limit)
    assert result.returncode == 0, result.stderr
