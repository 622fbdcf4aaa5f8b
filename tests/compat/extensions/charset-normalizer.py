from charset_normalizer import from_bytes, md


def work():
    assert md.__file__.endswith(".so")
    text = "Größere Männer über die Straße führen, so schön es geht. " * 20
    assert str(from_bytes(text.encode("cp1252")).best()) == text
