import hiredis


def work():
    reader = hiredis.Reader(encoding="utf-8")
    reader.feed(b"*3\r\n$5\r\nhello\r\n:42\r\n*1\r\n+OK\r\n$3\r\nab")
    assert reader.gets() == ["hello", 42, ["OK"]] and reader.gets() is False
    reader.feed(b"c\r\n-ERR bad\r\n")
    assert reader.gets() == "abc" and isinstance(reader.gets(), hiredis.ReplyError)
    assert hiredis.pack_command(("SET", "k", 5)) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n5\r\n"
    try:
        reader.feed(b"nonsense\r\n")
        reader.gets()
    except hiredis.ProtocolError:
        pass
    else:
        raise AssertionError("nonsense was read")
