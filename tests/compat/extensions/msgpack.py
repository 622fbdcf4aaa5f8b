import msgpack
from msgpack import _cmsgpack


def work():
    value = {"a": [1, -5, 2**40, 2.5, None, True], "bytes": b"\0\1", "text": "ä" * 100}
    assert msgpack.unpackb(msgpack.packb(value)) == value
    stream = msgpack.Unpacker()
    stream.feed(b"".join(msgpack.packb(i) for i in range(1000)))
    assert sum(stream) == 499500
    packed = msgpack.packb(3 + 4j, default=lambda z: msgpack.ExtType(7, f"{z.real} {z.imag}".encode()))
    assert msgpack.unpackb(packed, ext_hook=lambda code, data: complex(*map(float, data.split()))) == 3 + 4j
    try:
        msgpack.unpackb(b"\xc1")
    except msgpack.FormatError:
        pass
    else:
        raise AssertionError("a byte that means nothing was taken")
    assert msgpack.Packer is _cmsgpack.Packer
