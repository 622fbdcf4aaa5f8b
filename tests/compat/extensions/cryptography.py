from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def work():
    box = Fernet(Fernet.generate_key())
    assert box.decrypt(box.encrypt(b"secret" * 100)) == b"secret" * 100
    key = ed25519.Ed25519PrivateKey.generate()
    signature = key.sign(b"text")
    key.public_key().verify(signature, b"text")
    try:
        key.public_key().verify(signature, b"other")
    except InvalidSignature:
        pass
    else:
        raise AssertionError("a wrong signature was taken")
    curve = ec.generate_private_key(ec.SECP256R1())
    curve.public_key().verify(curve.sign(b"x", ec.ECDSA(hashes.SHA256())), b"x", ec.ECDSA(hashes.SHA256()))
    assert AESGCM(b"k" * 16).decrypt(b"n" * 12, AESGCM(b"k" * 16).encrypt(b"n" * 12, b"data", b"more"), b"more") == b"data"
