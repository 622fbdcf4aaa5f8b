import bottleneck as bn
import numpy as np


def work():
    a = np.arange(1000.0).reshape(10, 100)
    a[3, 5] = np.nan
    assert bn.nansum(a) == np.nansum(a) and bn.nanargmax(a) == 999 and bn.anynan(a)
    assert np.allclose(bn.move_mean(np.arange(10.0), 3)[2:], np.arange(1, 9)) and bn.median(np.arange(9.0)) == 4
    assert bn.rankdata([3, 1, 2]).tolist() == [3, 1, 2] and bn.push(np.array([1, np.nan])).tolist() == [1, 1]
