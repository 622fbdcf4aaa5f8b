from rapidfuzz import distance, fuzz, process, utils


def work():
    assert round(fuzz.ratio("this is a test", "this is a test!"), 1) == 96.6
    assert process.extractOne("new york jets", ["atlanta", "New York Jets", "dallas"], processor=utils.default_process)[1] == 100
    assert distance.Levenshtein.distance("kitten", "sitting") == 3
    assert [op.tag for op in distance.Levenshtein.editops("ab", "b")] == ["delete"]
    choices = [f"choice number {i}" for i in range(500)]
    assert process.extract("choice number 77", choices, limit=1)[0][2] == 77
    assert fuzz.partial_ratio.__module__ != "rapidfuzz.fuzz_py"
