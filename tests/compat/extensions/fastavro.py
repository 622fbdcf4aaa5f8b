import io

import fastavro
from fastavro import _read, _write  # noqa: F401 (the compiled ones)

FIELDS = [{"name": "n", "type": "long"}, {"name": "s", "type": ["null", "string"]}, {"name": "l", "type": {"type": "array", "items": "double"}}]


def work():
    schema = fastavro.parse_schema({"type": "record", "name": "Item", "fields": FIELDS})
    items = [{"n": i, "s": None if i % 3 else f"text {i}", "l": [i / 2] * 3} for i in range(500)]
    file = io.BytesIO()
    fastavro.writer(file, schema, items, codec="deflate")
    file.seek(0)
    assert list(fastavro.reader(file)) == items
    try:
        fastavro.schemaless_writer(io.BytesIO(), schema, {"n": "text", "l": []})
    except (ValueError, TypeError):
        pass
    else:
        raise AssertionError("a wrong record was written")
