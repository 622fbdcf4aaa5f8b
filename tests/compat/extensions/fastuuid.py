import uuid

import fastuuid


def work():
    dns = fastuuid.UUID(str(uuid.NAMESPACE_DNS))
    assert str(fastuuid.uuid5(dns, b"example.com")) == str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.com"))
    assert len({fastuuid.uuid4() for _ in range(1000)}) == 1000
    number = fastuuid.UUID("12345678-1234-5678-1234-567812345678")
    assert number.hex == "12345678123456781234567812345678" and number.int == uuid.UUID(str(number)).int
    assert len(set(fastuuid.uuid4_as_strings_bulk(100))) == 100
    try:
        fastuuid.UUID("nonsense")
    except ValueError:
        pass
    else:
        raise AssertionError("nonsense was taken")
