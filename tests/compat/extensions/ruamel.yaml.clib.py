# needs: ruamel.yaml.clib ruamel.yaml
import io

import ruamel.yaml
from ruamel.yaml.cyaml import CParser


def work():
    yaml = ruamel.yaml.YAML(typ="safe", pure=False)
    assert yaml.Parser is CParser
    value = {"a": [1, 2.5, {"b": None}], "text": "lines\nof text"}
    file = io.StringIO()
    yaml.dump(value, file)
    assert yaml.load(file.getvalue()) == value
    try:
        yaml.load("a: [1, 2")
    except ruamel.yaml.error.YAMLError:
        pass
    else:
        raise AssertionError("a list without an end was taken")
