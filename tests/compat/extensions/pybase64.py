import base64

import pybase64


def work():
    data = bytes(range(256)) * 100
    assert pybase64.b64encode(data) == base64.b64encode(data) and pybase64.b64decode(base64.b64encode(data)) == data
    assert pybase64.urlsafe_b64encode(b"\xff\xfe") == b"__4=" and "C" not in pybase64.get_version()[:1]
    try:
        pybase64.b64decode(b"a!b=", validate=True)
    except ValueError:
        pass
    else:
        raise AssertionError("nonsense was decoded")
