for _ in range(1000):
    assert [module.lookup(word) for word in ("one", "two", "three", "four" * 20)] == [1, 2, 3, 0]
