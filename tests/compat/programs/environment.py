"""os.environ, putenv and unsetenv, and what each way of starting a process hands on."""

import inspect
import os
import pickle
import posix
import subprocess
import sys

SHOW = "import os; print(*[os.environ.get(name) for name in ('A', 'B', 'C')])"


def show(what):
    print(what, flush=True)
    print(subprocess.check_output([sys.executable, "-c", SHOW], text=True), end="")  # posix_spawn
    print(subprocess.check_output([sys.executable, "-c", SHOW], text=True, start_new_session=True), end="")
    print(os.popen("echo $A $B $C").read(), end="")
    print(subprocess.check_output("echo $A $B $C", shell=True, text=True), end="")
    print(os.system("exit $(( ${A:-0} + ${B:-0} ))") >> 8, flush=True)


for name in "ABC":
    os.environ.pop(name, None)
show("nothing")
os.environ["A"] = "1"
os.putenv("B", "2")
posix.putenv(b"C", "3")
print(os.environ.get("A"), os.environ.get("B"), os.environ.get("C"))
show("set")
os.unsetenv("A")
print(os.environ.get("A"))
show("one unset")
if hasattr(os, "reload_environ"):
    os.reload_environ()
    print(os.environ.get("A"), os.environ.get("B"), os.environ.get("C"))
    os.environ.update(A="4")
os.environ.clear()
print(subprocess.check_output([sys.executable, "-c", SHOW], text=True), end="")

class Holder:
    functions = putenv, spawn, system = os.putenv, os.posix_spawn, os.system


Holder().putenv("D", "5")  # a built-in function does not become a method
pid = Holder().spawn("/bin/sh", ["sh", "-c", "exit $((D + 1))"], posix._create_environ() if hasattr(posix, "_create_environ")
                     else {"D": "5"})
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(Holder().system("exit $D") >> 8)
for function in Holder.functions:
    print(inspect.signature(function), function.__name__, function.__module__, repr(function))
    print(pickle.loads(pickle.dumps(function)) is function)

for function, args in [(os.putenv, ("A=", "")), (os.putenv, ("", "")), (os.putenv, ("A", "\0")), (os.putenv, ("A", 1)),
                       (os.unsetenv, ("A=",)), (os.unsetenv, ("",)), (os.unsetenv, ("\0",)), (os.putenv, ("A",))]:
    try:
        function(*args)
    except Exception as error:
        print(args, type(error).__name__, getattr(error, "errno", None))
