import datetime

import msgspec


class Item(msgspec.Struct, frozen=True, order=True):
    name: str
    price: float
    made: datetime.date | None = None
    tags: list[str] = []


def work():
    item = Item("x", 2.5, datetime.date(2024, 2, 29), ["a"])
    assert msgspec.json.decode(msgspec.json.encode(item), type=Item) == item
    assert msgspec.msgpack.decode(msgspec.msgpack.encode([item] * 100), type=list[Item])[99] == item
    assert hash(Item("a", 1.0, None, None)) == hash(Item("a", 1.0, None, None)) and Item("a", 1) < item
    try:
        msgspec.json.decode(b'{"name": "x", "price": "much"}', type=Item)
    except msgspec.ValidationError as error:
        assert "$.price" in str(error)
    else:
        raise AssertionError("a wrong item was taken")
    assert msgspec.convert({"name": "y", "price": 1}, Item).price == 1.0 and msgspec.structs.asdict(item)["tags"] == ["a"]
