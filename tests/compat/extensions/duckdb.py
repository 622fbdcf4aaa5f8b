import duckdb


def work():
    with duckdb.connect(":memory:") as db:
        db.execute("set threads = 2")
        db.execute("create table t as select range as n, range % 10 as k from range(10000)")
        rows = db.execute("select k, sum(n) from t group by k order by k").fetchall()
        assert rows[3] == (3, sum(range(3, 10000, 10))) and len(rows) == 10
        db.executemany("insert into t values (?, ?)", [(1, 99), (2, 99)])
        assert db.sql("select count(*) from t where k = 99").fetchall() == [(2,)]
        db.create_function("twice", lambda x: 2 * x, ["BIGINT"], "BIGINT")
        assert db.sql("select sum(twice(n)) from t where k = 99").fetchall() == [(6,)]
        try:
            db.execute("select nothing from nowhere")
        except duckdb.CatalogException:
            pass
        else:
            raise AssertionError("a table that does not exist was read")
