import multidict
from multidict import CIMultiDict, MultiDict, istr


def work():
    many = MultiDict([("a", 1), ("b", 2), ("a", 3)])
    assert many.getall("a") == [1, 3] and many.getone("a") == 1 and len(many) == 3
    headers = CIMultiDict({"Content-Type": "text"})
    headers.add("content-type", "more")
    assert headers.getall("CONTENT-TYPE") == ["text", "more"] and istr("abc") == "abc"
    for i in range(1000):
        many.add(str(i), i)
    many.popall("a")
    assert "a" not in many and many["999"] == 999 and isinstance(multidict.MultiDictProxy(many).copy(), MultiDict)
