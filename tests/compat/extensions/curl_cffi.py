import http.server
import threading

import curl_cffi


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(b"answer " * 100)

    def log_message(self, *args):
        pass


def work():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with curl_cffi.Session(trust_env=False) as session:
        for i in range(5):
            answer = session.get(f"http://127.0.0.1:{server.server_port}/{i}", timeout=30)
            assert answer.content == b"answer " * 100 and answer.headers["X-Path"] == f"/{i}"
        try:
            session.get("http://127.0.0.1:1/", timeout=5)
        except curl_cffi.exceptions.RequestException:
            pass
        else:
            raise AssertionError("a server answered at port 1")
    server.shutdown()
    thread.join()
    server.server_close()
