"""The SHA-256 of a file, stored in the file itself."""

import hashlib

DIGITS = 64
NO_DIGEST = b"0" * DIGITS


def digest_without(content: bytes, start: int, blank: bytes = NO_DIGEST) -> bytes:
    """The digest, in 64 hexadecimal digits, of `content` with `blank` at `start`: that part is the
    digest itself and anything that depends on it.
    """
    whole = memoryview(content)
    digest = hashlib.sha256(whole[:start])
    digest.update(blank)
    digest.update(whole[start + len(blank) :])
    return digest.hexdigest().encode()
