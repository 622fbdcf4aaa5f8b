import xxhash


def work():
    assert xxhash.xxh32_hexdigest(b"") == "02cc5d05" and xxhash.xxh64_hexdigest(b"") == "ef46db3751d8e999"
    assert xxhash.xxh3_64_hexdigest(b"") == "2d06800538d394c2"
    state = xxhash.xxh3_128(seed=5)
    for i in range(1000):
        state.update(b"%d" % i)
    assert state.digest() == xxhash.xxh3_128_digest(b"".join(b"%d" % i for i in range(1000)), seed=5)
    assert state.copy().hexdigest() == state.hexdigest()
