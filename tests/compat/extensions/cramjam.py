import cramjam


def work():
    data = bytes(range(256)) * 500
    for codec in cramjam.snappy, cramjam.gzip, cramjam.bzip2, cramjam.lz4, cramjam.zstd, cramjam.brotli:
        assert bytes(codec.decompress(codec.compress(data))) == data, codec
    try:
        cramjam.gzip.decompress(b"nonsense")
    except cramjam.DecompressionError:
        pass
    else:
        raise AssertionError("nonsense was decompressed")
