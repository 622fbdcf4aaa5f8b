import srsly
from srsly.msgpack import _packer, _unpacker  # noqa: F401 (the compiled ones)


def work():
    value = {"a": [1, 2.5, None, True], "text": "ä\n", "n": {str(i): i for i in range(200)}}
    assert srsly.json_loads(srsly.json_dumps(value)) == value
    assert srsly.msgpack_loads(srsly.msgpack_dumps(value)) == value
    assert srsly.pickle_loads(srsly.pickle_dumps({1, 2})) == {1, 2}
    try:
        srsly.json_loads('{"a": ')
    except ValueError:
        pass
    else:
        raise AssertionError("half a document was taken")
