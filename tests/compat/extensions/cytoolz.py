import cytoolz
from cytoolz import curried, dicttoolz


def work():
    assert cytoolz.groupby(len, ["a", "bb", "cc"]) == {1: ["a"], 2: ["bb", "cc"]}
    assert list(cytoolz.sliding_window(2, range(4))) == [(0, 1), (1, 2), (2, 3)]
    assert cytoolz.pipe(range(100), curried.filter(lambda n: n % 2), curried.map(lambda n: n * 2), sum) == 5000
    assert dicttoolz.merge_with(sum, {"a": 1}, {"a": 2, "b": 3}) == {"a": 3, "b": 3}
    assert cytoolz.memoize(lambda x: x + 1)(3) == 4 and cytoolz.frequencies("abca")["a"] == 2
