"""threading: who is main, and that a program lasts until its threads have ended."""
import concurrent.futures
import logging
import threading
import time

print(threading.main_thread() is threading.current_thread(), threading.current_thread().name, threading.active_count())
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda x: x * x, range(10))))
local = threading.local()
local.x = 1
seen = []
thread = threading.Thread(target=lambda: seen.append(hasattr(local, "x")), name="one")
thread.start()
thread.join()
print(seen, thread.is_alive(), thread.name)
barrier = threading.Barrier(3)
for _ in range(2):
    threading.Thread(target=barrier.wait).start()
barrier.wait()
timer = threading.Timer(0.01, lambda: print("timer"))
timer.start()
timer.join()
logging.basicConfig(format="%(threadName)s %(levelname)s %(name)s %(message)s", stream=__import__("sys").stdout)
logging.warning("logged")


def late():
    time.sleep(0.05)
    print("late", threading.main_thread().name)


threading.Thread(target=late).start()
print("end of main")
