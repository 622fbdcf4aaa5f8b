import yaml


def work():
    value = {"a": [1, 2.5, {"b": None}], "text": "lines\nof text", "ä": True}
    text = yaml.dump(value, Dumper=yaml.CSafeDumper)
    assert yaml.load(text * 1, Loader=yaml.CSafeLoader) == value
    try:
        yaml.load("a: [1, 2", Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        assert error.problem_mark is not None
    else:
        raise AssertionError("a list without an end was taken")
