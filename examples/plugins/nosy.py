"""Asks the host for something that it does not have, and copes with the refusal. The host's refusal is a HostError."""

from isles import HostError, host


def adjust(order):
    try:
        host.setting("password")
    except HostError as error:
        host.log(f"refused: {error}")
    return order
