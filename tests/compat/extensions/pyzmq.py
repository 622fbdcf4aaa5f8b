import threading

import zmq


def work():
    with zmq.Context() as context:
        server, client = context.socket(zmq.REP), context.socket(zmq.REQ)
        port = server.bind_to_random_port("tcp://127.0.0.1")
        client.connect(f"tcp://127.0.0.1:{port}")

        def serve():
            for _ in range(20):
                server.send(server.recv()[::-1])

        thread = threading.Thread(target=serve)
        thread.start()
        for i in range(20):
            client.send(b"abc%d" % i)
            assert client.recv() == (b"abc%d" % i)[::-1]
        thread.join()
        poller = zmq.Poller()
        poller.register(client, zmq.POLLIN)
        assert poller.poll(1) == []
        server.close(0)
        client.close(0)
