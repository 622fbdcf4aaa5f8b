import optree


class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b


optree.register_pytree_node(Pair, lambda pair: ((pair.a, pair.b), None), lambda _, children: Pair(*children), namespace="test")


def work():
    tree = {"b": [1, (2, 3)], "a": Pair(4, {"c": 5})}
    leaves, spec = optree.tree_flatten(tree, namespace="test")
    assert leaves == [4, 5, 1, 2, 3] and spec.num_leaves == 5
    twice = optree.tree_map(lambda x: 2 * x, tree, namespace="test")
    assert twice["a"].b == {"c": 10} and twice["b"] == [2, (4, 6)]
    assert optree.tree_unflatten(spec, leaves)["a"].a == 4 and optree.tree_reduce(lambda a, b: a + b, [1, 2, [3]]) == 6
