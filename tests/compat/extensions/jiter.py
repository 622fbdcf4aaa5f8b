import jiter


def work():
    data = b'{"a": [1, 2.5, null, true], "text": "\\u00e4", "big": 123456789012345678901234567890}'
    assert jiter.from_json(data) == {"a": [1, 2.5, None, True], "text": "ä", "big": 123456789012345678901234567890}
    assert jiter.from_json(b'[1, 2, {"a": "b', partial_mode=True) == [1, 2, {}]
    try:
        jiter.from_json(b'{"a": ')
    except ValueError as error:
        assert "EOF" in str(error)
    else:
        raise AssertionError("half a document was taken")
    jiter.cache_clear()
    assert len(jiter.from_json(b"[" + b",".join(b'"key %d"' % (i % 9) for i in range(2000)) + b"]")) == 2000
