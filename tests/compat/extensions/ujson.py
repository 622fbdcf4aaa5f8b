import ujson


def work():
    value = {"a": [1, 2.5, None, True], "text": "ä\n", "n": {str(i): i for i in range(200)}}
    assert ujson.loads(ujson.dumps(value)) == value
    assert ujson.dumps({"b": "</x>", "a": 1}, sort_keys=True, escape_forward_slashes=False) == '{"a":1,"b":"</x>"}'
    try:
        ujson.loads('{"a": ')
    except ujson.JSONDecodeError:
        pass
    else:
        raise AssertionError("half a document was taken")
