import datetime
import uuid

import orjson


def work():
    value = {"a": [1, 2.5, None, True], "text": "ä\n\u2028", "n": {str(i): i for i in range(200)}}
    assert orjson.loads(orjson.dumps(value)) == value
    assert orjson.dumps({"b": 1, "a": datetime.date(2024, 2, 29)}, option=orjson.OPT_SORT_KEYS) == b'{"a":"2024-02-29","b":1}'
    assert orjson.dumps(uuid.UUID(int=1)) == b'"00000000-0000-0000-0000-000000000001"'
    assert orjson.dumps({1, 2}, default=sorted) == b"[1,2]"
    try:
        orjson.loads(b'{"a": ')
    except orjson.JSONDecodeError as error:
        assert error.pos == 6 or error.pos == 5
    else:
        raise AssertionError("half a document was taken")
