import pickle

from BTrees import IOBTree, LOBTree, OOBTree


def work():
    tree = OOBTree.OOBTree()
    for i in range(2000):
        tree[f"{i * 7919 % 2000:04}"] = i
    assert len(tree) == 2000 and tree.minKey() == "0000" and list(tree.keys("0010", "0012")) == ["0010", "0011", "0012"]
    assert pickle.loads(pickle.dumps(tree)).items()[5] == tree.items()[5]
    numbers = IOBTree.IOBTree({i: str(i) for i in range(1000)})
    del numbers[500]
    assert 500 not in numbers and numbers.maxKey() == 999
    both = LOBTree.intersection(LOBTree.LOTreeSet(range(10)), LOBTree.LOTreeSet(range(5, 15)))
    assert list(both) == [5, 6, 7, 8, 9] and "Py" not in OOBTree.OOBTree.__mro__[0].__name__
    tree._check()
