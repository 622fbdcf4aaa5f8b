from rpds import HashTrieMap, HashTrieSet, List


def work():
    map_ = HashTrieMap({str(i): i for i in range(1000)})
    more = map_.insert("new", 5).remove("7")
    assert len(more) == 1000 and "7" in map_ and "7" not in more and more["new"] == 5
    assert HashTrieSet([1, 2]).insert(3) == HashTrieSet([3, 2, 1])
    assert list(List([1, 2, 3]).push_front(0)) == [0, 1, 2, 3]
