import datetime

import ormsgpack


def work():
    value = {"a": [1, -5, 2.5, None, True], "bytes": b"\0\1", "text": "ä" * 100, "n": {str(i): i for i in range(200)}}
    assert ormsgpack.unpackb(ormsgpack.packb(value)) == value
    assert ormsgpack.unpackb(ormsgpack.packb({1: datetime.date(2024, 2, 29)}, option=ormsgpack.OPT_NON_STR_KEYS),
                             option=ormsgpack.OPT_NON_STR_KEYS) == {1: "2024-02-29"}  # fmt: skip
    try:
        ormsgpack.unpackb(b"\xc1")
    except ormsgpack.MsgpackDecodeError:
        pass
    else:
        raise AssertionError("a byte that means nothing was taken")
