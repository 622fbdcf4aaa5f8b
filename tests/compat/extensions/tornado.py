import asyncio

import tornado.httpserver
import tornado.web
from tornado import speedups
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect


class Echo(tornado.web.RequestHandler):
    def post(self):
        self.write(self.request.body[::-1])


class Socket(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message * 2)


async def serve():
    server = tornado.httpserver.HTTPServer(tornado.web.Application([("/echo", Echo), ("/socket", Socket)]))
    server.listen(0, "127.0.0.1")
    (socket,) = server._sockets.values()
    port = socket.getsockname()[1]
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/echo", method="POST", body=b"abc")
    assert answer.body == b"cba"
    client = await websocket_connect(f"ws://127.0.0.1:{port}/socket")
    await client.write_message("ab" * 500)
    assert await client.read_message() == "ab" * 1000
    client.close()
    server.stop()
    await server.close_all_connections()


def work():
    assert speedups.websocket_mask(b"\1\2\3\4", b"\0" * 8) == b"\1\2\3\4" * 2
    asyncio.run(serve())
