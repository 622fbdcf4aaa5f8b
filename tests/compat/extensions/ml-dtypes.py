import ml_dtypes
import numpy as np


def work():
    a = np.arange(100, dtype=ml_dtypes.bfloat16)
    assert a.dtype.name == "bfloat16" and float((a + a)[3]) == 6 and np.sort(a[::-1])[0] == 0
    assert float(np.float32(1.1).astype(ml_dtypes.float8_e4m3fn)) == 1.125
    assert ml_dtypes.finfo(ml_dtypes.bfloat16).bits == 16 and np.array([5], ml_dtypes.int4)[0] == 5
    assert np.allclose(a.astype("f4").mean(), 49.5)
