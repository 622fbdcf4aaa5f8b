from greenlet import getcurrent, greenlet


def work():
    trace = []

    def ping(n):
        while n:
            trace.append(("ping", n))
            n = pong_greenlet.switch(n - 1)
        return "done"

    def pong(n):
        while True:
            trace.append(("pong", n))
            n = ping_greenlet.switch(n)

    ping_greenlet, pong_greenlet = greenlet(ping), greenlet(pong)
    assert ping_greenlet.switch(100) == "done" and len(trace) == 200 and ping_greenlet.dead
    try:
        greenlet(lambda: 1 / 0).switch()
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("an exception was lost")
    pong_greenlet.throw()
    assert getcurrent().parent is None
