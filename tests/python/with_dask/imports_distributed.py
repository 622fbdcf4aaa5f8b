"""As a program's own module may: its functions can't be imported where distributed can't."""

from distributed import Client  # noqa: F401

FACTOR = 2


def double(number):
    return number * FACTOR
