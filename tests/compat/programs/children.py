"""Child processes obey: signals are not blocked in them, multiprocessing's workers come and go."""

import multiprocessing
import signal
import subprocess
import sys
import time

SHOW = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"


def work(number, connection):
    connection.send((number, __name__, sys.flags.no_site, sys.flags.safe_path))


def wait_for_ever(connection):
    connection.send("waiting")
    time.sleep(3600)


if __name__ == "__main__":
    print(subprocess.check_output([sys.executable, "-c", SHOW], text=True), end="")
    sleeper = subprocess.Popen(["sleep", "3600"])
    sleeper.terminate()
    print(sleeper.wait(60) == -signal.SIGTERM)
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        here, there = context.Pipe()
        process = context.Process(target=work, args=(7, there))
        process.start()
        print(here.recv())
        process.join(60)
        print(process.exitcode)
        stuck = context.Process(target=wait_for_ever, args=(there,))
        stuck.start()
        print(here.recv())
        stuck.terminate()
        stuck.join(60)
        print(stuck.exitcode)
