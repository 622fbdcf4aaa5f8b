from Crypto.Cipher import AES, ChaCha20_Poly1305
from Crypto.Hash import SHA256, SHA3_256
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from Crypto.Util.number import isPrime


def work():
    assert SHA256.new(b"abc").hexdigest().startswith("ba7816bf8f01cfea")
    assert SHA3_256.new(b"").hexdigest().startswith("a7ffc6f8bf1ed766")
    cipher = AES.new(b"k" * 16, AES.MODE_GCM, nonce=b"n" * 12)
    text, tag = cipher.encrypt_and_digest(b"secret" * 100)
    assert AES.new(b"k" * 16, AES.MODE_GCM, nonce=b"n" * 12).decrypt_and_verify(text, tag) == b"secret" * 100
    box = ChaCha20_Poly1305.new(key=b"k" * 32)
    assert ChaCha20_Poly1305.new(key=b"k" * 32, nonce=box.nonce).decrypt(box.encrypt(b"x")) == b"x"
    key = ECC.generate(curve="ed25519")
    eddsa.new(key.public_key(), "rfc8032").verify(b"m", eddsa.new(key, "rfc8032").sign(b"m"))
    assert isPrime(2**89 - 1) and not isPrime(2**87 - 1)
