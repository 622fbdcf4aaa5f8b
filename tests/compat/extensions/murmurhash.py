from murmurhash import mrmr


def work():
    assert mrmr.hash("hello world", 0) == mrmr.hash(b"hello world".decode(), 0)
    hashes = {mrmr.hash(str(i), 7) for i in range(1000)}
    assert len(hashes) == 1000 and mrmr.hash("a", 1) != mrmr.hash("a", 2)
    assert mrmr.hash_unicode("text", 5) == mrmr.hash_unicode("text", 5)
