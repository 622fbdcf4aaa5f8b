import mmh3


def work():
    assert mmh3.hash("foo") == -156908512 and mmh3.hash("foo", signed=False) == 4138058784
    assert mmh3.hash128(b"foo", 42) == mmh3.mmh3_x64_128(b"foo", 42).uintdigest()
    state = mmh3.mmh3_32()
    for i in range(1000):
        state.update(b"%d" % i)
    assert state.digest() == mmh3.hash_bytes(b"")[:0] + mmh3.mmh3_32_digest(b"".join(b"%d" % i for i in range(1000)))
