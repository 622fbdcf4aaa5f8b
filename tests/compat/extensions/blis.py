import numpy as np
from blis.py import einsum, gemm


def work():
    random = np.random.default_rng(1)
    a, b = random.random((60, 40)).astype("f"), random.random((40, 50)).astype("f")
    assert np.allclose(gemm(a, b), a @ b, atol=1e-3)
    assert np.allclose(gemm(a, b.T.copy(), trans2=True), a @ b, atol=1e-3)
    assert np.allclose(einsum("ab,bc->ac", a, b), a @ b, atol=1e-3)
