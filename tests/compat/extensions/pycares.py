import threading

import pycares


def work():
    done, found = threading.Event(), []

    def answer(result, error):
        found.append((result, error))
        done.set()

    channel = pycares.Channel(servers=["127.0.0.1"], timeout=0.2, tries=1)
    channel.getaddrinfo("localhost", 80, family=2, callback=answer)
    assert done.wait(20)
    result, error = found[0]
    assert error is None and result.nodes[0].addr[0] in (b"127.0.0.1", "127.0.0.1")
    assert pycares.errno.strerror(1)
    channel.close()
