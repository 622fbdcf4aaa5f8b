"""Signals to `isles run`, as its programs see them."""
import os
import signal
import time

import pytest

from test_stop import WAITS, start_ready, table

HANDLES = ("import signal, sys, time\n"
           "def handler(number, frame):\n"
           "    print('heard', signal.Signals(number).name, flush=True)\n"
           "    {action}\n"
           "for name in ('SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'):\n"
           "    signal.signal(getattr(signal, name), handler)\n"
           "print('ready', flush=True)\n"
           "while True: time.sleep(600)\n")
GOES_ON = HANDLES.format(action="pass")
EXITS = HANDLES.format(action="sys.exit(0)")
ASYNC = ("import asyncio\n"
         "async def main():\n"
         "    print('ready', flush=True)\n"
         "    try: await asyncio.sleep(600)\n"
         "    finally: print('cleaned up', flush=True)\n"
         "asyncio.run(main())\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_that_handles_it_ends_as_it_likes(folder, number):
    folder.write("a.py", EXITS)
    process = start_ready(folder, "--summary", "a.py")
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, f"heard {number.name}\n")
    assert table(errors) == {"a": ("ok", "0")}


def test_status_is_the_handlers(folder):
    folder.write("a.py", HANDLES.format(action="sys.exit(7)"))
    process = start_ready(folder, "a.py")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 7


def test_those_without_a_handler_are_stopped(folder):
    folder.write("a.py", EXITS)
    folder.write("b.py", WAITS)
    process = start_ready(folder, "--summary", "a.py", "b.py", ready=2)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == "a | heard SIGTERM\n"
    assert table(errors) == {"a": ("ok", "0"), "b": ("cancelled", "130")}


def test_second_wish_ends_a_program_that_goes_on(folder):
    folder.write("a.py", GOES_ON)
    process = start_ready(folder, "a.py")
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "heard SIGINT\n"
    assert process.stderr.readline().startswith("isles: stopping")
    give_up = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < give_up:
        process.send_signal(signal.SIGINT)  # until one comes late enough not to be the same wish
        time.sleep(0.05)
    assert process.returncode == 130
    assert process.stderr.read() == "isles: stopped at once\n"
    process.stdout.close()
    process.stderr.close()


def test_messages_go_to_those_who_listen(folder):
    folder.write("a.py", GOES_ON)
    folder.write("b.py", WAITS)
    process = start_ready(folder, "a.py", "b.py", ready=2)
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGUSR1"):
        process.send_signal(getattr(signal, name))
        assert process.stdout.readline() == f"a | heard {name}\n"
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_message_that_nobody_wants_stops_politely(folder, number):
    folder.write("a.py", "import atexit\natexit.register(print, 'atexit ran')\n" + WAITS)
    process = start_ready(folder, "a.py")
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "atexit ran\n")
    assert "which no program handles" in errors


def test_resized_terminal_ends_nothing(folder):
    folder.write("a.py", "import time; print('ready', flush=True); time.sleep(0.5); print('end')")
    process = start_ready(folder, "a.py")
    process.send_signal(signal.SIGWINCH)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "end\n")


def test_children_are_told_of(folder):
    """To all that ask: whose child it was is not known."""
    folder.write("a.py", "import signal, subprocess, sys, time\n"
                         "children = []\n"
                         "def ended(number, frame):\n"
                         "    if all(child.poll() is not None for child in children): sys.exit(3)\n"
                         "signal.signal(signal.SIGCHLD, ended)\n"
                         "children += [subprocess.Popen(['sleep', '0.1']) for i in range(3)]\n"
                         "while True: time.sleep(600)\n")
    folder.write("b.py", "import subprocess; print(subprocess.run(['true']).returncode)")
    result = folder.run("a.py", "b.py")
    assert (result.returncode, result.stdout) == (3, "b | 0\n")


def test_asyncio_is_cancelled_by_ctrl_c(folder):
    folder.write("a.py", ASYNC)
    process = start_ready(folder, "--summary", "a.py")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "cleaned up\n")
    assert "Traceback" not in errors
    assert table(errors) == {"a": ("cancelled", "130")}


def test_server_that_tidies_up_and_sends_itself_the_signal_again(folder):
    folder.write("a.py", HANDLES.format(action="signal.signal(number, signal.SIG_DFL); signal.raise_signal(number)"))
    process = start_ready(folder, "--summary", "a.py")
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (143, "heard SIGTERM\n")
    assert table(errors) == {"a": ("cancelled", "143")}


def test_program_that_signals_itself(folder):
    folder.write("a.py", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nprint('never')")
    folder.write("b.py", "import time; time.sleep(0.3); print('fine')")
    result = folder.run("a.py", "b.py")
    assert (result.returncode, result.stdout) == (128 + signal.SIGTERM, "b | fine\n")
    assert table(result.stderr) == {"a": ("failed", "143"), "b": ("ok", "0")}


def test_uncaught_keyboard_interrupt_has_the_status_of_one(folder):
    folder.write("a.py", "raise KeyboardInterrupt")
    assert folder.run("a.py").returncode == 130


def test_many_signals(folder):
    folder.write("a.py", "import signal, time\nheard = 0\n"
                         "def count(number, frame):\n    global heard\n    heard += 1\n"
                         "    if heard == 1: print('heard', flush=True)\n"
                         "def end(number, frame): raise SystemExit(0)\n"
                         "signal.signal(signal.SIGUSR1, count)\nsignal.signal(signal.SIGUSR2, end)\n"
                         "print('ready', flush=True)\nwhile True: time.sleep(600)\n")
    process = start_ready(folder, "a.py")
    for _ in range(2000):
        os.kill(process.pid, signal.SIGUSR1)
    assert process.stdout.readline() == "heard\n"
    process.send_signal(signal.SIGUSR2)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
