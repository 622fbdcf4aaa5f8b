"""Signals that a program sends to itself, in every way that the standard library offers, and what it can do about them."""

import _thread
import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

heard = []


def note(number, frame):
    on_main = threading.current_thread() is threading.main_thread()
    heard.append((signal.Signals(number).name, frame.f_code.co_name, on_main))


def show(what):
    print(what, heard)
    heard.clear()


print([(n.name, signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD)])
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(repr(signal.signal(signal.SIGUSR1, note)), signal.signal(signal.SIGUSR1, note) is note)
for send in (signal.raise_signal, lambda n: os.kill(os.getpid(), n), lambda n: signal.pthread_kill(threading.get_ident(), n)):
    send(signal.SIGUSR1)
show("sent")
thread = threading.Thread(target=signal.raise_signal, args=[signal.SIGUSR1])
thread.start()
thread.join()
while not heard:
    pass
heard[0] = heard[0][::2]  # wherever it came
show("by a thread")

signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.raise_signal(signal.SIGUSR1)
signal.signal(signal.SIGUSR1, note)
signal.raise_signal(signal.SIGCHLD)
show("ignored")

signal.signal(signal.SIGALRM, note)
print(signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05), signal.getitimer(signal.ITIMER_REAL)[1])
began = time.monotonic()
time.sleep(0.12)
print(time.monotonic() - began >= 0.12, len(heard) >= 2, signal.setitimer(signal.ITIMER_REAL, 0)[1])
heard.clear()
print(signal.alarm(30), signal.alarm(0))
signal.setitimer(signal.ITIMER_REAL, 0.02)
signal.pause()
show("pause")

print(signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2]))
signal.raise_signal(signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR2)
show("blocked")
print(signal.sigpending(), signal.sigwait([signal.SIGUSR2]), signal.sigpending())
print(signal.sigtimedwait([signal.SIGUSR2], 0.01), subprocess.run(["true"]).returncode)
print(signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGUSR2]))
show("unblocked")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
threading.Timer(0.05, signal.pthread_kill, [threading.get_ident(), signal.SIGUSR1]).start()
print(signal.sigwaitinfo([signal.SIGUSR1]).si_signo, heard)
signal.pthread_sigmask(signal.SIG_SETMASK, [])

r, w = os.pipe()
os.set_blocking(w, False)
print(signal.set_wakeup_fd(w))
signal.raise_signal(signal.SIGUSR1)
print(os.read(r, 9), signal.set_wakeup_fd(-1) == w)
show("wake-up")


def fail(number, frame):
    raise LookupError(number)


signal.signal(signal.SIGUSR2, fail)
for what in (lambda: signal.raise_signal(signal.SIGUSR2), lambda: signal.raise_signal(signal.SIGINT), _thread.interrupt_main,
             lambda: signal.signal(0, note), lambda: signal.signal(signal.SIGKILL, note), lambda: signal.signal(1, "x"),
             lambda: signal.raise_signal(1000), lambda: signal.sigwait([1000])):
    try:
        what()
        for i in range(10**6):
            pass
        print("nothing")
    except (Exception, KeyboardInterrupt) as error:
        print(type(error).__name__, error)


async def main():
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.call_later(0.02, signal.raise_signal, signal.SIGTERM)
    await stop.wait()
    print(loop.remove_signal_handler(signal.SIGTERM), signal.getsignal(signal.SIGTERM))
    try:
        loop.call_later(0.02, os.kill, os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)
    finally:
        print("cancelled", asyncio.current_task().cancelling())


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda *args: sys.exit(7))
os.kill(os.getpid(), signal.SIGTERM)
