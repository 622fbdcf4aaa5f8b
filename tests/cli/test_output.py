"""Where output goes and in what shape; whole lines only."""
import json
import os
import re
import subprocess
import threading

import pytest


def test_prefix_keeps_streams_apart_and_aligns_names(folder):
    folder.write("a.py", "import sys; print('out'); print('err', file=sys.stderr)")
    folder.write("longer.py", "print('x')")
    result = folder.run("a.py", "longer.py")
    assert sorted(result.stdout.splitlines()) == ["a      | out", "longer | x"]
    assert result.stderr == "a      | err\n"


def test_one_program_alone_is_passed_through_byte_by_byte(folder):
    folder.write("a.py", "import sys\n"
                         "sys.stdout.buffer.write(b'\\x00\\xff\\r\\nno end')\n"
                         "sys.stderr.write('also none')\n")
    result = folder.run("a.py", text=False)
    assert (result.stdout, result.stderr) == (b"\x00\xff\r\nno end", b"also none")
    result = folder.run("--output", "prefix", "a.py", text=False)
    assert (result.stdout, result.stderr) == (b"a | \x00\xff\r\na | no end\n", b"a | also none\n")


def test_long_names_are_cut_in_the_middle(folder):
    folder.write("a.py", "print('x')")
    result = folder.run("a.py", "--name", "b" * 30 + "e", "a.py", "--name", "s")
    names = {line.split(" | ")[0] for line in result.stdout.splitlines()}
    assert names == {"b" * 11 + ".." + "b" * 10 + "e", "s".ljust(24)}


def test_line_that_comes_in_pieces_is_written_whole(folder):
    folder.write("a.py", "import sys\n"
                         "for i in range(300):\n"
                         "    for piece in ('one ', 'line ', 'of many\\n'):\n"
                         "        sys.stdout.write(piece); sys.stdout.flush()\n")
    result = folder.run("--output", "plain", "-n", "4", "a.py")
    assert result.stdout == "one line of many\n" * 1200


def test_lines_are_not_torn_by_many_threads(folder):
    folder.write("a.py", "import threading, os\n"
                         "def work(n):\n"
                         "    for i in range(200): print(f'{n}:' + 'x' * (i * 40) + ':end')\n"
                         "threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]\n"
                         "[t.start() for t in threads]; [t.join() for t in threads]\n")
    result = folder.run("-n", "4", "a.py")
    lines = result.stdout.splitlines()
    assert len(lines) == 4 * 3 * 200
    assert all(re.fullmatch(r"a-\d \| \d:x*:end", line) for line in lines)


@pytest.mark.parametrize("mode, expected", [
    ("prefix", ["a | " + "é" * 32768, "a + " + "é" * 32768, "a + é"]),
    ("plain", ["é" * 65537]),
])
def test_line_without_end_is_cut_between_characters(folder, mode, expected):
    folder.write("a.py", "import sys; sys.stdout.write('é' * 65537); sys.stdout.flush()")
    folder.write("b.py", "")
    result = folder.run("--output", mode, "a.py", "b.py")
    assert result.stdout.splitlines() == expected


def test_finished_line_of_any_length_is_whole(folder):
    folder.write("a.py", "print('x' * 1_000_000)")
    result = folder.run("-n", "2", "a.py")
    pieces = re.findall(r"^a-\d ([|+]) (x+)$", result.stdout, re.M)
    assert sum(len(text) for _, text in pieces) == 2_000_000


def test_output_of_children_is_left_alone(folder):
    folder.write("a.py", "import subprocess; subprocess.run(['echo', 'from a child'])")
    assert "from a child\n" in folder.run("-n", "2", "a.py").stdout


# --- files of single programs ---------------------------------------------------------------------------------------

def test_streams_of_a_program_go_to_files(folder):
    folder.write("a.py", "import subprocess, sys\nprint('out', flush=True)\nsubprocess.run(['echo', 'child'])\n"
                         "print('err', file=sys.stderr)\n1 / 0")
    folder.write("b.py", "print('shown')")
    result = folder.run("a.py", "--stdout", "a.out", "--stderr", "a.err", "b.py")
    assert result.stdout == "b | shown\n"
    assert (folder.path / "a.out").read_text() == "out\nchild\n"
    errors = (folder.path / "a.err").read_text()
    assert errors.startswith("err\nTraceback") and errors.endswith("ZeroDivisionError: division by zero\n")
    folder.run("a.py", "--stdout", "a.out", "--append", "--stderr", "null")
    assert (folder.path / "a.out").read_text() == "out\nchild\n" * 2
    folder.run("a.py", "--stdout", "a.out", "--stderr", "a.out")
    assert "child\nerr\nTraceback" in (folder.path / "a.out").read_text()


def test_a_file_alone_has_the_bytes_that_came(folder):
    folder.write("a.py", "import sys; sys.stdout.buffer.write(b'\\xff\\0no end')")
    folder.run("a.py", "--stdout", "out")
    assert (folder.path / "out").read_bytes() == b"\xff\0no end"


def test_lines_are_whole_in_a_file_that_several_programs_share(folder):
    folder.write("a.py", "import isles, sys\n"
                         "for i in range(300):\n"
                         "    for piece in (f'{isles.number}:', 'x' * (i * 40), ':end\\n'):\n"
                         "        sys.stdout.write(piece); sys.stdout.flush()\n"
                         "sys.stdout.write(f'{isles.number}::end')")
    result = folder.run("--stdout", "all", "-n", "4", "a.py")
    assert result.stdout == ""
    lines = (folder.path / "all").read_text().splitlines()
    assert len(lines) == 4 * 301
    assert all(re.fullmatch(r"\d:x*:end", line) for line in lines)


def test_unbuffered(folder):
    folder.write("a.py", "import sys\nprint('a', end='')\nprint(type(sys.stdout.buffer).__name__, sys.stdout.write_through)")
    assert folder.run("a.py", "-u").stdout == "aRawStream True\n"


# --- slow readers ---------------------------------------------------------------------------------------------------

def test_what_a_slow_reader_loses_is_said(folder):
    folder.write("flood.py", "import isles\nfor i in range(20000): print(f'{i:09}')")
    command = ["run", "--slow-reader", "drop", "--output", "prefix", "flood.py"]
    process = folder.start(*command)
    reader, writer = process.stdout, process.stderr
    first = reader.readline()  # and then nothing, until it has ended or can't
    threading.Event().wait(0.5)
    out, errors = first + reader.read(), writer.read()
    assert process.wait(60) == 0
    lines = out.splitlines()
    notes = [int(found[1]) for line in lines if (found := re.fullmatch(r"flood \| \[isles: (\d+) bytes of .*\]", line))]
    written = [line for line in lines if re.fullmatch(r"flood \| \d{9}", line)]
    assert len(notes) + len(written) == len(lines)
    assert sum(notes) + 10 * len(written) == 200000 and notes
    assert f"isles: flood: {sum(notes)} bytes of output, in {sum(notes) // 10} writes, were dropped" in errors


# --- JSON -----------------------------------------------------------------------------------------------------------

def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_json(folder):
    folder.write("a.py", "import sys; print('out \\u00e9 \\x00'); print('err', file=sys.stderr); sys.exit(3)")
    result = folder.run("--output", "json", "a.py")
    assert (result.returncode, result.stderr) == (3, "")
    all_records = records(result)
    assert [(r["name"], r["stream"], r["text"]) for r in all_records] == [
        ("a", "stdout", "out é \x00"), ("a", "stderr", "err"), ("a", "result", "failed")]
    for record in all_records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["time"])
    assert {"status": 3, "lines": 2}.items() <= all_records[-1].items()
    assert all_records[-1]["wall"] > 0 and all_records[-1]["cpu"] >= 0


def test_json_of_bytes_that_are_no_text_and_of_pieces(folder):
    folder.write("a.py", "import sys; sys.stdout.buffer.write(b'\\xff\\xc3(\\n' + b'y' * 65537)")
    first, piece, rest, _ = records(folder.run("--output", "json", "a.py"))
    assert first["text"] == "\ufffd\ufffd("
    assert (len(piece["text"]), piece["partial"]) == (65536, True)
    assert (len(rest["text"]), "partial" in rest) == (1, False)


# --- files ----------------------------------------------------------------------------------------------------------

def test_folder_of_files(folder):
    folder.write("logs/a-0.out", "old\n" * 100)
    folder.write("a.py", "import sys, isles; print('out', isles.number); sys.exit('bad' if isles.number else 0)")
    result = folder.run("--output", "logs", "-n", "2", "a.py")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "| " not in result.stderr
    content = {path.name: path.read_text() for path in (folder.path / "logs").iterdir()}
    assert content == {"a-0.out": "out 0\n", "a-0.err": "", "a-1.out": "out 1\n", "a-1.err": "bad\n"}


def test_child_that_is_given_the_stream_writes_to_the_file(folder):
    folder.write("a.py", "import subprocess, sys\n"
                         "print('before', flush=True)\n"
                         "subprocess.run(['echo', 'child'], stdout=sys.stdout, check=True)\n"
                         "print('after')\n")
    assert folder.run("--output", "logs", "a.py").returncode == 0
    assert (folder.path / "logs/a.out").read_text() == "before\nchild\nafter\n"


def test_folder_is_made_and_names_stay_in_it(folder):
    folder.write("a.py", "print('x')")
    assert folder.run("--output", "deep/er/logs", "a.py", "--name", "../../out").returncode == 0
    assert (folder.path / "deep/er/logs/.._.._out.out").read_text() == "x\n"


# --- the table -------------------------------------------------------------------------------------------------------

def rows(text):
    return [line.split() for line in text.splitlines()]


def test_table_when_one_of_several_failed(folder):
    folder.write("good.py", "print('a\\nb')")
    folder.write("bad.py", "import sys; sys.exit(9)")
    result = folder.run("good.py", "bad.py")
    head, good, bad, total = rows(result.stderr)
    assert head == ["PROGRAM", "RESULT", "EXIT", "WALL", "CPU", "MEMORY", "LINES"]
    assert (good[:3], good[6]) == (["good", "ok", "0"], "2")
    assert (bad[:3], bad[6]) == (["bad", "failed", "9"], "0")
    assert " ".join(total).endswith("1 ok, 1 failed")
    starts = [line.index("WALL") + 4 for line in result.stderr.splitlines()[:1]]
    assert all(line[starts[0] - 1] in "s" for line in result.stderr.splitlines()[1:3])  # aligned at the right


def test_when_there_is_a_table(folder):
    folder.write("good.py")
    folder.write("bad.py", "raise SystemExit(1)")
    assert folder.run("good.py", "good.py").stderr == ""
    assert folder.run("bad.py").stderr == ""
    assert folder.run("--quiet", "good.py", "bad.py").stderr == ""
    assert "PROGRAM" in folder.run("--summary", "good.py").stderr
    assert "PROGRAM" in folder.run("good.py", "bad.py").stderr


def test_long_table_leaves_out_what_is_ok(folder):
    folder.write("a.py", "import isles, sys; sys.exit(isles.number == 7)")
    result = folder.run("-n", "51", "--jobs", "4", "a.py")
    lines = result.stderr.splitlines()
    assert [line.split()[:3] for line in lines[1:2]] == [["a-7", "failed", "1"]]
    assert lines[2] == ".. and 50 more that are ok (--summary shows them)"
    assert len(folder.run("--summary", "-n", "51", "--jobs", "4", "a.py").stderr.splitlines()) == 53


# --- colours when piped --------------------------------------------------------------------------------------------

def test_color_only_when_asked_for(folder):
    folder.write("a.py", "print('x')")
    assert "\033" not in folder.run("--summary", "-n", "2", "a.py").stdout
    result = folder.run("--summary", "--color", "always", "-n", "2", "a.py", env={"NO_COLOR": "1"})
    assert "\033[36ma-0\033[0m \033[2m|\033[0m x\n" in result.stdout
    assert "\033[32mok\033[0m" in result.stderr


def test_color_that_a_program_leaves_on_is_ended(folder):
    folder.write("a.py", "print('\\033[31mred')")
    result = folder.run("--color", "always", "-n", "2", "a.py")
    assert result.stdout.count("\033[31mred\033[0m\n") == 2


# --- a reader who goes or doesn't read -------------------------------------------------------------------------------

def test_closed_stdout_stops_all(folder):
    folder.write("a.py", "while True: print('again')")
    process = folder.start("run", "-n", "2", "a.py")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_full_device_is_told(folder):
    folder.write("a.py", "while True: print('again')")
    with open("/dev/full", "w") as full:
        process = folder.start("run", "-n", "2", "a.py", stdout=full)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "isles: cannot write to standard output: No space left on device" in errors


def test_reader_that_does_not_read_does_not_hold_up_the_deadline(folder):
    folder.write("a.py", "while True: print('x' * 100)")
    result = folder.start("run", "--timeout", "300ms", "--summary", "-n", "2", "a.py")
    errors = []
    reader = threading.Thread(target=lambda: errors.append(result.stderr.read()))
    reader.start()
    assert result.wait(timeout=30) == 124  # its stdout was never read
    reader.join(timeout=30)
    assert errors[0].count("timeout") >= 2
    result.stdout.close()
    result.stderr.close()


def test_slow_reader_gets_all(folder):
    folder.write("a.py", "for i in range(20000): print(i)")
    process = folder.start("run", "-n", "2", "a.py")
    first = process.stdout.read(1)
    assert process.poll() is None  # 200 KB wait for us, no pipe holds them
    lines = (first + process.stdout.read()).splitlines()
    process.communicate(timeout=60)
    for name in ("a-0", "a-1"):
        assert [line for line in lines if line.startswith(name)] == [f"{name} | {i}" for i in range(20000)]


def test_stdout_and_stderr_of_one_pipe_stay_lines(folder):
    folder.write("a.py", "import sys\n"
                         "for i in range(500): print('o' * 50); print('e' * 50, file=sys.stderr)\n")
    process = folder.start("run", "-n", "3", "a.py", stderr=subprocess.STDOUT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(re.fullmatch(r"a-\d \| (o{50}|e{50})", line) for line in out.splitlines())
    assert len(out.splitlines()) == 3000


def test_files_are_closed_in_children(folder):
    folder.write("a.py", "import os, subprocess\n"
                         "print(subprocess.run(['ls', '/proc/self/fd'], capture_output=True, text=True,\n"
                         "                     close_fds=False).stdout.split())\n")
    if not os.path.exists("/proc/self/fd"):
        pytest.skip("no /proc")
    result = folder.run("a.py")
    assert result.stdout == "['0', '1', '2', '3']\n"  # 3 is ls's own
