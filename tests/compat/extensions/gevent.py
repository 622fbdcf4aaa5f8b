import gevent
import gevent.event
import gevent.pool
import gevent.queue
import gevent.server
import gevent.socket


def work():
    pool = gevent.pool.Pool(5)
    assert pool.map(lambda n: gevent.sleep(0.001) or n * n, range(50)) == [n * n for n in range(50)]
    queue = gevent.queue.Queue(2)
    producer = gevent.spawn(lambda: [queue.put(n) for n in range(20)] and queue.put(StopIteration))
    assert list(queue) == list(range(20))
    producer.join()
    server = gevent.server.StreamServer(("127.0.0.1", 0), lambda socket, address: socket.sendall(socket.recv(100).upper()))
    server.start()
    client = gevent.socket.create_connection(("127.0.0.1", server.server_port))
    client.sendall(b"text")
    assert client.recv(100) == b"TEXT"
    client.close()
    server.stop()
    try:
        gevent.spawn(lambda: gevent.sleep(10)).get(timeout=0.01)
    except gevent.Timeout:
        pass
    else:
        raise AssertionError("ten seconds passed")
