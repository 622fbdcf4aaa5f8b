import editdistance


def work():
    assert editdistance.eval("kitten", "sitting") == 3 and editdistance.eval([1, 2, 3], [1, 3]) == 1
    assert editdistance.eval("a" * 300, "b" * 300) == 300 and editdistance.distance("", "abc") == 3
    assert editdistance.eval_criterion("kitten", "sitting", 3)
