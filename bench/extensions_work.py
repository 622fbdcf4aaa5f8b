"""The work of bench/extensions.py, which each way of being parallel does: numpy and pandas, on made-up sales."""

import numpy as np
import pandas as pd

ROWS = 20_000


def unit(seed, times=1):
    """One worker's part of a round. The answer depends on all that was done."""
    return round(sum(_linear(seed + i) + _frames(seed + i) for i in range(times)), 6)


def _linear(seed):
    random = np.random.default_rng(seed)
    a = random.normal(size=(160, 160))
    for _ in range(6):
        a = np.tanh(a @ a.T / 160)
    signal = random.normal(size=1 << 15)
    smooth = np.fft.irfft(np.fft.rfft(signal) * np.exp(-np.arange((1 << 14) + 1) / 500))
    return float(a.sum() + np.sort(smooth)[-100:].sum() + np.linalg.svd(a[:80, :80], compute_uv=False)[0])


def _frames(seed):
    random = np.random.default_rng(seed)
    sales = pd.DataFrame({
        "shop": random.integers(0, 50, ROWS),
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 365, ROWS), unit="D"),
        "price": random.gamma(2, 10, ROWS),
        "kind": random.choice(["bread", "cake", "coffee"], ROWS),
    })  # fmt: skip
    shops = pd.DataFrame({"shop": range(50), "town": [f"town {i % 7}" for i in range(50)]})
    joined = sales.merge(shops, on="shop")
    monthly = joined.groupby(["town", joined.day.dt.month])["price"].agg(["sum", "mean", "count"])
    table = joined.pivot_table(index="town", columns="kind", values="price", aggfunc="median")
    weekly = joined.set_index("day").sort_index()["price"].rolling("7D").mean()
    words = joined.kind.str.upper().value_counts()
    lines = sum(len(row.kind) for row in joined.head(2000).itertuples())  # Python code: it needs the GIL
    return float(monthly["mean"].std() + table.to_numpy().sum() + weekly.iloc[-1] + words.iloc[0] + lines)
