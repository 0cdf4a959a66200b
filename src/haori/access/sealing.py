"""What leaves the process for a while, in a cookie or a table, and must come back unread and unchanged.

Sealed by AES-GCM under a key that is made of the installation's (`server.secretkey`) for one purpose, so that nothing sealed
for one can be shown for another. A new key of the installation opens nothing old: whoever is concerned signs in again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def seal(key: bytes, purpose: str, content: bytes) -> bytes:
    """The content, for nobody else to read or to change."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key, purpose).encrypt(nonce, content, purpose.encode())


def unseal(key: bytes, purpose: str, sealed: bytes) -> bytes | None:
    """The content again; None where it was not sealed so."""
    from cryptography.exceptions import InvalidTag

    if not key or len(sealed) <= NONCE_BYTES:
        return None
    try:
        return _cipher(key, purpose).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
    except InvalidTag:
        return None


def _cipher(key: bytes, purpose: str) -> AESGCM:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"haori {purpose}".encode()).derive(key)
    return AESGCM(derived)
