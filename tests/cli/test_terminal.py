"""What a person at a terminal sees: colours, the live line, Ctrl-C."""
import re
import signal

from conftest import wait_until_it_burns

WAITS = "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"
LIVE = r"(\d+) running(?:, (\d+) waiting)?, (\d+) done, (\d+) failed  [0-9.]+s  CPU \d+%"


def plain(text):
    return re.sub(r"\033\[[0-9;]*m", "", text)


def test_prefix_and_table_are_coloured(folder):
    folder.write("a.py", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    folder.write("b.py", "print('out')")
    with folder.on_terminal("run", "a.py", "b.py") as terminal:
        assert terminal.finish() == 3
        assert "\033[36ma\033[0m \033[2m|\033[0m out" in terminal.seen
        assert "\033[36ma\033[0m \033[31m|\033[0m err" in terminal.seen
        assert "\033[33mb\033[0m \033[2m|\033[0m out" in terminal.seen
        assert "\033[31mfailed\033[0m" in terminal.seen
        assert "\033[32mok\033[0m" in terminal.seen


def test_no_color_and_dumb_terminals(folder):
    folder.write("a.py", "print('out')")
    with folder.on_terminal("run", "-n", "2", "a.py", env={"NO_COLOR": "1"}) as terminal:
        assert terminal.finish() == 0
        assert not re.search(r"\033\[[0-9;]*m", terminal.seen)
    with folder.on_terminal("run", "-n", "2", "a.py", env={"TERM": "dumb"}) as terminal:
        assert terminal.finish() == 0
        assert "\033" not in terminal.seen
    with folder.on_terminal("run", "-n", "2", "--color", "never", "a.py") as terminal:
        assert terminal.finish() == 0
        assert not re.search(r"\033\[[0-9;]*m", terminal.seen)


def test_live_line_counts_and_leaves_nothing_behind(folder):
    folder.write("good.py", "print('good')")
    folder.write("bad.py", "raise SystemExit(1)")
    folder.write("waits.py", "import pathlib, time\n"
                             "while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
                             "print('went')\n")
    with folder.on_terminal("run", "--color", "never", "--jobs", "2", "good.py", "bad.py", "waits.py",
                            "waits.py") as terminal:
        terminal.wait_for(r"2 running, 2 done, 1 failed  [0-9.]+s  CPU \d+%  waits waits-2")
        (folder.path / "go").touch()
        assert terminal.finish() == 1
        screen = terminal.screen
    assert not any(re.search(LIVE, line) for line in screen)
    assert sorted(screen[:3]) == ["good    | good", "waits   | went", "waits-2 | went"]
    assert screen[3].startswith("PROGRAM")


def test_live_line_is_drawn_at_most_ten_times_a_second(folder):
    folder.write("a.py", "import time\n"
                         "end = time.monotonic() + 1.5\n"
                         "while time.monotonic() < end: print('line')\n")
    with folder.on_terminal("run", "-n", "2", "a.py") as terminal:
        assert terminal.finish() == 0
        drawn = len(re.findall(LIVE, plain(terminal.seen)))
    assert 3 <= drawn <= 30  # two clocks, of the writers and of the main thread, and some slack


def test_live_line_fits_the_terminal(folder):
    folder.write("a.py", WAITS)
    with folder.on_terminal("run", "-n", "3", "--name", "n" * 50, "a.py", columns=40) as terminal:
        terminal.wait_for(r"3 running")
        terminal.wait_for(r"3 running")
        terminal.press_ctrl_c()
        terminal.finish()
        lines = re.findall(r"\r\033\[K((?:\033\[[0-9;]*m|[^\r\n\033^])+)", terminal.seen)
    assert any("running" in line for line in lines)
    assert all(len(plain(line)) < 40 for line in lines if "running" in line)


def test_no_live_line_when_piped_or_quiet(folder):
    folder.write("a.py", "import time; time.sleep(0.5); print('x')")
    assert "running" not in folder.run("-n", "2", "--summary", "a.py").stderr
    with folder.on_terminal("run", "--quiet", "-n", "2", "a.py") as terminal:
        assert terminal.finish() == 0
        assert sorted(terminal.screen) == ["", "a-0 | x", "a-1 | x"]
        assert "\033[K" not in terminal.seen


def test_stdout_to_a_file_keeps_the_live_line_on_the_terminal(folder):
    folder.write("a.py", "import time\nfor i in range(4): print('line', i); time.sleep(0.15)\n")
    with open(folder.path / "log", "w") as log, \
            folder.on_terminal("run", "-n", "2", "a.py", stdout=log) as terminal:
        assert terminal.finish() == 0
        assert re.search(LIVE, plain(terminal.seen))
        assert "line" not in terminal.seen
        assert not any("running" in line for line in terminal.screen)
    text = (folder.path / "log").read_text()
    assert "\033" not in text and text.count("a-0 | line") == 4


def test_one_program_has_the_terminal_to_itself(folder):
    folder.write("a.py", "import sys\n"
                         "print(sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty())\n"
                         "name = input('who? ')\n"
                         "print('hello', name)\n")
    with folder.on_terminal("run", "a.py") as terminal:
        terminal.wait_for("True True True")
        terminal.wait_for(r"who\? ")
        terminal.send("you\n")
        terminal.wait_for("hello you")
        assert terminal.finish() == 0
        assert "running" not in terminal.seen


def test_prompt_of_one_among_several(folder):
    folder.write("asks.py", "print('hello', input('who? '))")
    folder.write("other.py", "print('other')")
    with folder.on_terminal("run", "--color", "never", "asks.py", "--stdin", "inherit", "other.py") as terminal:
        terminal.wait_for(r"asks  \| who\? ")
        terminal.send("you\n")
        terminal.wait_for("hello you")
        assert terminal.finish() == 0


def test_progress_bar_shows_its_last_state(folder):
    folder.write("a.py", "import sys\n"
                         "for i in range(5): sys.stderr.write(f'\\r{i} of 4'); sys.stderr.flush()\n"
                         "sys.stderr.write('\\n')\n")
    with folder.on_terminal("run", "--color", "never", "-n", "2", "a.py") as terminal:
        assert terminal.finish() == 0
        assert sorted(terminal.screen[:2]) == ["a-0 | 4 of 4", "a-1 | 4 of 4"]


def test_unfinished_lines_get_an_end(folder):
    folder.write("a.py", "print('no end', end='')")
    with folder.on_terminal("run", "a.py") as terminal:
        assert terminal.finish() == 0
        assert terminal.screen[0] == "no end"
        assert terminal.screen[1].startswith("PROGRAM")


def test_ctrl_c_once(folder):
    folder.write("a.py", "import atexit, time\n"
                         "atexit.register(print, 'atexit')\n"
                         "print('ready', flush=True)\n"
                         "time.sleep(600)\n")
    with folder.on_terminal("run", "-n", "2", "a.py") as terminal:
        terminal.wait_for("ready")
        terminal.wait_for("ready")
        terminal.press_ctrl_c()
        assert terminal.finish() == 130
        text = plain(terminal.seen)
        assert "isles: stopping (Ctrl-C once more: at once)" in text
        assert text.count("| atexit") == 2
        assert len(re.findall(r"^a-\d +cancelled +130 ", text, re.M)) == 2
        assert not any("running" in line for line in terminal.screen)


def test_ctrl_c_twice(folder):
    folder.write("a.py", "import itertools\n"
                         "print('ready', flush=True)\n"
                         "sum(itertools.repeat(0))\n")  # nothing but giving it up ends this
    with folder.on_terminal("run", "-n", "2", "a.py") as terminal:
        terminal.wait_for("ready")
        terminal.wait_for("ready")
        wait_until_it_burns(terminal.process)
        terminal.press_ctrl_c()
        terminal.wait_for("isles: stopping")
        for _ in range(100):  # the keys of a person who means it
            terminal.press_ctrl_c()
            try:
                terminal.wait_for("stopped at once", seconds=0.1)
                break
            except TimeoutError:
                pass
        assert terminal.finish(5) == 130
        assert terminal.screen[-2] == "isles: stopped at once"


def test_terminal_that_goes_away(folder):
    folder.write("a.py", "while True: print('x')")
    terminal = folder.on_terminal("run", "-n", "2", "a.py")
    terminal.wait_for("x")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(timeout=20) == 130
    terminal.__exit__()
