import datetime

import pydantic


def work():
    class Item(pydantic.BaseModel):
        name: str
        price: float = pydantic.Field(gt=0)
        made: datetime.date
        tags: set[str] = set()

    item = Item.model_validate({"name": "x", "price": "2.5", "made": "2024-02-29", "tags": ["a", "a"]})
    assert item.price == 2.5 and item.made == datetime.date(2024, 2, 29) and item.tags == {"a"}
    assert Item.model_validate_json(item.model_dump_json()) == item
    try:
        Item(name="x", price=-1, made="never")
    except pydantic.ValidationError as error:
        assert error.error_count() == 2
    else:
        raise AssertionError("a wrong item was taken")
    assert Item.model_json_schema()["properties"]["price"]["exclusiveMinimum"] == 0
