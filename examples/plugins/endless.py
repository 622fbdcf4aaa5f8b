"""A plugin that never comes back, and tries not to be stopped."""


def adjust(order):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
