"""Passwords: kept as argon2id; what Argo CD wrote as bcrypt is verified as it stands and stays so until it is changed.

Both cost tens of milliseconds and argon2id 64 MiB on purpose, so they run in threads, few at a time. An account that is
not there costs as much as one that is.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2
LONGEST = 1024
"""Characters: longer ones are nobody's password, and hashing them costs."""
_BCRYPT = ("$2a$", "$2b$", "$2y$")


class Passwords:
    """Hashes and verifies, a few at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._room = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        """What may be kept of a password."""
        async with self._room:
            return await asyncio.to_thread(hash_password, password)

    async def is_right(self, stored: str, password: str) -> bool:
        """Whether `stored` is of this password; empty, it is of none and costs as much to find out."""
        async with self._room:
            return await asyncio.to_thread(_is_right, stored, password)


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with the parameters of RFC 9106's second choice."""
    return _hasher().hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether `stored` (argon2id, or bcrypt as Argo CD wrote it) is of this password; an unknown form is of none."""
    if len(password) > LONGEST:
        return False
    if stored.startswith(_BCRYPT):
        return _verify_bcrypt(stored, password)
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _is_right(stored: str, password: str) -> bool:
    return verify_password(stored or _of_nobody(), password) and bool(stored)


@lru_cache(maxsize=1)
def _of_nobody() -> str:
    return hash_password(secrets.token_urlsafe())


def _verify_bcrypt(stored: str, password: str) -> bool:
    import bcrypt

    try:
        return bcrypt.checkpw(password.encode(), stored.encode())
    except ValueError:
        # More than 72 bytes, which Go never hashed either, or no bcrypt after all.
        return False


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, profiles

    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
