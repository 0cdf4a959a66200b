"""Random secrets that are given out once, and the hashes by which they are known again.

A secret has 256 bits of its own, so a plain hash keeps it: nothing can be tried out. The prefix says what it is, to the
server and to scanners of repositories that look for secrets.
"""

from __future__ import annotations

import hashlib
import secrets

SESSION_PREFIX = "haori_s_"
TOKEN_PREFIX = "haori_t_"  # noqa: S105
LINK_PREFIX = "haori_l_"


def new_secret(prefix: str) -> str:
    """A secret that nobody can guess."""
    return prefix + secrets.token_urlsafe(32)


def new_id() -> str:
    """A name for what a secret opens."""
    return secrets.token_hex(8)


def hash_secret(secret: str) -> bytes:
    """By which it is kept."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()
