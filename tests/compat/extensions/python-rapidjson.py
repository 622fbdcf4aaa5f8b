import rapidjson


def work():
    value = {"a": [1, 2.5, None, True], "text": "ä\n", "n": {str(i): i for i in range(200)}}
    assert rapidjson.loads(rapidjson.dumps(value)) == value
    assert rapidjson.dumps({"b": 1, "a": 2}, sort_keys=True, indent=None) == '{"a":2,"b":1}'
    valid = rapidjson.Validator('{"required": ["a"]}')
    valid('{"a": 1}')
    try:
        valid("{}")
    except rapidjson.ValidationError:
        pass
    else:
        raise AssertionError("a document without a was valid")
    try:
        rapidjson.loads('{"a": ')
    except rapidjson.JSONDecodeError:
        pass
    else:
        raise AssertionError("half a document was taken")
