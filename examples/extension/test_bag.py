"""What the module `bag` does, in one interpreter: good and bad alike. `python test_bag.py`, or by pytest."""

import bag


def test_a_full_bag_calls_and_raises():
    calls = []
    bag.on_full(lambda: calls.append(1))
    before = bag.added()
    box = bag.Bag(limit=2)
    box.add("a")
    box.add("b")
    try:
        box.add("c")
    except bag.Full:
        calls.append(2)
    assert calls == [1, 2]
    assert bag.added() == before + 2


if __name__ == "__main__":
    test_a_full_bag_calls_and_raises()
