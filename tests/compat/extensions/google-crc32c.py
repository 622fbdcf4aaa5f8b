import google_crc32c


def work():
    assert google_crc32c.implementation == "c" and google_crc32c.value(b"123456789") == 0xE3069283
    state = google_crc32c.Checksum()
    for start in range(0, 9, 2):
        state.update(b"123456789"[start : start + 2])
    assert state.digest() == bytes.fromhex("e3069283")
    assert google_crc32c.extend(google_crc32c.value(b"12345"), b"6789") == 0xE3069283
