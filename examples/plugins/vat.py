"""Adds the tax. Asks the host for the rate."""

from isles import host


def adjust(order):
    rate = host.setting("vat_percent")
    tax = order["cents"] * rate // 100
    host.log(f"{rate}% tax on {order['cents']} cents: {tax}")
    return {**order, "cents": order["cents"] + tax}
