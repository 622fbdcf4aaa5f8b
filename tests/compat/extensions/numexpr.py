import numexpr
import numpy as np


def work():
    a, b = np.arange(100000.0), np.arange(100000.0)[::-1]
    assert np.allclose(numexpr.evaluate("2*a + sin(b)**2"), 2 * a + np.sin(b) ** 2)
    assert numexpr.evaluate("sum(where(a > 50000, 1, 0))") == 49999
    try:
        numexpr.evaluate("a +")
    except SyntaxError:
        pass
    else:
        raise AssertionError("half an expression was taken")
