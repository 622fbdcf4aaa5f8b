import bcrypt


def work():
    hashed = bcrypt.hashpw(b"password", bcrypt.gensalt(4))
    assert bcrypt.checkpw(b"password", hashed) and not bcrypt.checkpw(b"other", hashed)
    known = b"$2b$04$cVWp4XaNU8a4v1uMRum2SO"
    assert bcrypt.hashpw(b"\xa3", known).startswith(known)
    assert len(bcrypt.kdf(b"password", b"salt", 32, 2, ignore_few_rounds=True)) == 32
    try:
        bcrypt.hashpw(b"x", b"no salt")
    except ValueError:
        pass
    else:
        raise AssertionError("a wrong salt was taken")
