"""Programs that wait on a queue: Ctrl-C ends the wait as it ends any other."""
import signal

import pytest


@pytest.mark.parametrize("wait", ["q.get()", "q.get_many(5)", "full.put(2)", "isles.select([q])", "q.get(timeout=600)"])
def test_interrupt_ends_a_wait(folder, wait):
    folder.write("a.py", "import isles\n"
                         "q, full = isles.create_queue(), isles.create_queue(1)\n"
                         "full.put(1)\n"
                         f"try: print('ready', flush=True); {wait}\n"
                         "except KeyboardInterrupt: print('caught'); raise\n"
                         "finally: print('finally')\n")
    process = folder.start("run", "a.py")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == "caught\nfinally\n"
    assert "could not be stopped" not in errors


def test_two_programs_meet_by_a_queue(folder):
    folder.write("a.py", "import isles\n"
                         "here, done = isles.create_queue(name='here'), isles.create_queue(name='done')\n"
                         "print(sum(here.get(timeout=30) for _ in range(100)))\n"
                         "done.put(None)\n"
                         "while not done.empty(): pass\n")
    folder.write("b.py", "import isles, time\n"
                         "while True:\n"
                         "    try: here, done = isles.find_queue('here'), isles.find_queue('done'); break\n"
                         "    except LookupError: time.sleep(0.001)\n"
                         "for i in range(100): here.put(i)\n"
                         "done.get(timeout=30)\n")
    result = folder.run("--output", "plain", "a.py", "b.py")
    assert (result.returncode, result.stdout, result.stderr) == (0, "4950\n", "")
