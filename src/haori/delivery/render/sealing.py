"""The instance key, and what is derived from it: names that tell nothing and contents only its holder reads."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from haori.errors import InternalError

KEY_BYTES = 32
NONCE_BYTES = 12


class InstanceKeyError(InternalError):
    """The instance key cannot be read or made."""


def load_instance_key(path: Path) -> bytes:
    """The 32 bytes in `path`, made at random the first time (mode 0600); two who begin at once get the same ones.

    Raises InstanceKeyError where the file cannot be read, made, or holds something else.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        key = path.read_bytes()
    except OSError as error:
        raise InstanceKeyError("instance-key-unusable", path=str(path), reason=error.strerror or "") from error
    if len(key) != KEY_BYTES:
        raise InstanceKeyError("instance-key-unusable", path=str(path), reason=f"{len(key)} bytes")
    return key


def _create(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails where somebody was quicker; then theirs is the key.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class Seal:
    """Names and seals things under one key; two purposes never share a derived key."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._naming = hmac.digest(key, f"haori name {purpose}".encode(), "sha256")
        self._sealing = hmac.digest(key, f"haori seal {purpose}".encode(), "sha256")

    def name(self, content: bytes) -> str:
        """A name for `content`: the same for the same, and no way back without the key."""
        return hmac.digest(self._naming, content, "sha256").hex()

    def close(self, name: str, content: bytes) -> bytes:
        """`content` sealed (AES-256-GCM) so that it opens under `name` alone."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, content, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under `name`. Raises ValueError where it is anything else."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._sealing).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except InvalidTag as error:
            raise ValueError("not what was sealed") from error
