from yarl import URL, _quoting_c


def work():
    url = URL("http://user:pw@example.com:8080/a b/ü?x=1&y=ä#end")
    assert url.host == "example.com" and url.port == 8080 and url.query["y"] == "ä"
    assert str((url / "c").with_query(z="1 2")) == "http://user:pw@example.com:8080/a%20b/%C3%BC/c?z=1+2"
    assert URL("http://a/b/c").join(URL("../d")) == URL("http://a/d")
    assert _quoting_c._Quoter()("a b") == "a%20b" and _quoting_c._Unquoter()("%41") == "A"
