from _argon2_cffi_bindings import ffi, lib

ID, VERSION = 2, 0x13


def raw_hash(memory, password=b"password"):
    out = ffi.new("uint8_t[]", 32)
    status = lib.argon2_hash(2, memory, 1, ffi.from_buffer(password), len(password), ffi.from_buffer(b"somesalt"), 8, out, 32,
                             ffi.NULL, 0, ID, VERSION)  # fmt: skip
    return status, bytes(out)


def work():
    status, first = raw_hash(256)
    assert status == lib.ARGON2_OK and raw_hash(256) == (status, first) and raw_hash(256, b"other")[1] != first != bytes(32)
    assert raw_hash(1)[0] == lib.ARGON2_MEMORY_TOO_LITTLE
    assert b"memory" in ffi.string(lib.argon2_error_message(lib.ARGON2_MEMORY_TOO_LITTLE)).lower()
