import tiktoken

RANKS = {bytes([i]): i for i in range(256)} | {b"he": 256, b"ll": 257, b"hell": 258, b"hello": 259, b" w": 260}


def work():
    encoding = tiktoken.Encoding("test", pat_str=r"\w+| \w+|\s+", mergeable_ranks=RANKS, special_tokens={"<end>": 300})
    assert encoding.encode("hello") == [259] and encoding.decode([259, 260]) == "hello w"
    text = "hello world äöü " * 50
    assert encoding.decode(encoding.encode(text)) == text
    assert encoding.encode("hello<end>", allowed_special={"<end>"}) == [259, 300]
    try:
        encoding.encode("<end>")
    except ValueError:
        pass
    else:
        raise AssertionError("a special token was taken as text")
