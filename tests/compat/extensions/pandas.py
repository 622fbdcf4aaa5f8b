import io

import pandas as pd


def work():
    n = 2000
    frame = pd.DataFrame({"key": list("abcd") * (n // 4), "n": range(n), "x": [i % 7 / 2 for i in range(n)]})
    sums = frame.groupby("key").agg({"n": "sum", "x": "mean"})
    assert sums.n.tolist() == [499000, 499500, 500000, 500500]
    merged = frame.merge(pd.DataFrame({"key": ["a", "b"], "w": [1, 2]}), on="key")
    assert len(merged) == n // 2 and merged.w.sum() == 3 * n // 4
    again = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    pd.testing.assert_frame_equal(again, frame)
    times = pd.Series(range(48), index=pd.date_range("2024-01-01", periods=48, freq="h")).resample("D").sum()
    assert times.tolist() == [276, 852]
    assert frame.pivot_table(index="key", values="n", aggfunc="max").n.max() == n - 1
    assert frame.rolling(3, on="n").x.sum().isna().sum() == 2 and "1999" in frame.to_json()
