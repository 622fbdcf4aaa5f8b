import io

import polars as pl


def work():
    frame = pl.DataFrame({"k": list("abcd") * 250, "n": range(1000)})
    sums = frame.group_by("k").agg(pl.col("n").sum(), pl.len().alias("count")).sort("k")
    assert sums["n"].to_list() == [sum(range(i, 1000, 4)) for i in range(4)]
    lazy = frame.lazy().filter(pl.col("n") % 2 == 0).with_columns(twice=pl.col("n") * 2).collect()
    assert lazy.height == 500 and lazy["twice"].max() == 1996
    assert pl.read_csv(io.StringIO(frame.write_csv())).equals(frame)
    file = io.BytesIO()
    frame.write_parquet(file)
    assert pl.read_parquet(io.BytesIO(file.getvalue())).equals(frame)
    assert frame.select(pl.col("n").map_elements(lambda n: n + 1, return_dtype=pl.Int64))["n"].sum() == 500500
    try:
        frame.select("missing")
    except pl.exceptions.ColumnNotFoundError:
        pass
    else:
        raise AssertionError("a missing column was found")
