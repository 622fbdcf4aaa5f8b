"""A parallel map over interpreters, on all cores of one process, with a progress bar where tqdm is installed.

    python parallel_map.py [NUMBERS]
"""

import math
import sys

import isles

try:
    from tqdm import tqdm as progress
except ImportError:

    def progress(results, **_):
        return results


def smallest_factor(number):
    for candidate in range(2, math.isqrt(number) + 1):
        if number % candidate == 0:
            return candidate
    return number


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    numbers = range(10**9 + 1, 10**9 + 1 + 2 * count, 2)
    with isles.InterpreterPoolExecutor() as pool:
        factors = list(progress(pool.map(smallest_factor, numbers, chunksize=50), total=count))
    primes = sum(factor == number for factor, number in zip(factors, numbers))
    print(f"{primes} of {count} odd numbers above 1,000,000,000 are prime")


if __name__ == "__main__":
    main()
