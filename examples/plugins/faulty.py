"""A plugin with a mistake: there is no key "price"."""


def adjust(order):
    return {**order, "cents": order["price"] + 1}
