import brotli


def work():
    data = bytes(range(256)) * 500
    assert brotli.decompress(brotli.compress(data, quality=5)) == data
    stream = brotli.Compressor(quality=4)
    packed = b"".join(stream.process(data[i : i + 999]) for i in range(0, len(data), 999)) + stream.finish()
    assert brotli.Decompressor().process(packed) == data
    try:
        brotli.decompress(b"nonsense")
    except brotli.error:
        pass
    else:
        raise AssertionError("nonsense was decompressed")
