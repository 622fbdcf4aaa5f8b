import crc32c


def work():
    assert crc32c.crc32c(b"123456789") == 0xE3069283
    state = crc32c.CRC32CHash()
    for start in range(0, 9, 2):
        state.update(b"123456789"[start : start + 2])
    assert state.checksum == 0xE3069283 and state.copy().hexdigest() == "e3069283"
