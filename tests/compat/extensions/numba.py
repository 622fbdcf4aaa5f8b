import numba
import numpy as np


@numba.njit
def primes(n):
    found = 0
    for i in range(2, n):
        for j in range(2, i):
            if j * j > i:
                found += 1
                break
            if i % j == 0:
                break
    return found


@numba.vectorize(["float64(float64, float64)"])
def both(a, b):
    return a * 2 + b


def work():
    assert primes(1000) == 167
    assert both(np.arange(5.0), 1.0).tolist() == [1, 3, 5, 7, 9]
