import io

import lz4.block
import lz4.frame


def work():
    data = bytes(range(256)) * 1000
    assert lz4.frame.decompress(lz4.frame.compress(data)) == data
    assert lz4.block.decompress(lz4.block.compress(data)) == data
    file = io.BytesIO()
    with lz4.frame.open(file, "wb") as writer:
        for start in range(0, len(data), 1000):
            writer.write(data[start : start + 1000])
    assert lz4.frame.open(io.BytesIO(file.getvalue())).read() == data
    try:
        lz4.frame.decompress(b"nonsense" * 10)
    except RuntimeError:
        pass
    else:
        raise AssertionError("nonsense was decompressed")
