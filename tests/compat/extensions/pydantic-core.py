import pydantic_core
from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, core_schema


def work():
    schema = core_schema.typed_dict_schema({
        "n": core_schema.typed_dict_field(core_schema.int_schema(ge=0)),
        "names": core_schema.typed_dict_field(core_schema.list_schema(core_schema.str_schema())),
    })  # fmt: skip
    validator = SchemaValidator(schema)
    value = validator.validate_json(b'{"n": "12", "names": ["a", "b"]}')
    assert value == {"n": 12, "names": ["a", "b"]}
    assert SchemaSerializer(schema).to_json(value) == b'{"n":12,"names":["a","b"]}'
    try:
        validator.validate_python({"n": -1, "names": []})
    except ValidationError as error:
        assert error.errors()[0]["type"] == "greater_than_equal"
    else:
        raise AssertionError("-1 was taken")
    assert pydantic_core.from_json("[1, 2.5]") == [1, 2.5]
