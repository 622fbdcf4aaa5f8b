import array

from clickhouse_connect.driverc import buffer, dataconv, npconv  # noqa: F401


def work():
    column = array.array("Q", range(1000))
    assert list(dataconv.read_ipv4_col(buffer.ResponseBuffer(Source([b"\1\0\0\x7f" * 3])), 3))[0].exploded == "127.0.0.1"
    source = buffer.ResponseBuffer(Source([column.tobytes()[:333], column.tobytes()[333:]]))
    assert list(source.read_array("Q", 1000)) == list(range(1000))
    assert dataconv.pivot([[1, 2], [3, 4]], 0, 2)


class Source:
    def __init__(self, chunks):
        self.gen = iter(chunks)

    def close(self):
        pass
