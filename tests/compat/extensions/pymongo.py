import datetime

import bson
import pymongo


def work():
    assert bson.has_c() and pymongo.has_c()
    value = {"a": [1, 2.5, None, True], "n": {"x": 2**40}, "d": datetime.datetime(2024, 2, 29), "b": b"\0\1", "t": "ä" * 100}
    value["_id"] = bson.ObjectId()
    assert bson.decode(bson.encode(value)) == value
    assert len(bson.decode_all(bson.encode(value) * 50)) == 50
    assert bson.decode(bson.encode({"p": bson.Regex("a.b"), "d": bson.Decimal128("1.5")}))["d"].to_decimal() * 2 == 3
    try:
        bson.decode(bson.encode(value)[:-5])
    except bson.InvalidBSON:
        pass
    else:
        raise AssertionError("half a document was taken")
