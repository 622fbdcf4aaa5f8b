"""The first version: quote(units) -> cents."""

VERSION = "1.4"
quotes = 0


def quote(units):
    global quotes
    quotes += 1
    return units * 250
