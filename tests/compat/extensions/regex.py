import regex


def work():
    assert regex.findall(r"(?<year>\d{4})-(?<month>\d\d)", "2024-02 and 2023-11") == [("2024", "02"), ("2023", "11")]
    assert regex.fullmatch(r"\p{Lu}\p{Ll}+", "Äpfel") and not regex.fullmatch(r"\p{Lu}+", "a")
    assert regex.search(r"(?:cats|cat){e<=1}", "cuts").group() == "cuts"
    assert regex.sub(r"(?r)\w+", lambda m: m.group().upper(), "a b c", count=1) == "a b C"
    assert regex.match(r"(\((?:[^()]|(?1))*\))", "(a(b)c)").group() == "(a(b)c)"
    for i in range(50):
        assert regex.compile(f"x{{{i + 1}}}y").fullmatch("x" * (i + 1) + "y")
