import decimal

import simplejson
from simplejson import _speedups


def work():
    value = {"a": [1, 2.5, None, True], "text": "ä\n", "n": {str(i): i for i in range(200)}}
    assert simplejson.loads(simplejson.dumps(value)) == value
    assert simplejson.loads("1.10", use_decimal=True) == decimal.Decimal("1.10")
    assert simplejson.dumps(decimal.Decimal("1.10")) == "1.10"
    try:
        simplejson.loads('{"a": ')
    except simplejson.JSONDecodeError as error:
        assert error.pos == 6
    else:
        raise AssertionError("half a document was taken")
    assert simplejson.encoder.c_make_encoder is _speedups.make_encoder is not None
