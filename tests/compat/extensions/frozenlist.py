from frozenlist import FrozenList, _frozenlist


def work():
    items = FrozenList([1, 2, 3])
    items.append(4)
    items.extend(range(5, 1000))
    items.freeze()
    try:
        items.append(5)
    except RuntimeError:
        pass
    else:
        raise AssertionError("a frozen list took an item")
    assert sum(items) == 499500 and isinstance(hash(items), int) and FrozenList is _frozenlist.FrozenList
