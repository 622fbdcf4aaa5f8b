import datetime

import psycopg2
from psycopg2.extensions import AsIs, adapt, make_dsn, parse_dsn


def work():
    assert adapt(5).getquoted() == b"5" and adapt([1, 2]).getquoted() == b"ARRAY[1,2]"
    assert adapt(datetime.date(2024, 2, 29)).getquoted() == b"'2024-02-29'::date"
    assert adapt(AsIs("now()")).getquoted() == b"now()" and adapt(b"\0").getquoted() == b"'\\\\000'::bytea"
    assert parse_dsn(make_dsn(host="a", dbname="b c")) == {"host": "a", "dbname": "b c"}
    assert psycopg2.extensions.DATE("2024-02-29", None) == datetime.date(2024, 2, 29)
    try:
        psycopg2.connect("host=127.0.0.1 port=1 connect_timeout=2")
    except psycopg2.OperationalError as error:
        assert "refused" in str(error)
    else:
        raise AssertionError("a server answered at port 1")
