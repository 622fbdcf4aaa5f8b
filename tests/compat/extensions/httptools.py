import httptools


class Seen:
    def __init__(self):
        self.headers, self.body, self.url, self.ended = {}, b"", b"", False

    def on_url(self, url):
        self.url += url

    def on_header(self, name, value):
        self.headers[name] = value

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.ended = True


def work():
    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
    parser.feed_data(b"llo")
    assert seen.ended and seen.body == b"hello" and seen.headers[b"Host"] == b"x" and parser.get_method() == b"POST"
    url = httptools.parse_url(b"http://example.com:80/path?q=1#f")
    assert (url.host, url.port, url.path, url.query) == (b"example.com", 80, b"/path", b"q=1")
    try:
        httptools.HttpRequestParser(Seen()).feed_data(b"nonsense\r\n")
    except httptools.HttpParserError:
        pass
    else:
        raise AssertionError("nonsense was parsed")
