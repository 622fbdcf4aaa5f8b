import zstandard


def work():
    data = bytes(range(256)) * 1000
    for level in 1, 3, 12:
        assert zstandard.ZstdDecompressor().decompress(zstandard.ZstdCompressor(level).compress(data)) == data
    stream = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(stream.compress(data[i : i + 999]) for i in range(0, len(data), 999)) + stream.flush()
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == data
    words = zstandard.train_dictionary(1000, [b"sample number %d of some text" % i for i in range(500)])
    small = zstandard.ZstdCompressor(dict_data=words).compress(b"sample number 7 of some text")
    assert zstandard.ZstdDecompressor(dict_data=words).decompress(small) == b"sample number 7 of some text"
    try:
        zstandard.ZstdDecompressor().decompress(b"nonsense")
    except zstandard.ZstdError:
        pass
    else:
        raise AssertionError("nonsense was decompressed")
