"""The two queues between a test of values and its neighbour: whoever comes first makes them."""

import isles


def named(name):
    try:
        return isles.create_queue(name=name)
    except ValueError:  # it lives already
        return isles.find_queue(name)


there, back = named("there"), named("back")
