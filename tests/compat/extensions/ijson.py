import io

import ijson
from ijson.backends import yajl2_c


def work():
    data = io.BytesIO(b'{"items": [' + b",".join(b'{"n": %d, "s": "\xc3\xa4"}' % i for i in range(1000)) + b"]}")
    found = list(yajl2_c.items(data, "items.item"))
    assert len(found) == 1000 and found[999] == {"n": 999, "s": "ä"}
    assert [event for _, event, _ in yajl2_c.parse(io.BytesIO(b"[1]"))] == ["start_array", "number", "end_array"]
    try:
        list(yajl2_c.items(io.BytesIO(b'{"a": '), "a"))
    except ijson.JSONError:
        pass
    else:
        raise AssertionError("half a document was taken")
