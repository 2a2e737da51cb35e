"""The SHA-256 of a file that stands in the file itself."""

import hashlib

DIGITS = 64
NO_DIGEST = b"0" * DIGITS


def digest_without(content: bytes, start: int) -> bytes:
    """The digest, in 64 hexadecimal digits, of `content` with the 64 digits at `start` as zeros."""
    whole = memoryview(content)
    digest = hashlib.sha256(whole[:start])
    digest.update(NO_DIGEST)
    digest.update(whole[start + DIGITS :])
    return digest.hexdigest().encode()
