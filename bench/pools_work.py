"""What the pools of bench/pools.py run."""


def nothing():
    pass


def same(value):
    return value


def count(n):
    total = 0
    for i in range(n):
        total += i % 7
    return total
