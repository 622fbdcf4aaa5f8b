import Levenshtein


def work():
    assert Levenshtein.distance("kitten", "sitting") == 3 and Levenshtein.hamming("abc", "abd") == 1
    ops = Levenshtein.editops("kitten", "sitting")
    assert Levenshtein.apply_edit(ops, "kitten", "sitting") == "sitting"
    assert Levenshtein.median(["spam", "spem", "spom", "spam"]) == "spam"
    assert abs(Levenshtein.jaro_winkler("martha", "marhta") - 0.961) < 0.001 and Levenshtein.setratio(["a"], ["a"]) == 1
