"""A tenth off for large orders. Remembers how many it has seen: a plugin's globals live as long as its interpreter."""

import isles.host

seen = 0


def adjust(order):
    global seen
    seen += 1
    if order["cents"] < 10_000:
        return order
    isles.host.log(f"order {seen} is a large one")
    return {**order, "cents": order["cents"] * 9 // 10}
