"""Fails, two exceptions deep."""


class OrderError(Exception):
    pass


def price(order):
    try:
        return order["price"] * order["pieces"]
    except KeyError as error:
        raise OrderError(f"order {order['number']} has no {error.args[0]}") from error


print("reading the order", flush=True)
price({"number": 7, "pieces": 3})
