"""The second version: quote(units, *, currency) -> (cents, currency). Programs for the first don't work with it."""

VERSION = "2.0"
quotes = 0


def quote(units, *, currency):
    global quotes
    quotes += 1
    return units * 275, currency
