import gzip
import zlib

import zopfli.gzip
import zopfli.zlib


def work():
    data = b"some text that repeats itself, " * 100
    assert zlib.decompress(zopfli.zlib.compress(data)) == data
    packed = zopfli.gzip.compress(data)
    assert gzip.decompress(packed) == data and len(packed) < 120
