from preshed.bloom import BloomFilter
from preshed.counter import PreshCounter
from preshed.maps import PreshMap


def work():
    map_ = PreshMap()
    for i in range(1, 2000):
        map_[i] = i * i
    assert map_[1999] == 1999**2 and map_[5000] is None and sorted(map_) == list(range(1, 2000))
    counter = PreshCounter()
    for i in range(100):
        counter.inc(i % 10, 1)
    assert counter[3] == 10 and counter.total == 100
    bloom = BloomFilter(100, 3)
    bloom.add(5)
    assert 5 in bloom and BloomFilter().from_bytes(bloom.to_bytes()) is not None
