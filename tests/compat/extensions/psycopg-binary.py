# needs: psycopg[binary]
import datetime
import decimal

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer


def work():
    assert psycopg.pq.__impl__ == "binary"
    adapt = Transformer()
    for value in 5, 2.5, "text ä", b"\0\1", True, decimal.Decimal("1.50"), datetime.date(2024, 2, 29), [1, 2, 3]:
        dumper = adapt.get_dumper(value, PyFormat.BINARY)
        data = bytes(dumper.dump(value))
        assert adapt.get_loader(dumper.oid, psycopg.pq.Format.BINARY).load(data) == value, value
    query = sql.SQL("select {} from {}").format(sql.Literal("it's"), sql.Identifier("my table"))
    assert query.as_string() == "select 'it''s' from \"my table\""
    try:
        psycopg.connect("host=127.0.0.1 port=1 connect_timeout=2")
    except psycopg.OperationalError as error:
        assert "refused" in str(error)
    else:
        raise AssertionError("a server answered at port 1")
