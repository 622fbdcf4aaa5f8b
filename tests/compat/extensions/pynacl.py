import nacl.exceptions
import nacl.public
import nacl.pwhash
import nacl.secret
import nacl.signing


def work():
    alice, bob = nacl.public.PrivateKey.generate(), nacl.public.PrivateKey.generate()
    sealed = nacl.public.Box(alice, bob.public_key).encrypt(b"secret")
    assert nacl.public.Box(bob, alice.public_key).decrypt(sealed) == b"secret"
    key = nacl.signing.SigningKey(b"k" * 32)
    assert key.verify_key.verify(key.sign(b"text")) == b"text"
    try:
        nacl.secret.SecretBox(b"k" * 32).decrypt(b"x" * 60)
    except nacl.exceptions.CryptoError:
        pass
    else:
        raise AssertionError("nonsense was decrypted")
