"""A start-up as programs have it: common modules, each really used. Raises if one of them misbehaves."""
import asyncio
import ctypes
import dataclasses
import datetime
import decimal
import gc
import json
import re
import socket
import sqlite3
import ssl
import threading
import traceback

assert json.loads(json.dumps({"a": [1, 2.5, None, True, "x" * 50]}))["a"][1] == 2.5
assert re.compile(r"(a|b)*c(\d+)").match("ababc12").group(2) == "12"


async def one_through_a_queue():
    queue = asyncio.Queue()
    await asyncio.sleep(0)
    await queue.put(1)
    return await queue.get()


assert asyncio.run(one_through_a_queue()) == 1
assert str(decimal.Decimal(1) / 3).startswith("0.333")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


assert Point(1) == Point(1, 0)

base = sqlite3.connect(":memory:")
base.execute("create table t(a, b)")
base.executemany("insert into t values(?, ?)", [(i, str(i)) for i in range(50)])
assert base.execute("select sum(a) from t").fetchone() == (1225,)
base.close()

assert datetime.datetime.strptime("2024-01-02", "%Y-%m-%d").date() == datetime.date(2024, 1, 2)
assert datetime.datetime.now(datetime.timezone.utc).utcoffset() == datetime.timedelta(0)

left, right = socket.socketpair()
left.send(b"hi")
assert right.recv(2) == b"hi"
left.close()
right.close()
assert ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).check_hostname

sums = []
thread = threading.Thread(target=lambda: sums.append(sum(range(1000))))
thread.start()
thread.join()
assert sums == [499500]
assert ctypes.CDLL(None).getpid() > 0

for index in range(5):
    try:
        [][index]
    except IndexError:
        assert "IndexError" in traceback.format_exc()


class Knot:
    def __del__(self):
        knots.append(1)


knots = []
for _ in range(100):
    knot = Knot()
    knot.itself = knot
del knot
gc.collect()
assert len(knots) == 100
