import datetime
import decimal

import cbor2


def work():
    value = {"a": [1, -5, 2**70, 2.5, None, True], "b": b"\0", "t": "ä" * 100, "d": decimal.Decimal("1.5"), 5: (1, 2)}
    again = cbor2.loads(cbor2.dumps(value))
    assert again["a"] == value["a"] and again["d"] == value["d"] and list(again[5]) == [1, 2]
    moment = datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)
    assert cbor2.loads(cbor2.dumps(moment)) == moment
    cyclic = [1]
    cyclic.append(cyclic)
    shared = cbor2.loads(cbor2.dumps(cyclic, value_sharing=True))
    assert shared[1] is shared
    try:
        cbor2.loads(b"\x82\x01")
    except cbor2.CBORDecodeEOF:
        pass
    else:
        raise AssertionError("half a list was taken")
