#!/usr/bin/env python3
"""Small programs must print the same in `isles run` as in plain Python: same_test.py ISLES PROGRAM.py..."""

import difflib
import os
import subprocess
import sys

SECONDS = 120
INPUT = b"one\r\ntwo\rthree\xff\n\xc3\xa4"


def output(command):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ISLES", "LC_"))}
    env["LANG"] = "C.UTF-8"
    done = subprocess.run(command, input=INPUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, timeout=SECONDS)
    return done.stdout.decode(errors="backslashreplace") + f"exit status {done.returncode}\n"


def main():
    isles, *programs = sys.argv[1:]
    python = subprocess.run([isles, "info", "--python"], capture_output=True, text=True, check=True).stdout.strip()
    different = []
    for program in programs:
        plain, ours = output([python, program]), output([isles, "run", program])
        if plain != ours:
            different.append(os.path.basename(program))
            print("".join(difflib.unified_diff(plain.splitlines(True), ours.splitlines(True), "plain Python " + program, "isles run")))
    print(f"{len(programs)} programs, different: {', '.join(different) or 'none'}")
    return 1 if different or not programs else 0


sys.exit(main())
